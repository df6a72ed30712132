from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pi_edge.benchmark import energy

# As a Raspberry Pi 5 prints it, shortened.
PMIC = """ 3V7_WL_SW_A current(0)=0.00097595A
   3V3_SYS_A current(1)=0.10000000A
  VDD_CORE_A current(7)=2.00000000A
 3V7_WL_SW_V volt(8)=3.70000000V
   3V3_SYS_V volt(9)=3.30000000V
  VDD_CORE_V volt(15)=0.72000000V
     EXT5V_V volt(24)=5.14912000V
      BATT_V volt(25)=0.00000000V
"""

WriteTree = Callable[[dict[str, str]], Path]


@pytest.fixture
def tree(tmp_path: Path) -> WriteTree:
    """Writes files under a root folder."""

    def write(files: dict[str, str]) -> Path:
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    return write


RAPL = "sys/class/powercap/intel-rapl:0"


def test_a_machine_without_a_meter_tells_nothing(tmp_path: Path) -> None:
    assert energy.per_run(lambda: None, 0.0, tmp_path) is None


def test_the_processors_counter_by_the_runs(tree: WriteTree) -> None:
    root = tree({f"{RAPL}/name": "package-0\n", f"{RAPL}/energy_uj": "5000000\n",
                 f"{RAPL}:0/name": "core\n", f"{RAPL}:0/energy_uj": "1\n"})  # fmt: skip
    found = energy.per_run(lambda: tree({f"{RAPL}/energy_uj": "7000000"}), 0.0, root)
    assert found is not None
    assert found["joules"] == 2.0
    assert found["source"] == "processor package (RAPL)"


def test_a_counter_that_starts_anew_on_the_way(tree: WriteTree) -> None:
    root = tree({f"{RAPL}/name": "package-0\n", f"{RAPL}/energy_uj": "9000000\n",
                 f"{RAPL}/max_energy_range_uj": "10000000\n"})  # fmt: skip
    found = energy.per_run(lambda: tree({f"{RAPL}/energy_uj": "500000"}), 0.0, root)
    assert found is not None
    assert found["joules"] == 1.5


def test_a_counter_that_only_root_may_read_is_none(tree: WriteTree) -> None:
    root = tree({f"{RAPL}/name": "package-0\n"})
    (root / RAPL / "energy_uj").mkdir()  # cannot be read by anybody
    assert energy.find(root) is None


def test_a_power_sensor_on_the_board_by_time_and_runs(tree: WriteTree) -> None:
    root = tree({"sys/class/hwmon/hwmon0/name": "cpu_thermal\n",
                 "sys/class/hwmon/hwmon1/name": "ina219\n",
                 "sys/class/hwmon/hwmon1/power1_input": "4000000\n"})  # fmt: skip
    meter = energy.find(root)
    assert meter is not None
    clock = iter([0.0, 1.0, 2.0, 3.0])
    found = energy.weigh(lambda: None, 3.0, meter, lambda: next(clock))
    assert (found.joules, found.watts, found.source) == (4.0, 4.0, "power sensor ina219")


def test_a_graphics_cards_sensor_is_not_the_machines(tree: WriteTree) -> None:
    root = tree({"sys/class/hwmon/hwmon0/name": "amdgpu\n",
                 "sys/class/hwmon/hwmon0/power1_input": "4000000\n"})  # fmt: skip
    assert energy.find(root) is None


def test_the_power_chip_of_a_raspberry_pi_5() -> None:
    expected = 0.00097595 * 3.7 + 0.1 * 3.3 + 2 * 0.72
    assert energy.power_chip_watts(PMIC) == pytest.approx(expected)


def test_an_older_raspberry_pi_has_no_power_chip_to_ask() -> None:
    with pytest.raises(ValueError, match="no rails"):
        energy.power_chip_watts('error=1 error_msg="Command not registered"')
