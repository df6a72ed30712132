"""A fresh clone, with what a reader would have at hand in it, and a daemon beside it."""

from __future__ import annotations

import contextlib
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
READY_SECONDS = 600  # a first set-up fetches packages


class Failed(Exception):
    """The sandbox could not be made; the message is the line to print."""


def origin(folder: Path) -> Path:
    """A repository with the working tree as it is now, committed or not, by the pages' name."""
    target = folder / "REPOSITORY"
    files = _git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    for name in filter(None, files):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    _git(target, "init", "--quiet", "--initial-branch=main")
    _git(target, "add", "--all")
    author = ["-c", "user.name=docs", "-c", "user.email=docs@localhost"]
    _git(target, *author, "commit", "--quiet", "--message", "The working tree")
    return target


def environ(folder: Path) -> dict[str, str]:
    """What commands run with: a home of their own, and the clone's commands."""
    home = folder / "home"
    home.mkdir(exist_ok=True)
    # What the daemon refuses is said in the body of its answer, and curl would be content.
    (folder / ".curlrc").write_text("fail-with-body\nsilent\nshow-error\n")
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PI_EDGE_", "XDG_")) and name not in ("PYTHONPATH", "VIRTUAL_ENV")
    }
    # Keras and Matplotlib keep their files where these say; a reader's are not touched.
    return {
        **kept,
        "HOME": str(home),
        "CURL_HOME": str(folder),
        "PATH": f"{folder / 'pi-edge' / '.venv' / 'bin'}:{os.environ['PATH']}",
        "PI_EDGE_LED": "mock",
        "PI_EDGE_DATA": str(ROOT.parent / "shared" / "data"),
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }


@contextlib.contextmanager
def serving(command: list[str], cwd: Path, env: dict[str, str], port: int) -> Iterator[Path]:
    """Run what ends in a daemon, from the time that it is ready; yields its log."""
    log = cwd / "served.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, cwd=cwd, env=env, stdout=out, stderr=out, start_new_session=True
        )
    try:
        until = time.monotonic() + READY_SECONDS
        while not _is_ready(port):
            if process.poll() is not None:
                raise Failed(f"it ended before it was ready:\n{log.read_text()[-2000:]}")
            if time.monotonic() > until:
                said = log.read_text()[-2000:]
                raise Failed(f"it was not ready after {READY_SECONDS} s:\n{said}")
            time.sleep(0.2)
        yield log
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)  # SIGINT is ignored below a shell's &
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def free_port() -> int:
    """A TCP port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def alone(command: list[str], env: dict[str, str]) -> int:
    """Run a command on a network of its own, where port 8080 is free and nothing else is there."""
    user = [] if os.geteuid() == 0 else ["--map-root-user"]
    shell = 'ip link set lo up && exec "$@"'
    unshare = ["unshare", "--net", *user, "--", "sh", "-c", shell, "sh", *command]
    try:
        process = subprocess.Popen(unshare, env=env)
    except FileNotFoundError:
        raise Failed("unshare and ip are missing: apt install util-linux iproute2") from None
    try:
        return process.wait()
    finally:
        process.terminate()  # which ends tidily, where this was told to stop
        process.wait()


def prepare(clone: Path, env: dict[str, str], slow: bool) -> None:
    """Put what the pages speak of into a clone, nothing else: photos, prices, tables."""
    program = Path(__file__).with_name("reader_files.py")
    python = clone / ".venv" / "bin" / "python"
    command = [python, program, clone, *(["--slow"] if slow else [])]
    made = subprocess.run(command, cwd=clone, env=env, capture_output=True, text=True, timeout=300)
    if made.returncode:
        raise Failed(f"the reader's files could not be made:\n{made.stderr[-2000:]}")


def clean(clone: Path, folder: Path) -> None:
    """Leave nothing of one page to the next, but what was installed."""
    _git(clone, "reset", "--quiet", "--hard")
    _git(clone, "clean", "--quiet", "-fdx", "--exclude=/.venv", "--exclude=*.egg-info")
    shutil.rmtree(folder / "home", ignore_errors=True)
    (folder / "home").mkdir()


def _is_ready(port: int) -> bool:
    asking = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        asking.request("GET", "/v2/health/ready")
        return asking.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        asking.close()


def _git(folder: Path, *arguments: str) -> str:
    try:
        return subprocess.run(
            ["git", "-C", str(folder), *arguments], check=True, capture_output=True, text=True
        ).stdout
    except subprocess.CalledProcessError as error:
        print(error.stderr, file=sys.stderr)
        raise Failed(f"git {arguments[0]} did not work") from error
