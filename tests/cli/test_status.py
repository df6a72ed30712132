"""pi-edge status."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator

import pytest
from running import RunningDaemon

from pi_edge.cli import main
from pi_edge.listening import listen


def test_says_the_state_and_every_model(
    daemon: RunningDaemon, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["status", "--url", daemon.url]) == 0
    text = capsys.readouterr().out
    assert text.startswith("ready, up ")
    for name in ("mnist-cnn", "mnist-mlp", "double"):
        assert name in text


def test_json_is_what_the_route_answers(
    daemon: RunningDaemon, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["status", "--json", "--url", daemon.url]) == 0
    printed, answered = json.loads(capsys.readouterr().out), daemon.status()
    assert printed["models"] == answered["models"]
    assert printed["pid"] == daemon.process.pid


def test_a_proxy_is_not_asked(
    daemon: RunningDaemon, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert main(["status", "--url", daemon.url]) == 0


def test_no_daemon_is_one_line_and_1(capsys: pytest.CaptureFixture[str]) -> None:
    with listen("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    assert main(["status", "--url", f"http://127.0.0.1:{port}"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "pi-edge serve" in line


@pytest.fixture
def stranger() -> Iterator[str]:
    """Some other web server."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>")

        def log_message(self, *args: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("url", ["nonsense", "http://"])
def test_what_is_no_url_is_one_line_and_1(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--url", url]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_another_server_is_told_apart(stranger: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--url", stranger]) == 1
    assert "no pi-edge" in capsys.readouterr().err
