"""The daemon's log: lines of text for people, or of JSON for what collects logs.

Both say which request a line is about (pi_edge.trace).
"""

from __future__ import annotations

import json
import logging
import sys
import threading
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from pi_edge import trace

FORMATS = ("text", "json")

logger = logging.getLogger("pi_edge")


class TextFormatter(logging.Formatter):
    """``LEVEL: message``, and the request's id in brackets where there is one."""

    def __init__(self) -> None:
        super().__init__("%(levelname)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:
        line = super().formatMessage(record)
        request = trace.current()
        return f"{line} [{request.id}]" if request else line


class JsonFormatter(logging.Formatter):
    """One JSON object a line, in ASCII.

    Members: ``time`` (RFC 3339, UTC, milliseconds), ``level`` (debug, info, warning, error,
    critical), ``logger``, ``message``; where there is one ``exception`` (its traceback); within a
    request ``request_id``, and ``trace_id`` where its client gave one.
    """

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, Any] = {
            "time": time.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        if request := trace.current():
            line["request_id"] = request.id
            if request.trace:
                line["trace_id"] = request.trace.trace_id
        return json.dumps(line)


def set_up(form: str, level: str) -> None:
    """Log to standard error from now on.

    Args:
        form: one of FORMATS.
        level: debug, info, warning or error.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter())
    logging.basicConfig(handlers=[handler], level=level.upper())
    for noisy in ("uvicorn", "asyncio"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, logging.root.level))
    # It warns of each broken form: its sender is told, and shall not fill the log.
    logging.getLogger("python_multipart").setLevel(logging.ERROR)
    if form == "json":
        # What Python would write there by itself, over several lines.
        logging.captureWarnings(True)
        sys.excepthook = _uncaught
        threading.excepthook = _uncaught_in_thread


def _uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_type is not SystemExit:
        _uncaught(args.exc_type, args.exc_value, args.exc_traceback)


def _uncaught(
    kind: type[BaseException], error: BaseException | None, traceback: TracebackType | None
) -> None:
    logger.critical("ended by an error", exc_info=(kind, error or kind(), traceback))
