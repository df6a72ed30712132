"""A daemon that demands a token."""

from __future__ import annotations

import re
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from running import (
    PATIENCE,
    WITHOUT_ACCELERATORS,
    Answer,
    RunningDaemon,
    install,
    running_daemon,
    wait_until,
)

from pi_edge.server import page

TOKEN = "a-token/of+this~test=="
INFER = "/v2/models/double/infer"
BODY = {"inputs": [{"name": "x", "shape": [1, 3], "datatype": "FP32", "data": [1, 2, 3]}]}
# Every test listens on this machine only: this daemon takes that for the world.
AS_IF_BEYOND = (
    sys.executable,
    "-c",
    "import sys; from pi_edge import access_token; access_token.is_loopback = lambda _: False;"
    " from pi_edge.cli import main; sys.exit(main(sys.argv[1:]))",
    "serve",
)
CLOSED = [
    *("/status", "/metrics", "/v2", "/v2/", "/v2/health", "/v2/health/other", "//", "/status/"),
    *("/v2/models/stats", "/v2/models/double", "/v2/models/double/ready", "/nothing", "/tasks/x"),
    *("/v2/health/../models/stats", "/v2/health/live/", "/%2e", "/index.html", "/v2/repository"),
    *("/page", "/page/", "/page/nothing.js", "/page/../status", "/page/main.js/"),
]


@pytest.fixture(scope="module", params=["accelerated", "plain"])
def daemon(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningDaemon]:
    """Every test here runs on httptools and uvloop, and on h11 and asyncio."""
    folder = tmp_path_factory.mktemp("locked")
    settings = folder / "config.toml"
    settings.write_text(f'token = "{TOKEN}"\n')
    command = WITHOUT_ACCELERATORS if request.param == "plain" else ()
    with started(folder, "--config", str(settings), command=command) as running:
        yield running
        assert running.process.poll() is None
        assert TOKEN not in running.log.read_text()
        assert "Traceback" not in running.log.read_text()


@contextmanager
def started(folder: Path, *flags: str, command: tuple[str, ...] = ()) -> Iterator[RunningDaemon]:
    """A daemon that serves ``double``, with its state in ``folder``, once it is ready."""
    install("double", folder / "models")
    (folder / "shipped").mkdir()
    flags = ("--models", str(folder / "shipped"), *flags)
    with running_daemon(folder, *flags, wait=False, command=command) as running:
        wait_until(lambda: running.send("GET", "/v2/health/ready").json()["ready"])
        yield running


def shown(value: str = f"Bearer {TOKEN}") -> dict[str, str]:
    return {"Authorization": value}


def refused(answer: Answer) -> None:
    assert answer.status == 401, answer.body
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["content-type"] == "application/json"
    assert list(answer.json()) == ["error"]
    assert "the setting token" in answer.json()["error"]
    assert answer.body.count(b"\n") == 1
    assert TOKEN.encode() not in answer.body


@pytest.mark.parametrize("path", CLOSED)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_whoever_shows_no_token_is_refused_whatever_they_ask(
    daemon: RunningDaemon, method: str, path: str
) -> None:
    refused(daemon.send(method, path))


def test_an_inference_without_the_token_is_refused(daemon: RunningDaemon) -> None:
    refused(daemon.send("POST", INFER, BODY))


