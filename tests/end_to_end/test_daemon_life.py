"""`pi-edge serve` from start to stop, as a process, over its socket."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from running import (
    PATIENCE,
    Answer,
    RunningDaemon,
    drop_in,
    install,
    running_daemon,
    wait_until,
    workers_of,
)

# An inference of test model "power" that takes a noticeable while.
SIDE = 400


@pytest.fixture
def own_daemon(tmp_path: Path) -> Iterator[RunningDaemon]:
    """A daemon of this test alone, with two little models."""
    install("double", tmp_path / "shipped")
    install("power", tmp_path / "shipped")
    with running_daemon(tmp_path / "state", "--models", str(tmp_path / "shipped")) as running:
        yield running


def slow_request() -> tuple[bytes, dict[str, str]]:
    data = np.full((SIDE, SIDE), 0.01, np.float32).tobytes()
    head = (
        b'{"inputs":[{"name":"x","shape":[%d,%d],"datatype":"FP32","parameters":'
        b'{"binary_data_size":%d}}],"outputs":[{"name":"y","parameters":{"binary_data":true}}]}'
        % (SIDE, SIDE, len(data))
    )
    return head + data, {"Inference-Header-Content-Length": str(len(head))}


class InBackground:
    """Slow inferences under way, one after the other."""

    def __init__(self, daemon: RunningDaemon, times: int = 1) -> None:
        self.answers: list[Answer] = []
        self._times, self._daemon = times, daemon
        self._thread = threading.Thread(target=self._ask)
        self._thread.start()

    def _ask(self) -> None:
        body, headers = slow_request()
        for _ in range(self._times):
            answer = self._daemon.send("POST", "/v2/models/power/infer", body, headers)
            self.answers.append(answer)

    def join(self) -> list[Answer]:
        self._thread.join(PATIENCE)
        return self.answers


def refused_start(*flags: str) -> str:
    """The one line a daemon says that cannot start."""
    command = [sys.executable, "-m", "pi_edge", "serve", "--led", "off", *flags]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    return line


def test_stops_on_sigterm_and_on_sigint_with_status_0(tmp_path: Path) -> None:
    install("double", tmp_path / "shipped")
    for number in (signal.SIGTERM, signal.SIGINT):
        with running_daemon(tmp_path / "state", "--models", str(tmp_path / "shipped")) as daemon:
            daemon.process.send_signal(number)
            assert daemon.process.wait(PATIENCE) == 0
            assert "Traceback" not in daemon.log.read_text()


def test_finishes_what_is_under_way_when_it_is_told_to_stop(own_daemon: RunningDaemon) -> None:
    body, headers = slow_request()
    connection = http.client.HTTPConnection("127.0.0.1", own_daemon.port, timeout=PATIENCE)
    connection.request("POST", "/v2/models/power/infer", body, headers)
    own_daemon.send("GET", "/v2/health/live")  # answered later than the above was taken in
    own_daemon.process.send_signal(signal.SIGTERM)
    assert connection.getresponse().status == 200
    assert own_daemon.process.wait(PATIENCE) == 0


def test_stops_although_a_client_keeps_its_connection_open(own_daemon: RunningDaemon) -> None:
    with socket.create_connection(("127.0.0.1", own_daemon.port), timeout=PATIENCE) as idle:
        idle.sendall(b"GET /v2 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert idle.recv(65536)
        assert own_daemon.stop() == 0


def test_answers_while_a_slow_model_runs(own_daemon: RunningDaemon) -> None:
    slow = InBackground(own_daemon, times=5)
    answered = 0
    while len(slow.answers) < 5:
        assert own_daemon.send("GET", "/v2/health/live").status == 200
        assert own_daemon.infer("double", x=[1, 2, 3]) == {"y": [2, 4, 6]}
        answered += 1
    assert [answer.status for answer in slow.join()] == [200] * 5
    assert answered > 5


def test_as_many_processes_run_a_model_as_the_settings_say(tmp_path: Path) -> None:
    install("double", tmp_path / "shipped")
    flags = ["--models", str(tmp_path / "shipped"), "--workers", "3"]
    with running_daemon(tmp_path / "state", *flags) as daemon:
        wait_until(lambda: len(workers_of(daemon, "double")) == 3)
        killed = workers_of(daemon, "double")[0]
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: killed not in workers_of(daemon, "double"))
        for _ in range(9):
            assert daemon.infer("double", x=[1, 2, 3])["y"] == [2, 4, 6]
        wait_until(lambda: len(set(workers_of(daemon, "double")) - {killed}) == 3)


def test_a_dropped_in_model_is_served_and_goes_when_removed(own_daemon: RunningDaemon) -> None:
    file = drop_in("triple", own_daemon.models)
    wait_until(lambda: own_daemon.model_state("triple") == "ready")
    assert own_daemon.infer("triple", x=[1, 2, 3]) == {"y": [3, 6, 9]}
    file.unlink()
    wait_until(lambda: own_daemon.model_state("triple") is None)
    assert own_daemon.send("GET", "/v2/models/triple").status == 404
    assert own_daemon.status()["state"] == "ready"


def test_a_broken_model_degrades_and_others_serve(own_daemon: RunningDaemon) -> None:
    broken = own_daemon.models / "broken.tflite"
    broken.write_bytes(b"no model at all")
    wait_until(lambda: own_daemon.model_state("broken") == "quarantined")
    status = own_daemon.status()
    assert status["state"] == "degraded"
    assert status["models"]["broken"]["reason"]
    assert own_daemon.send("GET", "/v2/health/ready").status == 200
    assert own_daemon.infer("double", x=[1, 2, 3]) == {"y": [2, 4, 6]}
    answer = own_daemon.send("POST", "/v2/models/broken/infer", {"inputs": []})
    assert answer.status == 503
    assert "quarantined" in answer.json()["error"]
    broken.unlink()
    wait_until(lambda: own_daemon.status()["state"] == "ready")


def test_overwriting_a_model_in_use_harms_nobody(own_daemon: RunningDaemon) -> None:
    drop_in("power", own_daemon.models, rename="mine")
    wait_until(lambda: own_daemon.model_state("mine") == "ready")
    before = own_daemon.infer("mine", x=[0.5])
    for content in (b"", b"short"):
        (own_daemon.models / "mine.tflite").write_bytes(content)  # truncates the file in place
        assert own_daemon.infer("mine", x=[0.5]) == before
        wait_until(lambda: "refused" in own_daemon.status()["models"]["mine"]["reason"])
        assert own_daemon.infer("mine", x=[0.5]) == before
    assert own_daemon.status()["state"] == "degraded"
    assert own_daemon.infer("double", x=[1, 2, 3]) == {"y": [2, 4, 6]}


def test_with_nothing_to_serve_it_fails_yet_answers_and_recovers(tmp_path: Path) -> None:
    (tmp_path / "shipped").mkdir()
    with running_daemon(tmp_path / "state", "--models", str(tmp_path / "shipped")) as daemon:
        assert daemon.status()["state"] == "failed"
        assert daemon.send("GET", "/v2/health/live").status == 200
        assert daemon.send("GET", "/v2/health/ready").status == 503
        drop_in("double", daemon.models)
        wait_until(lambda: daemon.status()["state"] == "ready")
        assert daemon.send("GET", "/v2/health/ready").status == 200


def test_says_at_which_address_it_is_ready(own_daemon: RunningDaemon) -> None:
    assert f"ready at {own_daemon.url}\n" in own_daemon.log.read_text()


def test_a_taken_port_is_one_line(own_daemon: RunningDaemon, tmp_path: Path) -> None:
    flags = ("--port", str(own_daemon.port), "--state", str(tmp_path / "other"))
    assert str(own_daemon.port) in refused_start(*flags)


def test_unusable_folders_are_one_line(tmp_path: Path) -> None:
    assert "--models" in refused_start("--models", str(tmp_path / "none"), "--port", "0")
    (tmp_path / "file").touch()
    state = str(tmp_path / "file" / "state")
    assert "--state" in refused_start("--state", state, "--port", "0")


def test_a_model_of_a_task_dropped_in_is_served_as_that_task(
    own_daemon: RunningDaemon, shipped_models: Path
) -> None:
    shutil.copytree(shipped_models / "mnist-linear", own_daemon.models / "mnist-linear")
    wait_until(lambda: own_daemon.model_state("mnist-linear") == "ready")
    answer: Any = own_daemon.send(
        "POST",
        "/tasks/digits?model=mnist-linear",
        {"pixels": [0] * 784},
        {"Content-Type": "application/json"},
    )
    assert answer.status == 200
    assert {"id", "model", "variant", "digits"} <= answer.json().keys()
