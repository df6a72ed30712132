"""A network learns on an emulated Raspberry Pi as it does here."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pi_daemon import shipped
from raspberry_pi import Pi
from support import ROOT

from pi_edge.learning.graph import TrainingGraph

STEPS = 2  # the second goes by what the optimizer remembers of the first
NAMES = ("mnist-linear", "mnist-mlp", "mnist-flux-cnn", "mnist-cnn")

STOCKS = ("stocks", "stocks-levels")

# Steps on made-up numbers between 0 and 1, and what they came to.
ON_PRICES = f"""
import json, sys
import numpy as np
from pathlib import Path
from pi_edge.learning.graph import TrainingGraph
graph = TrainingGraph(Path(sys.argv[1]) / "train.tflite")
random = np.random.default_rng(0)
seen = random.random((graph.batch, int(sys.argv[2]))).astype(np.float32)
came = random.random((graph.batch, int(sys.argv[3]))).astype(np.float32)
losses = [graph.train({{"seen": seen}}, came, 1e-3) for _ in range({STEPS})]
sums = {{name: float(np.abs(value).sum()) for name, value in graph.weights().items()}}
print(json.dumps([losses, sums]))
"""

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


@pytest.mark.parametrize("name", STOCKS)
def test_a_step_on_prices_comes_to_the_same(pi: Pi, name: str) -> None:
    told = json.loads((ROOT / "models" / name / "model.json").read_text())["training"]["weights"]
    inputs = told["dense1_kernel"]["shape"][0]
    layers = sum(key.startswith("dense") for key in told) // 2
    outputs = told[f"dense{layers}_bias"]["shape"][0]
    sizes = (str(inputs), str(outputs))
    here = subprocess.run(
        [sys.executable, "-c", ON_PRICES, str(ROOT / "models" / name), *sizes],
        capture_output=True, text=True, check=True, cwd=ROOT,
    )  # fmt: skip
    home = Path("models") / shipped(pi)[name].name
    done = pi.run(".venv/bin/python", "-c", ON_PRICES, str(home), *sizes)
    assert done.returncode == 0, done.stderr
    losses, sums = json.loads(done.stdout.splitlines()[-1])
    expected, expected_sums = json.loads(here.stdout.splitlines()[-1])
    np.testing.assert_allclose(losses, expected, rtol=2e-3, atol=1e-3)
    assert sums == pytest.approx(expected_sums, rel=1e-3)


@pytest.fixture
def no_bars(pi: Pi) -> Iterator[None]:
    """No model of this name, before and after."""
    remove = (".venv/bin/pi-edge", "models", "remove", "bars")
    pi.run(*remove)
    yield
    pi.run(*remove)


@pytest.mark.usefixtures("no_bars")
def test_a_model_learns_by_the_command(pi: Pi, bars: Path) -> None:
    data = pi.tree / "home/pi/bars.npz"
    data.write_bytes(bars.read_bytes())
    command = (".venv/bin/pi-edge", "learn", "mnist-mlp", "--data", "/home/pi/bars.npz")
    done = pi.run(*command, "--from", "scratch", "--epochs", "8", "--name", "bars")
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.search(r"accuracy on 100 held back: ([\d.]+)", done.stdout)
    assert found
    assert float(found[1]) > 0.9
    done = pi.run(".venv/bin/pi-edge", "models", "verify", "bars")
    assert done.returncode == 0, done.stdout + done.stderr
