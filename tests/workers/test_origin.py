"""Where the process that forks the workers comes from."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from running import DATA, PATIENCE, RunningDaemon, children, wait_until

from pi_edge.workers import origin

# In a Python of its own, as pytest's has threads. Model and what to do come as arguments.
BEGIN = """
import os, sys
os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
import numpy as np
from pi_edge.workers.process import Workshop
from pi_edge.workers.worker import Order
"""


def run(script: str, *arguments: str) -> str:
    command = [sys.executable, "-c", BEGIN + script, *arguments]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def test_workers_of_a_fork_answer() -> None:
    told = run(
        """
workshop = Workshop()
workshop.fork()
assert workshop.pid
worker = workshop.start(Order(sys.argv[1]), 60)
print(worker.run({"x": np.ones((1, 3), np.float32)}, 60)["y"].tolist())
workshop.close()
""",
        str(DATA / "double.tflite"),
    )
    assert told == "[[2.0, 2.0, 2.0]]\n"


def test_the_fork_holds_nothing_that_was_open() -> None:
    told = run("""
import socket, time
listener = socket.create_server(("127.0.0.1", 0), backlog=1000)
place = listener.getsockname()
workshop = Workshop()
workshop.fork()
listener.close()
# The fork lets go as its first deed, which may be a moment after fork() returned here.
for _ in range(600):
    try:
        socket.create_connection(place).close()
    except ConnectionRefusedError:
        print("closed")
        break
    time.sleep(0.1)
workshop.close()
""")
    assert told == "closed\n"


def test_a_process_with_threads_is_not_forked() -> None:
    threading.Thread(target=threading.Event().wait, daemon=True).start()
    assert origin.fork() is None


def test_the_fork_ends_with_the_process_it_was_forked_from() -> None:
    script = "workshop = Workshop(); workshop.fork(); print(workshop.pid, flush=True); input()"
    command = [sys.executable, "-c", BEGIN + script]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as it:
        assert it.stdout
        fork = int(it.stdout.readline())
        handle = os.pidfd_open(fork)
        it.kill()
        it.wait(PATIENCE)
    try:
        wait_until(lambda: _is_gone(handle))
    finally:
        os.close(handle)


def _is_gone(handle: int) -> bool:
    try:
        signal.pidfd_send_signal(handle, 0)
    except ProcessLookupError:
        return True
    return False


def test_the_daemon_forks_it_off_itself(daemon: RunningDaemon) -> None:
    (zygote,) = children(daemon.process.pid)
    commands = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in (zygote, daemon.process.pid)]
    assert commands[0] == commands[1]
