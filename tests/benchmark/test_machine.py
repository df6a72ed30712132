from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pi_edge.benchmark import machine

WriteTree = Callable[[dict[str, str]], Path]

PI4_CPUINFO = """processor\t: 0
BogoMIPS\t: 108.00
Features\t: fp asimd evtstrm crc32 cpuid
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x0
CPU part\t: 0xd08
CPU revision\t: 3

Revision\t: c03114
Serial\t\t: 10000000abcdef01
Model\t\t: Raspberry Pi 4 Model B Rev 1.4
"""
X86_CPUINFO = """processor\t: 0
vendor_id\t: AuthenticAMD
model name\t: AMD EPYC
cpu MHz\t\t: 2596.142
"""


@pytest.fixture
def tree(tmp_path: Path) -> WriteTree:
    """Writes files under a root folder: tree({"proc/cpuinfo": "..."}) -> root."""

    def write(files: dict[str, str]) -> Path:
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    return write


@pytest.fixture
def pi4(tree: WriteTree) -> Path:
    return tree(
        {
            "proc/cpuinfo": PI4_CPUINFO,
            "proc/meminfo": "MemTotal:        3885396 kB\nMemFree:  1 kB\n",
            "proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.4\0",
            "etc/os-release": 'ID=debian\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
            "etc/rpi-issue": "Raspberry Pi reference 2024-03-15\n",
            "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "ondemand\n",
            "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "1800000\n",
            "sys/class/thermal/thermal_zone0/temp": "51121\n",
            "sys/devices/platform/soc/soc:firmware/get_throttled": "50005\n",
        }
    )


def test_a_raspberry_pi_is_described_from_its_files(pi4: Path) -> None:
    about = machine.describe(pi4)
    assert about["board"] == "Raspberry Pi 4 Model B Rev 1.4"
    assert about["cpu"] == "Cortex-A72"
    assert about["memory_bytes"] == 3885396 * 1024
    assert about["os"] == "Raspberry Pi OS on Debian GNU/Linux 12 (bookworm)"


def test_conditions_of_a_raspberry_pi(pi4: Path) -> None:
    assert machine.conditions(pi4) == {
        "clock_mhz": 1800,
        "governor": "ondemand",
        "temperature_c": 51.121,
        "throttled": 0x50005,
    }


def test_a_laptop_has_no_board_and_no_throttle_word(tree: WriteTree) -> None:
    root = tree({"proc/cpuinfo": X86_CPUINFO})
    assert machine.board(root) is None
    assert machine.cpu(root) == "AMD EPYC"
    assert machine.conditions(root) == {
        "clock_mhz": 2596,
        "governor": None,
        "temperature_c": None,
        "throttled": None,
    }


def test_an_unknown_arm_part_is_named_by_its_number(tree: WriteTree) -> None:
    assert machine.cpu(tree({"proc/cpuinfo": "CPU part\t: 0xfff\n"})) == "ARM part 0xfff"


def test_an_empty_tree_yields_nothing_made_up(tmp_path: Path) -> None:
    assert machine.cpu(tmp_path) is None
    assert machine.memory_bytes(tmp_path) is None


def test_the_hottest_zone_counts(tree: WriteTree) -> None:
    root = tree(
        {
            "sys/class/thermal/thermal_zone0/temp": "40000",
            "sys/class/thermal/thermal_zone1/temp": "61500",
            "sys/class/thermal/thermal_zone2/temp": "not now",
        }
    )
    assert machine.temperature_c(root) == 61.5


def test_the_throttle_word_in_words() -> None:
    assert machine.throttling_now(0x50005) == ["under-voltage", "throttled"]
    assert machine.throttling_since_boot(0x50005) == ["under-voltage", "throttled"]
    assert machine.throttling_now(0x80000) == []
    assert machine.throttling_since_boot(0x80000) == ["soft temperature limit"]
    assert machine.throttling_now(None) == []


def test_throttling_that_came_and_went_between_two_looks_is_noticed() -> None:
    assert machine.throttling_between(0x0, 0x20000) == ["clock capped"]


def test_throttling_of_long_ago_is_not_blamed_on_this_measurement() -> None:
    assert machine.throttling_between(0x50000, 0x50000) == []


def test_throttling_at_either_end_counts() -> None:
    assert machine.throttling_between(0x40004, 0x40000) == ["throttled"]
    assert machine.throttling_between(0x40000, 0x40004) == ["throttled"]


def test_this_machine_describes_itself() -> None:
    about = machine.describe()
    assert about["cores"] >= 1
    assert about["pointer_bits"] in (32, 64)
    assert set(about["runtime"]) == {"name", "version"}
