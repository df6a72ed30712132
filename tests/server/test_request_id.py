"""A request's id: in its answer, and in what the daemon logs of it."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from running import (
    PATIENCE,
    WITHOUT_ACCELERATORS,
    RunningDaemon,
    install,
    running_daemon,
)
from style_client import PATH, encoded, style_daemon, waves

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
NAMED = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
X = {"name": "x", "shape": [1, 3], "datatype": "FP32", "data": [1, 2, 3]}
INFER = "/v2/models/double/infer"

# `pi-edge serve` with a mistake in the status page.
MISTAKEN = (
    "-c",
    "import sys; from pi_edge import cli, daemon;"
    " daemon.Daemon.status = lambda self: {}['mistake'];"
    " cli.main(sys.argv[1:])",
    "serve",
)


@pytest.fixture(scope="module", params=["fast", "plain"])
def daemon(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningDaemon]:
    folder = tmp_path_factory.mktemp("ids")
    install("double", folder / "shipped")
    install("prices", folder / "shipped", "stocks", tickers=["AAA", "BBB", "CCC"], days=5)
    command = WITHOUT_ACCELERATORS if request.param == "plain" else ()
    with running_daemon(
        folder / "state", "--models", str(folder / "shipped"), command=command
    ) as running:
        yield running


def test_an_answer_to_who_names_the_request_has_that_name(daemon: RunningDaemon) -> None:
    answer = daemon.send("POST", INFER, {"inputs": [X]}, NAMED)
    assert answer.json()["id"] == f"{TRACE}-{PARENT}"


def test_a_task_answers_by_that_name_too(daemon: RunningDaemon) -> None:
    prices = {
        "dates": [f"2026-01-0{day}" for day in range(1, 6)],
        "prices": {ticker: [1.0] * 5 for ticker in ("AAA", "BBB", "CCC")},
    }
    answer = daemon.send("POST", "/tasks/stocks?model=prices", prices, NAMED)
    assert answer.status == 200, answer.body
    assert answer.json()["id"] == f"{TRACE}-{PARENT}"


def test_an_id_in_the_request_is_what_the_answer_has(daemon: RunningDaemon) -> None:
    answer = daemon.send("POST", INFER, {"id": "mine", "inputs": [X]}, NAMED)
    assert answer.json()["id"] == "mine"


def test_an_invalid_name_is_ignored(daemon: RunningDaemon) -> None:
    invalid = {"traceparent": f"00-{TRACE.upper()}-{PARENT}-01"}
    ids = {daemon.send("POST", INFER, {"inputs": [X]}, invalid).json()["id"] for _ in range(2)}
    assert len(ids) == 2
    assert not [identity for identity in ids if TRACE in identity.lower()]


def test_the_next_request_of_a_connection_does_not_inherit_the_name(daemon: RunningDaemon) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=PATIENCE)
    ids = []
    for headers in (NAMED, {}):
        connection.request("POST", INFER, json.dumps({"inputs": [X]}), headers)
        ids.append(json.loads(connection.getresponse().read())["id"])
    connection.close()
    assert ids[0] == f"{TRACE}-{PARENT}"
    assert TRACE not in ids[1]


def lines(log: Path) -> list[dict[str, Any]]:
    """All lines of a log in JSON; what the TFLite runtime writes by itself is none."""
    return [json.loads(line) for line in log.read_text().splitlines() if line[:6] != "INFO: "]


def mistaken_daemon(folder: Path, *flags: str) -> Any:
    install("double", folder / "shipped")
    return running_daemon(
        folder / "state",
        "--models",
        str(folder / "shipped"),
        *flags,
        wait=False,
        command=(sys.executable, *MISTAKEN),
    )


def test_a_mistake_is_answered_and_logged_under_one_id(tmp_path: Path) -> None:
    with mistaken_daemon(tmp_path, "--log-format", "json") as daemon:
        answer = daemon.send("GET", "/status", headers=NAMED)
        other = daemon.send("GET", "/status")
        assert answer.status == other.status == 500
        logged = [line for line in lines(daemon.log) if "exception" in line]
    assert answer.headers["x-request-id"] == f"{TRACE}-{PARENT}"
    assert answer.json() == {
        "error": "pi-edge made a mistake (KeyError): see its log"
        f" (request {answer.headers['x-request-id']})"
    }
    assert [line["request_id"] for line in logged] == [
        answer.headers["x-request-id"],
        other.headers["x-request-id"],
    ]
    assert [line.get("trace_id") for line in logged] == [TRACE, None]
    assert logged[0]["level"] == "error"
    assert "KeyError: 'mistake'" in logged[0]["exception"]


def test_in_text_the_id_ends_the_line(tmp_path: Path) -> None:
    with mistaken_daemon(tmp_path) as daemon:
        answer = daemon.send("GET", "/status", headers=NAMED)
        log = daemon.log.read_text()
    assert f"ERROR: GET /status [{answer.headers['x-request-id']}]\nTraceback" in log


def test_a_model_that_fails_is_logged_under_the_answers_id(
    tmp_path: Path, shipped_models: Path
) -> None:
    with style_daemon(tmp_path, shipped_models, "--log-format", "json") as daemon:
        told = tmp_path / "shipped" / "style" / "model.json"
        document = json.loads(told.read_text())
        del document["variants"]["float32"]["folding"]
        told.write_text(json.dumps(document))
        answer = daemon.send("POST", PATH, encoded(waves(40, 40)), NAMED)
        assert answer.status == 500
        (logged,) = [line for line in lines(daemon.log) if line.get("trace_id") == TRACE]
    identity = answer.headers["x-request-id"]
    assert identity == logged["request_id"] == f"{TRACE}-{PARENT}"
    assert (logged["level"], "exception" in logged) == ("warning", False)
    _, _, reason = logged["message"].partition(": ")
    assert answer.json()["error"] == f"{reason} (request {identity})"


def test_a_daemon_that_cannot_start_says_so_in_json(daemon: RunningDaemon) -> None:
    flags = ["--led", "off", "--log-format", "json", "--port", str(daemon.port)]
    command = [sys.executable, "-m", "pi_edge", "serve", *flags]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    told = json.loads(line)
    assert (told["level"], str(daemon.port) in told["message"]) == ("error", True)
