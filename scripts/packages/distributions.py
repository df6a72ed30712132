"""sdist and wheel, by the pinned tools of tools.txt; the same bytes each time."""

from __future__ import annotations

import gzip
import io
import shutil
import sys
import tarfile
from pathlib import Path

from packages import source

TOOLS = Path(__file__).with_name("tools.txt")


def build(dist: Path = source.DIST) -> list[Path]:
    """Build both into a folder. Returns their paths, the sdist first.

    Raises:
        Failed: it cannot; the message says what to do.
    """
    work, log = source.BUILD / "distributions", source.BUILD / "distributions.log"
    shutil.rmtree(work, ignore_errors=True)
    log.unlink(missing_ok=True)
    python = _tools(log)
    source.export(work / "source")
    built = work / "dist"
    source.say(f"building sdist and wheel of {source.version()}")
    # The wheel is built from the sdist, which so is known to have all that it takes.
    command: list[str | Path] = [
        python,
        "-m",
        "build",
        "--no-isolation",
        "--outdir",
        built,
        work / "source",
    ]
    source.run(command, log)
    sdist, wheel = next(built.glob("*.tar.gz")), next(built.glob("*.whl"))
    _normalise(sdist)
    dist.mkdir(parents=True, exist_ok=True)
    return [Path(shutil.move(path, dist / path.name)) for path in (sdist, wheel)]


def _tools(log: Path) -> Path:
    """The Python of an environment that has the tools."""
    folder = source.BUILD / "tools"
    python, stamp = folder / "bin" / "python", folder / "tools.txt"
    if not (stamp.exists() and stamp.read_bytes() == TOOLS.read_bytes()):
        source.say("installing what builds sdist and wheel")
        shutil.rmtree(folder, ignore_errors=True)
        source.run([sys.executable, "-m", "venv", folder], log)
        options = ("--no-deps", "--require-hashes", "--only-binary=:all:")
        source.run([python, "-m", "pip", "install", *options, "-r", TOOLS], log)
        shutil.copy(TOOLS, stamp)
    return python


def _normalise(sdist: Path) -> None:
    """Pack an sdist again without who built it when, in the order of names."""
    with tarfile.open(sdist) as packed:
        members = sorted(packed.getmembers(), key=lambda member: member.name)
        contents = {member.name: packed.extractfile(member) for member in members}
        plain = io.BytesIO()
        with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as again:
            for member in members:
                member.uid = member.gid = 0
                member.uname = member.gname = "root"
                member.mtime, member.pax_headers = source.epoch(), {}
                executable = member.isdir() or member.mode & 0o100
                member.mode = 0o755 if executable else 0o644
                again.addfile(member, contents[member.name])
    with sdist.open("wb") as file, gzip.GzipFile("", "wb", 9, file, source.epoch()) as compressed:
        compressed.write(plain.getvalue())
