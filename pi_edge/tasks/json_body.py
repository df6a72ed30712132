"""JSON that a client sent to a task."""

from __future__ import annotations

import json
from typing import Any

import orjson

from pi_edge.errors import BadInput


def read(body: bytes) -> Any:
    """What the JSON says.

    Raises:
        BadInput: it is none.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        pass
    # Slower, but it reads NaN and infinity, which json.dumps writes: tasks refuse them by name.
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"this is not JSON: {str(error) or 'nested too deep'}") from None
