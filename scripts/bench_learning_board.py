"""What learning takes on a whole emulated Raspberry Pi 3: instructions a step, and memory.

Instructions: QEMU lets the board's clock advance by one nanosecond an instruction (-icount), so
that a time taken there is a count, the same on every machine to a part in a thousand. It is no
Pi's time: a real one does several instructions at once, or waits for memory.

Memory: VmHWM of `pi-edge learn` from its start to the model it makes, the unpacking of the data
included. The board's own kernel counts it, so nothing of QEMU is in it.

The userland is the tests' emulated tree, with pi-edge installed by scripts/run."""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from debian_trees import RECIPES, obstacle
from emulated_pi import image, needs
from emulated_pi.kernel import Kernel
from pi_daemon import install

from pi_edge.errors import PiEdgeError, Unavailable
from pi_edge.learning import mnist

NETWORKS = {
    "steps": ("mnist-linear", "mnist-mlp", "mnist-flux-cnn", "mnist-cnn"),
    "memory": ("mnist-mlp", "mnist-flux-cnn"),
}
TREES = {64: "bookworm-arm64", 32: "bookworm-armhf"}
PATIENCE_SECONDS = 3600.0
MEASURED = "measured "  # what a line of the serial log begins with that has figures

# The clock stands for instructions; with one thread, as only so they are counted exactly.
COUNTING = ("-icount", "shift=0,sleep=off", "-accel", "tcg,thread=single")
FAST = ("-accel", "tcg,thread=multi")

_INIT = """\
#!/bin/sh
# No systemd: nothing else runs while this measures.
export PATH=/usr/bin:/bin:/usr/sbin:/sbin HOME=/root LANG=C.UTF-8 PI_EDGE_EMULATED=1
exec 2>&1 </dev/null
cd /home/pi/pi-edge
uname -m
{measure}
sync
mount -o remount,ro /
echo {measured}end
sleep 1
reboot -f
"""

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
    # So that the emulator and its SD card go with it, as with Ctrl-C.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        networks = args.networks or NETWORKS[args.what]
        with tempfile.TemporaryDirectory(dir=args.scratch) as scratch:
            card = Path(scratch, "sd.img")
            files = {"/mnist.npz": mnist.find(args.data)} if args.what == "memory" else {}
            _make_card(args.bits, _measure(args.what, networks, args.count), files, card)
            log = Path(scratch, "serial.log")
            said = _run(image.the_kernel(), card, log, COUNTING if args.what == "steps" else FAST)
    except PiEdgeError as error:
        print(f"bench-learning-board: {error}", file=sys.stderr)
        return 1
    print(_table(args.what, said))
    return 0


def _measure(what: str, networks: Sequence[str], count: int) -> str:
    """The board's commands."""
    if what == "steps":
        return f".venv/bin/python /measure.py {count} {' '.join(networks)}"
    return "\n".join(_MEMORY.format(name=name) for name in networks)


def _make_card(bits: int, measure: str, given: Mapping[str, Path], card: Path) -> None:
    """An SD card with the tests' tree, what it does when switched on, and files ``given``."""
    recipe = next(recipe for recipe in RECIPES if recipe.name == TREES[bits])
    if reason := obstacle(recipe):
        raise Unavailable(reason)
    needs.to_run()
    written = {
        "/sbin/init": _INIT.format(measure=measure, measured=MEASURED),
        "/measure.py": _STEPS,
    }
    with ExitStack() as stack:
        _say(f"installing pi-edge in {recipe.name}")
        tree = install(recipe, stack).tree
        _say("making the SD card")
        make = ["mke2fs", "-q", "-t", "ext4", "-d", tree, card, "4G"]
        subprocess.run(make, check=True, stdout=subprocess.DEVNULL)
    files = dict(given)
    for name, text in written.items():
        files[name] = card.with_name(name.rpartition("/")[2])
        files[name].write_text(text)
    orders = []
    for name, path in files.items():
        folder, _, file = name.rpartition("/")
        orders += [f"cd {folder or '/'}", f"write {path} {file}"]
    orders.append("set_inode_field /sbin/init mode 0100755")
    subprocess.run(
        ["debugfs", "-w", "-f", "/dev/stdin", card],
        input="".join(f"{order}\n" for order in orders),
        text=True, check=True, capture_output=True,
    )  # fmt: skip


def _run(kernel: Kernel, card: Path, log: Path, accelerator: Sequence[str]) -> list[str]:
    """Switch the board on, and wait until it switches itself off; the lines with figures."""
    command = [
        *("qemu-system-aarch64", "-M", "raspi3b", *accelerator, "-display", "none", "-no-reboot"),
        *("-serial", f"file:{log}", "-monitor", "none"),
        *("-kernel", str(kernel.image), "-initrd", str(kernel.initramfs)),
        *("-dtb", str(kernel.device_tree), "-append"),
        f"console=ttyAMA0,115200 rw quiet board.time={int(time.time())}",
        *("-drive", f"file={card},if=sd,format=raw,cache=unsafe"),
    ]
    _say("switching the board on")
    deadline = time.monotonic() + PATIENCE_SECONDS
    shown = 0
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as process:
        try:
            while True:
                over = process.poll() is not None
                lines = log.read_text(errors="replace").splitlines() if log.exists() else []
                for line in lines[shown : len(lines) if over else -1]:
                    _say(f"  {line}")
                    shown += 1
                if f"{MEASURED}end" in lines[:shown]:
                    return [line for line in lines if line.startswith(MEASURED)]
                if over or time.monotonic() > deadline:
                    raise Unavailable("the board did not get to the end of its measurements")
                time.sleep(0.5)
        finally:
            process.kill()


def _table(what: str, said: Sequence[str]) -> str:
    """The figures as a person reads them."""
    lines = []
    if what == "steps":
        for line in said:
            if line.startswith(f"{MEASURED}["):
                name, batch, counts = json.loads(line.removeprefix(MEASURED))
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
        if len(words) == 5 and words[2] == "VmHWM:":
            peaks[words[1]] = int(words[3]) * 1024
    return "\n".join(f"{name:15} {peak / 1e6:6.1f} MB at most" for name, peak in peaks.items())


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


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
    sys.exit(main())
