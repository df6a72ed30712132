"""The checkout as it is built from: which files, which version, which date.

Nothing here depends on when or where it is built: files carry the date of the last commit (or
SOURCE_DATE_EPOCH, https://reproducible-builds.org/specs/source-date-epoch/) and plain modes.
"""

from __future__ import annotations

import configparser
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / "build"
DIST = ROOT / "dist"


class Failed(Exception):
    """It did not work. The message is one line that says what to do."""


@cache
def version() -> str:
    """pi-edge's version, as setup.cfg has it."""
    settings = configparser.ConfigParser(interpolation=None)
    settings.read(ROOT / "setup.cfg")
    return settings["metadata"]["version"]


@cache
def epoch() -> int:
    """Seconds since 1970 that everything built is dated with.

    Raises:
        Failed: neither git nor SOURCE_DATE_EPOCH tells.
    """
    if given := os.environ.get("SOURCE_DATE_EPOCH"):
        return int(given)
    try:
        return int(_git("log", "-1", "--format=%ct"))
    except (OSError, subprocess.CalledProcessError, ValueError) as error:
        raise Failed(
            "this is no checkout with commits: say what date to build with, in seconds since 1970:"
            " SOURCE_DATE_EPOCH=$(date +%s) and the same command"
        ) from error


def environment() -> Mapping[str, str]:
    """The environment that builds run in: the same language, time zone and date everywhere."""
    return {
        **{key: value for key, value in os.environ.items() if not key.startswith(("LC_", "DEB_"))},
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "SOURCE_DATE_EPOCH": str(epoch()),
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def export(folder: Path) -> None:
    """Copy what git tracks, or would with the next commit, into a new folder."""
    shutil.rmtree(folder, ignore_errors=True)
    for name in filter(None, _git("ls-files", "-zco", "--exclude-standard").split("\0")):
        if (ROOT / name).is_file():  # not what was deleted and not yet committed
            copy = folder / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, copy)
            copy.chmod(0o755 if os.access(ROOT / name, os.X_OK) else 0o644)
    date(folder)


def date(folder: Path) -> None:
    """Give a folder, and all that is in it, the date of the build."""
    for path in [*folder.rglob("*"), folder]:
        os.utime(path, (epoch(), epoch()), follow_symlinks=False)


def run(command: Sequence[str | Path], log: Path, cwd: Path = ROOT, **environ: str) -> None:
    """Run a command with its output in ``log``.

    Raises:
        Failed: it failed; the log's end has been shown.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        done = subprocess.run(
            command,
            cwd=cwd,
            env={**environment(), **environ},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode:
        for line in log.read_text(errors="replace").splitlines()[-15:]:
            say(f"  {line}")
        raise Failed(f"{Path(command[0]).name} failed; all that was said is in {log}")


def need(commands: Mapping[str, str]) -> None:
    """See to it that commands are there: root gets what brings them installed.

    Args:
        commands: the Debian package that brings it, for each command.

    Raises:
        Failed: some are not there; which, has been shown.
    """
    pairs = [f"{package}:{command}" for command, package in commands.items()]
    script = f'. "{ROOT}/scripts/lib/debian.sh"; debian_packages "$@"'
    if subprocess.run(["sh", "-c", script, "need", *pairs], check=False).returncode:
        raise Failed("nothing was built: see above")


def exit_status(name: str, main: Callable[[], int]) -> int:
    """What ``main`` returns; 1 and one line where it failed."""
    try:
        return main()
    except Failed as failure:
        say(f"{name}: {failure}")
        return 1


def say(text: str) -> None:
    """Tell whoever waits, on stderr."""
    print(text, file=sys.stderr, flush=True)


def _git(*arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
