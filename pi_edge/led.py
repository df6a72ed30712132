"""The status light: one LED on a GPIO pin that tells the daemon's state (see pi_edge.blinker).

``python -m pi_edge.led off`` darkens the light of a daemon that could not do so itself (systemd's
ExecStopPost): Raspberry Pi kernels keep an output driven after its process has died.
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
from pi_edge.blinker import Blinker, uppermost
from pi_edge.errors import PiEdgeError
from pi_edge.lamp import Lamp

logger = logging.getLogger(__name__)


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
