"""One model in all runtimes: loaded side by side, measured in turn."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import bench_venv
import numpy as np

from bench_runtime import conversion
from pi_edge.benchmark import inputs
from pi_edge.errors import PiEdgeError
from pi_edge.model import Model

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
OURS, BARE = "pi-edge", "LiteRT"
# What each name of --peers stands for, by what runner.py calls it: the ending of its files.
PEERS = {
    "tflite-runtime": {"tflite-runtime": ".tflite"},
    "onnxruntime": {"ONNX Runtime": ".onnx"},
    "pytorch": {"PyTorch": ".pt", "ExecuTorch": ".pte"},
}
TOLERANCE = 1e-4
"""Outputs may differ by so much of the largest, or of one where that is more."""


@dataclass
class Row:
    """One runtime on one model. ``problem`` says why it has no figures; the others are in
    milliseconds, bytes and, of each round, nanoseconds."""

    runtime: str
    problem: str = ""
    told: dict[str, Any] = field(default_factory=dict)
    rounds: list[list[int]] = field(default_factory=list)

    def percentile(self, part: float) -> float:
        """Of all rounds' durations, the median of the rounds' own, in microseconds."""
        return median(float(np.percentile(one, part)) for one in self.rounds) / 1e3


def measure(
    file: Path,
    peers: Sequence[str],
    threads: int,
    rounds: int,
    seconds: float,
    say: Callable[[str], None],
) -> list[Row]:
    """Rows of ``file`` in our runtime, through Model and bare, and in those of ``peers``.

    Raises:
        PiEdgeError: a runtime cannot be installed, or ours does not work.
    """
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        model = Model(file)
        arrays, _ = inputs.choose(model.inputs, file.parent)
        np.savez(folder / "inputs.npz", **arrays)  # type: ignore[arg-type]
        expected = _sorted(model.run(arrays).values())
        rows, running = [], []
        for runtime, python, path, problem in _contestants(file, peers, folder, say):
            row = Row(runtime, problem)
            rows.append(row)
            if problem:
                continue
            say(f"  {runtime}")
            process = stack.enter_context(
                _Runner(python, runtime, path, folder / "inputs.npz", threads)
            )
            try:
                row.told = process.told()
                _check(row.told["outputs"], expected)
                running.append((row, process))
            except PiEdgeError as error:
                row.problem = str(error)
        for _ in range(rounds):
            for row, process in running:
                row.rounds.append(process.durations(seconds))
    return rows


def _contestants(
    file: Path, peers: Sequence[str], folder: Path, say: Callable[[str], None]
) -> list[tuple[str, Path, Path, str]]:
    """Of each runtime its name, its Python, its file, and why it cannot have that."""
    found = [(name, Path(sys.executable), file, "") for name in (OURS, BARE)]
    onnx, problem = folder / "model.onnx", ""
    if set(peers) & {"onnxruntime", "pytorch"}:
        try:
            conversion.to_onnx(file, onnx, say)
        except PiEdgeError as error:
            problem = f"cannot be converted: {error}"
    for peer in peers:
        place = bench_venv.CACHE / f"runtime-{peer}"
        python = bench_venv.make(peer, HERE / f"{peer}_requirements.txt", place, say)
        why = problem
        if peer == "pytorch" and not why:
            try:
                conversion.to_torch(python, onnx, folder / "inputs.npz")
            except PiEdgeError as error:
                why = f"cannot be converted: {error}"
        for runtime, ending in PEERS[peer].items():
            path = file if ending == file.suffix else onnx.with_suffix(ending)
            found.append((runtime, python, path, "" if path == file else why))
    return found


class _Runner:
    """A process of runner.py; ended when its context is left."""

    def __init__(self, python: Path, runtime: str, model: Path, arrays: Path, threads: int) -> None:
        # pi-edge is in its own environment alone, so that others cannot mistake it for theirs.
        path = str(ROOT) if runtime == OURS else ""
        self._process = subprocess.Popen(
            [python, HERE / "runner.py", runtime, model, arrays, str(threads)],
            env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": str(threads)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> _Runner:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def told(self) -> dict[str, Any]:
        """What its start took."""
        told: Mapping[str, Any] = self._line()
        return dict(told)

    def durations(self, seconds: float) -> list[int]:
        """Of inferences, one after the other."""
        assert self._process.stdin
        self._process.stdin.write(f"{seconds}\n")
        self._process.stdin.flush()
        durations: list[int] = self._line()
        return durations

    def _line(self) -> Any:
        assert self._process.stdout
        assert self._process.stderr
        line = self._process.stdout.readline()
        if not line:
            said = self._process.stderr.read().strip().splitlines() or ["nothing said"]
            raise PiEdgeError(f"does not work: {said[-1][:200]}")
        return json.loads(line)


def _sorted(outputs: Any) -> list[np.ndarray]:
    """Flat arrays in an order that does not hang on what the outputs are called."""
    return sorted((np.asarray(one, float).ravel() for one in outputs), key=lambda one: one.sum())


def _check(outputs: Sequence[Any], expected: Sequence[np.ndarray]) -> None:
    for ours, theirs in zip(expected, _sorted(outputs), strict=True):
        difference = float(np.abs(ours - theirs).max())
        if difference > TOLERANCE * max(1.0, float(np.abs(ours).max())):
            raise PiEdgeError(f"gives other answers: {difference:.2g} apart")
