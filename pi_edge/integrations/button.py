"""A push button on a GPIO pin, and an LED that is lit while its press is answered."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pi_edge import gpio

# Seconds; contacts of cheap buttons bounce for some thousandths.
BOUNCE = 0.02
# Seconds between two looks at whether to stop.
_STEP = 0.2


class Button:
    """Presses, one at a time: those that come while one is being answered are counted and ignored,
    never queued.

    Args:
        pin: BCM number; the button connects it to ground.
        led: BCM number of the LED's, None for no LED.

    Raises:
        Unavailable: a pin cannot be had.
    """

    def __init__(self, pin: int, led: int | None = None) -> None:
        self.ignored = 0
        self._busy = False
        self._pressed = threading.Event()
        self._led = gpio.open_led("auto", led) if led is not None else None
        try:
            self._button = gpio.open_button(pin, BOUNCE)
        except BaseException:
            self._close_led()
            raise
        self._button.when_pressed = self._press

    def wait(self, stopped: Callable[[], bool]) -> bool:
        """Wait for a press; False when ``stopped``."""
        while not self._pressed.wait(_STEP):
            if stopped():
                return False
        return not stopped()

    @contextmanager
    def busy(self) -> Iterator[None]:
        """While the press is answered."""
        self._busy = True
        self._pressed.clear()
        if self._led:
            self._led.on()
        try:
            yield
        finally:
            self._busy = False  # before the LED tells that the next press counts
            if self._led:
                self._led.off()

    def close(self) -> None:
        """Let go of the pins, the LED dark."""
        self._button.close()
        self._close_led()

    def _close_led(self) -> None:
        if self._led:
            self._led.off()
            self._led.close()

    def _press(self) -> None:
        """Called on a thread of gpiozero's."""
        if self._busy or self._pressed.is_set():
            self.ignored += 1
        else:
            self._pressed.set()
