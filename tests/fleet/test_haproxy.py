"""HAProxy as docs/haproxy.cfg sets it up, before real daemons that are killed, stopped and frozen
while clients ask."""

from __future__ import annotations

import contextlib
import http.client
import http.server
import json
import os
import shutil
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

import pytest
from bench_haproxy import CONFIG, free_port, haproxy, written
from certificates import make_certificate
from running import RunningDaemon, children, install, running_daemon, wait_until
from support import missing

CLIENTS = 8
INFER = "/v2/models/double/infer"


@pytest.fixture(autouse=True)
def has_haproxy() -> None:
    if not shutil.which("haproxy"):
        missing("no haproxy: apt install haproxy")


@contextlib.contextmanager
def doubling(folder: Path, port: int = 0, *more: str) -> Iterator[RunningDaemon]:
    """A daemon that serves the model ``double`` and no other; ``more`` are flags."""
    install("double", folder / "models")
    (folder / "none").mkdir(exist_ok=True)
    flags = ("--models", str(folder / "none"), "--port", str(port), "--idle-seconds", "5")
    with running_daemon(folder, *flags, *more, wait=False) as daemon:
        # Its log tells without HTTPS and without a token.
        wait_until(lambda: "ready at" in daemon.log.read_text())
        yield daemon


@pytest.fixture
def daemons(tmp_path: Path) -> Iterator[list[RunningDaemon]]:
    """Two of them."""
    with doubling(tmp_path / "one") as one, doubling(tmp_path / "two") as two:
        yield [one, two]


def kill(daemon: RunningDaemon) -> None:
    daemon.process.kill()
    daemon.process.wait()


def freeze(daemon: RunningDaemon, number: int) -> None:
    """Stop a daemon and all that it started, or let them go on."""
    pids = [daemon.process.pid]
    for pid in pids:
        pids += children(pid)
    for pid in pids:
        os.kill(pid, number)


def asked(daemon: RunningDaemon) -> int:
    """How many inferences a daemon has done."""
    stats = daemon.send("GET", "/v2/models/double/stats").json()["model_stats"]
    return sum(int(one["inference_count"]) for one in stats)


class Crowd:
    """Clients that ask, each over one connection, until told to end; what they were answered."""

    def __init__(self, url: str) -> None:
        self.address = urlsplit(url).netloc
        self.right = 0
        self.wrong: Counter[str] = Counter()
        self._enough = threading.Event()
        self._lock = threading.Lock()

    def __enter__(self) -> Crowd:
        self._threads = [threading.Thread(target=self._ask, args=(n,)) for n in range(CLIENTS)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *failed: object) -> None:
        self.end()

    def end(self) -> None:
        """Let everybody have the last answer, and no more."""
        self._enough.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, client: int) -> None:
        connection = http.client.HTTPConnection(self.address, timeout=60)
        for number in range(100_000):
            if self._enough.is_set():
                break
            # Another question each time: the answer to somebody else's would be wrong.
            value = client * 100_000 + number
            tensor = {"name": "x", "shape": [1, 3], "datatype": "FP32", "data": [value, 0, 1]}
            try:
                connection.request("POST", INFER, json.dumps({"inputs": [tensor]}))
                answer = connection.getresponse()
                body = answer.read()
                good = answer.status == 200 and _doubled(body) == 2 * value
                became = "" if good else f"{answer.status} {body[:200]!r}"
            except (OSError, http.client.HTTPException) as error:
                became = repr(error)
                connection.close()
            with self._lock:
                if became:
                    self.wrong[became] += 1
                else:
                    self.right += 1
        connection.close()

    def wait(self, more: int = 300) -> None:
        """Wait until so many more were answered rightly, or one was not."""
        enough = self.right + more
        wait_until(lambda: self.wrong or self.right >= enough)

    def wait_for(self, daemon: RunningDaemon) -> None:
        """Wait until a daemon is asked, too."""
        before = asked(daemon)  # some of it by an earlier one with its state
        wait_until(lambda: self.wrong or asked(daemon) > before + 20)


def _doubled(body: bytes) -> float:
    (output,) = json.loads(body)["outputs"]
    value, *others = output["data"]
    return float(value) if others == [0, 2] else -1.0


