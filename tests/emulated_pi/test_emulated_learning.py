"""A network learns on an emulated Raspberry Pi as it does here."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from pi_daemon import shipped
from raspberry_pi import Pi
from support import ROOT

from pi_edge.learning.graph import TrainingGraph

STEPS = 5
NAMES = ("mnist-linear", "mnist-mlp", "mnist-flux-cnn", "mnist-cnn")

# Steps on the images that a model's check has, and what they came to.
LEARNING = f"""
import json, sys
import numpy as np
from pathlib import Path
from pi_edge.learning.graph import TrainingGraph
folder = Path(sys.argv[1])
graph = TrainingGraph(folder / "train.tflite")
with np.load(folder / "check.npz") as check:
    images = check["inputs/image"]
labels = np.arange(len(images)) % 10
losses = [graph.train({{"image": images}}, labels, 1e-3) for _ in range({STEPS})]
sums = {{name: float(np.abs(value).sum()) for name, value in graph.weights().items()}}
print(json.dumps([losses, sums]))
"""


@pytest.mark.parametrize("name", NAMES)
def test_a_step_comes_to_the_same(pi: Pi, name: str) -> None:
    folder = ROOT / "models" / name
    graph = TrainingGraph(folder / "train.tflite")
    with np.load(folder / "check.npz") as check:
        images = check["inputs/image"]
    labels = np.arange(len(images)) % 10
    expected = [graph.train({"image": images}, labels, 1e-3) for _ in range(STEPS)]
    there = shipped(pi)[name]
    home = Path("models") / there.name
    done = pi.run(".venv/bin/python", "-c", LEARNING, str(home))
    assert done.returncode == 0, done.stderr
    losses, sums = json.loads(done.stdout.splitlines()[-1])
    np.testing.assert_allclose(losses, expected, rtol=2e-3, atol=1e-3)
    for key, value in graph.weights().items():
        assert sums[key] == pytest.approx(float(np.abs(value).sum()), rel=1e-3)


def test_a_model_learns_by_the_command(pi: Pi, bars: Path) -> None:
    data = pi.tree / "home/pi/bars.npz"
    data.write_bytes(bars.read_bytes())
    command = (".venv/bin/pi-edge", "learn", "mnist-mlp", "--data", "/home/pi/bars.npz")
    done = pi.run(*command, "--from", "scratch", "--epochs", "8", "--name", "bars")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "accuracy on 100 held back: 0.9" in done.stdout
    done = pi.run(".venv/bin/pi-edge", "models", "verify", "bars")
    assert done.returncode == 0, done.stdout + done.stderr
    pi.run(".venv/bin/pi-edge", "models", "remove", "bars")