def test_head_is_refused_without_a_body(daemon: RunningDaemon) -> None:
    answer = daemon.send("HEAD", "/status")
    assert (answer.status, answer.body) == (401, b"")
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("path", [*sorted(page.paths()), "/v2/health/live", "/v2/health/ready"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_health_and_the_page_are_open(daemon: RunningDaemon, method: str, path: str) -> None:
    assert daemon.send(method, path).status == 200
    assert daemon.send(method, path, headers=shown("Bearer wrong")).status == 200


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_token_opens_the_rest(daemon: RunningDaemon, scheme: str) -> None:
    answer = daemon.send("POST", INFER, BODY, shown(f"{scheme} {TOKEN}"))
    assert answer.json()["outputs"][0]["data"] == [2, 4, 6]
    assert daemon.send("GET", "/status", headers=shown(f"{scheme}  {TOKEN} ")).status == 200


def test_errors_behind_the_token_are_what_they_are_without_one(daemon: RunningDaemon) -> None:
    assert daemon.send("GET", "/nothing", headers=shown()).status == 404
    assert daemon.send("PUT", "/status", headers=shown()).status == 405


@pytest.mark.parametrize(
    "value",
    [
        *("", "Bearer", "Bearer ", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Bearer x{TOKEN}"),
        *(f"Bearer {TOKEN.upper()}", TOKEN, f"Basic {TOKEN}", f"Bearer{TOKEN}", f"Bearer\t{TOKEN}"),
        *(f'Bearer "{TOKEN}"', f"Bearer {TOKEN}, Bearer {TOKEN}", f"Bearer {TOKEN} more"),
        *("Bearer \xe9\xff", "\xff", "Bearer " + "x" * 4000),
    ],
)
def test_another_token_is_refused(daemon: RunningDaemon, value: str) -> None:
    refused(daemon.send("GET", "/status", headers=shown(value)))


def test_the_token_counts_in_its_header_only(daemon: RunningDaemon) -> None:
    refused(daemon.send("GET", f"/status?token={TOKEN}&access_token={TOKEN}"))
    refused(daemon.send("GET", "/status", headers={"Cookie": f"token={TOKEN}", "X-Token": TOKEN}))


def test_of_two_tokens_on_one_request_the_last_counts(daemon: RunningDaemon) -> None:
    for values, status in (("wrong", TOKEN), b"200"), ((TOKEN, "wrong"), b"401"):
        lines = "".join(f"Authorization: Bearer {value}\r\n" for value in values)
        head = f"GET /status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{lines}\r\n"
        assert first_line(daemon, head.encode()) == b"HTTP/1.1 " + status


def test_who_may_not_ask_is_refused_before_sending_a_body(daemon: RunningDaemon) -> None:
    head = f"POST {INFER} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000000\r\n\r\n"
    assert first_line(daemon, head.encode()) == b"HTTP/1.1 401"


def test_who_asks_before_sending_is_not_told_to_go_on(daemon: RunningDaemon) -> None:
    head = f"POST {INFER} HTTP/1.1\r\nHost: localhost\r\n"
    head += "Expect: 100-continue\r\nContent-Length: 9\r\n\r\n"
    assert first_line(daemon, head.encode()) == b"HTTP/1.1 401"


def test_a_client_that_sends_it_all_gets_the_refusal(daemon: RunningDaemon) -> None:
    refused(daemon.send("POST", INFER, bytes(32 * 2**20)))


def test_a_refused_connection_takes_no_second_request(daemon: RunningDaemon) -> None:
    request = b"GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n"
    allowed = (
        f"GET /v2 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode()
    )
    received = everything(daemon, request + allowed)
    assert received.count(b"HTTP/1.1 ") == 1
    assert b"connection: close" in received


def test_refusals_are_counted(daemon: RunningDaemon) -> None:
    refused(daemon.send("GET", "/status"))
    metrics = daemon.send("GET", "/metrics", headers=shown()).body.decode()
    assert re.search(r'pi_edge_requests_total\{[^}]*status="401"[^}]*\} [1-9]', metrics), metrics


@pytest.fixture(scope="module")
def beyond(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    """A daemon that takes where it listens for beyond this machine, and has no token yet."""
    with started(tmp_path_factory.mktemp("beyond"), command=AS_IF_BEYOND) as running:
        yield running


def test_beyond_this_machine_the_daemon_demands_the_token_that_it_made(
    beyond: RunningDaemon,
) -> None:
    file = beyond.state / "token"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    answer = beyond.send("GET", "/status")
    assert answer.status == 401
    assert str(file) in answer.json()["error"]
    token = file.read_text().strip()
    assert beyond.send("GET", "/status", headers=shown(f"Bearer {token}")).status == 200
    assert str(file) in beyond.log.read_text()
    assert token not in beyond.log.read_text()


def test_beyond_this_machine_plain_http_is_warned_of(beyond: RunningDaemon) -> None:
    assert "can be listened in on: set tls_certificate" in beyond.log.read_text()


def test_a_token_file_that_holds_none_stops_the_daemon_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "token").touch()
    done = subprocess.run(
        [*AS_IF_BEYOND, "--port", "0", "--state", str(tmp_path), "--led", "off"],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"pi-edge: there is no token in {tmp_path / 'token'}: remove it")
    assert "Traceback" not in done.stderr


def first_line(daemon: RunningDaemon, sent: bytes) -> bytes:
    """The first bytes that come back, up to the status; the connection is then closed."""
    with socket.create_connection(("127.0.0.1", daemon.port), timeout=PATIENCE) as connection:
        connection.sendall(sent)
        return connection.recv(65536)[:12]


def everything(daemon: RunningDaemon, sent: bytes) -> bytes:
    """All that comes back until the daemon closes the connection."""
    with socket.create_connection(("127.0.0.1", daemon.port), timeout=PATIENCE) as connection:
        connection.sendall(sent)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    return received
