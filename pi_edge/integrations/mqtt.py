"""Results and state for an MQTT broker (MQTT 3.1.1, OASIS Standard, 29 October 2014).

Everything goes out at QoS 1: each message is kept until the broker has acknowledged it, and sent
again where the connection was lost in between. So every result comes at least once; the ``id`` in
it tells a repeat.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import select
import socket
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pi_edge import files
from pi_edge.config import Config
from pi_edge.errors import BadInput, Unavailable
from pi_edge.integrations import home_assistant
from pi_edge.integrations.home_assistant import Device
from pi_edge.integrations.outbox import Message, Outbox

logger = logging.getLogger("pi_edge")

# Messages under way at the same time, as many as Mosquitto lets be.
WINDOW = 20
# Seconds: without a sign of life the broker takes the daemon for gone after one and a half of these
# (MQTT 3.1.1, 3.1.2.10), and the daemon the broker after two.
KEEP_ALIVE = 30
# Seconds for the broker to answer at all.
PATIENCE = 10.0
# Seconds between two tries, doubled from the first to the last.
SHORTEST, LONGEST = 1.0, 30.0
# Seconds between two reports of the state when nothing happens.
REPORT_SECONDS = 60.0
# Seconds at the end in which what waits is still sent.
LAST_SECONDS = 3.0
# Where results wait for the next start.
KEPT = "mqtt-undelivered.json"


def device_of(config: Config) -> Device:
    """What this daemon is called.

    The identity is the machine's and the state folder's: the same after every restart, and not that
    of another daemon here. (machine-id(5) asks for it to be hashed before it goes out.)
    """
    host = socket.gethostname().partition(".")[0] or "pi-edge"
    try:
        machine = Path("/etc/machine-id").read_text().strip()
    except OSError:
        machine = ""
    secret = f"pi-edge {machine or host} {config.state.absolute()}"
    identity = f"pi_edge_{hashlib.sha256(secret.encode()).hexdigest()[:12]}"
    from pi_edge.benchmark import machine as this

    board = this.board() or this.cpu() or "a machine"
    topic = (config.mqtt_topic or f"pi-edge/{host}").rstrip("/")
    return Device(identity, topic.rpartition("/")[2], board, topic)


class Publisher:
    """Tells a broker of results and state, from a thread of its own.

    Nobody ever waits for it: what is to be told is put in a queue, and all else (importing
    paho-mqtt, connecting, encoding) is that thread's. Whatever the broker does, the daemon goes on.

    Args:
        config: with ``mqtt``.
        about: the daemon's state, a document; called on the publisher's thread. Its key "tasks"
            lists what the models are for.
    """

    def __init__(self, config: Config, about: Callable[[], dict[str, Any]]) -> None:
        self._config, self._about = config, about
        self._device = device_of(config)
        self._outbox = Outbox(config.mqtt_queue)
        self._kept = config.state / KEPT
        self._out: str | None = "not connected yet"
        self._connected = self._closing = self._overflowed = False
        self._report = True
        self._hear, self._call = socket.socketpair()
        self._hear.setblocking(False)
        self._call.setblocking(False)
        self._thread = threading.Thread(target=self._run, name="mqtt", daemon=True)
        self._thread.start()

    def result(self, task: str, answer: Mapping[str, Any]) -> None:
        """Publish a task's answer, whenever the broker can have it. Returns at once."""
        document = {"time": _now(), **answer}
        had_room = self._outbox.put(Message(self._device.results(task), document))
        if had_room:
            self._overflowed = False
        elif not self._overflowed:
            self._overflowed = True
            logger.warning(
                "more than %d results wait for the broker: the oldest are dropped",
                self._config.mqtt_queue,
            )
        self._wake()

    def changed(self) -> None:
        """Publish the state anew. Returns at once."""
        self._report = True
        self._wake()

    def describe(self) -> dict[str, Any]:
        """For /status.

        Returns:
            broker, topic, connected, out (why there is no connection, or null), and of the results
            how many were delivered, wait, and were dropped.
        """
        return {
            "broker": self._config.mqtt,
            "topic": self._device.topic,
            "connected": self._connected,
            "out": self._out,
            "delivered": self._outbox.delivered,
            "waiting": self._outbox.waiting,
            "dropped": self._outbox.dropped,
        }

    def close(self) -> None:
        """Send what waits, for LAST_SECONDS at most, and say goodbye; keep the rest for the next
        start."""
        self._closing = True
        self._wake()
        self._thread.join(LAST_SECONDS + 2)
        left = self._outbox.left()
        if left:
            self._keep(left)

    def _wake(self) -> None:
        with contextlib.suppress(OSError):  # full: it is awake
            self._call.send(b"!")

    def _run(self) -> None:
        try:
            import paho.mqtt.client  # noqa: F401  (here, on the thread: nobody waits for it)
        except ImportError:
            self._go_out(
                "paho-mqtt is not installed: pip install 'paho-mqtt>=2' with the daemon's pip"
            )
            return
        self._take_back()
        pause = SHORTEST
        while not self._closing:
            try:
                connection = _Connection(self._config, self._device)
                with contextlib.closing(connection):
                    self._converse(connection)
            except Exception as error:  # a broker may answer anything, and paho raises what it may
                if self._connected:
                    pause = SHORTEST
                self._go_out(_reason(error))
            self._connected = False
            self._outbox.connection_lost()
            self._pause(pause)
            pause = min(2 * pause, LONGEST)

    def _converse(self, connection: _Connection) -> None:
        """Publish until told to close; raises when the connection is lost."""
        connection.open(lambda: self._closing)
        if self._closing:
            return
        self._connected, self._report = True, True
        self._out = None
        logger.info("results go to %s, as %s/...", self._config.mqtt, self._device.topic)
        connection.on_acknowledged(self._outbox.acknowledged)
        connection.publish(self._device.availability, b"online", retain=True)
        known: dict[str, Any] = {}
        reported = 0.0
        while not self._closing:
            if self._report or time.monotonic() - reported >= REPORT_SECONDS:
                self._report = False
                reported = time.monotonic()
                self._tell_state(connection, known)
            self._send(connection)
            connection.turn(REPORT_SECONDS - (time.monotonic() - reported), self._hear)
            self._listen()
        self._part(connection)

    def _tell_state(self, connection: _Connection, known: dict[str, Any]) -> None:
        """The state, and what Home Assistant is to know where that is not ``known`` yet."""
        about = self._about()
        tasks = about.pop("tasks")
        if prefix := self._config.mqtt_discovery:
            warm = about.get("temperature_c") is not None
            documents = home_assistant.documents(prefix.rstrip("/"), self._device, tasks, warm)
            for topic, document in documents.items():
                if known.get(topic) != document:
                    known[topic] = document
                    connection.publish(topic, _json(document), retain=True)
        connection.publish(self._device.state, _json({"time": _now(), **about}), retain=True)

    def _send(self, connection: _Connection) -> None:
        while self._outbox.under_way < WINDOW and (message := self._outbox.take()):
            try:
                number = connection.publish(message.topic, _json(message.document))
            except (TypeError, ValueError) as error:  # whatever it is, it must not stop the rest
                logger.error("a result cannot be published: %s", error)
                self._outbox.given_up()
            else:
                self._outbox.sent(number)

    def _part(self, connection: _Connection) -> None:
        """The end: what waits, then "offline", then goodbye, which spares the last will."""
        until = time.monotonic() + LAST_SECONDS
        while self._outbox.waiting and time.monotonic() < until:
            self._send(connection)
            connection.turn(0.1, self._hear)
        connection.publish(self._device.availability, b"offline", retain=True)
        while connection.unacknowledged and time.monotonic() < until:
            connection.turn(0.1, self._hear)

    def _listen(self) -> None:
        """Forget that there was a call."""
        with contextlib.suppress(BlockingIOError):
            while self._hear.recv(4096):
                pass

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self._closing and (left := until - time.monotonic()) > 0:
            _wait(left, [self._hear])
            self._listen()

    def _go_out(self, reason: str) -> None:
        """Say why nothing is published, not at each try."""
        if reason != self._out:
            logger.warning("nothing goes to the broker %s: %s", self._config.mqtt, reason)
        self._out = reason

    def _keep(self, left: list[Message]) -> None:
        try:
            files.write_bytes(
                self._kept, _json([[one.topic, one.document] for one in left]), mode=0o600
            )
            logger.info("%d results wait in %s for the next start", len(left), self._kept)
        except OSError as error:
            logger.error("%d results were not delivered and are lost: %s", len(left), error)

    def _take_back(self) -> None:
        try:
            for topic, document in json.loads(self._kept.read_bytes()):
                # Under the topic of then: whoever reads it there was waiting for it.
                self._outbox.put(Message(str(topic), document))
        except FileNotFoundError:
            return
        except (OSError, ValueError, TypeError) as error:
            logger.error("what %s holds is lost: %s", self._kept, error)
        with contextlib.suppress(OSError):
            self._kept.unlink()


