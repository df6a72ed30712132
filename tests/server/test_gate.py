"""Other hosts and other sites: a web page elsewhere shall not use this daemon."""

from __future__ import annotations

import socket
from collections.abc import Iterator
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

from pi_edge.server.gate import _same_address

MACHINE = socket.gethostname().lower()
INFER = "/v2/models/double/infer"
BODY = {"inputs": [{"name": "x", "shape": [1, 3], "datatype": "FP32", "data": [1, 2, 3]}]}
PAGES = "https://pages.example"
ASKED = {"Origin": PAGES, "Access-Control-Request-Method": "POST"}


@pytest.fixture(scope="module", params=[(), WITHOUT_ACCELERATORS], ids=["fast", "plain"])
def daemon(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningDaemon]:
    """A daemon that is also called pi.example, demands a token, and lets the pages of
    pages.example ask."""
    folder = tmp_path_factory.mktemp("gate")
    install("double", folder / "models")
    (folder / "shipped").mkdir()
    settings = folder / "config.toml"
    settings.write_text(
        f'token = "secret"\nallowed_hosts = ["pi.example"]\nallowed_origins = ["{PAGES}"]\n'
    )
    flags = ("--models", str(folder / "shipped"), "--config", str(settings))
    with running_daemon(folder, *flags, wait=False, command=request.param) as running:
        wait_until(lambda: running.send("GET", "/v2/health/ready").json()["ready"])
        yield running
        assert "Traceback" not in running.log.read_text()


def send(daemon: RunningDaemon, headers: dict[str, str], method: str = "POST") -> Answer:
    body = BODY if method == "POST" else None
    return daemon.send(method, INFER, body, {"Authorization": "Bearer secret", **headers})


def refused(answer: Answer, status: int, words: str) -> None:
    assert answer.status == status, answer.body
    assert answer.headers["connection"] == "close"
    assert words in answer.json()["error"]
    assert answer.body.count(b"\n") == 1


def raw(daemon: RunningDaemon, sent: str) -> bytes:
    with socket.create_connection(("127.0.0.1", daemon.port), timeout=PATIENCE) as connection:
        connection.sendall(sent.encode())
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    return received


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "LOCALHOST:80", "localhost.", "app.localhost:8080", "127.0.0.1"),
        *("127.1.2.3:1", "[::1]:8080", "[::1]", MACHINE, f"{MACHINE}:8080", f"{MACHINE}.local"),
        *("pi.example", "PI.example:443"),
    ],
)
def test_the_daemon_answers_to_its_names(daemon: RunningDaemon, host: str) -> None:
    assert send(daemon, {"Host": host}).status == 200


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "evil.example:8080", "localhost.evil.example", "127.0.0.1.evil.example"),
        *("192.0.2.7", "[2001:db8::1]", "", ":8080", "localhost:port", "[::1", "pi.example.evil"),
        *("xpi.example", "sub.pi.example", "localhost@evil.example", "localhost/evil"),
    ],
)
def test_any_other_name_is_misdirected(daemon: RunningDaemon, host: str) -> None:
    refused(send(daemon, {"Host": host}), 421, "allowed_hosts")


def test_a_name_found_bad_stays_bad(daemon: RunningDaemon) -> None:
    for _ in range(3):
        refused(send(daemon, {"Host": "evil.example"}), 421, "allowed_hosts")


@pytest.mark.parametrize("lines", ["", "Host: localhost\r\nHost: localhost\r\n"])
def test_one_host_must_be_named(daemon: RunningDaemon, lines: str) -> None:
    assert raw(daemon, f"GET /v2 HTTP/1.1\r\n{lines}\r\n").startswith(b"HTTP/1.1 400 ")


def test_http_1_0_needs_no_host(daemon: RunningDaemon) -> None:
    assert b" 200 OK" in raw(daemon, "GET /v2/health/live HTTP/1.0\r\n\r\n")


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost:3000", "https://evil.example:8080"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_pages_of_other_sites_are_refused(daemon: RunningDaemon, origin: str, method: str) -> None:
    answer = send(daemon, {"Origin": origin}, method)
    refused(answer, 403, "allowed_origins")
    assert "access-control-allow-origin" not in answer.headers


def test_other_sites_are_refused_what_is_open_to_all(daemon: RunningDaemon) -> None:
    answer = daemon.send("GET", "/v2/health/live", headers={"Origin": "https://evil.example"})
    refused(answer, 403, "allowed_origins")


def test_the_daemons_own_page_may_ask(daemon: RunningDaemon) -> None:
    for host in (f"127.0.0.1:{daemon.port}", f"localhost:{daemon.port}", "pi.example"):
        assert send(daemon, {"Host": host, "Origin": f"http://{host}"}).status == 200


def test_behind_a_proxy_that_names_another_host_the_own_page_may_ask(
    daemon: RunningDaemon,
) -> None:
    assert send(daemon, {"Origin": "https://pi.example"}).status == 200
    refused(send(daemon, {"Origin": "https://pi.example:9000"}), 403, "allowed_origins")


def test_pages_of_an_allowed_origin_may_ask_and_read(daemon: RunningDaemon) -> None:
    answer = send(daemon, {"Origin": PAGES})
    assert answer.status == 200
    assert answer.headers["access-control-allow-origin"] == PAGES
    assert answer.headers["vary"] == "Origin"
    assert "Inference-Header-Content-Length" in answer.headers["access-control-expose-headers"]


def test_they_may_read_refusals_too(daemon: RunningDaemon) -> None:
    answer = daemon.send("POST", INFER, BODY, {"Origin": PAGES})
    assert answer.status == 401
    assert answer.headers["access-control-allow-origin"] == PAGES


def test_a_browser_that_asks_first_is_told_without_a_token(daemon: RunningDaemon) -> None:
    asked = {**ASKED, "Access-Control-Request-Headers": "authorization,content-type"}
    answer = daemon.send("OPTIONS", INFER, headers=asked)
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == PAGES
    assert answer.headers["access-control-allow-headers"] == "authorization,content-type"
    assert "POST" in answer.headers["access-control-allow-methods"]


def test_a_browser_that_asks_first_for_another_site_is_refused(daemon: RunningDaemon) -> None:
    answer = daemon.send("OPTIONS", INFER, headers={**ASKED, "Origin": "https://evil.example"})
    refused(answer, 403, "allowed_origins")


def test_any_host_may_be_allowed(tmp_path: Path) -> None:
    with running_daemon(tmp_path, "--models", str(tmp_path), "--allowed-hosts", "*") as running:
        assert running.send("GET", "/v2", headers={"Host": "any.example"}).status == 200


@pytest.mark.parametrize(
    ("name", "server", "same"),
    [
        ("192.0.2.7", "192.0.2.7", True),
        ("192.0.2.7", "::ffff:192.0.2.7", True),
        ("192.0.2.7", "192.0.2.8", False),
        ("fe80::1%25eth0", "fe80::1%eth0", True),
        ("2001:db8:0::1", "2001:db8::1", True),
        ("name", "192.0.2.7", False),
    ],
)
def test_the_address_connected_to_is_a_name_of_the_daemon(
    name: str, server: str, same: bool
) -> None:
    assert _same_address(name, server) is same
