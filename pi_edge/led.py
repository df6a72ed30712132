"""The status light: one LED that tells the daemon's state.

    starting    even blink, 2 Hz
    failed      nothing serves: even blink, 8 Hz
    degraded    one model is out, others serve: 0.9 s on, 0.1 s off
    learning    0.5 s dark every 3 s
    ready       steady on, 30 ms dark per inference, at most 5 a second
    stopped     off

Of several states the upper one shows. ``python -m pi_edge.led off`` darkens the light of a
daemon that could not do so itself (systemd's ExecStopPost): Raspberry Pi kernels keep an output
driven after its process has died.
"""

from __future__ import annotations

import argparse
import atexit
import logging
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence
from math import inf
from typing import Any, TextIO

from pi_edge import config, gpio
from pi_edge.errors import PiEdgeError
from pi_edge.lamp import Lamp

logger = logging.getLogger(__name__)

# state -> what repeats, as (lit, seconds); the order of the states is their precedence
PATTERNS: dict[str, tuple[tuple[bool, float], ...]] = {
    "starting": ((True, 0.25), (False, 0.25)),
    "failed": ((True, 0.0625), (False, 0.0625)),
    "degraded": ((True, 0.9), (False, 0.1)),
    "learning": ((True, 2.5), (False, 0.5)),
    "ready": ((True, inf),),
    "stopped": ((False, inf),),
}
WINK = 0.03  # seconds dark
WINK_SPACING = 0.2  # seconds from one wink's start to the next one's


def uppermost(states: Sequence[str]) -> str:
    """Of the states that hold, the one that shows."""
    return min(states, key=list(PATTERNS).index)


class Blinker:
    """What the light does over time. No pin, no thread, no clock: times (in seconds) come in."""

    def __init__(self) -> None:
        self.state = "stopped"
        self.winks = 0
        self._due = False
        self._part = 0
        self._until = inf
        self._wink_began = -inf

    def show(self, state: str, now: float) -> None:
        """From ``now`` on show ``state``; the state already shown goes on undisturbed."""
        if state == self.state:
            return
        self._part = 0
        self._until = now + PATTERNS[state][0][1]
        self._due = False
        self.state = state

    def wink(self) -> bool:
        """Ask for a wink. True where this changes what ``step`` will answer.

        Those asked for while one is due are one with it, so that thousands a second cost nothing.
        """
        if self._due or self.state != "ready":
            return False
        self._due = True
        return True

    def step(self, now: float) -> tuple[bool, float]:
        """Lit or dark at ``now``, and the time until which that holds if nobody asks for more."""
        if self.state == "ready":
            return self._step_ready(now)
        pattern = PATTERNS[self.state]
        while now >= self._until:
            self._part = (self._part + 1) % len(pattern)
            self._until += pattern[self._part][1]
        return pattern[self._part][0], self._until

    def _step_ready(self, now: float) -> tuple[bool, float]:
        if self._due and now >= self._wink_began + WINK_SPACING:
            self._due = False
            self._wink_began = now
            self.winks += 1
        if now < self._wink_began + WINK:
            return False, self._wink_began + WINK
        return True, self._wink_began + WINK_SPACING if self._due else inf


