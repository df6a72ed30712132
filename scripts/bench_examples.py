"""How well a network learns one person's hand from corrections, and what it forgets for it.

The hand is made up (tests/learning/hand.py). What the network misreads is put right, as somebody
would who uses it, and `pi-edge learn --examples` learns from the first so many corrections.
Measured on 1,000 other digits of that hand and on MNIST's 10,000 test images, before and after."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import hand
import numpy as np

from pi_edge import catalog, config
from pi_edge.examples import Digit, Examples
from pi_edge.learning import measure, mnist


def main() -> None:
    args = _arguments()
    entries, _ = catalog.find(config.load({}).models)
    entry = catalog.pick(entries, args.model)
    shipped = entry.files["float32"]
    npz = mnist.find(args.data)
    test = mnist.read(npz, "x_test"), mnist.read(npz, "y_test")
    other = hand.write(1000, seed=1)
    said = (images := hand.write(3000, seed=2))[0], measure.answers(shipped, images[0]).argmax(1)
    wrong = np.flatnonzero(said[1] != images[1])
    print(f"{args.model}: {len(wrong)} of 3000 digits of the hand are misread")
    print(f"{'corrections':>12} {'the hand':>9} {'MNIST':>8} {'seconds':>8}")
    print(f"{0:12} {_part(shipped, *other):9.2%} {_part(shipped, *test):8.2%}", flush=True)
    for count in args.corrections:
        digits = [
            Digit(images[0][at].tobytes(), int(images[1][at]), int(said[1][at]))
            for at in wrong[:count]
        ]
        with tempfile.TemporaryDirectory() as state:
            Examples(Path(state)).add(args.model, digits)
            began = time.monotonic()
            command = [sys.executable, "-m", "pi_edge", "learn", args.model, "--examples"]
            done = subprocess.run(
                [*command, "--state", state, "--seed", str(args.seed)],
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            seconds = time.monotonic() - began
            if done.returncode:
                print(f"{count:12} {done.stderr.strip()}")
                continue
            folder = Path(state) / "models" / args.model
            told = json.loads((folder / "model.json").read_bytes())["learned"]["held_back"]
            learned = folder / "float32.tflite"
            print(
                f"{count:12} {_part(learned, *other):9.2%} {_part(learned, *test):8.2%}"
                f" {seconds:8.1f}  held back {told['before']:.2%} -> {told['after']:.2%}",
                flush=True,
            )


def _part(path: Path, images: np.ndarray, labels: np.ndarray) -> float:
    return measure.accuracy(measure.answers(path, images), labels).part


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/bench-examples",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("corrections", nargs="*", type=int, default=[5, 20, 100], metavar="N")
    parser.add_argument("--model", default="mnist-cnn", metavar="NAME", help="mnist-cnn")
    parser.add_argument("--data", type=Path, metavar="PATH", help="mnist.npz")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the learning")
    return parser.parse_args()


if __name__ == "__main__":
    main()
