"""How much each client may have: connections at the same time, and requests a second.

Every table is bounded: whoever comes from many addresses fills no memory with them.
"""

from __future__ import annotations

import ipaddress
import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from pi_edge import access_token

# Of max_connections one address beyond this machine gets a quarter at most.
_SHARE = 4
# Addresses whose rate is remembered; of more the one longest silent is forgotten.
_REMEMBERED = 4096


@dataclass(frozen=True)
class Limits:
    """What the server grants its clients; ``config.Config`` tells what each means."""

    max_connections: int = 512
    client_seconds: float = 30
    idle_seconds: int = 75
    client_rate: int = 200


class Bucket:
    """A token bucket: a request takes one, ``rate`` a second come back, up to ``rate``.

    (The leaky bucket as a meter: ITU-T I.371, annex A.)
    """

    __slots__ = ("_left", "_rate", "_since")

    def __init__(self, rate: int, now: float) -> None:
        self._rate, self._left, self._since = rate, float(rate), now

    def take(self, now: float) -> float:
        """Take one. 0 when there was one, else seconds until there will be."""
        self._left = min(float(self._rate), self._left + (now - self._since) * self._rate)
        self._since = now
        if self._left >= 1:
            self._left -= 1
            return 0.0
        return (1 - self._left) / self._rate


class Admission:
    """A connection's place among the others, to be given back once."""

    def __init__(self, bucket: Bucket | None, leave: Callable[[], None]) -> None:
        self.bucket = bucket
        """What its requests take from; None where they are not counted."""
        self._leave: Callable[[], None] | None = leave

    def leave(self) -> None:
        """The connection is closed."""
        leave, self._leave = self._leave, None
        if leave:
            leave()


class Clients:
    """Who is connected, all on one event loop."""

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits, self._clock = limits, clock
        self._connections = 0
        self._of_address: Counter[str] = Counter()
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def admit(self, address: str) -> Admission | str:
        """A place for a connection from a numeric address, or why it gets none."""
        who = key_of(address)
        if self._connections >= self._limits.max_connections:
            return f"there are {self._connections} connections already (setting max_connections)"
        share = self._limits.max_connections // _SHARE
        if who and self._of_address[who] >= share:
            return f"your address has {share} connections already, a quarter of max_connections"
        self._connections += 1
        if who:
            self._of_address[who] += 1
        return Admission(self._bucket(who), lambda: self._left(who))

    def _left(self, who: str) -> None:
        self._connections -= 1
        if who:
            self._of_address[who] -= 1
            if not self._of_address[who]:
                del self._of_address[who]

    def _bucket(self, who: str) -> Bucket | None:
        if not who or not self._limits.client_rate:
            return None
        if who not in self._buckets:
            self._buckets[who] = Bucket(self._limits.client_rate, self._clock())
            if len(self._buckets) > _REMEMBERED:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(who)
        return self._buckets[who]


def key_of(address: str) -> str:
    """What a client counts as: its address, of IPv6 the network that it is given whole
    (RFC 6177: a /64 or more); "" for this very machine, which is not counted."""
    if access_token.is_loopback(address):
        return ""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
