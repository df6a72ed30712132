"""Messages on their way to a broker that may be away."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import Any

# MQTT numbers messages from 1.
_BEING_SENT = 0


@dataclass(frozen=True)
class Message:
    """What is published: the topic, and a document that becomes JSON."""

    topic: str
    document: Any


class Outbox:
    """Messages in order, each kept until the broker has acknowledged it.

    Any thread may put one in, which never waits for the broker; one thread takes them out. Where
    more than ``limit`` wait the oldest is dropped, and counted.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()  # held for microseconds
        self._waiting: deque[Message] = deque()
        self._under_way: dict[int, Message] = {}
        self.delivered = self.dropped = 0

    def put(self, message: Message) -> bool:
        """Add a message; whether there was room, so that none was dropped."""
        with self._lock:
            self._waiting.append(message)
            return self._within_limit()

    def take(self) -> Message | None:
        """The next message to send. It is under way from now on: say with ``sent`` how it is
        numbered, or with ``given_up`` that it cannot be sent at all."""
        with self._lock:
            if not self._waiting:
                return None
            self._under_way[_BEING_SENT] = message = self._waiting.popleft()
            return message

    def sent(self, number: int) -> None:
        """The message that was taken went out under this number."""
        with self._lock:
            self._under_way[number] = self._under_way.pop(_BEING_SENT)

    def given_up(self) -> None:
        """The message that was taken is none that can be sent."""
        with self._lock:
            self._under_way.pop(_BEING_SENT)
            self.dropped += 1

    def acknowledged(self, number: int) -> None:
        """The broker has the message of this number; others may have had it, too."""
        with self._lock:
            if self._under_way.pop(number, None):
                self.delivered += 1

    def connection_lost(self) -> None:
        """What is under way may or may not have come: it is to be sent again, first of all."""
        with self._lock:
            self._waiting.extendleft(reversed(self._under_way.values()))
            self._under_way.clear()
            self._within_limit()

    def left(self) -> list[Message]:
        """All that nobody has acknowledged, the oldest first."""
        with self._lock:
            return [*self._under_way.values(), *self._waiting]

    @property
    def under_way(self) -> int:
        """How many were sent and are not acknowledged yet."""
        return len(self._under_way)

    @property
    def waiting(self) -> int:
        """How many are not acknowledged yet, sent or not."""
        return len(self._under_way) + len(self._waiting)

    def _within_limit(self) -> bool:
        too_many = len(self._waiting) - self._limit
        for _ in range(too_many):
            self._waiting.popleft()
            self.dropped += 1
        return too_many <= 0
