"""Telling systemd how the daemon is: the notify protocol (sd_notify(3)), without libsystemd.

Where no systemd listens every function here does nothing.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Awaitable, Callable, Mapping

logger = logging.getLogger(__name__)


def notify(*fields: str, environ: Mapping[str, str] = os.environ) -> bool:
    """Send fields such as "READY=1", "STOPPING=1" or "STATUS=two models serve".

    Returns:
        Whether the service manager took them; False where there is none.
    """
    address = environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return False
    if address.startswith("@"):  # Linux's abstract namespace, whose names begin with a zero byte
        address = "\0" + address[1:]
    message = "\n".join(" ".join(field.splitlines()) for field in fields)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as connection:
            connection.settimeout(1.0)  # the event loop must not hang on a manager that does
            connection.connect(address)
            connection.sendall(message.encode())
    except OSError as error:
        logger.warning("systemd cannot be told %s: %s", fields[0], error)
        return False
    return True


def watchdog_interval(environ: Mapping[str, str] = os.environ) -> float | None:
    """Seconds between two signs of life: half of what the unit's WatchdogSec allows.

    None where no watchdog is set, or it is meant for another process (WATCHDOG_PID).
    """
    try:
        microseconds = int(environ.get("WATCHDOG_USEC", ""))
        process = int(environ.get("WATCHDOG_PID", os.getpid()))
    except ValueError:
        return None
    if microseconds <= 0 or process != os.getpid():
        return None
    return microseconds / 2e6


class Reporter:
    """Reports the daemon to systemd: its state when that changes, and signs of life.

    READY=1 is sent once, with the first state after "starting": a daemon all of whose models are
    quarantined is up too, and starting it again would mend nothing.
    """

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._environ = environ
        self._ready = False

    def state(self, state: str) -> None:
        """Report a state: starting, ready, degraded, failed, ... or stopping."""
        fields = [f"STATUS={state}"]
        if state == "stopping":
            fields.insert(0, "STOPPING=1")
        elif state != "starting" and not self._ready:
            self._ready = True
            fields.insert(0, "READY=1")
        notify(*fields, environ=self._environ)

    async def feed_watchdog(self, probe: Callable[[], Awaitable[object]]) -> None:
        """Send WATCHDOG=1 every half of WatchdogSec, each time only after ``probe`` returned.

        That it is sent at all shows that the event loop turns. While a probe is stuck or raises
        nothing is sent, until one returns again. A stuck probe is waited for, never joined by a
        second one. As long as the daemon starts, a sign of life also gives it another
        WatchdogSec to do so: trying out unknown models may take minutes.

        Returns at once where there is no watchdog; else runs until cancelled.
        """
        interval = watchdog_interval(self._environ)
        if interval is None:
            return
        clock = asyncio.get_running_loop().time
        pending: asyncio.Future[object] | None = None
        try:
            while True:
                began = clock()
                if pending is None:
                    pending = asyncio.ensure_future(probe())
                await asyncio.wait({pending}, timeout=interval)
                if not pending.done():
                    logger.error("the self-test has not returned for %g s", interval)
                    continue
                finished, pending = pending, None
                error = finished.exception()
                if error is None:
                    self._sign_of_life(interval)
                else:
                    logger.error("the self-test failed: %s", error or type(error).__name__)
                await asyncio.sleep(max(0.0, began + interval - clock()))
        finally:
            if pending is not None:
                pending.cancel()

    def _sign_of_life(self, interval: float) -> None:
        fields = ["WATCHDOG=1"]
        if not self._ready:
            fields.append(f"EXTEND_TIMEOUT_USEC={interval * 2e6:.0f}")
        notify(*fields, environ=self._environ)
