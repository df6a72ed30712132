"""Where the process that forks the workers (zygote.py) comes from.

The daemon forks it off itself as it starts, while it has one thread: another Python, and NumPy
imported once more, would take seconds on a Pi and megabytes for good. Later, when it was killed and
the daemon has threads, which do not survive a fork, a new Python is started.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from pi_edge.workers import ONE_THREAD, zygote


@dataclass(frozen=True)
class Origin:
    """A process that forks workers.

    Attributes:
        control: what it takes its orders from; it ends, and its workers with it, when this closes.
        wait: returns when the process has ended.
    """

    pid: int
    control: socket.socket
    wait: Callable[[], object]

    def end(self) -> None:
        """End the process and let go of what belongs to it."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        self.wait()
        self.control.close()


def fork() -> Origin | None:
    """A fork of this process; None where it has more threads than this one."""
    if len(list(Path("/proc/self/task").iterdir())) > 1:
        return None
    control, far = _line()
    sys.stdout.flush()
    pid = os.fork()
    if not pid:
        _become_zygote(far)
    far.close()
    return Origin(pid, control, lambda: os.waitpid(pid, 0))


def launch() -> Origin:
    """A Python of its own."""
    control, far = _line()
    with far:
        process = subprocess.Popen(
            [sys.executable, "-m", "pi_edge.workers.zygote", str(far.fileno())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[far.fileno()],
            env={**os.environ, **ONE_THREAD},
            start_new_session=True,  # Ctrl-C is for the daemon to hear
        )
    return Origin(process.pid, control, process.wait)


def _line() -> tuple[socket.socket, socket.socket]:
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def _become_zygote(control: socket.socket) -> NoReturn:
    """In the fork: let go of all that is the daemon's, and do what a Python of its own would."""
    code = 0
    try:
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.dup2(os.open(os.devnull, os.O_RDWR), 0)
        os.dup2(0, 1)
        os.closerange(3, control.fileno())
        os.closerange(control.fileno() + 1, os.sysconf("SC_OPEN_MAX"))
        zygote.main(control)
    except BaseException:
        traceback.print_exc()
        code = 1
    os._exit(code)
