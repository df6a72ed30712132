"""A whole emulated Raspberry Pi 3 that measures something and switches itself off.

Its clock can stand for instructions: QEMU lets it advance by one nanosecond an instruction
(-icount), so that a time taken there is a count, the same on every machine to a part in a
thousand. It is no Pi's time: a real one does several instructions at once, or waits for memory.

The userland is one like the tests' emulated trees, with pi-edge installed by scripts/run.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from debian_trees import RECIPES, obstacle
from emulated_pi import image, needs
from pi_daemon import install

from pi_edge.errors import Unavailable

PATIENCE_SECONDS = 3600.0
MEASURED = "measured "
"""What a line has at its start that tells a figure."""

_TREES = {64: "bookworm-arm64", 32: "bookworm-armhf"}

# With one thread, as only so instructions are counted exactly.
_COUNTING = ("-icount", "shift=0,sleep=off", "-accel", "tcg,thread=single")
_FAST = ("-accel", "tcg,thread=multi")
# One processor runs all of userland, and addresses are the same each time: so are the counts.
_STEADY = " isolcpus=1,2,3 norandmaps"

_INIT = """\
#!/bin/sh
# No systemd: nothing else runs while this measures.
export PATH=/usr/bin:/bin:/usr/sbin:/sbin HOME=/root LANG=C.UTF-8 PI_EDGE_EMULATED=1
exec 2>&1 </dev/null
ip link set lo up
cd /home/pi/pi-edge
(
set -e
{commands}
)
[ $? = 0 ] && end=end || end=failed
sync
mount -o remount,ro /
echo {measured}$end
sleep 1
reboot -f
"""


@contextmanager
def installed(bits: int) -> Iterator[Path]:
    """The folder of a userland of 64 or 32 bit, with pi-edge installed.

    Raises:
        Unavailable: it cannot be had here.
    """
    recipe = next(recipe for recipe in RECIPES if recipe.name == _TREES[bits])
    # A tree of its own: what tests leave in theirs would count, and they keep it to themselves.
    recipe = replace(recipe, purpose="measured")
    if reason := obstacle(recipe):
        raise Unavailable(reason)
    needs.to_run()
    _say(f"installing pi-edge in {recipe.name}")
    with ExitStack() as stack:
        yield install(recipe, stack).tree


def run(
    tree: Path, commands: str, files: Mapping[str, Path], scratch: Path, *, counting: bool
) -> list[str]:
    """Switch a board on, and wait until it switches itself off.

    Args:
        tree: its userland.
        commands: what it does, in a shell, in the folder of pi-edge's clone.
        files: what else is on its SD card, by path there.
        scratch: folder for the SD card.
        counting: whether its clock stands for instructions; else it is faster.

    Returns:
        What its commands said in lines that begin with MEASURED, without that.

    Raises:
        Unavailable: it cannot be had here, or it did not get to the end.
    """
    card, init = scratch / "sd.img", scratch / "init"
    init.write_text(_INIT.format(commands=commands, measured=MEASURED))
    _say("making the SD card")
    try:
        _make_card(tree, {"/sbin/init": init, **files}, card)
        return _boot(card, scratch / "serial.log", counting)
    finally:
        card.unlink(missing_ok=True)


def _make_card(tree: Path, files: Mapping[str, Path], card: Path) -> None:
    # Else the kernel lays out the rest of the file system while the board counts.
    whole = "lazy_itable_init=0,lazy_journal_init=0"
    make = ["mke2fs", "-q", "-t", "ext4", "-E", whole, "-d", tree, card, "4G"]
    subprocess.run(make, check=True, stdout=subprocess.DEVNULL)
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


def _boot(card: Path, log: Path, counting: bool) -> list[str]:
    kernel = image.the_kernel()
    command = [
        *("qemu-system-aarch64", "-M", "raspi3b", *(_COUNTING if counting else _FAST)),
        *("-display", "none", "-no-reboot", "-serial", f"file:{log}", "-monitor", "none"),
        *("-kernel", str(kernel.image), "-initrd", str(kernel.initramfs)),
        *("-dtb", str(kernel.device_tree), "-append"),
        f"console=ttyAMA0,115200 rw quiet board.time={int(time.time())}{_STEADY * counting}",
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
                    said = [line for line in lines if line.startswith(MEASURED)]
                    return [line.removeprefix(MEASURED) for line in said[:-1]]
                if over or time.monotonic() > deadline:
                    raise Unavailable("the board did not get to the end of its measurements")
                time.sleep(0.5)
        finally:
            process.kill()


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
