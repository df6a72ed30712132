"""Joules of one inference, where the machine can tell them.

What a meter sees is all that happens behind it, idling included. So figures of two meters compare
only as far as the meters do: a processor's package is not a whole board.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path("/")

POLL_SECONDS = 0.1

UNREADABLE = (OSError, ValueError, subprocess.SubprocessError)


@dataclass(frozen=True)
class Meter:
    """Something that can be read while the machine works.

    Attributes:
        source: what it measures, in a few words.
        read: joules since any moment where it counts, else watts now.
        counts: whether it counts.
        wraps: where a counter starts anew, in joules; 0 where it does not.
    """

    source: str
    read: Callable[[], float]
    counts: bool = False
    wraps: float = 0.0


@dataclass(frozen=True)
class Energy:
    """Energy of one run and the mean power meanwhile.

    Attributes:
        joules: of one run, idling included.
        watts: mean power.
        source: what was measured.
    """

    joules: float
    watts: float
    source: str


def per_run(call: Callable[[], object], seconds: float, root: Path = ROOT) -> dict[str, Any] | None:
    """Run for so long and return the fields of Energy; None where nothing can tell."""
    meter = find(root)
    return asdict(weigh(call, seconds, meter)) if meter else None


def find(root: Path = ROOT) -> Meter | None:
    """The meter of this machine: the processor's own counter (Linux power capping framework,
    which mostly only root may read), a power sensor on the board (INA2xx, Linux hwmon), or a
    Raspberry Pi 5's power chip; None where there is none that answers."""
    for known in (_powercap, _sensor, _power_chip):
        meter = known(root)
        if meter:
            try:
                meter.read()
            except UNREADABLE:
                continue
            return meter
    return None


def weigh(
    call: Callable[[], object],
    seconds: float,
    meter: Meter,
    clock: Callable[[], float] = time.monotonic,
) -> Energy:
    """Call for ``seconds``, at least once, and read the meter meanwhile."""
    watts = [] if meter.counts else [meter.read()]
    over = threading.Event()

    def poll() -> None:
        while not over.wait(POLL_SECONDS):
            with suppress(*UNREADABLE):  # one reading less
                watts.append(meter.read())

    poller = None if meter.counts else threading.Thread(target=poll, daemon=True)
    first = meter.read() if meter.counts else 0.0
    began, runs = clock(), 0
    if poller:
        poller.start()
    while True:
        call()
        runs += 1
        took = clock() - began
        if took >= seconds:
            break
    if meter.counts:
        spent = meter.read() - first
        joules = spent + meter.wraps if spent < 0 else spent
    else:
        over.set()
        if poller:
            poller.join()
        joules = sum(watts) / len(watts) * took
    return Energy(joules / runs, joules / max(took, 1e-9), meter.source)


def power_chip_watts(told: str) -> float:
    """Sum of the rails that ``vcgencmd pmic_read_adc`` prints, such as

    3V3_SYS_A current(1)=0.09271525A
    3V3_SYS_V volt(9)=3.31181700V

    What does not pass through the chip (the USB ports' 5 V) and the chip's own loss is not in it.

    Raises:
        ValueError: it printed no such rails.
    """
    found = re.findall(r"(\w+)_([AV]) (?:current|volt)\(\d+\)=([\d.]+)[AV]", told)
    values = {(rail, unit): float(value) for rail, unit, value in found}
    rails = [rail for rail, unit in values if unit == "A" and (rail, "V") in values]
    if not rails:
        raise ValueError("no rails")
    return sum(values[rail, "A"] * values[rail, "V"] for rail in rails)


def _powercap(root: Path) -> Meter | None:
    zones = [
        zone
        for zone in sorted(root.glob("sys/class/powercap/intel-rapl:*"))
        if zone.name.count(":") == 1 and _text(zone / "name").startswith("package")
    ]
    if not zones:
        return None

    def joules() -> float:
        return sum(int((zone / "energy_uj").read_text()) for zone in zones) / 1e6

    limit = _text(zones[0] / "max_energy_range_uj")
    wraps = int(limit) / 1e6 if limit.isdigit() else 0.0
    return Meter("processor package (RAPL)", joules, counts=True, wraps=wraps)


def _sensor(root: Path) -> Meter | None:
    for monitor in sorted(root.glob("sys/class/hwmon/hwmon*")):
        name = _text(monitor / "name")
        file = monitor / "power1_input"
        if name.startswith("ina") and file.exists():
            return Meter(f"power sensor {name}", partial(_watts, file))
    return None


def _watts(file: Path) -> float:
    return int(file.read_text()) / 1e6


def _power_chip(root: Path) -> Meter | None:
    if root != ROOT or not shutil.which("vcgencmd"):
        return None
    return Meter("power chip's rails (PMIC)", _ask_power_chip)


def _ask_power_chip() -> float:
    command = ["vcgencmd", "pmic_read_adc"]
    told = subprocess.run(command, capture_output=True, text=True, timeout=5).stdout
    return power_chip_watts(told)


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
