"""A push button on gpiozero's mock pins, pressed there; a folder stands in for the camera."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from gpiozero.pins.mock import MockFactory
from running import wait_until

from pi_edge.cli import main
from pi_edge.integrations.button import Button


def ready(complaints: io.StringIO) -> bool:
    """Whether a press counts from now on."""
    return "waiting for the button on GPIO27" in complaints.getvalue()


def press(factory: MockFactory, pin: int = 27) -> None:
    factory.pin(pin).drive_low()
    factory.pin(pin).drive_high()


def beside(work: Callable[[], Any]) -> threading.Thread:
    """Do something while the main thread runs the command."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_each_press_is_a_picture_looked_at(
    mock_factory: MockFactory,
    album: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    complaints = io.StringIO()
    kept = tmp_path / "kept"

    def answered() -> int:
        """How often the LED was lit and is dark again."""
        lit = [state.state for state in mock_factory.pin(22).states]
        return lit.count(True) - lit[-1]

    def finger() -> None:
        wait_until(lambda: ready(complaints))
        for count in (1, 2, 3):
            press(mock_factory)
            wait_until(lambda count=count: answered() == count)

    thread = beside(finger)
    options = ["--count", "3", "--led", "22", "--json", "--save", str(kept)]
    with contextlib.redirect_stderr(complaints):
        assert main(["button", "--source", str(album), *options]) == 0
    thread.join(60)
    documents = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(one["file"], one["number"]) for one in documents] == [("a.jpg", "7"), ("c.jpg", "7")]
    assert "pi-edge: b.jpg: this is no PNG" in complaints.getvalue()
    lit = [state.state for state in mock_factory.pin(22).states]
    assert lit[-6:] == [True, False] * 3


def test_presses_while_one_is_answered_are_ignored_and_counted(mock_factory: MockFactory) -> None:
    button = Button(27, 22)
    try:
        press(mock_factory)
        assert button.wait(lambda: False)
        with button.busy():
            assert mock_factory.pin(22).state
            press(mock_factory)
            press(mock_factory)
        assert not mock_factory.pin(22).state
        assert button.ignored == 2
        assert not button.wait(lambda: True)  # none of them waits to be answered
    finally:
        button.close()


def test_the_pin_is_pulled_up_and_let_go_of(mock_factory: MockFactory) -> None:
    button = Button(5)
    assert mock_factory.pin(5).pull == "up"
    button.close()
    Button(5).close()


def test_a_signal_is_the_proper_end(mock_factory: MockFactory, album: Path) -> None:
    complaints = io.StringIO()

    def tell() -> None:
        wait_until(lambda: ready(complaints))
        os.kill(os.getpid(), signal.SIGTERM)

    beside(tell)
    with contextlib.redirect_stderr(complaints):
        assert main(["button", "--source", str(album)]) == 0
    assert "pictures looked at: 0" in complaints.getvalue()
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_a_pin_that_is_taken_is_one_line(
    mock_factory: MockFactory, album: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    button = Button(27)
    try:
        assert main(["button", "--source", str(album)]) == 1
    finally:
        button.close()
    assert "GPIO27 cannot be had" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--pin", "60"], "--pin must be a BCM number"),
        (["--led", "-1"], "--led must be a BCM number"),
        (["--pin", "5", "--led", "5"], "need a pin each"),
    ],
)
def test_wrong_pins_are_refused(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["button", *arguments]) == 2
    assert words in capsys.readouterr().err


def test_without_gpio_one_line_says_so(album: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if any(Path("/dev").glob("gpio*")):
        pytest.skip("this machine has GPIO")
    assert main(["button", "--source", str(album)]) == 1
    assert "this machine has no GPIO" in capsys.readouterr().err
