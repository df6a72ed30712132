"""Models are added to a machine until its power is cut."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable

from machine import ADD, MODELS, Machine

# Seconds at most from the begin of the adding to the cut.
LONGEST = 90.0

# What is added, and copied by cp; they must be in pi-edge/ of the home.
FILES = (
    "tests/data/double.tflite",
    "tests/data/triple.tflite",
    "models/mnist-cnn/float32.tflite",
)
FACTORS = {"double": 2.0, "triple": 3.0}
# Adds and replaces models for ever, and says so once each is added. NEW is in all new names.
_ADDING = f"""
n=0
while :; do
    for which in double triple; do
        n=$((n + 1))
        rm -rf /tmp/adding; mkdir /tmp/adding
        cp pi-edge/tests/data/$which.tflite /tmp/adding/mine.tflite
        cp pi-edge/tests/data/$which.tflite /tmp/adding/more-NEW-$n.tflite
        {ADD} /tmp/adding/more-NEW-$n.tflite >/dev/null && echo more-NEW-$n $which
        cp pi-edge/models/mnist-cnn/float32.tflite {MODELS}/copied.tflite
        {ADD} /tmp/adding/mine.tflite >/dev/null && echo mine $which
    done
done
"""


def answer_of(machine: Machine, model: str) -> str:
    """Which of the two models it is by what it computes; "" where it does not."""
    answer = machine.infer(model, [1.0, 2.0, 3.0], [1, 3])
    if answer.status != 200:
        return ""
    factor = answer.json()["outputs"][0]["data"][0]
    return next(name for name, value in FACTORS.items() if value == factor)


def add_until_cut(
    machine: Machine, cut: Callable[[], None], promises: dict[str, str], number: int
) -> float:
    """Add models and ask for inferences until, at a random moment, the power is gone.

    Args:
        cut: cuts the power.
        promises: gets, by name, which of the two models the machine said it had added.
        number: in the names of those that are new.

    Returns:
        Seconds from the begin to the cut.
    """
    moment = random.uniform(0, LONGEST)
    adding = machine.start(_ADDING.replace("NEW", str(number)))
    assert adding.stdout
    listener = threading.Thread(target=_listen, args=(adding.stdout, promises), daemon=True)
    listener.start()
    end = time.monotonic() + moment
    while time.monotonic() < end:
        machine.ask("/tasks/regression", {"x": [1.0, 2.0]}, timeout=5)
    cut()
    adding.wait()
    listener.join()
    return moment


def _listen(lines: Iterable[bytes], promises: dict[str, str]) -> None:
    for line in lines:
        words = line.decode(errors="replace").split()
        if len(words) == 2 and words[1] in FACTORS:
            promises[words[0]] = words[1]


def check_promises(machine: Machine, promises: dict[str, str]) -> None:
    """All that was promised is there, whole, and serves."""
    for name, which in promises.items():
        # The next one may have been under way, or there already.
        whole = set(FACTORS) if name == "mine" else {which}
        assert machine.state(name) == "ready", f"{name} {machine.state(name)}"
        assert answer_of(machine, name) in whole, name
    assert machine.ask("/tasks/regression", {"x": [1.0, 2.0]}).status == 200
    assert machine.show("NRestarts") == "0"
