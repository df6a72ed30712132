"""A connection to the state folder's SQLite file that lasts for one call.

So the daemon and commands work side by side, from any thread, and the call after a damaged file was
put aside finds the new one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from pi_edge.errors import PiEdgeError, Unavailable

# Seconds to wait for another process that is writing.
_PATIENCE = 5.0


@contextmanager
def opened(path: Path, mode: str) -> Iterator[sqlite3.Connection]:
    """A connection whose transactions are on the disk when they are committed, the folder's entry
    of the journal included (https://www.sqlite.org/pragma.html#pragma_synchronous, EXTRA).

    Args:
        path: absolute.
        mode: "rw", which reads only where it may not write, or "rwc", which makes the file.

    Raises:
        Unavailable: it cannot be read or written now.
        PiEdgeError: it may not be written, or is damaged.
    """
    try:
        with closing(
            sqlite3.connect(
                f"{path.as_uri()}?mode={mode}", uri=True, timeout=_PATIENCE, isolation_level=None
            )
        ) as connection:
            connection.execute("PRAGMA synchronous = EXTRA")
            yield connection
    except sqlite3.OperationalError as error:
        # The low byte is the kind, whatever else it tells of it.
        if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_READONLY:
            raise PiEdgeError(
                f"{path} may not be written by you: do it as its owner, or with sudo"
            ) from error
        raise Unavailable(f"{path} cannot be used now: {error}", retry_after=1) from error
    except sqlite3.DatabaseError as error:
        raise PiEdgeError(
            f"{path} is damaged ({error}): the daemon puts it aside when it starts"
        ) from error
