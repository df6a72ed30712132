"""What is there after the machine was off: by a reboot, a shutdown, and at any moment."""

from __future__ import annotations

import json
import os
import time
from typing import Any

from machine import MODELS, STATE, Machine
from pc import Pc
from power import add_until_cut, answer_of, check_promises

# How often the power is cut.
CUTS = int(os.environ.get("PI_EDGE_POWER_CUTS", "20"))

LEDGER = f"""
import json, pathlib, sqlite3
base = sqlite3.connect("{STATE}/pi-edge.db")
print(json.dumps({{
    "integrity": base.execute("PRAGMA integrity_check").fetchone()[0],
    "verdicts": base.execute("SELECT count(*) FROM verdicts").fetchone()[0],
    "inferences": base.execute("SELECT total(inferences) FROM counters").fetchone()[0],
    "damaged": [file.name for file in pathlib.Path("{STATE}").glob("*.damaged")],
}}))
"""


def ledger(machine: Machine) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(machine.root("python3 -", given=LEDGER.encode()))
    return told


def test_a_reboot_starts_the_service_with_all_that_was_added(service: Pc) -> None:
    service.add("double", "kept")
    before = service.ask("/status").json()["inferences"]["done"]
    assert answer_of(service, "kept") == "double"
    service.reboot()
    service.wait_ready()
    assert answer_of(service, "kept") == "double"
    assert service.ask("/status").json()["inferences"]["done"] > before


def test_a_shutdown_loses_nothing(service: Pc) -> None:
    service.add("triple", "kept")
    assert answer_of(service, "kept") == "triple"
    before = service.ask("/status").json()["inferences"]["done"]
    service.shut_down()
    service.boot()
    service.wait_ready()
    assert answer_of(service, "kept") == "triple"
    assert service.ask("/status").json()["inferences"]["done"] > before


def test_power_may_be_cut_at_any_moment(service: Pc) -> None:
    # Model -> which of the two, as the machine said once it had been added.
    promises: dict[str, str] = {}
    known, torn = ledger(service), 0
    for cut in range(CUTS):
        moment = add_until_cut(service, service.cut_power, promises, cut)
        began = time.monotonic()
        service.boot()
        booted = time.monotonic()
        service.wait_ready()
        said = f"cut {cut + 1} of {CUTS}, {moment:.1f} s into the adding"
        told = ledger(service)
        copied = service.state("copied")
        torn += copied not in ("", "ready")
        print(
            f"{said}: booted in {booted - began:.0f} s, ready {time.monotonic() - booted:.0f} s"
            f" later; {len(promises)} models promised; copied by cp: {copied or 'gone'}; {told}",
            flush=True,
        )
        assert told["integrity"] == "ok", said
        assert told["damaged"] == [], said
        assert told["inferences"] >= known["inferences"], said
        assert told["verdicts"] >= known["verdicts"], said
        known = told
        check_promises(service, promises)
    left = service.root(f"ls -A {MODELS}").split()
    print(f"{torn} of {CUTS} times cp's file was torn and set aside; in the end there lie {left}")
