"""scripts/emulated-pi led, on the real registers of an emulator that runs no system."""

from __future__ import annotations

import os
import pty
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import ROOT, missing

sys.path.append(str(ROOT / "scripts"))

from emulated_pi.monitor import Monitor
from quiet_board import QuietBoard
from running import wait_until

from pi_edge.errors import Unavailable

LED = [ROOT / "scripts/emulated-pi", "led"]


@pytest.fixture
def quiet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[QuietBoard]:
    """A board whose pins the test drives."""
    if not shutil.which("qemu-system-aarch64"):
        missing("no qemu-system-aarch64: apt install qemu-system-arm")
    monkeypatch.setenv("PI_EDGE_BOARDS", str(tmp_path))
    board = QuietBoard(tmp_path)
    yield board
    board.end()


def test_each_change_is_a_line_with_its_time_when_nobody_watches(quiet: QuietBoard) -> None:
    with subprocess.Popen(LED, stdout=subprocess.PIPE, text=True) as led:
        assert led.stdout
        lines = []
        for high in (False, True, False):
            quiet.drive(17, high)
            lines.append(led.stdout.readline().split())
        led.send_signal(signal.SIGINT)
        assert led.wait() == 0
    assert [line[1:3] for line in lines] == [["s", "off"], ["s", "on"], ["s", "off"]]
    times = [float(line[0]) for line in lines]
    assert times == sorted(times)


def test_another_pin_can_be_followed(quiet: QuietBoard) -> None:
    quiet.drive(27, True)
    command = [*LED, "--pin", "27", "--seconds", "0"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert re.fullmatch(r" +0\.\d{3} s  on   on\n", done.stdout)


def test_a_terminal_shows_a_lamp_and_words(quiet: QuietBoard) -> None:
    quiet.drive(17, True)
    ours, theirs = pty.openpty()
    environ = {**os.environ, "TERM": "xterm", "LC_ALL": "C.UTF-8", "NO_COLOR": "1"}
    with subprocess.Popen(LED, stdout=theirs, env=environ) as led:
        shown = ""
        while "steady on" not in shown:
            shown += os.read(ours, 1000).decode()
        quiet.drive(17, False)
        while "○ GPIO17  off" not in shown:
            shown += os.read(ours, 1000).decode()
        led.send_signal(signal.SIGINT)
        assert led.wait() == 0
    os.close(theirs)
    os.close(ours)
    assert "● GPIO17  on\r" in shown
    assert "\n" not in shown  # one line, drawn again in place


def test_the_end_of_the_board_is_told(quiet: QuietBoard) -> None:
    with subprocess.Popen(LED, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as led:
        assert led.stdout
        assert led.stderr
        led.stdout.readline()
        quiet.end()
        assert led.stderr.read().startswith("emulated-pi: the board's QEMU ")
        assert led.wait() == 1


def test_who_stops_reading_gets_no_complaint(quiet: QuietBoard) -> None:
    with subprocess.Popen(LED, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as led:
        assert led.stdout
        assert led.stderr
        led.stdout.readline()
        led.stdout.close()
        quiet.drive(17, True)
        assert led.stderr.read() == ""
        assert led.wait() == 0


def opens(sockets: list[Path]) -> bool:
    """Whether one more can watch now."""
    try:
        Monitor(sockets).close()
    except Unavailable:
        return False
    return True


def test_more_watchers_than_monitors_are_turned_away(quiet: QuietBoard) -> None:
    sockets = [quiet.folder / f"monitor.{number}" for number in range(4)]
    watchers = [Monitor(sockets) for _ in sockets]
    with pytest.raises(Unavailable, match="others watch it"):
        Monitor(sockets)
    watchers[1].close()
    wait_until(lambda: opens(sockets))  # a busy QEMU notices late that one is free again
    for watcher in watchers:
        watcher.close()


def test_a_board_that_is_off_has_no_lamp(tmp_path: Path) -> None:
    environ = {**os.environ, "PI_EDGE_BOARDS": str(tmp_path)}
    done = subprocess.run(LED, env=environ, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "emulated-pi: emulated-pi is off: scripts/emulated-pi start\n"