def test_the_configuration_has_no_fault_that_haproxy_knows_of(tmp_path: Path) -> None:
    done = subprocess.run(["haproxy", "-c", "-f", CONFIG], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stdout + done.stderr


def test_both_daemons_are_asked(daemons: list[RunningDaemon], tmp_path: Path) -> None:
    with haproxy(tmp_path, [one.port for one in daemons]) as url:
        before = [asked(one) for one in daemons]
        with Crowd(url) as crowd:
            crowd.wait()
    assert not crowd.wrong
    gained = [asked(one) - earlier for one, earlier in zip(daemons, before, strict=True)]
    assert min(gained) > crowd.right / 4


def test_a_daemon_killed_under_load_loses_nothing_and_is_asked_again_when_it_is_back(
    daemons: list[RunningDaemon], tmp_path: Path
) -> None:
    ports = [one.port for one in daemons]
    with haproxy(tmp_path, ports) as url, Crowd(url) as crowd:
        crowd.wait()
        kill(daemons[0])
        crowd.wait()
        with doubling(tmp_path / "one", ports[0]) as again:
            crowd.wait_for(again)
            crowd.wait()
    assert not crowd.wrong


def test_one_daemon_after_the_other_is_killed_again_and_again_and_nothing_is_lost(
    tmp_path: Path,
) -> None:
    ports = [free_port(), free_port()]
    with contextlib.ExitStack() as stack:
        names = ("one", "two")
        running = [
            stack.enter_context(doubling(tmp_path / name, port))
            for name, port in zip(names, ports, strict=True)
        ]
        url = stack.enter_context(haproxy(tmp_path, ports))
        crowd = stack.enter_context(Crowd(url))
        for turn in range(6):
            crowd.wait()
            which = turn % 2
            kill(running[which])
            running[which] = stack.enter_context(doubling(tmp_path / names[which], ports[which]))
            # Not before it is in rotation again: somebody must be left.
            crowd.wait_for(running[which])
        crowd.wait()
        crowd.end()  # before the daemons do
    assert not crowd.wrong


def test_a_daemon_told_to_stop_under_load_loses_nothing(
    daemons: list[RunningDaemon], tmp_path: Path
) -> None:
    with haproxy(tmp_path, [one.port for one in daemons]) as url, Crowd(url) as crowd:
        crowd.wait()
        assert daemons[0].stop() == 0
        crowd.wait()
    assert not crowd.wrong


def test_a_daemon_that_falls_silent_under_load_loses_nothing(
    daemons: list[RunningDaemon], tmp_path: Path
) -> None:
    ports = [one.port for one in daemons]
    with haproxy(tmp_path, ports, timeout_server="2s") as url, Crowd(url) as crowd:
        crowd.wait()
        freeze(daemons[0], signal.SIGSTOP)
        try:
            crowd.wait()
        finally:
            freeze(daemons[0], signal.SIGCONT)
    assert not crowd.wrong


def test_a_daemon_that_is_not_ready_is_not_asked(
    daemons: list[RunningDaemon], tmp_path: Path
) -> None:
    (tmp_path / "none").mkdir()
    flags = ("--models", str(tmp_path / "none"))
    with running_daemon(tmp_path / "three", *flags) as empty:
        assert empty.send("GET", "/v2/health/ready").status == 503
        with haproxy(tmp_path, [daemons[0].port, empty.port]) as url:
            # Until it has looked twice it takes everybody for ready.
            metadata = INFER.removesuffix("/infer")
            wait_until(lambda: all(_status(url, metadata) == 200 for _ in range(20)))
            with Crowd(url) as crowd:
                crowd.wait()
    assert not crowd.wrong


def test_a_request_larger_than_the_buffer_is_answered(
    daemons: list[RunningDaemon], tmp_path: Path
) -> None:
    rows = 100_000
    data = list(range(3 * rows))
    tensor = {"name": "x", "shape": [rows, 3], "datatype": "FP32", "data": data}
    with haproxy(tmp_path, [one.port for one in daemons]) as url:
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
        with contextlib.closing(connection):
            connection.request("POST", INFER, json.dumps({"inputs": [tensor]}))
            (output,) = json.loads(connection.getresponse().read())["outputs"]
    assert output["data"][-1] == 2 * data[-1]


def test_a_daemon_that_speaks_https_is_asked_where_its_certificate_is_known(tmp_path: Path) -> None:
    certificate, key = make_certificate(tmp_path)
    secure = ("--tls-certificate", str(certificate), "--tls-key", str(key))
    with doubling(tmp_path / "one", 0, *secure) as daemon:
        there = f"127.0.0.1:{daemon.port} ssl verify required ca-file {certificate}"
        with haproxy(tmp_path, [daemon.port], server_one=there) as url, Crowd(url) as crowd:
            crowd.wait(50)
    assert not crowd.wrong


def test_the_token_and_the_name_that_clients_ask_by_reach_the_daemon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PI_EDGE_TOKEN", "open-sesame")
    monkeypatch.setenv("PI_EDGE_ALLOWED_HOSTS", "fleet.example.org")
    shown = {"Authorization": "Bearer open-sesame", "Host": "fleet.example.org"}
    with (
        doubling(tmp_path / "one") as daemon,
        haproxy(tmp_path, [daemon.port]) as url,
    ):
        assert _status(url, "/v2/models/double", headers=shown) == 200
        assert _status(url, "/v2/models/double") == 401
        assert _status(url, "/v2/models/double", headers={**shown, "Host": "else.example"}) == 421


class HangsUp(http.server.BaseHTTPRequestHandler):
    """Is ready, and ends the connection instead of answering."""

    posted: ClassVar[Counter[str]] = Counter()

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.posted[self.path] += 1
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def hanging_up() -> Iterator[list[int]]:
    """Ports of two servers that hang up."""
    HangsUp.posted.clear()
    servers = [http.server.ThreadingHTTPServer(("127.0.0.1", 0), HangsUp) for _ in range(2)]
    threads = [threading.Thread(target=server.serve_forever) for server in servers]
    for thread in threads:
        thread.start()
    yield [server.server_address[1] for server in servers]
    for server in servers:
        server.shutdown()
        server.server_close()
    for thread in threads:
        thread.join()


def test_an_example_that_may_have_been_kept_is_not_sent_again(
    hanging_up: list[int], tmp_path: Path
) -> None:
    with haproxy(tmp_path, hanging_up) as url:
        assert _status(url, INFER, "POST", b"{}") == 502
        assert _status(url, "/tasks/digits/examples?label=7", "POST", b"{}") == 502
    assert HangsUp.posted == {INFER: 4, "/tasks/digits/examples?label=7": 1}


def test_what_is_changed_in_the_configuration_for_tests_is_there(tmp_path: Path) -> None:
    text = written(tmp_path, 1, [2, 3]).read_text()
    for there in ("bind 127.0.0.1:1\n", "server one 127.0.0.1:2\n", "server two 127.0.0.1:3\n"):
        assert there in text


def _status(
    url: str,
    path: str,
    method: str = "GET",
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> int:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    with contextlib.closing(connection):
        connection.request(method, path, body, headers or {})
        return connection.getresponse().status