class _Connection:
    """One connection to the broker, and a client of paho-mqtt for it alone: what is sent again
    after a loss is the outbox's business, not the client's."""

    def __init__(self, config: Config, device: Device) -> None:
        from paho.mqtt.client import Client, MQTTv311
        from paho.mqtt.enums import CallbackAPIVersion

        place = urlsplit(config.mqtt if "://" in config.mqtt else f"mqtt://{config.mqtt}")
        secure = place.scheme == "mqtts"
        self._host, self._port = place.hostname or "", place.port or (8883 if secure else 1883)
        self._client = Client(CallbackAPIVersion.VERSION2, device.identity, protocol=MQTTv311)
        self._client.connect_timeout = PATIENCE
        self._client.max_inflight_messages_set(0)  # the outbox counts them
        self._client.will_set(device.availability, b"offline", qos=1, retain=True)
        if config.mqtt_user:
            self._client.username_pw_set(config.mqtt_user, _password(config.mqtt_password))
        if secure:
            from pi_edge import tls

            self._client.tls_set_context(tls.default_context())
        self._answer: Any = None
        self._lost: Any = None
        self.unacknowledged: set[int] = set()
        self._acknowledged: Callable[[int], None] = lambda number: None
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_publish = self._on_publish

    def open(self, given_up: Callable[[], bool]) -> None:
        """Connect, and wait for the broker's word.

        Raises:
            OSError: it cannot be reached.
            Unavailable: it does not want this client, or says nothing.
        """
        self._client.connect(self._host, self._port, KEEP_ALIVE)
        until = time.monotonic() + PATIENCE
        while self._answer is None and not given_up():
            if time.monotonic() > until:
                raise Unavailable("it says nothing: is that an MQTT broker?")
            self.turn(0.1)
        if self._answer is not None and self._answer.is_failure:
            raise Unavailable(f"it refuses this client ({self._answer})")

    def on_acknowledged(self, callback: Callable[[int], None]) -> None:
        """Have ``callback`` told the number of each message that the broker has."""
        self._acknowledged = callback

    def publish(self, topic: str, payload: bytes, retain: bool = False) -> int:
        """Send one message at QoS 1; its number, which ``turn`` alone may find acknowledged.

        Raises:
            Unavailable: the connection is lost.
            ValueError: this is no topic, or too much.
        """
        info = self._client.publish(topic, payload, qos=1, retain=retain)
        self._check(info.rc)
        self.unacknowledged.add(info.mid)
        return int(info.mid)

    def turn(self, seconds: float, hear: socket.socket | None = None) -> None:
        """Read and write what can be, after waiting for it so many seconds at most.

        Args:
            hear: ends the wait, too, when there is something in it.

        Raises:
            Unavailable: the connection is lost.
        """
        line = self._client.socket()
        if line is None:
            raise Unavailable("the connection was lost")
        # What TLS has decrypted already makes no socket readable.
        pending = getattr(line, "pending", lambda: 0)()
        # loop_misc, which pings, is to be called every now and then.
        wait = 0.0 if pending else min(seconds, KEEP_ALIVE / 4)
        found = _wait(wait, [line, *([hear] if hear else [])], self._client.want_write())
        if pending or found & ~select.POLLOUT:
            self._check(self._client.loop_read())
        if found & select.POLLOUT:
            self._check(self._client.loop_write())
        self._check(self._client.loop_misc())

    def close(self) -> None:
        """Say goodbye, where there still is somebody."""
        with contextlib.suppress(Exception):
            self._client.disconnect()
            line = self._client.socket()
            if line is not None:
                line.close()

    def _check(self, code: Any) -> None:
        if self._answer is not None and self._answer.is_failure:
            return  # the reason for what follows; open() tells it
        if code or self._lost is not None:
            from paho.mqtt.client import error_string

            reason = error_string(code) if code else str(self._lost)
            raise Unavailable(f"the connection was lost ({reason.rstrip('.')})")

    def _on_connect(self, client: Any, data: Any, flags: Any, reason: Any, more: Any) -> None:
        self._answer = reason

    def _on_disconnect(self, client: Any, data: Any, flags: Any, reason: Any, more: Any) -> None:
        self._lost = reason

    def _on_publish(self, client: Any, data: Any, number: int, reason: Any, more: Any) -> None:
        self.unacknowledged.discard(number)
        self._acknowledged(number)


def _wait(seconds: float, sockets: list[Any], write: bool = False) -> int:
    """Wait until one of the sockets has something to read, or the first, where ``write``, takes
    something; what came of the first, as of poll(2), which knows more descriptors than select."""
    poll = select.poll()
    for one in sockets:
        poll.register(one, select.POLLIN)
    first = sockets[0].fileno()
    if write:
        poll.modify(first, select.POLLIN | select.POLLOUT)
    return dict(poll.poll(max(0.0, seconds) * 1000)).get(first, 0)


def _password(file: Path | None) -> str | None:
    """The first line of a file.

    Raises:
        BadInput: it cannot be read.
    """
    if file is None:
        return None
    try:
        with os.fdopen(os.open(file, os.O_RDONLY | os.O_NONBLOCK), "rb") as opened:
            return opened.readline(4096).decode().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise BadInput(f"the password in {file} cannot be read ({reason})") from error


def _reason(error: Exception) -> str:
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join((text or type(error).__name__).split())


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _json(document: Any) -> bytes:
    import orjson

    return orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS)
