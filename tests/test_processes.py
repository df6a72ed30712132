"""Memory of a process and all below it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from running import wait_until

from pi_edge import processes
from pi_edge.processes import Usage
from pi_edge.tasks.style.worker import Order

# A child that starts a grandchild, which holds memory; both end with their standard input.
GRANDCHILD = "import sys; held = bytearray(b'x' * 50_000_000); print(flush=True); sys.stdin.read()"
CHILD = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {GRANDCHILD!r}])"


@contextmanager
def family() -> Iterator[subprocess.Popen[bytes]]:
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", CHILD], stdin=pipe, stdout=pipe) as child:
        assert child.stdout
        child.stdout.readline()
        yield child


def test_this_process_is_the_daemon() -> None:
    own = processes.usage()["daemon"]
    assert own.count == 1
    assert own.resident >= own.proportional > 1_000_000  # type: ignore[operator]


def test_grandchildren_count_too() -> None:
    before = processes.usage().get("other", Usage(0, 0, 0))
    with family():
        now = processes.usage()["other"]
    assert now.count == before.count + 2
    assert now.proportional - before.proportional > 50_000_000  # type: ignore[operator]


def test_a_process_goes_by_the_module_it_runs() -> None:
    command = Order("folder", "float32", [1.0], "", max_memory=1000, threads=1).command()
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    # It waits for its photo, which does not end before the pipe is closed.
    with subprocess.Popen(command, stdin=subprocess.PIPE, env=environ, stderr=-3):
        wait_until(lambda: "tasks.style.worker" in processes.usage())


def test_what_has_ended_and_was_not_asked_for_is_left_out() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    try:
        stat = Path(f"/proc/{child.pid}/stat")
        wait_until(lambda: stat.read_text().rpartition(")")[2].split()[0] == "Z")
        assert processes.usage(child.pid) == {}
    finally:
        child.wait()


def test_without_proc_nothing_is_told(tmp_path: Path) -> None:
    assert processes.usage(proc=tmp_path / "none") == {}


def fake(proc: Path, pid: int, parent: int, command: str, rollup: str = "") -> None:
    folder = proc / str(pid)
    folder.mkdir(parents=True)
    (folder / "stat").write_text(f"{pid} (a ) b) S {parent} 0 0")
    (folder / "statm").write_text("100 10 5 1 0 1 0")
    (folder / "comm").write_text("python\n")
    (folder / "cmdline").write_bytes(command.replace(" ", "\0").encode())
    if rollup:
        (folder / "smaps_rollup").write_text(rollup)


def test_an_old_kernel_tells_no_proportional_memory(tmp_path: Path) -> None:
    fake(tmp_path, 1, 0, "python")
    fake(tmp_path, 2, 1, "python -m pi_edge.proving", "Rss: 40 kB\nPss: 30 kB\n")
    fake(tmp_path, 3, 2, "python -m pi_edge.proving")
    fake(tmp_path, 4, 7, "python -m pi_edge.other_daemon")
    page = os.sysconf("SC_PAGE_SIZE")
    assert processes.usage(1, tmp_path) == {
        "daemon": Usage(1, 10 * page, None),
        "proving": Usage(2, 20 * page, None),
    }


def test_memory_of_processes_of_one_name_adds_up(tmp_path: Path) -> None:
    fake(tmp_path, 1, 0, "python")
    for pid in (2, 3):
        fake(tmp_path, pid, 1, "python -m pi_edge.proving", "Rss: 40 kB\nPss: 30 kB\n")
    page = os.sysconf("SC_PAGE_SIZE")
    assert processes.usage(1, tmp_path)["proving"] == Usage(2, 20 * page, 60 * 1024)
