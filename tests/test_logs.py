"""Lines of the log."""

from __future__ import annotations

import contextvars
import datetime
import json
import logging
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from support import ROOT

from pi_edge import trace
from pi_edge.logs import JsonFormatter, TextFormatter

TRACEPARENT = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def record(message: str, *args: object, error: BaseException | None = None) -> logging.LogRecord:
    told = (type(error), error, error.__traceback__) if error else None
    return logging.LogRecord("pi_edge.led", logging.WARNING, "led.py", 1, message, args, told)


def line(*args: Any, **named: Any) -> dict[str, Any]:
    text = JsonFormatter().format(record(*args, **named))
    assert "\n" not in text
    loaded = json.loads(text)
    assert isinstance(loaded, dict)
    return loaded


def within_request(headers: list[tuple[bytes, bytes]], act: Callable[[], Any]) -> Any:
    def work() -> Any:
        trace.begin(trace.Request(headers))
        return act()

    return contextvars.copy_context().run(work)


def test_a_line_has_time_level_logger_and_message() -> None:
    told = line("GPIO%d is lost", 17)
    assert set(told) == {"time", "level", "logger", "message"}
    assert (told["level"], told["logger"]) == ("warning", "pi_edge.led")
    assert told["message"] == "GPIO17 is lost"


def test_the_time_is_utc_as_rfc_3339_wants_it() -> None:
    one = record("x")
    one.created = datetime.datetime(2026, 11, 28, 1, 2, 3, 45_000, datetime.UTC).timestamp()
    assert json.loads(JsonFormatter().format(one))["time"] == "2026-11-28T01:02:03.045Z"
    one.created = round(one.created)
    assert json.loads(JsonFormatter().format(one))["time"] == "2026-11-28T01:02:03.000Z"


def test_an_exception_stays_on_the_line() -> None:
    try:
        raise ValueError("first\nsecond")
    except ValueError as error:
        told = line("that failed", error=error)
    assert told["message"] == "that failed"
    assert told["exception"].startswith("Traceback")
    assert told["exception"].endswith("ValueError: first\nsecond")


def test_whatever_a_message_holds_is_one_line_of_ascii() -> None:
    text = JsonFormatter().format(record("a\nb\u2028\ud800\x00ü"))
    assert text.isascii()
    assert json.loads(text)["message"] == "a\nb\u2028\ud800\x00ü"
    assert len(text.splitlines()) == 1


def test_within_a_request_a_line_has_its_id() -> None:
    told = within_request([(b"traceparent", TRACEPARENT)], lambda: line("x"))
    assert told["trace_id"] == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert told["request_id"] == "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7"


def test_without_a_trace_there_is_a_request_id_alone() -> None:
    told = within_request([], lambda: line("x"))
    assert "trace_id" not in told
    assert told["request_id"]


def test_text_has_level_message_and_the_requests_id() -> None:
    formatter = TextFormatter()
    assert formatter.format(record("x %s", "y")) == "WARNING: x y"
    inside = within_request([], lambda: formatter.format(record("x")))
    assert re.fullmatch(r"WARNING: x \[[0-9a-f]{8}-\d+\]", inside)


@pytest.mark.parametrize(
    ("code", "member", "said"),
    [
        ("raise ValueError('a\\nb')", "exception", "ValueError: a\nb"),
        ("t = threading.Thread(target=lambda: 1 / 0); t.start(); t.join()", "exception", "by zero"),
        ("warnings.warn('deprecated')", "message", "deprecated"),
    ],
)
def test_what_python_says_by_itself_is_json_too(code: str, member: str, said: str) -> None:
    program = (
        f"import threading, warnings; from pi_edge import logs; logs.set_up('json', 'info'); {code}"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    (told,) = map(json.loads, done.stderr.splitlines())
    assert said in told[member]