class StatusLight:
    """The light on its pin, driven by a thread of its own; without a pin it does nothing.

    Opening the pin is that thread's first act, so that nobody waits for gpiozero's import.
    Where there is no light one log line says why.

    Args:
        mode: auto (GPIO where there is one), gpio, mock (drawn on ``stream`` where that is a
            terminal, else logged) or off.
        pin: BCM number.
        stream: where a mock light is drawn.
    """

    def __init__(
        self,
        mode: str = "auto",
        pin: int = 17,
        stream: TextIO | None = None,
    ) -> None:
        self.mode, self.pin = mode, pin
        self._began, self._process = time.monotonic(), os.getpid()
        self._blinker = Blinker()
        self._lock = threading.Lock()  # held for microseconds, never while a pin is written
        self._wake = threading.Event()
        self._opened = threading.Event()
        self._closing = False
        self._lit = False
        self._factory: str | None = None
        self._out: str | None = None
        self._transitions: deque[dict[str, Any]] = deque(maxlen=64)
        self._lamp = Lamp(stream or sys.stderr, pin) if mode == "mock" else None
        self._thread = threading.Thread(target=self._run, name="status-light", daemon=True)
        if mode == "off":
            self._out = "the settings say led = off"
            self._opened.set()
        else:
            self._thread.start()

    def show(self, *states: str) -> None:
        """Show the uppermost of the states that hold now."""
        with self._lock:
            self._blinker.show(uppermost(states), time.monotonic())
        self._wake.set()

    def wink(self) -> None:
        """Go dark for a moment, for an inference. Never waits; from any thread, at any rate."""
        if self._blinker.wink():
            self._wake.set()

    def wait_opened(self, timeout: float | None = None) -> bool:
        """Wait until the light is on its pin, or known to be out."""
        return self._opened.wait(timeout)

    def close(self) -> None:
        """Go dark and release the pin. Does nothing the second time, or in a forked child."""
        if os.getpid() != self._process:
            return
        self._closing = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)
        atexit.unregister(self.close)

    def describe(self) -> dict[str, Any]:
        """For /status.

        Returns:
            mode, pin, factory (gpiozero's name of the library in use, or null), shows (the
            state), lit, out (why there is no light, or null), winks (how many were shown) and
            the last 64 transitions, each with seconds since the light was made ("at"), "lit"
            and the state shown.
        """
        return {
            "mode": self.mode,
            "pin": self.pin,
            "factory": self._factory,
            "shows": self._blinker.state,
            "lit": self._lit,
            "out": self._out,
            "winks": self._blinker.winks,
            "transitions": list(self._transitions),
        }

    def _run(self) -> None:
        try:
            led = gpio.open_led(self.mode, self.pin)
        except PiEdgeError as error:
            self._go_out(str(error))
            return
        # After gpiozero's own exit handler is registered, so that ours runs before it.
        atexit.register(self.close)
        self._factory = type(led.pin_factory).__name__
        self._opened.set()
        logger.info("the status light is on GPIO%d, through %s", self.pin, self._factory)
        try:
            self._drive(led)
        except Exception as error:  # the pin went away: serve on without a light
            self._go_out(f"GPIO{self.pin} was lost ({error or type(error).__name__})")
        finally:
            self._release(led)

    def _drive(self, led: Any) -> None:
        while not self._closing:
            with self._lock:
                lit, until = self._blinker.step(time.monotonic())
                state = self._blinker.state
            self._set(led, lit, state)
            self._wake.wait(None if until == inf else max(0.0, until - time.monotonic()))
            self._wake.clear()
        with self._lock:
            self._blinker.show("stopped", time.monotonic())
        self._set(led, False, "stopped")

    def _set(self, led: Any, lit: bool, state: str) -> None:
        if lit != self._lit:
            if lit:
                led.on()
            else:
                led.off()
            self._lit = lit
            at = round(time.monotonic() - self._began, 4)
            self._transitions.append({"at": at, "lit": lit, "state": state})
        if self._lamp:
            self._lamp.draw(lit, state)

    def _release(self, led: Any) -> None:
        try:
            led.off()
            led.close()
        except Exception as error:
            logger.debug("releasing GPIO%d: %s", self.pin, error)
        self._lit = False
        if self._lamp:
            self._lamp.erase()

    def _go_out(self, reason: str) -> None:
        self._out = reason
        self._opened.set()
        logger.warning("the status light is out: %s", reason)


def off(pin: int | None = None) -> None:
    """Drive the pin low and release it; do nothing where there is no GPIO or no light wanted.

    Args:
        pin: BCM number; the settings' where None.
    """
    try:
        settings = config.load({})
    except PiEdgeError:  # a daemon that never started for a broken setting lit no other pin
        settings = config.Config()
    if settings.led == "off" and pin is None:
        return
    mode = "auto" if settings.led == "off" else settings.led
    try:
        led = gpio.open_led(mode, settings.led_pin if pin is None else pin)
        led.off()
        led.close()
    except Exception as error:
        logger.debug("the light cannot be darkened: %s", error)


def main(argv: Sequence[str] | None = None) -> int:
    """``python -m pi_edge.led off [--pin N]``: always 0, since nobody is left to read a failure."""
    parser = argparse.ArgumentParser(prog="python -m pi_edge.led", description=off.__doc__)
    parser.add_argument("action", choices=["off"])
    parser.add_argument("--pin", type=int, help="BCM number (default: the settings')")
    off(parser.parse_args(argv).pin)
    return 0


if __name__ == "__main__":
    sys.exit(main())
