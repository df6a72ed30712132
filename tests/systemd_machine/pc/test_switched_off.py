"""What is there after the machine was off: by a reboot, a shutdown, and at any moment."""

from __future__ import annotations

import json
import os
import random
import threading
import time
from typing import Any

from machine import ADD, MODELS, STATE, Machine
from pc import Pc

# How often the power is cut, and the seconds at most from the begin of the adding to the cut.
CUTS = int(os.environ.get("PI_EDGE_POWER_CUTS", "20"))
LONGEST = 90.0

FACTORS = {"double": 2.0, "triple": 3.0}
# Adds and replaces models for ever, and says so once each is added. $1 is in all new names.
ADDING = f"""
n=0
while :; do
    for which in double triple; do
        n=$((n + 1))
        rm -rf /tmp/adding; mkdir /tmp/adding
        cp pi-edge/tests/data/$which.tflite /tmp/adding/mine.tflite
        cp pi-edge/tests/data/$which.tflite /tmp/adding/more-$1-$n.tflite
        {ADD} /tmp/adding/more-$1-$n.tflite >/dev/null && echo more-$1-$n $which
        cp /opt/pi-edge/models/mnist-cnn/float32.tflite {MODELS}/copied.tflite
        {ADD} /tmp/adding/mine.tflite >/dev/null && echo mine $which
    done
done
"""
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


def answer_of(machine: Machine, model: str) -> str:
    """Which of the two models it is by what it computes; "" where it does not."""
    answer = machine.infer(model, [1.0, 2.0, 3.0], [1, 3])
    if answer.status != 200:
        return ""
    factor = answer.json()["outputs"][0]["data"][0]
    return next(name for name, value in FACTORS.items() if value == factor)


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
        moment = random.uniform(0, LONGEST)
        use_until_cut(service, promises, cut, moment)
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
        for name, which in promises.items():
            # The next one may have been under way, or there already.
            whole = set(FACTORS) if name == "mine" else {which}
            assert service.state(name) == "ready", f"{said}: {name} {service.state(name)}"
            assert answer_of(service, name) in whole, f"{said}: {name}"
        assert service.ask("/tasks/regression", {"x": [1.0, 2.0]}).status == 200, said
        assert service.show("NRestarts") == "0", said
    left = service.root(f"ls -A {MODELS}").split()
    print(f"{torn} of {CUTS} times cp's file was torn and set aside; in the end there lie {left}")


def use_until_cut(pc: Pc, promises: dict[str, str], cut: int, moment: float) -> None:
    """Add models and ask for inferences for so many seconds; then the power is gone."""
    adding = pc.start(ADDING.replace("$1", str(cut)))
    assert adding.stdout

    def listen() -> None:
        assert adding.stdout
        for line in adding.stdout:
            words = line.decode(errors="replace").split()
            if len(words) == 2 and words[1] in FACTORS:
                promises[words[0]] = words[1]

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    end = time.monotonic() + moment
    while time.monotonic() < end:
        pc.ask("/tasks/regression", {"x": [1.0, 2.0]}, timeout=5)
    pc.cut_power()
    adding.wait()
    listener.join()
