"""The status light: patterns over time, the pin it drives, and that it never harms the daemon."""

from __future__ import annotations

import io
import itertools
import json
import logging
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf
from pathlib import Path
from typing import Any, cast

import file_pins
import pytest
from gpiozero import LED
from gpiozero.pins.mock import MockFactory

from pi_edge import gpio, led
from pi_edge.blinker import PATTERNS, WINK_SPACING, Blinker, uppermost
from pi_edge.errors import Unavailable
from pi_edge.lamp import Lamp
from pi_edge.learning import told
from pi_edge.led import StatusLight


def waveform(
    blinker: Blinker, until: float, winks: tuple[float, ...] = ()
) -> list[tuple[float, bool]]:
    """Each change of level from time 0 to ``until``, winks being asked for at given times."""
    changes: list[tuple[float, bool]] = []
    asked = list(winks)
    now = 0.0
    while now < until:
        while asked and asked[0] <= now:
            blinker.wink()
            asked.pop(0)
        lit, next_step = blinker.step(now)
        if not changes or changes[-1][1] != lit:
            changes.append((round(now, 6), lit))
        now = min([next_step, *asked[:1]])
    return changes


def shown(state: str) -> Blinker:
    blinker = Blinker()
    blinker.show(state, 0.0)
    return blinker


def lit_and_dark(changes: list[tuple[float, bool]]) -> list[tuple[bool, float]]:
    """How long each level but the last was held."""
    return [(lit, round(after - at, 6)) for (at, lit), (after, _) in itertools.pairwise(changes)]


@pytest.mark.parametrize(
    ("state", "on", "dark"),
    [
        ("starting", 0.25, 0.25),
        ("failed", 0.0625, 0.0625),
        ("degraded", 0.9, 0.1),
        ("learning", 2.5, 0.5),
    ],
)
def test_a_state_that_blinks_repeats_its_pattern_without_drift(
    state: str, on: float, dark: float
) -> None:
    changes = waveform(shown(state), until=100 * (on + dark))
    assert lit_and_dark(changes) == ([(True, on), (False, dark)] * 100)[:-1]


@pytest.mark.parametrize(("state", "lit"), [("ready", True), ("stopped", False)])
def test_a_steady_state_never_changes(state: str, lit: bool) -> None:
    assert shown(state).step(1e6) == (lit, inf)


def test_an_inference_darkens_the_ready_light_for_30_ms() -> None:
    changes = waveform(shown("ready"), until=9, winks=(1.0,))
    assert changes == [(0.0, True), (1.0, False), (1.03, True)]


def test_thousands_of_inferences_wink_five_times_a_second() -> None:
    blinker = shown("ready")
    changes = waveform(blinker, until=9.99, winks=tuple(n / 5000 for n in range(50_000)))
    dark = [at for at, lit in changes if not lit]
    assert len(dark) == blinker.winks == 50
    assert all(later - at >= 0.2 - 1e-9 for at, later in itertools.pairwise(dark))
    assert {held for lit, held in lit_and_dark(changes) if not lit} == {0.03}


def test_an_inference_soon_after_another_winks_once_its_turn_has_come() -> None:
    changes = waveform(shown("ready"), until=9, winks=(1.0, 1.05, 1.06))
    assert changes == [(0.0, True), (1.0, False), (1.03, True), (1.2, False), (1.23, True)]


@pytest.mark.parametrize("state", ["starting", "failed", "degraded", "learning", "stopped"])
def test_only_the_ready_light_winks(state: str) -> None:
    assert waveform(shown(state), 5, winks=(1.01, 2.01)) == waveform(shown(state), 5)


def test_a_wink_asked_for_before_trouble_does_not_show_after_it() -> None:
    blinker = shown("ready")
    blinker.wink()
    blinker.show("failed", 1.0)
    blinker.show("ready", 2.0)
    assert blinker.step(2.0) == (True, inf)


