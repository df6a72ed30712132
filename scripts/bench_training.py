"""What learning within the TFLite runtime takes, beside TensorFlow doing the same in the same run.

Each network learns MNIST from random weights, in a process of its own on one core: by `pi-edge
learn`, and by Keras as most people would train it, with the same images in memory, the same
epochs, batch, Adam and learning rates. Peak memory is the largest resident memory of the process,
accuracy that on the 10,000 test images. What was noted is what the notes have from which this
project grew."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean
from typing import Any

from pi_edge import catalog, config
from pi_edge.benchmark.training import NOTED
from pi_edge.learning import mnist
from pi_edge.model_json import measured_on

NETWORKS = ("mnist-linear", "mnist-mlp", "mnist-flux-cnn")


@dataclass(frozen=True)
class Run:
    """One training.

    Attributes:
        accuracy: on the test images, 0 to 1.
        seconds: an epoch, the first one left out where there are more.
        peak_bytes: largest resident memory.
    """

    network: str
    program: str
    seed: int
    accuracy: float
    seconds: float
    peak_bytes: int


def main() -> None:
    args = _arguments()
    npz = mnist.find(args.data)
    runs = []
    for network in args.networks:
        for seed in range(args.seeds):
            for program, measure in (("pi-edge", pi_edge), ("keras", keras)):
                run = measure(network, npz, args.epochs, seed)
                runs.append(run)
                print(
                    f"{network:15} seed {seed} {program:8} {run.accuracy:7.2%}"
                    f" {run.seconds:7.2f} s an epoch {run.peak_bytes / 1e6:7.0f} MB",
                    flush=True,
                )
    print()
    print(table(runs, args.epochs))
    if args.json:
        document = {"epochs": args.epochs, **measured_on(), "runs": [asdict(run) for run in runs]}
        args.json.write_text(json.dumps(document, indent=2))


def pi_edge(network: str, npz: Path, epochs: int, seed: int) -> Run:
    """Let the shipped network learn anew here."""
    with tempfile.TemporaryDirectory() as state:
        command = [
            *(sys.executable, "-m", "pi_edge", "learn", network, "--data", str(npz)),
            *("--epochs", str(epochs), "--from", "scratch", "--seed", str(seed)),
            *("--name", "measured", "--state", state),
        ]
        _alone(command)
        told = json.loads((Path(state) / "models/measured/model.json").read_bytes())
    learned = told["learned"]
    return Run(
        network,
        "pi-edge",
        seed,
        told["variants"]["float32"]["accuracy"],
        learned["epoch_seconds"],
        learned["peak_bytes"],
    )


def keras(network: str, npz: Path, epochs: int, seed: int) -> Run:
    """The same with TensorFlow."""
    rate = _training(network)["rate"]
    child = Path(__file__).with_name("bench_training_keras.py")
    order = {"network": network, "npz": str(npz), "epochs": epochs, "seed": seed, "rate": rate}
    told = json.loads(_alone([sys.executable, str(child), json.dumps(order)]).splitlines()[-1])
    return Run(network, "keras", seed, told["accuracy"], told["seconds"], told["peak_bytes"])


def table(runs: list[Run], epochs: int) -> str:
    """All of it as a person reads it."""
    lines = [
        f"{'':15} {'accuracy after ' + str(epochs) + ' epochs':>26} {'s an epoch':>20}"
        f" {'peak memory, MB':>20}  noted",
        f"{'':15} {'pi-edge':>8} {'Keras':>8} {'apart':>8} {'pi-edge':>8} {'Keras':>6}"
        f" {'':>4} {'pi-edge':>9} {'Keras':>10}",
    ]
    for network in dict.fromkeys(run.network for run in runs):
        ours, theirs = (
            [run for run in runs if (run.network, run.program) == (network, program)]
            for program in ("pi-edge", "keras")
        )
        accuracy = [mean(run.accuracy for run in some) for some in (ours, theirs)]
        seconds = [mean(run.seconds for run in some) for some in (ours, theirs)]
        peak = [max(run.peak_bytes for run in some) / 1e6 for some in (ours, theirs)]
        noted = ", ".join(f"{k} {v / 1e6:.0f}" for k, v in NOTED.get(network, {}).items())
        lines.append(
            f"{network:15} {accuracy[0]:8.2%} {accuracy[1]:8.2%}"
            f" {100 * (accuracy[0] - accuracy[1]):+8.2f} {seconds[0]:8.2f} {seconds[1]:6.2f}"
            f" {seconds[0] / seconds[1]:3.2f}x {peak[0]:9.0f} {peak[1]:10.0f}  {noted}"
        )
    return "\n".join(lines)


def _training(network: str) -> dict[str, Any]:
    entries, _ = catalog.find(config.load({}).models)
    told: dict[str, Any] = catalog.pick(entries, network).info["training"]
    return told


def _alone(command: list[str]) -> str:
    """What a command printed that has one core, and knows of one."""
    one = dict.fromkeys(("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"), "1")
    core = min(os.sched_getaffinity(0))
    done = subprocess.run(
        ["taskset", "-c", str(core), *command],
        env={**os.environ, **one, "TF_NUM_INTEROP_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"bench-training: {' '.join(command[:4])} failed: {done.stderr.strip()[-500:]}")
    return done.stdout


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/bench-training",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("networks", nargs="*", default=NETWORKS, metavar="NETWORK")
    parser.add_argument("--data", type=Path, metavar="PATH", help="mnist.npz")
    parser.add_argument("--epochs", type=int, default=5, metavar="N", help="each (5)")
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="of each (3)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all of it there")
    return parser.parse_args()


if __name__ == "__main__":
    main()
