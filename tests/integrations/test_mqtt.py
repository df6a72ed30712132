"""Results and state over MQTT: the real daemon, a real broker, and everything that goes wrong."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from broker import Broker, Cable, Reader, free_port, late_broker, reading, running_broker
from certificates import make_certificate
from running import RunningDaemon, running_daemon, wait_until
from support import ROOT

from pi_edge.cli import main

TOPIC = "test/pi"
RESULTS = f"{TOPIC}/results/digits"
PIXELS = [0] * 300 + [255] * 60 + [0] * 424


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One small model, so that a daemon starts quickly."""
    folder = tmp_path_factory.mktemp("models")
    shutil.copytree(ROOT / "models" / "mnist-linear", folder / "mnist-linear")
    return folder


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with running_broker(tmp_path / "broker") as running:
        yield running


@pytest.fixture
def reader(broker: Broker) -> Iterator[Reader]:
    with reading(broker) as reader:
        yield reader


@contextlib.contextmanager
def daemon_with(
    folder: Path, models: Path, address: str, *flags: str, **how: Any
) -> Iterator[RunningDaemon]:
    flags = ("--models", str(models), "--mqtt", address, "--mqtt-topic", TOPIC, *flags)
    with running_daemon(folder, *flags, **how) as daemon:
        yield daemon


def ask(daemon: RunningDaemon) -> str:
    """One request for digits; the id of its answer."""
    answer = daemon.send("POST", "/tasks/digits?model=mnist-linear", {"pixels": PIXELS})
    assert answer.status == 200, answer.body
    return str(answer.json()["id"])


def ids(reader: Reader) -> set[str]:
    return {result["id"] for result in reader.on(RESULTS)}


def out(daemon: RunningDaemon) -> str:
    """Why there is no connection, once that is known."""

    def known() -> Any:
        reason = daemon.status()["mqtt"]["out"]
        return reason if reason != "not connected yet" else None

    return str(wait_until(known))


def test_each_answer_is_published_as_it_was_given(
    tmp_path: Path, models: Path, broker: Broker, reader: Reader
) -> None:
    with daemon_with(tmp_path / "pi", models, broker.address) as daemon:
        path = "/tasks/digits?model=mnist-linear"
        answer = daemon.send("POST", path, {"pixels": PIXELS}).json()
        wait_until(lambda: reader.on(RESULTS))
        (published,) = reader.on(RESULTS)
        assert published.pop("time")
        assert published == answer
        wait_until(lambda: daemon.status()["mqtt"]["delivered"] == 1)


def test_a_person_and_prometheus_are_told_of_the_broker(
    tmp_path: Path, models: Path, broker: Broker, capsys: pytest.CaptureFixture[str]
) -> None:
    def told() -> str:
        assert main(["status", "--url", daemon.url]) == 0
        return capsys.readouterr().out

    def metrics() -> str:
        return daemon.send("GET", "/metrics").body.decode()

    with daemon_with(tmp_path / "pi", models, broker.address) as daemon:
        ask(daemon)
        wait_until(lambda: f"broker {broker.address}: connected; results: 1 delivered" in told())
        assert "pi_edge_mqtt_connected 1.0" in metrics()
        assert "pi_edge_mqtt_delivered_total 1.0" in metrics()
        broker.kill()
        wait_until(lambda: "pi_edge_mqtt_connected 0.0" in metrics())
        ask(daemon)
        assert "pi_edge_mqtt_waiting 1.0" in metrics()
        assert "1 delivered, 1 waiting" in told()


def test_every_result_comes_though_the_broker_is_killed_and_the_line_breaks(
    tmp_path: Path, models: Path, broker: Broker, reader: Reader
) -> None:
    asked = set()
    with (
        contextlib.closing(Cable(broker)) as cable,
        daemon_with(tmp_path / "pi", models, cable.address) as daemon,
    ):
        wait_until(lambda: daemon.status()["mqtt"]["connected"])
        for number in range(150):
            asked.add(ask(daemon))
            if number in (20, 110):
                cable.pull()
            if number in (30, 120):
                cable.plug()
            if number == 60:
                broker.kill()
            if number == 80:
                broker.start()
        wait_until(lambda: daemon.status()["mqtt"]["waiting"] == 0)
        wait_until(lambda: asked <= ids(reader))
        assert cable.connections > 1
    assert ids(reader) == asked


