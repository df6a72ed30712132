"""What learning takes on a whole emulated Raspberry Pi 3: instructions a step, and memory.

Memory: VmHWM of `pi-edge learn` from its start to the model it makes, the unpacking of the data
included. The board's own kernel counts it, so nothing of QEMU is in it."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import bench_board
from bench_ending import exit_status

from pi_edge.learning import mnist

NETWORKS = {
    "steps": ("mnist-linear", "mnist-mlp", "mnist-flux-cnn", "mnist-cnn"),
    "memory": ("mnist-mlp", "mnist-flux-cnn"),
}
_STEPS = """\
import json, sys, time
from pathlib import Path
import numpy as np
from pi_edge.learning.graph import TrainingGraph

for name in sys.argv[2:]:
    graph = TrainingGraph(Path("models", name, "train.tflite"))
    images = np.random.default_rng(0).integers(0, 256, (graph.batch, 28, 28), dtype=np.uint8)
    labels = (np.arange(graph.batch) % 10).astype(np.uint8)
    counts = []
    for _ in range(int(sys.argv[1]) + 1):
        began = time.monotonic_ns()
        graph.train({"image": images}, labels, 1e-3)
        counts.append(time.monotonic_ns() - began)
    # The first one also prepares the graph.
    print("measured", json.dumps([name, graph.batch, counts[1:]]), flush=True)
"""

_MEMORY = """\
.venv/bin/pi-edge learn {name} --data /mnist.npz --epochs 1 --threads 1 --name measured \
--state /state &
while peak=$(grep VmHWM /proc/$!/status 2>/dev/null); do
    [ "$peak" = "$last" ] || echo "measured" {name} $peak
    last=$peak
    sleep 0.5
done
wait $!
echo "{name} ended with $?"
rm -rf /state
"""


def main() -> int:
    args = _arguments()
    networks = args.networks or NETWORKS[args.what]
    temporary = tempfile.TemporaryDirectory(dir=args.scratch)
    with temporary as folder, bench_board.installed(args.bits) as tree:
        scratch = Path(folder)
        files = {"/measure.py": scratch / "measure.py"}
        files["/measure.py"].write_text(_STEPS)
        if args.what == "memory":
            files["/mnist.npz"] = mnist.find(args.data)
        commands = _commands(args.what, networks, args.count)
        said = bench_board.run(tree, commands, files, scratch, counting=args.what == "steps")
    print(_table(args.what, said))
    return 0


def _commands(what: str, networks: Sequence[str], count: int) -> str:
    """The board's commands."""
    if what == "steps":
        return f".venv/bin/python /measure.py {count} {' '.join(networks)}"
    return "\n".join(_MEMORY.format(name=name) for name in networks)


def _table(what: str, said: Sequence[str]) -> str:
    """The figures as a person reads them."""
    lines = []
    if what == "steps":
        for line in said:
            name, batch, counts = json.loads(line)
            middle = median(counts)
            apart = (max(counts) - min(counts)) / middle
            lines.append(
                f"{name:15} {middle / 1e6:9.2f} million instructions a step of {batch}"
                f" (of {len(counts)} steps, {apart:.2%} apart)"
            )
        return "\n".join(lines)
    peaks = {}
    for line in said:
        words = line.split()
        peaks[words[0]] = int(words[2]) * 1024
    return "\n".join(f"{name:15} {peak / 1e6:6.1f} MB at most" for name, peak in peaks.items())


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/bench-learning-board",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("what", choices=sorted(NETWORKS), help="what to measure")
    parser.add_argument("networks", nargs="*", metavar="NETWORK")
    parser.add_argument("--bits", type=int, choices=(64, 32), default=64, help="userland (64)")
    parser.add_argument("--count", type=int, default=5, metavar="N", help="steps of each (5)")
    parser.add_argument("--data", type=Path, metavar="PATH", help="mnist.npz, for memory")
    parser.add_argument("--scratch", type=Path, metavar="DIR", help="folder for the SD card")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(exit_status("bench-learning-board", main))
