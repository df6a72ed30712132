"""One GPIO pin through gpiozero, or one line that says why not. gpiozero is imported on use."""

from __future__ import annotations

import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Mapping, MutableMapping
from pathlib import Path
from typing import Any

from pi_edge.errors import Unavailable

# What any of gpiozero's pin libraries needs: lgpio the first, RPi.GPIO and native the second.
_DEVICES = ("gpiochip*", "gpiomem*")


def open_led(mode: str, pin: int) -> Any:
    """A ``gpiozero.LED`` on BCM pin ``pin``, dark.

    Works with gpiozero 1.6.2 (Debian Bookworm) and 2.x. gpiozero's own choice of library and
    GPIOZERO_PIN_FACTORY hold; its warnings about libraries it passed over do not reach the
    terminal.

    Args:
        mode: auto, gpio (auto without first looking for a GPIO device) or mock.
        pin: BCM number.

    Raises:
        Unavailable: no GPIO, no library for it, no right to it, or the pin is taken.
    """

    def led(gpiozero: Any) -> Any:
        factory = _mock_factory() if mode == "mock" else None
        return gpiozero.LED(pin, initial_value=False, pin_factory=factory)

    return _open(mode, pin, led)


def open_button(pin: int, bounce_seconds: float) -> Any:
    """A ``gpiozero.Button`` between BCM pin ``pin`` and ground, pulled up inside the Pi.

    Args:
        bounce_seconds: for which a change is followed by no other, as contacts bounce.

    Raises:
        Unavailable: as open_led.
    """
    return _open("auto", pin, lambda gpiozero: gpiozero.Button(pin, bounce_time=bounce_seconds))


def _open(mode: str, pin: int, make: Callable[[Any], Any]) -> Any:
    """What ``make`` makes of the module gpiozero."""
    if mode == "auto" and not _has_gpio():
        raise Unavailable("this machine has no GPIO")
    use_work_folder(os.environ)
    with warnings.catch_warnings(record=True) as passed_over:
        warnings.simplefilter("always")
        try:
            import gpiozero

            return make(gpiozero)
        except Exception as error:  # each pin library raises its own kinds
            raise Unavailable(_reason(pin, error, passed_over)) from error


def use_work_folder(environ: MutableMapping[str, str]) -> None:
    """Point LG_WD, where unset, at a folder in which lgpio can make its pipes.

    Without it lgpio uses the current directory, which a service cannot write to and a person
    does not want littered.
    """
    if "LG_WD" not in environ:
        environ["LG_WD"] = str(_work_folder(environ))


def _work_folder(environ: Mapping[str, str]) -> Path:
    for name in ("RUNTIME_DIRECTORY", "XDG_RUNTIME_DIR"):
        # systemd separates several runtime directories by colons
        folder = environ.get(name, "").split(":")[0]
        if folder and os.access(folder, os.W_OK | os.X_OK):
            return Path(folder)
    current = Path.cwd()
    return current if os.access(current, os.W_OK) else Path(tempfile.gettempdir())


def _has_gpio() -> bool:
    if "GPIOZERO_PIN_FACTORY" in os.environ:
        return True
    if "gpiozero" in sys.modules and sys.modules["gpiozero"].Device.pin_factory is not None:
        return True
    return any(any(Path("/dev").glob(pattern)) for pattern in _DEVICES)


def _mock_factory() -> Any:
    from gpiozero import Device
    from gpiozero.pins.mock import MockFactory

    current = Device.pin_factory
    return current if isinstance(current, MockFactory) else MockFactory()


def _reason(pin: int, error: Exception, passed_over: list[warnings.WarningMessage]) -> str:
    if isinstance(error, ImportError) and (error.name or "").split(".")[0] == "gpiozero":
        return "gpiozero is not installed: pip install gpiozero"
    text = " ".join((str(error) or type(error).__name__).split()).strip("'")  # lgpio quotes its own
    if type(error).__name__ == "BadPinFactory" and passed_over:
        libraries = "; ".join(" ".join(str(warning.message).split()) for warning in passed_over)
        text = libraries.replace("Falling back from ", "")
    return f"GPIO{pin} cannot be had ({text})"
