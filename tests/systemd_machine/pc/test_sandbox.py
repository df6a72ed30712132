"""What the unit's sandbox allows and what it does not, tried by a program in it and seen on the
daemon's own processes."""

from __future__ import annotations

from typing import Any

import pytest
import sandbox
from machine import Machine
from pc import Pc


@pytest.fixture(scope="module")
def told(small: Pc) -> dict[str, Any]:
    return sandbox.probe(small)


def test_all_that_workers_need_is_allowed(told: dict[str, Any]) -> None:
    assert {name: why for name, why in told["needed"].items() if why != "done"} == {}


def test_nothing_else_is(told: dict[str, Any]) -> None:
    print("\n".join(f"{name}: {why}" for name, why in told["forbidden"].items()))
    assert [name for name, why in told["forbidden"].items() if why == "done"] == []


def test_the_probe_was_held_by_what_holds_the_daemon(told: dict[str, Any], service: Pc) -> None:
    fields = ("Uid", "NoNewPrivs", "Seccomp", "Seccomp_filters", "CapBnd", "CapEff")
    daemon = sandbox.of_process(service, service.pid)
    assert {f: told["status"][f] for f in fields} == {f: daemon[f] for f in fields}


def test_every_process_of_the_service_is_in_the_sandbox(service: Pc) -> None:
    processes = service.processes()
    assert len(processes) > 2
    for pid in processes:
        status = sandbox.of_process(service, pid)
        assert status["NoNewPrivs"] == "1"
        assert status["Seccomp"] == "2"
        assert {int(status[f"Cap{kind}"], 16) for kind in ("Eff", "Prm", "Inh", "Bnd", "Amb")} == {
            0
        }
        assert "0" not in status["Uid"].split()


def test_no_process_has_memory_that_is_writable_and_executable(service: Pc) -> None:
    maps = service.root(f"cat {' '.join(f'/proc/{pid}/maps' for pid in service.processes())}")
    assert "r-xp" in maps
    assert "wx" not in maps


def test_workers_are_bounded(service: Pc) -> None:
    service.add("double")
    (worker,) = service.workers("double")
    memory = int(service.run("getconf _PHYS_PAGES")) * int(service.run("getconf PAGESIZE"))
    assert f"Max data size             {memory // 2}" in service.root(f"cat /proc/{worker}/limits")
    assert service.root(f"cat /proc/{worker}/oom_score_adj").strip() == "500"


def test_the_service_does_not_depend_on_gpio(service: Machine) -> None:
    assert any("this machine has no GPIO" in line for line in service.journal())
