"""Whole emulated boards, and pi-edge deployed to them as a user does. scripts/test-deploy runs
this; scripts/test does not, for it takes long."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import ROOT, missing

# The laptop's end is the same as for the stand-in.
sys.path.append(str(ROOT / "tests" / "deploy"))

from board_host import NAMES, Host
from standin import Laptop


@pytest.fixture(scope="session")
def boards(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of this session's boards."""
    if not shutil.which("qemu-system-aarch64"):
        missing("no qemu-system-aarch64: apt install qemu-system-arm")
    folder = tmp_path_factory.mktemp("boards")
    before = os.environ.get("PI_EDGE_BOARDS")
    os.environ["PI_EDGE_BOARDS"] = str(folder)
    yield folder
    os.environ.pop("PI_EDGE_BOARDS")
    if before is not None:
        os.environ["PI_EDGE_BOARDS"] = before


@pytest.fixture(scope="session")
def laptop(boards: Path, tmp_path_factory: pytest.TempPathFactory) -> Laptop:
    """A checkout to deploy from."""
    return Laptop(tmp_path_factory.mktemp("laptop"), boards)


@pytest.fixture(scope="session", params=[64, 32], ids=lambda bits: f"{bits}bit")
def board(request: pytest.FixtureRequest, boards: Path) -> Iterator[Host]:
    """A board as it comes: nothing on it but its system. One is on at a time."""
    bits: int = request.param
    subprocess.run([ROOT / "scripts/emulated-pi", "start", "--bits", str(bits)], check=True)
    yield Host(bits, NAMES[bits])
    subprocess.run([ROOT / "scripts/emulated-pi", "stop", "--bits", str(bits)], check=True)


@pytest.fixture(scope="session")
def deployed(board: Host, laptop: Laptop) -> Host:
    """A board with pi-edge on it: the 64-bit one was brought everything, the 32-bit one took it
    from package indexes itself."""
    laptop.deploy(board.name, *(["--offline"] if board.bits == 64 else []))
    return board