def test_results_wait_for_a_broker_that_comes_late(tmp_path: Path, models: Path) -> None:
    with (
        late_broker(tmp_path / "broker") as broker,
        daemon_with(tmp_path / "pi", models, broker.address) as daemon,
    ):
        asked = [ask(daemon) for _ in range(3)]
        assert "refused" in out(daemon)
        broker.start()
        with reading(broker) as reader:
            wait_until(lambda: set(asked) <= ids(reader))
    assert "nothing goes to the broker" in daemon.log.read_text()


def test_of_more_than_may_wait_the_oldest_are_dropped_and_counted(
    tmp_path: Path, models: Path
) -> None:
    with (
        late_broker(tmp_path / "broker") as broker,
        daemon_with(tmp_path / "pi", models, broker.address, "--mqtt-queue", "4") as daemon,
    ):
        asked = [ask(daemon) for _ in range(7)]
        assert daemon.status()["mqtt"]["dropped"] == 3
        broker.start()
        with reading(broker) as reader:
            wait_until(lambda: set(asked[3:]) <= ids(reader))
            assert ids(reader) == set(asked[3:])
    assert "more than 4 results wait for the broker" in daemon.log.read_text()


def test_what_was_not_delivered_is_delivered_after_a_restart(tmp_path: Path, models: Path) -> None:
    with late_broker(tmp_path / "broker") as broker:
        with daemon_with(tmp_path / "pi", models, broker.address) as daemon:
            asked = {ask(daemon), ask(daemon)}
            assert daemon.stop() == 0
        broker.start()
        with (
            reading(broker) as reader,
            daemon_with(tmp_path / "pi", models, broker.address),
        ):
            wait_until(lambda: asked <= ids(reader))
            assert not (tmp_path / "pi" / "mqtt-undelivered.json").exists()


def test_whether_the_daemon_lives_is_known_also_after_kill_9(
    tmp_path: Path, models: Path, broker: Broker, reader: Reader
) -> None:
    topic = f"{TOPIC}/availability"
    with daemon_with(tmp_path / "pi", models, broker.address) as daemon:
        wait_until(lambda: reader.texts(topic) == ["online"])
        daemon.process.kill()
        wait_until(lambda: reader.texts(topic) == ["online", "offline"])
    with daemon_with(tmp_path / "pi", models, broker.address) as daemon:
        wait_until(lambda: reader.texts(topic)[2:] == ["online"])
        assert daemon.stop() == 0
        wait_until(lambda: reader.texts(topic)[3:] == ["offline"])


def test_who_subscribes_later_gets_availability_state_and_discovery(
    tmp_path: Path, models: Path, broker: Broker
) -> None:
    with daemon_with(tmp_path / "pi", models, broker.address) as daemon:
        wait_until(lambda: daemon.status()["mqtt"]["connected"])
        with reading(broker) as reader:
            wait_until(lambda: [s for s in reader.on(f"{TOPIC}/state") if s["state"] == "ready"])
            assert reader.texts(f"{TOPIC}/availability") == ["online"]
            state = reader.on(f"{TOPIC}/state")[-1]
            assert state["models"] == {"mnist-linear": "ready"}
            configs = [m for m in reader.messages if m.topic.startswith("homeassistant/")]
            assert configs
            assert all(m.topic.endswith("/config") and m.retain for m in configs)
            known = {json.loads(m.payload)["unique_id"].split("_")[-1] for m in configs}
            assert {"state", "learning", "inferences", "digits"} <= known
            assert "style" not in known  # no model here paints


def test_discovery_can_be_left_out(
    tmp_path: Path, models: Path, broker: Broker, reader: Reader
) -> None:
    with daemon_with(tmp_path / "pi", models, broker.address, "--mqtt-discovery", "") as daemon:
        ask(daemon)
        wait_until(lambda: reader.on(RESULTS))
        assert not [m for m in reader.messages if not m.topic.startswith(TOPIC)]


def test_a_painting_is_announced(tmp_path: Path, broker: Broker, reader: Reader) -> None:
    shipped = tmp_path / "models"
    shutil.copytree(ROOT / "tests" / "data" / "style", shipped / "style")
    photo = (ROOT / "docs" / "pictures" / "seven.jpg").read_bytes()
    with daemon_with(tmp_path / "pi", shipped, broker.address) as daemon:
        answer = daemon.send("POST", "/tasks/style?style=scream&preview=true", photo)
        assert answer.status == 200, answer.body
        wait_until(lambda: reader.on(f"{TOPIC}/results/style"))
        (told,) = reader.on(f"{TOPIC}/results/style")
        assert told["id"] == answer.headers["x-request-id"]
        assert (told["model"], told["styles"]) == ("style", "scream")


