"""The daemon goes on whatever meets it: models that hang or die, files that are none, crowds,
clients that vanish, kills, and clocks that jump."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from asking import asking
from running import (
    DATA,
    PATIENCE,
    RunningDaemon,
    children,
    drop_in,
    running_daemon,
    wait_until,
    worker_of,
)
from support import missing

from pi_edge import files


def run(folder: Path, *flags: str, **how: Any) -> contextlib.AbstractContextManager[RunningDaemon]:
    """A daemon with no shipped models."""
    empty = folder / "none"
    empty.mkdir(exist_ok=True)
    return running_daemon(folder / "state", "--models", str(empty), *flags, **how)


def put(daemon: RunningDaemon, name: str, rename: str) -> None:
    """A bare model takes its place at one instant, as `pi-edge models add` does it."""
    files.write_bytes(daemon.models / f"{rename}.tflite", (DATA / f"{name}.tflite").read_bytes())


def hang(daemon: RunningDaemon, model: str = "hangs") -> threading.Thread:
    """Ask for what never returns, and let somebody else wait for the answer."""
    x = {"name": "x", "shape": [1], "datatype": "FP32", "data": [1.0]}
    thread = threading.Thread(
        target=daemon.send, args=("POST", f"/v2/models/{model}/infer", {"inputs": [x]})
    )
    thread.start()
    return thread


def test_two_hundred_swaps_under_load_fail_and_mix_nothing(tmp_path: Path) -> None:
    with run(tmp_path) as daemon:
        put(daemon, "double", "times")
        wait_until(lambda: daemon.model_state("times") == "ready")
        with asking(daemon.port, "times", {2.0, 3.0}) as told:
            for number in range(200):
                put(daemon, ("triple", "double")[number % 2], "times")
                answer = daemon.send("POST", "/v2/repository/models/times/load")
                assert answer.status == 200, answer.body
        assert told.wrong == []
        assert told.refused == 0
        assert set(told.answers) == {2.0, 3.0}
        assert told.asked > 200
        wait_until(lambda: len(children(children(daemon.process.pid)[0])) == 1)  # drained


def test_a_model_that_never_returns_costs_no_other_a_request(tmp_path: Path) -> None:
    with run(tmp_path, "--deadline", "1") as daemon:
        for name in ("double", "hangs"):
            drop_in(name, daemon.models)
        wait_until(lambda: daemon.model_state("double") == daemon.model_state("hangs") == "ready")
        with asking(daemon.port, "double", {2.0}) as told:
            waiting = hang(daemon)
            waiting.join(PATIENCE)
            x = {"name": "x", "shape": [1], "datatype": "FP32", "data": [-1.0]}
            hangs = "/v2/models/hangs/infer"
            wait_until(lambda: daemon.send("POST", hangs, {"inputs": [x]}).status == 200)
        assert (told.wrong, told.refused) == ([], 0)
        assert daemon.status()["state"] == "ready"
        assert "hangs/default was lost (an inference took longer than 1 s" in daemon.log.read_text()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT])
def test_a_model_whose_process_dies_is_refused_then_served(
    tmp_path: Path, number: signal.Signals
) -> None:
    with run(tmp_path) as daemon:
        for name in ("double", "triple"):
            drop_in(name, daemon.models)
        wait_until(lambda: daemon.model_state("double") == daemon.model_state("triple") == "ready")
        with (
            asking(daemon.port, "double", {2.0}) as killed,
            asking(daemon.port, "triple", {3.0}) as other,
        ):
            for _ in range(5):
                pid = wait_until(lambda: worker_of(daemon, "double"))
                os.kill(pid, number)
                wait_until(lambda pid=pid: worker_of(daemon, "double") not in (0, pid))
                before = killed.answers.total()
                wait_until(lambda before=before: killed.answers.total() > before)
        assert (other.wrong, other.refused) == ([], 0)
        assert killed.wrong == []


def test_the_process_that_forks_may_die_too(tmp_path: Path) -> None:
    with run(tmp_path) as daemon:
        drop_in("double", daemon.models)
        wait_until(lambda: daemon.model_state("double") == "ready")
        with asking(daemon.port, "double", {2.0}) as told:
            (zygote,) = children(daemon.process.pid)
            os.kill(zygote, signal.SIGKILL)
            wait_until(lambda: worker_of(daemon, "double"))
            before = told.answers.total()
            wait_until(lambda: told.answers.total() > before)
        assert told.wrong == []
        assert daemon.status()["state"] == "ready"


def test_files_that_are_no_models_end_quarantined_with_a_reason_and_nothing_else_happens(
    tmp_path: Path,
) -> None:
    rng, whole = random.Random(3), (DATA / "double.tflite").read_bytes()
    models = tmp_path / "state" / "models"
    models.mkdir(parents=True)
    flipped = []
    for number in range(30):
        content = bytearray(whole)
        for _ in range(4):
            content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        (models / f"flipped{number}.tflite").write_bytes(content)
        flipped.append(f"flipped{number}")
    for number in range(0, len(whole), 97):
        (models / f"cut{number}.tflite").write_bytes(whole[:number])
    (models / "noise.tflite").write_bytes(rng.randbytes(10_000))
    for name in ("endless", "custom", "same-complex64", "same-bfloat16"):
        drop_in(name, models)
    os.mkfifo(models / "pipe.tflite")
    (models / "gone.tflite").symlink_to(tmp_path / "nowhere")
    (models / "loop.tflite").symlink_to(models / "loop.tflite")
    (models / "folder").mkdir()
    os.mkfifo(models / "folder" / "model.json")
    drop_in("double", models, "good")
    with run(tmp_path) as daemon:
        found = daemon.status()["models"]
        assert found.pop("good")["state"] == "ready"
        for name in flipped:  # some bits matter to nobody
            model = found.pop(name)
            assert model["state"] == "ready" or model["reason"], name
        assert {model["state"] for model in found.values()} == {"quarantined"}
        assert all(model["reason"] and "\n" not in model["reason"] for model in found.values())
        assert "did not finish its first inference within 15 s" in found["endless"]["reason"]
        assert daemon.infer("good", x=[1, 2, 3])["y"] == [2, 4, 6]
        assert daemon.status()["state"] == "degraded"


def test_two_thousand_requests_at_once_are_answered_or_told_to_come_again(tmp_path: Path) -> None:
    flags = ("--queue", "100", "--max-connections", "4096")
    with run(tmp_path, *flags) as daemon:
        drop_in("double", daemon.models)
        wait_until(lambda: daemon.model_state("double") == "ready")
        statuses = [answer.split()[1] for answer in _at_once(daemon.port, 2000)]
        assert set(statuses) <= {b"200", b"503"}
        assert statuses.count(b"200") >= 100
        assert daemon.send("GET", "/v2/health/live").status == 200
        wait_until(lambda: daemon.send("GET", "/v2/health/ready").status == 200)
        assert daemon.infer("double", x=[1, 2, 3])["y"] == [2, 4, 6]


def _at_once(port: int, count: int) -> list[bytes]:
    """So many connections, all requests sent before the first answer is read. Every answer that
    is none fails; each 200 is checked against its own numbers."""
    sockets = [socket.create_connection(("127.0.0.1", port), PATIENCE) for _ in range(count)]
    try:
        for number, sock in enumerate(sockets):
            x = {"name": "x", "shape": [1, 3], "datatype": "FP32", "data": [number, 0, 0]}
            body = json.dumps({"inputs": [x]}).encode()
            sock.sendall(
                b"POST /v2/models/double/infer HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n"
                b"content-length: %d\r\n\r\n%b" % (len(body), body)
            )
        answers = []
        for number, sock in enumerate(sockets):
            answer = b""
            while part := sock.recv(65536):
                answer += part
            head, _, body = answer.partition(b"\r\n\r\n")
            if head.split()[1] == b"200":
                assert json.loads(body)["outputs"][0]["data"][0] == number * 2
            else:
                assert b"retry-after" in head.lower()
            answers.append(head)
        return answers
    finally:
        for sock in sockets:
            sock.close()


def test_while_it_is_overloaded_it_says_that_it_is_not_ready_yet_lives(tmp_path: Path) -> None:
    with run(tmp_path, "--queue", "4") as daemon:
        drop_in("power", daemon.models)
        wait_until(lambda: daemon.model_state("power") == "ready")
        n = 600
        row = {"name": "x", "shape": [n, n], "datatype": "FP32", "data": [0.001] * (n * n)}
        body = json.dumps({"inputs": [row]}).encode()
        with ThreadPoolExecutor(12) as clients:
            path = "/v2/models/power/infer"
            asked = [clients.submit(daemon.send, "POST", path, body) for _ in range(12)]
            wait_until(lambda: any(one.done() and one.result().status == 503 for one in asked))
            ready, live = (daemon.send("GET", f"/v2/health/{what}") for what in ("ready", "live"))
            answers = [one.result() for one in asked]
        assert (ready.status, ready.json()) == (503, {"ready": False})
        assert live.status == 200
        refused = [answer for answer in answers if answer.status == 503]
        assert {answer.status for answer in answers} == {200, 503}
        assert all(int(answer.headers["retry-after"]) >= 1 for answer in refused)
        wait_until(lambda: daemon.send("GET", "/v2/health/ready").status == 200)


def test_clients_that_vanish_cost_nothing(tmp_path: Path) -> None:
    with run(tmp_path) as daemon:
        drop_in("double", daemon.models)
        wait_until(lambda: daemon.model_state("double") == "ready")
        daemon.infer("double", x=[1, 2, 3])
        before = len(list(Path(f"/proc/{daemon.process.pid}/fd").iterdir()))
        with asking(daemon.port, "double", {2.0}) as told:
            rng = random.Random(5)
            for _ in range(300):
                _vanish(daemon.port, rng)
        assert told.wrong == []
        wait_until(
            lambda: len(list(Path(f"/proc/{daemon.process.pid}/fd").iterdir())) <= before + 1
        )


def _vanish(port: int, rng: random.Random) -> None:
    """Break off somewhere in a request, half of the time with a reset."""
    x = {"name": "x", "shape": [1, 3], "datatype": "FP32", "data": [1, 2, 3]}
    body = json.dumps({"inputs": [x]}).encode()
    request = (
        b"POST /v2/models/double/infer HTTP/1.1\r\nhost: localhost\r\ncontent-length: %d\r\n\r\n%b"
    ) % (len(body), body)
    sock = socket.create_connection(("127.0.0.1", port), PATIENCE)
    if rng.random() < 0.5:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.sendall(request[: rng.randrange(1, len(request) + 1)])
    sock.close()


def test_a_slow_model_does_not_starve_a_quick_one(tmp_path: Path) -> None:
    with run(tmp_path) as daemon:
        for name in ("double", "power"):
            drop_in(name, daemon.models)
        wait_until(lambda: daemon.model_state("double") == daemon.model_state("power") == "ready")
        n = 700
        row = {"name": "x", "shape": [n, n], "datatype": "FP32", "data": [0.001] * (n * n)}
        slow = [
            threading.Thread(
                target=daemon.send, args=("POST", "/v2/models/power/infer", {"inputs": [row]})
            )
            for _ in range(3)
        ]
        for thread in slow:
            thread.start()
        served = 0
        while any(thread.is_alive() for thread in slow):
            daemon.infer("double", x=[1, 2, 3])
            served += 1
        assert served > 20


def test_told_to_stop_under_load_it_answers_what_it_accepted(tmp_path: Path) -> None:
    with run(tmp_path) as daemon:
        drop_in("double", daemon.models)
        wait_until(lambda: daemon.model_state("double") == "ready")
        with asking(daemon.port, "double", {2.0}) as told:
            wait_until(lambda: told.answers.total() > 50)
            pid = worker_of(daemon, "double")
            assert daemon.stop() == 0
        # An idle connection is closed, which a client may learn only when it asks again; then
        # nobody listens. No answer that had begun was broken off, and none was wrong.
        closed = ("RemoteDisconnected", "BrokenPipe", "ConnectionReset", "ConnectionRefused")
        assert [line for line in told.wrong if not line.startswith(closed)] == []
        wait_until(lambda: not Path(f"/proc/{pid}").exists())


def test_counters_outlive_the_daemon_and_its_death_costs_a_minute_at_most(tmp_path: Path) -> None:
    with run(tmp_path) as daemon:
        drop_in("double", daemon.models)
        wait_until(lambda: daemon.model_state("double") == "ready")
        for _ in range(7):
            daemon.infer("double", x=[1, 2, 3])
        assert daemon.status()["inferences"]["done"] == 7
        daemon.stop()
    with run(tmp_path) as daemon:
        daemon.infer("double", x=[1, 2, 3])
        assert daemon.status()["inferences"] == {"done": 8, "failed": 0}
        daemon.process.kill()
        daemon.process.wait()
    with run(tmp_path) as daemon:
        assert daemon.status()["inferences"] == {"done": 7, "failed": 0}
    with sqlite3.connect(tmp_path / "state" / "pi-edge.db") as ledger:
        assert ledger.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_hung_model_does_not_outlive_a_killed_daemon(tmp_path: Path) -> None:
    with run(tmp_path) as daemon:
        drop_in("hangs", daemon.models)
        wait_until(lambda: daemon.model_state("hangs") == "ready")
        thread = threading.Thread(target=_ask_and_be_left, args=(daemon,))
        thread.start()
        pid = wait_until(lambda: worker_of(daemon, "hangs"))
        time.sleep(0.3)  # into the model
        daemon.process.kill()
        daemon.process.wait()
        thread.join(PATIENCE)
        wait_until(lambda: not Path(f"/proc/{pid}").exists())


def _ask_and_be_left(daemon: RunningDaemon) -> None:
    x = {"name": "x", "shape": [1], "datatype": "FP32", "data": [1.0]}
    with contextlib.suppress(OSError, Exception):
        daemon.send("POST", "/v2/models/hangs/infer", {"inputs": [x]})


def test_sighup_has_the_folders_looked_through(tmp_path: Path) -> None:
    with run(tmp_path) as daemon:
        drop_in("double", daemon.models)
        daemon.process.send_signal(signal.SIGHUP)
        wait_until(lambda: daemon.model_state("double") == "ready")
        assert daemon.process.poll() is None


FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"


def test_a_clock_that_jumps_forty_years_disturbs_nothing(tmp_path: Path) -> None:
    if not Path(FAKETIME).exists():
        missing("libfaketime is not installed (apt-get install faketime)")
    clock = tmp_path / "clock"
    clock.write_text("@1970-01-02 00:00:00")
    command = (
        "env", f"LD_PRELOAD={FAKETIME}", f"FAKETIME_TIMESTAMP_FILE={clock}", "FAKETIME_NO_CACHE=1",
        "DONT_FAKE_MONOTONIC=1", sys.executable, "-m", "pi_edge", "serve",
    )  # fmt: skip
    with run(tmp_path, command=command) as daemon:
        drop_in("double", daemon.models)
        wait_until(lambda: daemon.model_state("double") == "ready")
        with asking(daemon.port, "double", {2.0}) as told:
            for moment in ("@2026-11-28 12:00:00", "@1990-01-01 00:00:00", "@2038-01-20 00:00:00"):
                clock.write_text(moment)
                before = told.answers.total()
                wait_until(lambda before=before: told.answers.total() > before + 20)
                assert daemon.send("GET", "/metrics").status == 200
        assert (told.wrong, told.refused) == ([], 0)
        status = daemon.status()
        assert status["state"] == "ready"
        assert status["uptime"] < 3600


def test_a_full_disk_costs_no_answer(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        missing("mounting a small file system needs root")
    state = tmp_path / "state"
    state.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", state], check=True)
    try:
        drop_in("double", state / "models")
        with run(tmp_path) as daemon:
            assert daemon.infer("double", x=[1, 2, 3])["y"] == [2, 4, 6]
            with contextlib.suppress(OSError), (state / "filler").open("wb") as filler:
                while True:
                    filler.write(bytes(4096))
                    filler.flush()
            assert daemon.infer("double", x=[1, 2, 3])["y"] == [2, 4, 6]
            with pytest.raises(OSError, match="No space left"):
                put(daemon, "triple", "double")
            assert daemon.infer("double", x=[1, 2, 3])["y"] == [2, 4, 6]
            daemon.stop()
    finally:
        subprocess.run(["umount", "--lazy", state], check=True)


def test_a_model_of_three_hundred_megabytes_is_served(tmp_path: Path) -> None:
    """As large as the format's 2 GB would allow on a Pi: the file is padded, not the network."""
    models = tmp_path / "state" / "models"
    models.mkdir(parents=True)
    file = drop_in("double", models, "large")
    with file.open("ab") as end:
        end.truncate(300_000_000)
    with run(tmp_path) as daemon:
        assert daemon.status()["models"]["large"]["state"] == "ready"
        assert daemon.infer("large", x=[1, 2, 3])["y"] == [2, 4, 6]
