"""Batches of photos, and `pi-edge stylize` of them."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import PIL.Image
from clusters import running_cluster
from support import ROOT

STYLIZE = (sys.executable, "-m", "pi_edge", "stylize")


def has(models: Path) -> dict[str, str]:
    """The environment of a worker that finds these models."""
    return {"PI_EDGE_MODELS": str(models), "PI_EDGE_STATE": str(models.parent / "state")}


def photos(folder: Path, count: int, side: int = 48) -> Path:
    """A folder of so many photos, each another."""
    folder.mkdir()
    random = np.random.default_rng(5)
    for number in range(count):
        small = random.integers(0, 256, (6, 8, 3), np.uint8)
        photo = PIL.Image.fromarray(small).resize((side * 4 // 3, side))
        photo.save(folder / f"{number:04}.png")
    return folder


def command(models: Path, source: Path, out: Path, *flags: str) -> list[str]:
    own = ["--models", str(models), "--state", str(models.parent / "state"), "--threads", "1"]
    return [*STYLIZE, str(source), "-o", str(out), "--style", "scream", *own, *flags]


def stylize(models: Path, source: Path, out: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(models, source, out, *flags), capture_output=True, text=True, cwd=ROOT
    )


def started(models: Path, source: Path, out: Path, *flags: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command(models, source, out, *flags),
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def done_in(folder: Path) -> int:
    return len([*folder.glob("[!.]*")])


def contents(folder: Path) -> dict[str, bytes]:
    """What a folder holds, unfinished files included."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def complaints(stderr: str) -> list[str]:
    """The lines that are no progress."""
    return [line for line in stderr.splitlines() if not re.match(r"\d+/\d+ ", line)]


def done_though_a_worker_dies(models: Path, folder: Path, count: int, dies_after: int) -> None:
    """Style so many photos on three workers, one of which is killed; every picture is there once,
    and is what this machine makes of the photo."""
    source, out = photos(folder / "in", count), folder / "out"
    assert stylize(models, source, folder / "here").returncode == 0
    with running_cluster(folder / "cluster", 3, environ=has(models)) as running:
        process = started(models, source, out, "--cluster", running.url)
        assert process.stderr
        told = []
        for line in process.stderr:
            told.append(line.rstrip())
            if len(told) == dies_after:
                running.workers[1].kill()
        assert process.wait() == 0
    (complaint,) = complaints("\n".join(told))
    assert re.fullmatch(r"pi-edge: worker tcp://\S+ is gone; others do what it had", complaint)
    names = [line.split()[1] for line in told if line != complaint]
    assert sorted(names) == sorted(str(path) for path in source.iterdir())
    assert contents(out) == contents(folder / "here")
