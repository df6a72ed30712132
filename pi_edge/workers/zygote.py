"""The process that has NumPy and the runtime imported and forks the workers.

A fork takes milliseconds where a new Python would take seconds on a Pi, and shares the memory of
all that is imported. It stays at one thread, so that forking is safe, and loads no model. Each
order comes with four descriptors: the worker's line, shared memory, the file for its last words,
and a socket on which the daemon is told the worker's process, and how it ended.
(origin.py tells where this process comes from.)
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import socket
import sys
import traceback

from pi_edge import runtime
from pi_edge.processes import ZYGOTE
from pi_edge.workers import worker
from pi_edge.workers.worker import name_process

_PR_SET_PDEATHSIG = 1


def main(control: socket.socket) -> None:
    """Fork a worker for each order until the daemon hangs up; then all of them end."""
    name_process(ZYGOTE)
    runtime.preload()
    woken, waker = socket.socketpair()
    for end in (woken, waker):
        end.setblocking(False)
    signal.set_wakeup_fd(waker.fileno())
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    guards: dict[int, socket.socket] = {}
    while True:
        readable, _, _ = select.select([control, woken], [], [])
        if woken in readable:
            woken.recv(4096)
            _bury(guards)
        if control in readable:
            message, received, _, _ = socket.recv_fds(control, worker.MESSAGE_SIZE, 4)
            if not message:
                return
            guard = socket.socket(fileno=received[3])
            pid = _fork(message, received, [control, woken, waker, *guards.values()])
            for handle in received[:3]:
                os.close(handle)
            guards[pid] = guard
            _tell(guard, pid)


def _fork(message: bytes, received: list[int], own: list[socket.socket]) -> int:
    """The worker's process; does not return in the worker itself."""
    zygote = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    code = 0
    try:
        # Whatever ends the zygote ends its workers, even hung ones.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() == zygote:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for sock in own:
                sock.close()
            os.close(received[3])
            line = socket.socket(fileno=received[0])
            worker.serve(worker.decoded(message), line, received[1], received[2])
    except BaseException:
        traceback.print_exc()
        code = 1
    os._exit(code)  # a model that crashes on its way out has still answered


def _tell(guard: socket.socket, pid: int) -> None:
    try:
        process = os.pidfd_open(pid)
    except OSError:
        return
    try:
        socket.send_fds(guard, [b"%d" % pid], [process])
    except OSError:  # the daemon is not interested any more
        pass
    finally:
        os.close(process)


def _bury(guards: dict[int, socket.socket]) -> None:
    """Tell how the workers that ended did so: by which signal (negative), or exit status."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            return
        guard = guards.pop(pid)
        try:
            guard.send(b"%d" % os.waitstatus_to_exitcode(status))
        except OSError:
            pass
        finally:
            guard.close()


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))
