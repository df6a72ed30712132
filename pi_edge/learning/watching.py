"""Seeing that somebody learns, from a daemon that has other things to do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from pi_edge.learning import told

# Seconds between two looks, as the models folders are looked through.
LOOK_SECONDS = 1.0


async def watch(state: Path, on_change: Callable[[bool], None]) -> None:
    """Look every LOOK_SECONDS, on a thread, since an SD card may take its time. Runs until it is
    cancelled.

    Args:
        state: the state folder.
        on_change: called on the event loop with whether somebody learns, when that changes from no
            to yes and back.
    """
    before = False
    while True:
        now = await asyncio.to_thread(told.read, state) is not None
        if now != before:
            before = now
            on_change(now)
        await asyncio.sleep(LOOK_SECONDS)
