"""Which photos go where: files, folders, standard input and output."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pi_edge.errors import BadInput, NotFound, WrongUsage
from pi_edge.tasks.style import photo

STREAM = "-"

VIDEO_ENDINGS = (".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v")


@dataclass(frozen=True)
class Job:
    """One photo or video: where it comes from and goes to; STREAM for a standard stream."""

    source: str
    target: str

    @property
    def ending(self) -> str:
        """The ending that tells the format to write, lower case."""
        return ".jpg" if self.target == STREAM else Path(self.target).suffix.lower()

    @property
    def is_video(self) -> bool:
        """Whether it is a video, by its ending."""
        return self.source != STREAM and Path(self.source).suffix.lower() in VIDEO_ENDINGS


def plan(sources: Sequence[str], output: str) -> list[Job]:
    """What is to be done for these arguments.

    Args:
        sources: files, folders (their pictures, not those in folders inside), STREAM.
        output: a file for a single one, a folder for several, or STREAM.

    Raises:
        NotFound: a source does not exist.
        BadInput: a folder holds no pictures, or nothing is written with this ending.
        WrongUsage: several photos would go into one file.
    """
    found: list[str] = []
    for source in sources:
        found += _inside(Path(source)) if source != STREAM and Path(source).is_dir() else [source]
        if source != STREAM and not Path(source).exists():
            raise NotFound(f"there is no file {source}")
    into_folder = len(sources) > 1 or Path(sources[0]).is_dir() or Path(output).is_dir()
    if not into_folder or output == STREAM:
        if len(found) > 1:
            raise WrongUsage("several photos need a folder to go to: -o FOLDER")
        jobs = [Job(found[0], output)]
    else:
        if Path(output).is_file():
            raise WrongUsage(f"{output} is a file: several photos need a folder to go to")
        names = ["styled.jpg" if name == STREAM else Path(name).name for name in found]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise WrongUsage(f"two of the photos are called {twice}: style them separately")
        jobs = [
            Job(name, str(Path(output) / called)) for name, called in zip(found, names, strict=True)
        ]
    for job in jobs:
        _check(job)
    return jobs


def _inside(folder: Path) -> list[str]:
    inside = sorted(p for p in folder.iterdir() if p.suffix.lower() in photo.ENDINGS)
    if not inside:
        raise BadInput(f"there are no pictures in {folder}")
    return [str(path) for path in inside]


def _check(job: Job) -> None:
    allowed = VIDEO_ENDINGS if job.is_video else photo.ENDINGS
    if job.ending not in allowed:
        what = "videos" if job.is_video else "pictures"
        raise BadInput(f"{job.target}: {what} are written as {', '.join(allowed)}")
    if job.target != STREAM and job.source != STREAM:
        target = Path(job.target)
        if target.exists() and target.samefile(job.source):
            raise BadInput(f"{job.target} would overwrite the photo itself: name another file")
