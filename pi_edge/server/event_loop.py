"""Which event loop the daemon runs on."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
from collections.abc import Callable
from typing import Any


def factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's where it is installed (it has no wheels for 32-bit ARM), None for asyncio's own."""
    if not importlib.util.find_spec("uvloop"):
        return None
    uvloop: Any = importlib.import_module("uvloop")
    new_loop: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return new_loop
