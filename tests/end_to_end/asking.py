"""Clients that go on asking a daemon and check every answer against their own question."""

from __future__ import annotations

import contextlib
import http.client
import json
import random
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from running import PATIENCE


@dataclass
class Told:
    """What clients saw: answers by what they multiplied with, refusals, and what must not be."""

    answers: Counter[float] = field(default_factory=Counter)
    refused: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def asked(self) -> int:
        return self.answers.total() + self.refused + len(self.wrong)


@contextlib.contextmanager
def asking(port: int, model: str, factors: set[float], clients: int = 4) -> Iterator[Told]:
    """Ask ``model``, which multiplies by one of ``factors``, with so many clients, until the end.

    Each question has other numbers and three rows; an answer is right where every number is that
    of its own question times the same factor: one that mixed two models, or two questions, is
    not. Only 503 with Retry-After is a refusal; all else, a broken connection too, is wrong.
    """
    told, stop, lock = Told(), threading.Event(), threading.Lock()

    def ask(number: int) -> None:
        rng = random.Random(number)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        while not stop.is_set():
            try:
                outcome = _ask(connection, model, factors, rng)
            except Exception as error:
                outcome = repr(error)
                connection.close()
            with lock:
                if isinstance(outcome, float):
                    told.answers[outcome] += 1
                elif outcome is None:
                    told.refused += 1
                else:
                    told.wrong.append(outcome)
            if outcome is None:
                stop.wait(0.02)
        connection.close()

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield told
    finally:
        stop.set()
        for thread in threads:
            thread.join(PATIENCE)


def _ask(
    connection: http.client.HTTPConnection, model: str, factors: set[float], rng: random.Random
) -> float | str | None:
    """The factor that the answer was made with; None for a refusal; else what is wrong."""
    numbers = [float(rng.randrange(1, 10_000)) for _ in range(9)]
    identity = str(rng.random())
    x = {"name": "x", "shape": [3, 3], "datatype": "FP32", "data": numbers}
    body = json.dumps({"id": identity, "inputs": [x]})
    connection.request("POST", f"/v2/models/{model}/infer", body)
    response = connection.getresponse()
    content = response.read()
    if response.status == 503 and response.getheader("Retry-After"):
        return None
    if response.status != 200:
        return f"{response.status} {content!r}"
    answer = json.loads(content)
    given = answer["outputs"][0]["data"]
    factor = given[0] / numbers[0]
    if answer["id"] != identity or factor not in factors or given != [n * factor for n in numbers]:
        return f"{numbers} was answered with {given}"
    return float(factor)
