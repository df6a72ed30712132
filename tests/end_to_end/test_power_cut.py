"""Power cuts, on a file system of its own: what a disk holds at any moment is what a daemon may
find at the next start."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from running import DATA, PATIENCE, running_daemon, wait_until
from support import ROOT, missing

from pi_edge import files

CHANGING = """
import itertools, sys
from pathlib import Path
from pi_edge import adding, files
from pi_edge.ledger import Ledger
adding._try = lambda models: None  # the trial takes long and changes nothing
state, source = Path(sys.argv[1]), Path(sys.argv[2])
ledger = Ledger(state)
for number in itertools.count():
    for name in ("double", "triple"):
        adding.add(source / name / "times.tflite", state / "models")
        ledger.judge(str(number % 50), name)
        ledger.add({("times", "default"): (1, 0)})
        (state / "begun").touch()
"""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """An image with a file system, mounted at "mounted" beside it."""
    if os.geteuid() != 0 or not shutil.which("mke2fs"):
        missing("mounting an image needs root and e2fsprogs")
    image, mounted = tmp_path / "disk.img", tmp_path / "mounted"
    subprocess.run(["mke2fs", "-q", "-t", "ext4", image, "64M"], check=True)
    with mount(image, mounted):
        yield image


@contextlib.contextmanager
def mount(image: Path, folder: Path) -> Iterator[None]:
    folder.mkdir(exist_ok=True)
    subprocess.run(["mount", "-o", "loop", image, folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def test_after_a_power_cut_the_old_model_serves_or_the_new_one(disk: Path, tmp_path: Path) -> None:
    """The image is copied while models are replaced and verdicts written: the copy holds what had
    reached the disk, and nothing that was still in memory."""
    for name in ("double", "triple"):
        (tmp_path / name).mkdir()
        shutil.copy(DATA / f"{name}.tflite", tmp_path / name / "times.tflite")
    state = tmp_path / "mounted" / "state"
    (state / "models").mkdir(parents=True)
    command = [sys.executable, "-c", CHANGING, str(state), str(tmp_path)]
    changing = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)})
    cuts = [tmp_path / f"cut{number}.img" for number in range(8)]
    try:
        wait_until(lambda: (state / "begun").exists())
        os.sync()
        moment = random.Random(11)
        for cut in cuts:
            time.sleep(moment.uniform(0.05, 0.5))
            assert changing.poll() is None
            changing.send_signal(signal.SIGSTOP)  # so that the copy is of one instant
            copy_of_one_instant(disk, cut)
            changing.send_signal(signal.SIGCONT)
    finally:
        changing.kill()
        changing.wait(PATIENCE)
    for cut in cuts:
        look_after(cut, tmp_path)
        cut.unlink()


def copy_of_one_instant(disk: Path, cut: Path) -> None:
    """The kernel may write while the disk is copied: until two copies are the same."""
    before = ""
    while True:
        shutil.copyfile(disk, cut)
        if (now := files.sha256(cut)) == before:
            return
        before = now


def look_after(cut: Path, folder: Path) -> None:
    """Start a daemon on what was on the disk."""
    none = folder / "none"
    none.mkdir(exist_ok=True)
    with mount(cut, folder / "after"):
        state = folder / "after" / "state"
        with running_daemon(state, "--models", str(none)) as daemon:
            y = daemon.infer("times", x=[1, 2, 3])["y"]
            assert y in ([2, 4, 6], [3, 6, 9])
            assert daemon.status()["state"] == "ready"
        with contextlib.closing(sqlite3.connect(state / "pi-edge.db")) as ledger:
            assert ledger.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert not (state / "pi-edge.damaged").exists()
