"""pi-edge status."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from running import RunningDaemon, running_daemon

from pi_edge.access_token import Unreadable
from pi_edge.cli import main
from pi_edge.cli.status import Locked
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


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[RunningDaemon]:
    """A daemon that demands the token in its state folder."""
    (tmp_path / "token").write_text("from-its-file\n")
    (tmp_path / "config.toml").write_text('token = "from-its-file"\n')
    flags = ("--models", str(tmp_path / "models"), "--config", str(tmp_path / "config.toml"))
    (tmp_path / "models").mkdir()
    with running_daemon(tmp_path, *flags, wait=False) as running:
        yield running


def test_the_token_of_a_daemon_on_this_machine_is_found(
    locked: RunningDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PI_EDGE_STATE", str(locked.state))
    assert main(["status", "--url", locked.url]) == 0


def test_a_token_that_was_set_is_sent(
    locked: RunningDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PI_EDGE_TOKEN", "from-its-file")
    assert main(["status", "--url", locked.url]) == 0


def test_another_token_is_one_line_and_1(
    locked: RunningDaemon, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PI_EDGE_TOKEN", "another")
    assert main(["status", "--url", locked.url]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "demands another token" in line
    assert "PI_EDGE_TOKEN=" in line


def test_a_token_in_a_folder_that_is_not_known_is_one_line_and_1(
    locked: RunningDaemon,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PI_EDGE_STATE", str(tmp_path / "elsewhere"))
    monkeypatch.setattr("pi_edge.config.SERVICE_STATE", tmp_path / "no-service")
    assert main(["status", "--url", locked.url]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "PI_EDGE_STATE=DIR pi-edge status" in line


def test_a_token_that_may_not_be_read_asks_for_sudo(
    locked: RunningDaemon,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def refuse(path: Path) -> str:  # root may read whatever there is
        raise Unreadable(f"the token {path} may not be read (Permission denied)")

    monkeypatch.setattr("pi_edge.access_token.read", refuse)
    assert main(["status", "--url", locked.url]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "token may not be read" in line
    assert "sudo pi-edge status" in line


def test_the_token_of_this_machine_is_sent_to_no_other(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sent = []

    def answer(url: str, token: str = "") -> dict[str, object]:
        sent.append((url, token))
        raise Locked("it demands a token")

    monkeypatch.setattr("pi_edge.cli.status.ask", answer)
    monkeypatch.setenv("PI_EDGE_STATE", str(tmp_path))
    (tmp_path / "token").write_text("secret\n")
    for url in ("http://pi.example:8080", "http://127.0.0.1.example:8080"):
        assert main(["status", "--url", url]) == 1
        assert sent == [(url, "")]
        sent.clear()
