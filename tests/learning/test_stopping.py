"""Signals that end a loop, in a process of its own."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from support import ROOT

from pi_edge.learning import stopping

SIGNALS = [signal.SIGTERM, signal.SIGINT]

# Ends its loop at the next step; or, where it is given "stuck", is in a step that does not end.
LEARNER = """
import signal, sys, time
from pi_edge.learning import stopping
with stopping.listening() as stop:
    print("begun", flush=True)
    while not stop:
        time.sleep(0.001)
    print("heard", flush=True)
    if "stuck" in sys.argv:
        time.sleep(120)
    print("kept", flush=True)
sys.exit(stop.status)
"""


@contextmanager
def running(*arguments: str, code: str = LEARNER) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    try:
        assert line(process) == "begun"
        yield process
    finally:
        process.kill()
        process.communicate()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_ends_the_loop_at_its_next_step(number: signal.Signals) -> None:
    with running() as process:
        process.send_signal(number)
        assert [line(process), line(process)] == ["heard", "kept"]
        assert process.wait(30) == 128 + number


@pytest.mark.parametrize("first", SIGNALS)
@pytest.mark.parametrize("second", SIGNALS)
def test_a_second_signal_ends_the_process_at_once(
    first: signal.Signals, second: signal.Signals
) -> None:
    with running("stuck") as process:
        process.send_signal(first)
        assert line(process) == "heard"
        process.send_signal(second)
        assert process.wait(30) == -second
        assert line(process) == ""


def test_a_signal_that_is_ignored_stays_ignored() -> None:
    ignoring = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n" + LEARNER
    with running(code=ignoring) as process:
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        assert [line(process), line(process)] == ["heard", "kept"]
        assert process.wait(30) == 128 + signal.SIGTERM


def test_afterwards_signals_do_what_they_did_before() -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    with stopping.listening() as stop:
        assert [signal.getsignal(number) for number in SIGNALS] != before
    assert [signal.getsignal(number) for number in SIGNALS] == before
    assert not stop
    assert stop.status == 0


def test_in_another_thread_it_never_stops_and_changes_nothing() -> None:
    seen: list[object] = []

    def run() -> None:
        with stopping.listening() as stop:
            seen.extend([bool(stop), signal.getsignal(signal.SIGTERM)])

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [False, before]