def test_showing_the_same_state_again_does_not_restart_its_pattern() -> None:
    blinker = shown("degraded")
    blinker.step(0.5)
    blinker.show("degraded", 0.5)
    assert blinker.step(0.5) == (True, 0.9)


@pytest.mark.parametrize(
    ("states", "upper"),
    [
        (("ready", "learning"), "learning"),
        (("learning", "degraded"), "degraded"),
        (("degraded", "failed"), "failed"),
        (("failed", "starting"), "starting"),
        (("stopped", "ready"), "ready"),
    ],
)
def test_of_several_states_the_upper_one_shows(states: tuple[str, ...], upper: str) -> None:
    assert uppermost(states) == upper


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "waited 30 s in vain"
        time.sleep(0.005)


@pytest.fixture
def light(mock_factory: MockFactory) -> Iterator[StatusLight]:
    light = StatusLight("mock", 17, stream=io.StringIO())
    assert light.wait_opened(30)
    yield light
    light.close()


def levels(factory: MockFactory, pin: int = 17) -> list[bool]:
    """What the pin did, as its recorded transitions tell."""
    return [bool(state.state) for state in factory.pin(pin).states]


def test_the_pin_blinks_as_the_pattern_says(light: StatusLight, mock_factory: MockFactory) -> None:
    began = time.monotonic()
    light.show("failed")
    wait_for(lambda: len(levels(mock_factory)) > 8)
    assert levels(mock_factory)[:9] == [False] + [True, False] * 4
    # Seven halves of 8 Hz had to pass for that: a busy machine blinks late, never early.
    assert time.monotonic() - began >= 7 * 0.0625


def test_the_pin_goes_dark_and_lights_up_again_while_somebody_learns(
    light: StatusLight, mock_factory: MockFactory
) -> None:
    began = time.monotonic()
    light.show("ready", "learning")
    wait_for(lambda: len(levels(mock_factory)) > 3)
    assert levels(mock_factory)[:4] == [False, True, False, True]
    assert light.describe()["shows"] == "learning"
    # 2.5 s lit and 0.5 s dark had to pass for that: a busy machine blinks late, never early.
    assert time.monotonic() - began >= 3


def test_the_pin_stays_high_while_ready_and_winks(
    light: StatusLight, mock_factory: MockFactory
) -> None:
    light.show("ready")
    wait_for(lambda: levels(mock_factory) == [False, True])
    light.wink()
    wait_for(lambda: levels(mock_factory) == [False, True, False, True])


