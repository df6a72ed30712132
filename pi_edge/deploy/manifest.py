"""What a release is made of, on the laptop: files with their hashes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pi_edge import __version__, catalog, files, nearest
from pi_edge.errors import NotFound

ROOT = Path(__file__).resolve().parent.parent.parent

# All that runs on a Pi, tells what does, prepares it or takes pi-edge off it again.
_SHIPPED = (
    *("pi_edge", "models", "systemd", "setup.cfg", "LICENSE", "NOTICE"),
    *("scripts/install-service", "scripts/lib/service.sh"),
)


@dataclass(frozen=True)
class File:
    """One file that travels.

    Attributes:
        path: where it goes, within a release or within a model.
        sha256: hash of its contents, hexadecimal.
        size: bytes.
        source: where it is here.
    """

    path: str
    sha256: str
    size: int
    source: Path


@dataclass(frozen=True)
class Manifest:
    """What is to be on a host.

    Attributes:
        version: pi-edge's.
        setup: contents of setup.cfg, which names the dependencies.
        release: files of the release.
        models: the owner's models by name, with their files.
    """

    version: str
    setup: str
    release: Sequence[File]
    models: dict[str, Sequence[File]]

    def source(self, sha256: str) -> File:
        """A file with these contents."""
        everything = [*self.release, *(file for parts in self.models.values() for file in parts)]
        return next(file for file in everything if file.sha256 == sha256)


def read(state: Path, models: Sequence[str] = (), root: Path = ROOT) -> Manifest:
    """The release in a checkout, and models of the owner's.

    Args:
        state: the owner's state folder; ``models`` are in its folder ``models``.

    Raises:
        NotFound: the checkout is incomplete, or the owner has no such model.
    """
    for needed in ("pi_edge/cli/serve.py", "models", "systemd/pi-edge.service", "setup.cfg"):
        if not (root / needed).exists():
            raise NotFound(f"{root} is no whole checkout of pi-edge: it has no {needed}")
    release = [file for name in _SHIPPED for file in _files(root / name, root)]
    owned = catalog.owned_models(state)
    return Manifest(
        __version__,
        (root / "setup.cfg").read_text(),
        release,
        {name: _model(owned, name, root) for name in models},
    )


def _model(owned: Path, name: str, root: Path) -> Sequence[File]:
    if "/" not in name and not name.startswith(".") and (owned / name).is_dir():
        catalog.read(owned / name)
        return list(_files(owned / name, owned / name))
    if (root / "models" / name).is_dir():
        raise NotFound(f"{name} is shipped with pi-edge: it is deployed without --models")
    entries, _ = catalog.find(owned)
    others = nearest.instead(name, entries, "there are")
    raise NotFound(f"there is no model {name!r} in {owned}{others}")


def _files(path: Path, root: Path) -> Iterator[File]:
    """The files at or below a path, but for what editors, Python and systems leave behind."""
    if path.is_file():
        yield File(path.relative_to(root).as_posix(), files.sha256(path), path.stat().st_size, path)
    elif path.is_dir():
        for entry in sorted(path.iterdir()):
            left_behind = entry.name.startswith(".") or entry.name.endswith(("~", ".pyc"))
            if not left_behind and entry.name != "__pycache__":
                yield from _files(entry, root)