def test_a_broker_with_a_password_is_satisfied(tmp_path: Path, models: Path) -> None:
    with _guarded_broker(tmp_path) as broker:
        login = {"user": "pi", "password": "s3cret"}
        flags = ("--mqtt-user", "pi", "--mqtt-password", str(tmp_path / "password"))
        with (
            reading(broker, **login) as reader,
            daemon_with(tmp_path / "pi", models, broker.address, *flags) as daemon,
        ):
            asked = ask(daemon)
            wait_until(lambda: asked in ids(reader))
        assert "s3cret" not in daemon.log.read_text()


def test_a_wrong_password_costs_the_results_and_nothing_else(tmp_path: Path, models: Path) -> None:
    with _guarded_broker(tmp_path) as broker:
        (tmp_path / "password").write_text("wr0ng\n")
        flags = ("--mqtt-user", "pi", "--mqtt-password", str(tmp_path / "password"))
        with daemon_with(tmp_path / "pi", models, broker.address, *flags) as daemon:
            assert "it refuses this client" in out(daemon)
            ask(daemon)
            assert daemon.stop() == 0
        assert "wr0ng" not in daemon.log.read_text()


@contextlib.contextmanager
def _guarded_broker(folder: Path) -> Iterator[Broker]:
    passwords = folder / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", "-c", passwords, "pi", "s3cret"], check=True)
    (folder / "password").write_text("s3cret\n")
    lines = ("allow_anonymous false", f"password_file {passwords}")
    with running_broker(folder / "broker", *lines) as broker:
        yield broker


def test_a_broker_behind_tls_is_believed_by_its_certificate(
    tmp_path: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = make_certificate(tmp_path)
    port = free_port()
    lines = ("allow_anonymous true", f"listener {port} 127.0.0.1")
    with running_broker(
        tmp_path / "broker", *lines, f"certfile {certificate}", f"keyfile {key}"
    ) as broker:
        address = f"mqtts://localhost:{port}"
        with daemon_with(tmp_path / "stranger", models, address) as daemon:
            assert "CERTIFICATE_VERIFY_FAILED" in out(daemon)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        with (
            reading(broker) as reader,
            daemon_with(tmp_path / "pi", models, address) as daemon,
        ):
            asked = {ask(daemon) for _ in range(40)}
            wait_until(lambda: asked <= ids(reader))


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n" * 50, b"\x20\xff\xff", b""])
def test_what_is_no_broker_does_not_trouble_the_daemon(
    tmp_path: Path, models: Path, answer: bytes
) -> None:
    with (
        _stranger(answer) as address,
        daemon_with(tmp_path / "pi", models, address) as daemon,
    ):
        for _ in range(20):
            ask(daemon)
        assert daemon.status()["mqtt"]["waiting"] == 20
        assert daemon.stop() == 0


@contextlib.contextmanager
def _stranger(answer: bytes) -> Iterator[str]:
    """Something that answers with these bytes and then says no more."""
    held = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    line, _ = listener.accept()
                    held.append(line)
                    line.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
    for line in held:
        line.close()


def test_without_paho_mqtt_one_line_says_so_and_the_daemon_serves(
    tmp_path: Path, models: Path
) -> None:
    code = "import sys; sys.modules['paho'] = None; from pi_edge.cli import main; sys.exit(main())"
    command = (sys.executable, "-c", code, "serve")
    with daemon_with(tmp_path / "pi", models, "127.0.0.1:1883", command=command) as daemon:
        ask(daemon)
        assert "paho-mqtt is not installed" in out(daemon)
        assert daemon.log.read_text().count("paho-mqtt is not installed") == 1


def test_without_a_broker_nothing_is_said_of_one(tmp_path: Path, models: Path) -> None:
    with running_daemon(tmp_path / "pi", "--models", str(models)) as daemon:
        assert daemon.status()["mqtt"] is None
        assert "broker" not in daemon.log.read_text()


def test_ctrl_c_says_offline_as_well(
    tmp_path: Path, models: Path, broker: Broker, reader: Reader
) -> None:
    with daemon_with(tmp_path / "pi", models, broker.address) as daemon:
        wait_until(lambda: reader.texts(f"{TOPIC}/availability") == ["online"])
        daemon.process.send_signal(signal.SIGINT)
        daemon.process.wait(60)
    wait_until(lambda: reader.texts(f"{TOPIC}/availability")[1:] == ["offline"])
