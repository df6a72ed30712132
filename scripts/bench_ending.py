"""How every benchmark ends."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable

from pi_edge.errors import PiEdgeError


def exit_status(name: str, main: Callable[[], int]) -> int:
    """What ``main`` returns; 1 and one line where it cannot go on, 130 where it was told to stop.

    SIGTERM is taken as Ctrl-C is, so that all that was started ends, too.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return main()
    except KeyboardInterrupt:
        _say(name, "stopped")
        return 130
    except PiEdgeError as error:
        _say(name, str(error))
    except OSError as error:
        _say(name, f"{error.filename}: {error.strerror}" if error.filename else str(error))
    return 1


def _say(name: str, text: str) -> None:
    print(f"{name}: {text}", file=sys.stderr, flush=True)
