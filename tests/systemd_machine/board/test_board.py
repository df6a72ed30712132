"""The sandbox leaves the service its GPIO, and nothing else, on a Raspberry Pi too."""

from __future__ import annotations

import sandbox
from light import Light
from machine import MODELS, Machine
from support import ROOT


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
