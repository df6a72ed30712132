"""A folder that files are put into, and which of them are to be done next.

It is looked through every LOOK_SECONDS, as the models folders are: that works on every file system,
a share on another machine included, and needs nothing installed. A file is complete when two looks
found it the same. What was done is told by the results' names alone, so that it is known after a
restart, and that removing a result has it made again.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Collection
from pathlib import Path

LOOK_SECONDS = 1.0

_Sight = tuple[int, ...]


class Folder:
    """The files in ``source`` that end in one of ``endings`` and have no result in ``target``.

    Args:
        endings: in lower case, with the dot.
        result: from a file's name to that of its result.
    """

    def __init__(
        self, source: Path, target: Path, endings: Collection[str], result: Callable[[str], str]
    ) -> None:
        self._source, self._target = source, target
        self._endings, self._result = endings, result
        self._before: dict[str, _Sight] = {}
        self._broken: dict[str, _Sight] = {}

    def look(self) -> list[Path]:
        """Files that are complete and not done, the oldest first.

        Raises:
            OSError: the folder cannot be looked through.
        """
        done = self._results()
        seen: dict[str, _Sight] = {}
        with os.scandir(self._source) as entries:
            for entry in entries:
                name = entry.name
                if name.startswith(".") or os.path.splitext(name)[1].lower() not in self._endings:  # noqa: PTH122 (a path for each name takes six times as long)
                    continue
                if self._result(name) not in done and (sight := _sight(entry)):
                    seen[name] = sight
        ready = [
            name
            for name, sight in seen.items()
            if self._before.get(name) == sight and self._broken.get(name) != sight
        ]
        self._before = seen
        self._broken = {name: sight for name, sight in self._broken.items() if name in seen}
        return [self._source / name for name in sorted(ready, key=lambda name: seen[name])]

    def pass_over(self, path: Path) -> None:
        """A file found by the last look is broken: leave it alone until it changes."""
        self._broken[path.name] = self._before[path.name]

    def target(self, path: Path) -> Path:
        """Where a file's result goes."""
        return self._target / self._result(path.name)

    def _results(self) -> set[str]:
        try:
            return set(os.listdir(self._target))  # noqa: PTH208
        except FileNotFoundError:
            return set()


def _sight(entry: os.DirEntry[str]) -> _Sight | None:
    """What changes when a file does, its time first; None for what is no file or is gone."""
    try:
        found = entry.stat()  # of what a link leads to
    except OSError:
        return None
    if not stat.S_ISREG(found.st_mode):
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino, found.st_ctime_ns
