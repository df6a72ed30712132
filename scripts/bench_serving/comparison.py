"""One comparison: each server's life alone, then all of them under load in turn."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from bench_serving import figures, peers
from bench_serving.dialects import JSON, Dialect
from bench_serving.load import Load, Request, put
from bench_serving.process import Running, Server, disk_bytes
from pi_edge import catalog
from pi_edge.benchmark import inputs, machine, suite
from pi_edge.errors import PiEdgeError
from pi_edge.model import Model

# How often each server is started and stopped, and how long it is kept busy in between.
LIVES = 3
BUSY_SECONDS, BUSY_CONNECTIONS = 1, 8

CONNECTIONS = (1, 8, 64)


@dataclass(frozen=True)
class Plan:
    """What to compare: the model, the other servers, how long, where to write."""

    models: Path
    model: str
    peers: Sequence[str]
    seconds: int
    rounds: int
    folder: Path
    say: Callable[[str], None]


def run(plan: Plan) -> dict[str, Any]:
    """Measure.

    Returns:
        The report, ready for JSON: machine, model, per server its life and per load its figures,
        the ratios of pi-edge to each other server.

    Raises:
        PiEdgeError: a server or the model is missing, or an answer is wrong.
    """
    entries, _ = catalog.find(plan.models)
    variant, file = catalog.pick(entries, plan.model).file("float32")
    question = Question(file)
    servers, everything = _servers(plan, file)
    lives = {}
    for server in [*servers, everything]:
        plan.say(f"{server.name}: {LIVES} times start, load, stop")
        lives[server.name] = figures.life([_live(server, question) for _ in range(LIVES)])
        lives[server.name]["disk_bytes"] = disk_bytes(server.disk) or None
    loads = _in_turn(plan, servers, question)
    plan.say("the model itself")
    bare = suite.measure(suite.Job(plan.model, variant, file, 1), {})
    ours = servers[0].name
    return {
        "format": "pi-edge HTTP benchmark 1",
        "measured": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "machine": machine.describe(),
        "model": plan.model,
        "seconds": plan.seconds,
        "lives": lives,
        "loads": {
            name: {kind: figures.summarize(runs) for kind, runs in kinds.items()}
            for name, kinds in loads.items()
        },
        "ratios": {
            server.name: figures.ratios(loads[ours], loads[server.name]) for server in servers[1:]
        },
        "bare": bare,
    }


class Question:
    """The same input for everyone, as each wants it, and its right answer."""

    def __init__(self, file: Path) -> None:
        loaded = Model(file)
        if len(loaded.inputs) != 1 or len(loaded.outputs) != 1:
            raise PiEdgeError(f"{file} has more than one input or output: choose another --model")
        arrays, _ = inputs.choose(loaded.inputs, file.parent)
        self.expected = next(iter(loaded.run(arrays).values()))
        ((self.name, self.array),) = arrays.items()

    def requests(self, server: Server) -> dict[str, Request]:
        """What a server is sent, by what the table calls it; the bodies are in its folder."""
        dialect = server.dialect
        requests = {"JSON": Request(server.folder / "body.json", JSON)}
        requests["JSON"].body.write_bytes(self.json(dialect))
        if dialect.binary:
            headers, body = dialect.binary(self.name, self.array)
            requests["binary"] = Request(server.folder / "body.bin", headers)
            requests["binary"].body.write_bytes(body)
        return requests

    def json(self, dialect: Dialect) -> bytes:
        """The body of a request in JSON."""
        return json.dumps(dialect.json(self.name, self.array)).encode()

    def check(self, running: Running) -> None:
        """Raises PiEdgeError when the server's answer is not the right one."""
        dialect = running.server.dialect
        status, body = running.post(dialect.path, self.json(dialect), JSON)
        try:
            answer = np.array(dialect.output(json.loads(body)), np.float32).ravel()
            right = status == 200 and np.allclose(answer, self.expected.ravel(), atol=1e-6)
        except (ValueError, KeyError, IndexError, TypeError):
            right = False
        if not right:
            raise PiEdgeError(f"{running.server.name} gave a wrong answer: {status} {body[:200]!r}")


def _servers(plan: Plan, file: Path) -> tuple[list[Server], Server]:
    """pi-edge with the one model, as it is and tuned, and the others; and pi-edge with all models,
    which is not put under load."""
    made = []
    for name in plan.peers:
        for peer in peers.PEERS[name]:
            folder = plan.folder / peer.replace(" ", "-").replace(",", "")
            folder.mkdir()
            made.append(peers.make(peer, plan.models, plan.model, file, folder, plan.say))
    disk = peers.installed_alone(plan.say) if made else ()
    alone = peers.only(plan.models / plan.model, file, plan.folder / "models")
    ours = [
        peers.pi_edge(name, models, plan.model, plan.folder / name, disk)
        for name, models in (
            ("pi-edge", alone),
            ("pi-edge, tuned", alone),
            ("pi-edge, all models", plan.models),
        )
    ]
    peers.tune(ours[1], alone)
    return [*ours[:2], *made], ours[2]


def _live(server: Server, question: Question) -> Mapping[str, Any]:
    """Start one server, alone, keep it busy for a moment, weigh it, stop it."""
    running = server.start()
    try:
        question.check(running)
        _warm(running, question)
        memory = running.memory_bytes()
    finally:
        seconds, how = running.stop()
    return {
        "listening_seconds": running.listening_seconds,
        "ready_seconds": running.ready_seconds,
        "pss_bytes": memory,
        "stop_seconds": seconds,
        "stop": how,
    }


def _warm(running: Running, question: Question) -> None:
    request = question.requests(running.server)["JSON"]
    put(running.url(running.server.dialect.path), request, BUSY_CONNECTIONS, BUSY_SECONDS)


def _measure(running: Running, request: Request, connections: int, plan: Plan) -> Load:
    """One load, and what it cost the server in processor time."""
    before = running.cpu_seconds()
    found = put(running.url(running.server.dialect.path), request, connections, plan.seconds)
    spent = running.cpu_seconds() - before
    return replace(found, cpu_us=spent / found.requests * 1e6)


def _in_turn(
    plan: Plan, servers: Sequence[Server], question: Question
) -> dict[str, dict[str, list[Load]]]:
    """All servers up, one of them under load at a time: A B A B, round by round."""
    loads: dict[str, dict[str, list[Load]]] = {server.name: {} for server in servers}
    with ExitStack() as stack:
        up = []
        for server in servers:
            running = server.start()
            stack.callback(running.stop)
            question.check(running)
            # The first requests find caches cold and code not yet specialised.
            _warm(running, question)
            up.append((running, question.requests(server)))
        for number in range(plan.rounds):
            plan.say(f"round {number + 1} of {plan.rounds}")
            for connections in CONNECTIONS:
                for kind in ("JSON", "binary"):
                    title = f"{kind}, {connections} connection{'s' * (connections > 1)}"
                    for running, requests in up:
                        if kind in requests:
                            found = _measure(running, requests[kind], connections, plan)
                            loads[running.server.name].setdefault(title, []).append(found)
    return loads
