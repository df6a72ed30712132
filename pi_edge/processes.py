"""Memory of this process and of all it started, as Linux tells it (proc(5)).

Resident memory counts what processes share once for each; proportional memory divides it among
those who share it, so that a sum of it is what is really used.
"""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
ZYGOTE = "zygote"
"""What the process that forks workers is called in lists of processes."""
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Usage:
    """Processes of one name: how many, and their memory in bytes, summed up. ``proportional`` is
    None where the kernel does not tell it."""

    count: int
    resident: int
    proportional: int | None

    def __add__(self, other: Usage) -> Usage:
        both = None
        if self.proportional is not None and other.proportional is not None:
            both = self.proportional + other.proportional
        return Usage(self.count + other.count, self.resident + other.resident, both)


def memory() -> int:
    """This machine's memory in bytes."""
    return _PAGE * os.sysconf("SC_PHYS_PAGES")


def peak_bytes() -> int:
    """Return the largest resident memory this process ever had, in bytes.

    Linux's VmHWM starts anew with each program; getrusage, the fallback, remembers the
    parent's size across fork and exec.
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def usage(pid: int | None = None, proc: Path = PROC) -> dict[str, Usage]:
    """Memory of process ``pid`` (this one where None), as "daemon", and of those below it, named
    by the module they run ("tasks.style.worker" for pi_edge.tasks.style.worker; "other"); those
    that run a model together as "models"."""
    top = os.getpid() if pid is None else pid
    result: dict[str, Usage] = {}
    if not proc.is_dir():  # not Linux
        return result
    for one in _family(top, proc):
        try:
            name = "daemon" if one == top else _name(proc / str(one))
            found = _usage(proc / str(one))
        except (OSError, IndexError, ValueError):  # it has ended meanwhile
            continue
        if found.resident:  # else it has ended, and nobody has asked how
            result[name] = result[name] + found if name in result else found
    return result


def _family(top: int, proc: Path) -> Iterator[int]:
    """``top`` and all processes below it."""
    children: dict[int, list[int]] = {}
    for folder in proc.iterdir():
        if folder.name.isdigit():
            try:
                stat = (folder / "stat").read_text()
            except OSError:
                continue
            # The command stands in brackets and may hold anything; then state and parent.
            parent = int(stat[stat.rindex(")") + 2 :].split()[1])
            children.setdefault(parent, []).append(int(folder.name))
    waiting = [top]
    while waiting:
        one = waiting.pop()
        yield one
        waiting.extend(children.get(one, []))


def _name(folder: Path) -> str:
    # Forks keep the command line of what they were forked from, but say themselves what they do.
    called = (folder / "comm").read_text().strip()
    if called.startswith(("model ", "trial ")):
        return "models"
    if called == ZYGOTE:
        return "workers.zygote"
    words = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
    module = words[words.index("-m") + 1] if "-m" in words[:-1] else ""
    return module.removeprefix("pi_edge.") if module.startswith("pi_edge.") else "other"


def _usage(folder: Path) -> Usage:
    resident = int((folder / "statm").read_text().split()[1]) * _PAGE
    try:
        lines = (folder / "smaps_rollup").read_text().splitlines()
    except OSError:
        return Usage(1, resident, None)
    kibibytes = next((line.split()[1] for line in lines if line.startswith("Pss:")), None)
    return Usage(1, resident, None if kibibytes is None else int(kibibytes) * 1024)
