"""How benchmarks end."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator

import pytest
from support import ROOT

sys.path.append(str(ROOT / "scripts"))

from bench_ending import exit_status

from pi_edge.errors import Unavailable


@pytest.fixture(autouse=True)
def sigterm() -> Iterator[None]:
    """As it was, afterwards."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def raising(error: BaseException) -> Callable[[], int]:
    def main() -> int:
        raise error

    return main


def terminated() -> int:
    os.kill(os.getpid(), signal.SIGTERM)
    signal.pause()
    return 0


@pytest.mark.parametrize(
    ("main", "status", "said"),
    [
        (lambda: 3, 3, ""),
        (raising(Unavailable("no wrk here")), 1, "bench-x: no wrk here\n"),
        (raising(FileNotFoundError(2, "Not there", "/nope")), 1, "bench-x: /nope: Not there\n"),
        (raising(OSError("odd")), 1, "bench-x: odd\n"),
        (raising(KeyboardInterrupt()), 130, "bench-x: stopped\n"),
        (terminated, 130, "bench-x: stopped\n"),
    ],
)
def test_each_end_has_its_exit_status_and_at_most_one_line(
    main: Callable[[], int], status: int, said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert exit_status("bench-x", main) == status
    assert capfd.readouterr().err == said
