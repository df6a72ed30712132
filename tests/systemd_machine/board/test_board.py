"""The sandbox leaves the service its GPIO, and nothing else, on a Raspberry Pi too."""

from __future__ import annotations

import os
from pathlib import Path

import power
import sandbox
from emulated_board import EmulatedBoard
from light import Light
from machine import MODELS, Machine
from support import ROOT

# How often the power is cut.
CUTS = int(os.environ.get("PI_EDGE_POWER_CUTS", "20")) // 10


def test_the_light_is_driven_from_within_the_sandbox(deployed: Machine, light: Light) -> None:
    assert sandbox.of_process(deployed, deployed.pid)["Seccomp"] == "2"
    assert deployed.ask("/status").json()["led"]["out"] is None
    deployed.root("systemctl stop pi-edge")
    light.wait_steady(False)
    deployed.root("systemctl start pi-edge")
    light.wait_steady(True)


def test_the_sandbox_is_the_one_of_the_pc(deployed: Machine) -> None:
    told = sandbox.probe(deployed)
    assert "open /dev/gpiochip0" in told["needed"]
    assert {name: why for name, why in told["needed"].items() if why != "done"} == {}
    assert [name for name, why in told["forbidden"].items() if why == "done"] == []


def test_no_process_has_memory_that_is_writable_and_executable(deployed: Machine) -> None:
    deployed.wait_ready()
    processes = deployed.processes()
    assert len(processes) > 2
    maps = deployed.root(f"cat {' '.join(f'/proc/{pid}/maps' for pid in processes)}")
    assert "r-xp" in maps
    assert "wx" not in maps


def test_the_light_goes_out_with_a_killed_daemon_and_on_with_the_next(
    deployed: Machine, light: Light
) -> None:
    before, began = deployed.pid, light.now()
    deployed.root(f"kill -9 {before}")
    light.wait_changes(1, began)
    deployed.wait(lambda: deployed.pid not in (0, before))
    deployed.wait_ready()
    light.wait_steady(True)
    assert any(not change.lit for change in light.changes(began))


def test_reload_has_a_model_loaded_that_was_dropped_in(deployed: Machine) -> None:
    deployed.wait_ready()
    before = deployed.pid
    source = "tests/data/double.tflite"
    deployed.root(f"cat >{MODELS}/double.tflite", given=(ROOT / source).read_bytes())
    deployed.root("systemctl reload pi-edge")
    deployed.wait(lambda: deployed.state("double") == "ready")
    assert deployed.infer("double", [1.0, 2.0, 3.0], [1, 3]).status == 200
    assert deployed.pid == before


def test_power_may_be_cut_while_models_are_added(deployed: EmulatedBoard) -> None:
    deployed.root("systemctl start pi-edge")
    deployed.wait_ready()
    for name in power.FILES:
        script = f"mkdir -p pi-edge/{Path(name).parent}; cat >pi-edge/{name}"
        deployed.run(script, given=(ROOT / name).read_bytes())
    promises: dict[str, str] = {}
    for cut in range(CUTS):
        moment = power.add_until_cut(deployed, deployed.cut_power, promises, cut)
        deployed.switch_on()
        with Light(64) as light:
            deployed.wait_ready()
            power.check_promises(deployed, promises)
            wait_shows(light, deployed.ask("/status").json()["state"])
        print(f"cut {cut + 1} of {CUTS}, {moment:.1f} s into the adding: {len(promises)} promised")


def wait_shows(light: Light, state: str) -> None:
    """Wait until the light is as it should be: on, or with a gap a second where a file that cp
    was copying was torn."""
    if state == "ready":
        light.wait_steady(True)
        return
    assert state == "degraded"
    began = light.now()
    light.wait_changes(8, began)
    rhythm = light.rhythm(began)
    assert 0.8 < rhythm.lit < 1.0
    assert 0.05 < rhythm.dark < 0.2
