"""scripts/deploy to two boards at once."""

from __future__ import annotations

import random
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from board_host import NAMES, Host
from standin import Laptop
from support import ROOT


@pytest.fixture
def both(boards: Path) -> Iterator[list[Host]]:
    """Both boards, as the tests before left them."""
    for bits in NAMES:
        subprocess.run([ROOT / "scripts/emulated-pi", "start", "--bits", str(bits)], check=True)
    yield [Host(bits, name) for bits, name in NAMES.items()]
    for bits in NAMES:
        subprocess.run([ROOT / "scripts/emulated-pi", "stop", "--bits", str(bits)], check=True)


def test_both_are_brought_up_to_date_though_a_third_host_fails(
    both: list[Host], laptop: Laptop
) -> None:
    laptop.change("pi_edge/lamp.py", lambda text: text + f"# {random.random()}\n")
    out = laptop.deploy(*(board.name for board in both), "no-such-host.invalid", code=1)
    lines = out.splitlines()
    for board, line in zip(both, lines[1:], strict=False):
        assert re.match(rf"{board.name} +ok +0\.1\.0-\w+ .* ready after", line), out
        assert board.serves() == "200"
        assert board.current() == line.split()[2]
    assert re.match(r"no-such-host\.invalid +FAILED ", lines[3])
