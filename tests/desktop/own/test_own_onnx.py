"""An ONNX file, through onnx2tf."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import ROOT

from pi_edge.cli import main
from pi_edge.model import Model
from pi_edge.verification import verify_files

ONNX = ROOT / "tests" / "data" / "pictures.onnx"


def test_an_onnx_file_computes_the_same_with_channels_last(
    tensorflow: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = np.random.default_rng(0).normal(0, 1, (20, 16, 12, 3)).astype(np.float32)
    np.savez(tmp_path / "x.npz", image=images)
    words = ["--calibration", str(tmp_path / "x.npz"), "--output", str(tmp_path)]
    assert main(["convert", str(ONNX), "--name", "pictures", *words]) == 0
    assert "channels come last now (NHWC)" in capsys.readouterr().out
    told = json.loads((tmp_path / "pictures" / "model.json").read_bytes())
    assert told["variants"]["float32"]["largest_difference"] < 1e-5
    assert told["converted"]["converter"].startswith("onnx2tf==")
    assert verify_files(tmp_path / "pictures") == []
    model = Model(tmp_path / "pictures" / "float32.tflite")
    assert [(s.name, s.shape) for s in model.inputs] == [("image", (-1, 16, 12, 3))]
    assert [(s.name, s.shape) for s in model.outputs] == [("scores", (-1, 5))]


def test_a_damaged_onnx_file(tensorflow: Any, fails: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "bad.onnx").write_text("no network")
    assert "is no ONNX file, or a damaged one" in fails(tmp_path / "bad.onnx")
