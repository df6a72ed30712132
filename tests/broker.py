"""A real broker (Mosquitto) on loopback, the line to it, and somebody who reads there."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion
from running import wait_until
from support import missing


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class Broker:
    """Mosquitto with all that it is told kept in a folder, from where it goes on after its death.

    Args:
        lines: further ones of its settings.
    """

    def __init__(self, folder: Path, *lines: str) -> None:
        program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
        if not program:
            missing("mosquitto is not installed: sudo apt install mosquitto")
        folder.mkdir(parents=True, exist_ok=True)
        self.port, self._program, self._log = free_port(), program, folder / "log"
        self._settings = folder / "mosquitto.conf"
        settings = [
            f"listener {self.port} 127.0.0.1",
            *(lines or ["allow_anonymous true"]),
            "persistence true",
            f"persistence_location {folder}/",
            "autosave_interval 1",
            "autosave_on_changes true",
            "max_inflight_messages 0",
            "max_queued_messages 0",
            "user root",
        ]
        self._settings.write_text("\n".join(settings) + "\n")
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [self._program, "-c", str(self._settings)], stdout=log, stderr=log
            )
        wait_until(self._listens)

    def kill(self) -> None:
        """As the power goes."""
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def _listens(self) -> bool:
        assert self.process
        assert self.process.poll() is None, self._log.read_text()
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        return False


@contextlib.contextmanager
def late_broker(folder: Path, *lines: str) -> Iterator[Broker]:
    """One that is yet to be started."""
    broker = Broker(folder, *lines)
    try:
        yield broker
    finally:
        broker.kill()


@contextlib.contextmanager
def running_broker(folder: Path, *lines: str) -> Iterator[Broker]:
    with late_broker(folder, *lines) as broker:
        broker.start()
        yield broker


class Reader:
    """Reads all that is published, at QoS 1, and misses nothing while it or the broker is away."""

    def __init__(
        self, broker: Broker, topic: str = "#", user: str = "", password: str = ""
    ) -> None:
        self.messages: list[MQTTMessage] = []
        self._subscribed = threading.Event()
        self._client = Client(CallbackAPIVersion.VERSION2, "reader", clean_session=False)
        if user:
            self._client.username_pw_set(user, password)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_message = lambda client, data, message: self.messages.append(message)
        self._client.on_connect = lambda client, *_: client.subscribe(topic, qos=1)
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.connect_async("127.0.0.1", broker.port)
        self._client.loop_start()
        assert self._subscribed.wait(60)

    def on(self, topic: str) -> list[Any]:
        """What came on a topic, from JSON."""
        return [json.loads(one.payload) for one in list(self.messages) if one.topic == topic]

    def texts(self, topic: str) -> list[str]:
        """The same of what is no JSON."""
        return [one.payload.decode() for one in list(self.messages) if one.topic == topic]

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@contextlib.contextmanager
def reading(broker: Broker, topic: str = "#", **login: str) -> Iterator[Reader]:
    reader = Reader(broker, topic, **login)
    try:
        yield reader
    finally:
        reader.close()


class Cable:
    """A line to the broker that can be pulled out."""

    def __init__(self, broker: Broker) -> None:
        self._target = ("127.0.0.1", broker.port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._in = True
        self._ends: list[socket.socket] = []
        self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def pull(self) -> None:
        """Break what goes through it, at whatever byte, and let nothing new in."""
        self._in = False
        for end in self._ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self._ends.clear()

    def plug(self) -> None:
        self._in = True

    def close(self) -> None:
        self.pull()
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                if not self._in:
                    near.close()
                    continue
                self.connections += 1
                far = socket.create_connection(self._target)
                self._ends += near, far
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=_pass, args=(source, sink), daemon=True).start()


def _pass(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(1000):
            sink.sendall(data)
    for end in (source, sink):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