def test_winks_from_many_threads_at_once_stay_below_five_a_second(light: StatusLight) -> None:
    light.show("ready")
    began = time.monotonic()

    def infer() -> None:
        for _ in range(20_000):
            light.wink()

    threads = [threading.Thread(target=infer) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wait_for(lambda: light.describe()["winks"] > 0)
    assert light.describe()["winks"] <= 1 + (time.monotonic() - began) / WINK_SPACING


def test_closing_darkens_the_pin_and_sets_it_free(
    light: StatusLight, mock_factory: MockFactory
) -> None:
    light.show("ready")
    wait_for(lambda: mock_factory.pin(17).state == 1)
    light.close()
    assert levels(mock_factory)[-1] is False
    LED(17).close()  # would raise if the pin were still taken
    light.close()
    assert light.describe()["lit"] is False


def test_a_forked_child_leaves_the_light_alone(
    light: StatusLight, mock_factory: MockFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    light.show("ready")
    wait_for(lambda: mock_factory.pin(17).state == 1)
    with monkeypatch.context() as child:
        child.setattr(os, "getpid", lambda: -1)
        light.close()
    assert mock_factory.pin(17).state == 1


def test_status_tells_what_the_light_does(light: StatusLight) -> None:
    light.show("degraded")
    wait_for(lambda: light.describe()["lit"])
    told = json.loads(json.dumps(light.describe()))
    assert told["pin"] == 17
    assert told["factory"] == "MockFactory"
    assert told["shows"] == "degraded"
    assert told["out"] is None
    first = told["transitions"][0]
    assert first["lit"] is True
    assert first["state"] == "degraded"
    assert first["at"] >= 0


def test_status_keeps_no_more_than_64_transitions(
    light: StatusLight, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PATTERNS, "failed", ((True, 0.001), (False, 0.001)))
    light.show("failed")
    wait_for(lambda: len(light.describe()["transitions"]) == 64)
    last = light.describe()["transitions"][-1]["at"]
    wait_for(lambda: light.describe()["transitions"][0]["at"] > last)
    assert len(light.describe()["transitions"]) == 64


def assert_out(light: StatusLight, caplog: pytest.LogCaptureFixture, words: str) -> None:
    """Nothing harms, and one line says why there is no light."""
    assert light.wait_opened(30)
    light.show("ready")
    light.wink()
    light.close()
    told = light.describe()
    assert words in told["out"]
    assert told["lit"] is False
    lines = [record for record in caplog.records if record.name == "pi_edge.led"]
    assert [record.levelname for record in lines] == ["WARNING"]
    assert words in lines[0].getMessage()
    assert "\n" not in lines[0].getMessage()


def test_without_gpio_the_light_is_out_and_one_line_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(gpio, "_DEVICES", ())
    monkeypatch.delenv("GPIOZERO_PIN_FACTORY", raising=False)
    assert_out(StatusLight("auto", 17), caplog, "this machine has no GPIO")


def test_with_the_pin_taken_the_light_is_out_and_one_line_says_so(
    mock_factory: MockFactory, caplog: pytest.LogCaptureFixture
) -> None:
    with LED(17):
        assert_out(StatusLight("auto", 17), caplog, "GPIO17 cannot be had (pin")


def test_a_pin_lost_while_serving_puts_the_light_out_with_one_line(
    light: StatusLight,
    mock_factory: MockFactory,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(value: bool) -> None:
        raise OSError("unplugged")

    monkeypatch.setattr(mock_factory.pin(17), "_set_state", fail)
    light.show("ready")
    wait_for(lambda: light.describe()["out"] is not None)
    assert_out(light, caplog, "GPIO17 was lost (unplugged)")


def test_a_light_turned_off_in_the_settings_touches_no_pin(mock_factory: MockFactory) -> None:
    light = StatusLight("off", 17)
    light.show("ready")
    light.close()
    assert "off" in light.describe()["out"]
    assert levels(mock_factory) == [False]


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def test_a_mock_light_is_drawn_in_place_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal()
    lamp = Lamp(terminal, 17)
    lamp.draw(True, "ready")
    lamp.draw(True, "ready")
    lamp.draw(False, "ready")
    # Each drawing ends at the line's start, where a log line overwrites it.
    assert terminal.getvalue() == "\r\x1b[KLED ● ready\r\r\x1b[KLED ○ ready\r"
    lamp.erase()
    assert terminal.getvalue().endswith("\r\x1b[K")


def test_a_mock_light_off_a_terminal_logs_one_line_per_state(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    stream = io.StringIO()
    lamp = Lamp(stream, 17)
    for lit, state in [
        (True, "starting"),
        (False, "starting"),
        (True, "starting"),
        (True, "ready"),
    ]:
        lamp.draw(lit, state)
    assert caplog.messages == ["LED (mock, GPIO17): starting", "LED (mock, GPIO17): ready"]
    assert stream.getvalue() == ""


def test_a_terminal_that_went_away_does_not_put_the_light_out(
    monkeypatch: pytest.MonkeyPatch, mock_factory: MockFactory
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal()
    light = StatusLight("mock", 17, stream=terminal)
    assert light.wait_opened(30)
    terminal.close()
    light.show("ready")
    wait_for(lambda: light.describe()["lit"])
    light.close()
    assert light.describe()["out"] is None


def test_off_drives_a_pin_low_that_was_left_high(mock_factory: MockFactory) -> None:
    pin = mock_factory.pin(17)
    pin.function = "output"
    pin.state = 1
    assert led.main(["off"]) == 0
    assert levels(mock_factory) == [False, True, False]


def test_off_takes_the_pin_from_the_settings_or_the_flag(
    mock_factory: MockFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PI_EDGE_LED_PIN", "22")
    for number, arguments in [(22, ["off"]), (23, ["off", "--pin", "23"])]:
        pin = mock_factory.pin(number)
        pin.function = "output"
        pin.state = 1
        led.main(arguments)
        assert levels(mock_factory, number) == [False, True, False]


def test_off_leaves_pins_alone_where_the_settings_want_no_light(
    mock_factory: MockFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PI_EDGE_LED", "off")
    pin = mock_factory.pin(17)
    pin.function = "output"
    pin.state = 1
    led.main(["off"])
    assert levels(mock_factory) == [False, True]


@pytest.mark.parametrize("factory", ["mock", "no-such-factory"])
@pytest.mark.parametrize("settings", [{}, {"PI_EDGE_LED_PIN": "nonsense"}])
def test_off_is_silent_and_succeeds_whatever_it_finds(
    factory: str, settings: dict[str, str]
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pi_edge.led", "off"],
        env={**os.environ, "GPIOZERO_PIN_FACTORY": factory, **settings},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


LIT = """
import sys, time
from pi_edge.led import StatusLight
light = StatusLight("gpio", 17)
light.show("ready")
while not light.describe()["lit"]:
    time.sleep(0.01)
"""


def test_a_crash_leaves_the_light_dark(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIT + "raise RuntimeError('crash')"],
        env=file_pins.environment(tmp_path),
        capture_output=True,
        text=True,
    )
    assert done.stderr.endswith("RuntimeError: crash\n")
    assert (tmp_path / "GPIO17").read_text() == "0"


@contextmanager
def daemon(models: Path, folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The real daemon on pins that outlive it, once it has left state starting, and its URL."""
    command = [sys.executable, "-m", "pi_edge", "serve", "--port", "0", "--led", "gpio"]
    command += ["--models", str(models), "--state", str(folder / "state")]
    # Under nohup these tests would hand down that hang-ups are ignored, and the daemon heed it.
    hang_up = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    process = subprocess.Popen(
        command, env=file_pins.environment(folder), stderr=subprocess.PIPE, text=True
    )
    signal.signal(signal.SIGHUP, hang_up)
    try:
        assert process.stderr
        lines = iter(process.stderr.readline, "")
        settled = re.compile(r"(?:ready|degraded|failed) at (http://\S+)").search
        url = next(found[1] for found in map(settled, lines) if found)
        yield process, url
    finally:
        process.kill()
        process.communicate()


def light_of(url: str) -> dict[str, Any]:
    """What /status says of the light."""
    with urllib.request.urlopen(f"{url}/status", timeout=30) as answer:
        return cast(dict[str, Any], json.load(answer)["led"])


def ask(url: str, body: dict[str, Any]) -> int:
    """The HTTP status of one inference request to mnist-mlp."""
    request = urllib.request.Request(
        f"{url}/v2/models/mnist-mlp/infer", json.dumps(body).encode(), method="POST"
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return cast(int, answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def image(data: list[float]) -> dict[str, Any]:
    tensor = {"name": "image", "shape": [1, 28, 28], "datatype": "FP32", "data": data}
    return {"inputs": [tensor]}


def test_the_daemons_light_winks_for_inferences_and_not_for_bad_requests(
    shipped_models: Path, tmp_path: Path
) -> None:
    with daemon(shipped_models, tmp_path) as (_, url):
        wait_for(lambda: light_of(url)["lit"])
        assert light_of(url)["shows"] == "ready"
        assert ask(url, image([0.0])) == 400
        assert light_of(url)["winks"] == 0
        assert ask(url, image([0.0] * 784)) == 200
        wait_for(lambda: light_of(url)["winks"] == 1)
        wait_for(lambda: light_of(url)["lit"])
        assert [change["lit"] for change in light_of(url)["transitions"]][-2:] == [False, True]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_daemon_told_to_stop_leaves_the_light_dark(
    shipped_models: Path, tmp_path: Path, number: signal.Signals
) -> None:
    with daemon(shipped_models, tmp_path) as (process, url):
        wait_for(lambda: light_of(url)["lit"])
        process.send_signal(number)
        assert process.wait(30) == 0
    assert (tmp_path / "GPIO17").read_text() == "0"


def test_after_kill_9_of_the_daemon_the_units_command_darkens_the_light(
    shipped_models: Path, tmp_path: Path
) -> None:
    with daemon(shipped_models, tmp_path) as (process, url):
        wait_for(lambda: light_of(url)["lit"])
        process.kill()
        process.wait(30)
    assert (tmp_path / "GPIO17").read_text() == "1"
    environment = file_pins.environment(tmp_path)
    subprocess.run([sys.executable, "-m", "pi_edge.led", "off"], env=environment, check=True)
    assert (tmp_path / "GPIO17").read_text() == "0"


def test_a_daemon_without_a_model_that_serves_blinks_failed(tmp_path: Path) -> None:
    models = tmp_path / "models"
    models.mkdir()
    (models / "broken.tflite").write_bytes(b"no model")
    with daemon(models, tmp_path) as (_, url):
        wait_for(lambda: len(light_of(url)["transitions"]) == 64)
        light = light_of(url)
    assert light["shows"] == "failed"
    levels = [change["lit"] for change in light["transitions"]]
    assert all(level != after for level, after in itertools.pairwise(levels))
    # 63 halves of 8 Hz lie between the first and the last, less what the first was late.
    times = [change["at"] for change in light["transitions"]]
    assert times[-1] - times[0] >= 48 * 0.0625


def test_a_daemon_beside_which_somebody_learns_shows_that_and_then_is_ready_again(
    shipped_models: Path, tmp_path: Path
) -> None:
    with daemon(shipped_models, tmp_path) as (_, url):
        wait_for(lambda: light_of(url)["lit"])
        with told.learning(tmp_path / "state", "mine"):
            wait_for(lambda: light_of(url)["shows"] == "learning")
        wait_for(lambda: light_of(url)["shows"] == "ready")


def test_one_model_out_of_several_shows_as_degraded(shipped_models: Path, tmp_path: Path) -> None:
    models = tmp_path / "models"
    models.mkdir()
    (models / "broken.tflite").write_bytes(b"no model")
    shutil.copytree(shipped_models / "mnist-mlp", models / "mnist-mlp")
    with daemon(models, tmp_path) as (_, url):
        assert light_of(url)["shows"] == "degraded"


def test_importing_the_light_does_not_import_gpiozero() -> None:
    code = "import sys, pi_edge.led; sys.exit('gpiozero' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_libraries_that_gpiozero_passed_over_are_named_in_the_reason_and_not_on_the_terminal(
    monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    monkeypatch.delenv("GPIOZERO_PIN_FACTORY", raising=False)
    for library in ("lgpio", "rpigpio", "rpio", "pigpio", "native"):
        monkeypatch.setitem(sys.modules, f"gpiozero.pins.{library}", None)
    with pytest.raises(
        Unavailable, match=r"^GPIO17 cannot be had \(.*lgpio: .*; native: [^\n]*\)$"
    ):
        gpio.open_led("gpio", 17)
    assert not recwarn.list


@pytest.mark.parametrize("name", ["RUNTIME_DIRECTORY", "XDG_RUNTIME_DIR"])
def test_lgpio_works_in_the_runtime_directory(tmp_path: Path, name: str) -> None:
    environ = {name: str(tmp_path)}
    gpio.use_work_folder(environ)
    assert environ["LG_WD"] == str(tmp_path)


def test_a_work_folder_already_chosen_for_lgpio_stays() -> None:
    environ = {"LG_WD": "/somewhere", "XDG_RUNTIME_DIR": "/tmp"}
    gpio.use_work_folder(environ)
    assert environ["LG_WD"] == "/somewhere"
