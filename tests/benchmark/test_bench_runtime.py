"""The parts of scripts/bench-runtime that need no other runtime."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support import ROOT

from pi_edge.errors import PiEdgeError

sys.path.insert(0, str(ROOT / "scripts"))

from bench_runtime import contest
from bench_runtime.contest import Row


def test_ours_is_measured_bare_and_through_model(shipped_models: Path) -> None:
    file = shipped_models / "stocks/float32.tflite"
    rows = contest.measure(file, [], threads=1, rounds=2, seconds=0.02, say=lambda _: None)
    assert [(row.runtime, row.problem) for row in rows] == [("pi-edge", ""), ("LiteRT", "")]
    for row in rows:
        assert len(row.rounds) == 2
        assert 0 < row.percentile(50) <= row.percentile(99)
        assert row.told["bytes"] > 1_000_000


def test_percentiles_are_the_median_of_the_rounds_own() -> None:
    row = Row("a runtime", rounds=[[1000], [2000, 2000, 2000, 2000], [9000]])
    assert row.percentile(50) == 2.0


def test_other_answers_are_told() -> None:
    expected = [np.array([0.25, 0.75])]
    contest._check([[0.25, 0.75 + 1e-6]], expected)
    with pytest.raises(PiEdgeError, match=r"gives other answers: 0\.1 apart"):
        contest._check([[0.25, 0.85]], expected)


def test_outputs_may_come_in_another_order() -> None:
    contest._check([[3.0, 4.0], [1.0, 2.0]], [np.array([1.0, 2.0]), np.array([3.0, 4.0])])


def test_a_runtime_that_fails_is_quoted(tmp_path: Path, shipped_models: Path) -> None:
    np.savez(tmp_path / "inputs.npz", x=np.zeros((1, 1), np.float32))
    damaged = tmp_path / "model.tflite"
    damaged.write_bytes(b"no model")
    with (
        contest._Runner(Path(sys.executable), "LiteRT", damaged, tmp_path / "inputs.npz", 1) as one,
        pytest.raises(PiEdgeError, match="does not work: ValueError"),
    ):
        one.told()


def test_an_unknown_runtime_is_wrong_usage() -> None:
    command = [ROOT / "scripts/bench-runtime", "--peers", "nobody"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert "--peers knows tflite-runtime, onnxruntime, pytorch, not 'nobody'" in done.stderr
