"""HTTPS over a real socket, with a certificate that openssl made."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from certificates import make_certificate
from running import (
    PATIENCE,
    WITHOUT_ACCELERATORS,
    RunningDaemon,
    install,
    running_daemon,
    wait_until,
)

from pi_edge import tls
from pi_edge.errors import PiEdgeError


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module", params=[(), WITHOUT_ACCELERATORS], ids=["fast", "plain"])
def daemon(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    files: tuple[Path, Path],
) -> Iterator[RunningDaemon]:
    folder = tmp_path_factory.mktemp("https")
    install("double", folder / "models")
    (folder / "shipped").mkdir()
    flags = ("--models", str(folder / "shipped"), "--client-seconds", "2")
    flags += ("--tls-certificate", str(files[0]), "--tls-key", str(files[1]))
    with running_daemon(folder, *flags, wait=False, command=request.param) as running:
        wait_until(lambda: ask(running, files[0], "/v2/health/ready")["ready"])
        yield running
        assert "Traceback" not in running.log.read_text()


def ask(daemon: RunningDaemon, certificate: Path, path: str, body: bytes | None = None) -> dict:
    """An answer from who can show the certificate."""
    context = ssl.create_default_context(cafile=str(certificate))
    connection = http.client.HTTPSConnection(
        "localhost", daemon.port, timeout=PATIENCE, context=context
    )
    with contextlib.closing(connection):
        connection.request("POST" if body else "GET", path, body)
        found: dict = json.load(connection.getresponse())
        return found


def secured(daemon: RunningDaemon, certificate: Path) -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=str(certificate))
    plain = socket.create_connection(("127.0.0.1", daemon.port), timeout=PATIENCE)
    return context.wrap_socket(plain, server_hostname="localhost")


def test_an_inference_goes_over_https(daemon: RunningDaemon, files: tuple[Path, Path]) -> None:
    tensor = {"name": "x", "shape": [1, 3], "datatype": "FP32", "data": [1, 2, 3]}
    body = json.dumps({"inputs": [tensor]}).encode()
    answer = ask(daemon, files[0], "/v2/models/double/infer", body)
    assert answer["outputs"][0]["data"] == [2, 4, 6]


def test_it_is_tls_1_2_at_least(daemon: RunningDaemon, files: tuple[Path, Path]) -> None:
    with secured(daemon, files[0]) as connection:
        assert connection.version() in ("TLSv1.2", "TLSv1.3")
    context = tls.server_context(*files)
    assert context
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2


def test_the_address_that_is_shown_says_https(daemon: RunningDaemon) -> None:
    assert f"listening at https://127.0.0.1:{daemon.port}\n" in daemon.log.read_text()
    assert f"ready at https://127.0.0.1:{daemon.port}\n" in daemon.log.read_text()


def test_who_speaks_no_tls_is_let_go(daemon: RunningDaemon, files: tuple[Path, Path]) -> None:
    with socket.create_connection(("127.0.0.1", daemon.port), timeout=PATIENCE) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"HTTP/1.1 200" not in connection.recv(65536)
    assert ask(daemon, files[0], "/v2/health/live")["live"]


def test_a_slow_head_is_let_go_in_tls_too(daemon: RunningDaemon, files: tuple[Path, Path]) -> None:
    with secured(daemon, files[0]) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nX: ")
        assert connection.recv(65536).startswith(b"HTTP/1.1 408 ")


def test_who_never_shakes_hands_keeps_nobody_out(
    daemon: RunningDaemon, files: tuple[Path, Path]
) -> None:
    silent = [socket.create_connection(("127.0.0.1", daemon.port)) for _ in range(100)]
    try:
        assert ask(daemon, files[0], "/v2/health/live")["live"]
    finally:
        for connection in silent:
            connection.close()


def status(daemon: RunningDaemon, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pi_edge", "status"],
        env={**os.environ, "PI_EDGE_PORT": str(daemon.port), **environ},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


def status_elsewhere(daemon: RunningDaemon, **environ: str) -> subprocess.CompletedProcess[str]:
    """As of a daemon on another machine, which must show a certificate that is trusted."""
    code = (
        "import sys; from pi_edge.cli import main, status; status._is_here = lambda _: False;"
        " sys.exit(main(sys.argv[1:]))"
    )
    return subprocess.run(
        [sys.executable, "-c", code, "status", "--url", f"https://localhost:{daemon.port}"],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


def test_status_finds_the_daemon_whether_or_not_the_settings_say_https(
    daemon: RunningDaemon, files: tuple[Path, Path]
) -> None:
    for environ in ({}, {"PI_EDGE_TLS_CERTIFICATE": str(files[0])}):
        done = status(daemon, **environ)
        assert done.stdout.startswith("ready"), done.stderr


def test_status_trusts_a_certificate_that_it_is_given(
    daemon: RunningDaemon, files: tuple[Path, Path]
) -> None:
    done = status_elsewhere(daemon, SSL_CERT_FILE=str(files[0]))
    assert done.stdout.startswith("ready"), done.stderr


def test_status_says_what_to_do_where_the_certificate_is_not_trusted(
    daemon: RunningDaemon,
) -> None:
    done = status_elsewhere(daemon)
    assert done.returncode == 1
    assert f"the certificate of https://localhost:{daemon.port} is not trusted" in done.stderr
    assert "SSL_CERT_FILE" in done.stderr


def test_a_missing_file_is_said_with_its_setting(files: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(PiEdgeError, match=r"No such file .*tls_certificate"):
        tls.server_context(tmp_path / "none.pem", files[1])
    with pytest.raises(PiEdgeError, match=r"No such file .*tls_key"):
        tls.server_context(files[0], tmp_path / "none.key")


def test_the_key_of_another_certificate_is_said(files: tuple[Path, Path], tmp_path: Path) -> None:
    _, other = make_certificate(tmp_path, "other")
    with pytest.raises(PiEdgeError, match="is not that of the certificate"):
        tls.server_context(files[0], other)


def test_what_is_no_certificate_is_said(files: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello")
    with pytest.raises(PiEdgeError, match="no certificate and unencrypted key in PEM"):
        tls.server_context(tmp_path / "text", files[1])


def test_an_encrypted_key_asks_nobody_for_its_password(tmp_path: Path) -> None:
    certificate, key = make_certificate(tmp_path, password="secret")
    with pytest.raises(PiEdgeError, match="unencrypted key"):
        tls.server_context(certificate, key)


def test_a_pipe_or_a_folder_is_no_certificate(files: tuple[Path, Path], tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path):
        with pytest.raises(PiEdgeError, match="is no file"):
            tls.server_context(path, files[1])


def test_a_key_alone_is_said() -> None:
    with pytest.raises(PiEdgeError, match="but no certificate"):
        tls.server_context(None, Path("pi.key"))


def test_one_file_may_hold_both(files: tuple[Path, Path], tmp_path: Path) -> None:
    both = tmp_path / "both.pem"
    both.write_bytes(files[0].read_bytes() + files[1].read_bytes())
    assert tls.server_context(both, None)


def test_a_daemon_that_cannot_use_its_certificate_ends_in_one_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pi_edge", "serve", "--port", "0", "--led", "off"),
            *("--state", str(tmp_path), "--tls-certificate", str(tmp_path / "none.pem")),
        ],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"pi-edge: cannot read {tmp_path / 'none.pem'} (No such file or directory): mend the file"
        " or the setting tls_certificate"
    ]
