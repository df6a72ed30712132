"""What must outlive a restart: which files were tried here, how they run best, and how often models
have answered.

One SQLite file in the state directory. SQLite brings it through a power cut; a file that is
damaged all the same is put aside. Where nothing can be written (a full disk, a read-only file
system) the ledger goes on in memory and says so once.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

logger = logging.getLogger("pi_edge")

FILE = "pi-edge.db"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS verdicts (
    key TEXT PRIMARY KEY,
    reason TEXT NOT NULL,
    seconds INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counters (
    model TEXT NOT NULL,
    variant TEXT NOT NULL,
    inferences INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    PRIMARY KEY (model, variant)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tunings (
    key TEXT PRIMARY KEY,
    settings TEXT NOT NULL
) WITHOUT ROWID;
"""

Counts = dict[tuple[str, str], tuple[int, int]]
"""(model, variant) -> inferences and failures."""


@dataclass(frozen=True)
class Verdict:
    """What came of trying a file: ``reason`` says why it is unfit, and is empty where it runs."""

    reason: str


class Ledger:
    """The ledger in ``state``/pi-edge.db. Safe to use from any thread."""

    def __init__(self, state: Path) -> None:
        self._lock = threading.Lock()
        self._path = state / FILE
        self._closed = False
        self._connection = self._open()

    def verdict(self, key: str) -> Verdict | None:
        """What is known of the file that ``key`` stands for; None where it was never tried."""
        rows: list[tuple[str]] = []
        with self._lock, self._guarded("read"):
            rows = self._connection.execute(
                "SELECT reason FROM verdicts WHERE key = ?", [key]
            ).fetchall()
        return Verdict(rows[0][0]) if rows else None

    def judge(self, key: str, reason: str = "") -> None:
        """Keep what came of trying a file."""
        with self._lock, self._guarded("written"), self._connection:
            self._connection.execute(
                "INSERT OR REPLACE INTO verdicts VALUES (?, ?, ?)", [key, reason, int(time.time())]
            )

    def tuned(self, key: str) -> str:
        """The settings kept for ``key``; "" where there are none."""
        rows: list[tuple[str]] = []
        with self._lock, self._guarded("read"):
            rows = self._connection.execute(
                "SELECT settings FROM tunings WHERE key = ?", [key]
            ).fetchall()
        return rows[0][0] if rows else ""

    def tune(self, key: str, settings: str) -> None:
        """Keep settings."""
        with self._lock, self._guarded("written"), self._connection:
            self._connection.execute(
                "INSERT OR REPLACE INTO tunings VALUES (?, ?)", [key, settings]
            )

    def counts(self) -> Counts:
        """How often each variant has answered and failed, over all starts."""
        rows: list[tuple[str, str, int, int]] = []
        with self._lock, self._guarded("read"):
            rows = self._connection.execute("SELECT * FROM counters").fetchall()
        return {(model, variant): (done, failed) for model, variant, done, failed in rows}

    def add(self, counts: Mapping[tuple[str, str], tuple[int, int]]) -> bool:
        """Add to the counters, all of it or nothing; whether it was."""
        rows = [(*key, *value) for key, value in counts.items() if any(value)]
        if not rows:
            return True
        with self._lock, self._guarded("written"), self._connection:
            self._connection.executemany(
                "INSERT INTO counters VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
                " inferences = inferences + excluded.inferences,"
                " failures = failures + excluded.failures",
                rows,
            )
            return True
        return False

    def close(self) -> None:
        """Let go of the file; what is learnt from now on is not kept."""
        with self._lock, contextlib.suppress(sqlite3.Error):
            self._closed = True
            self._connection.close()

    def _open(self) -> sqlite3.Connection:
        try:
            return _connect(str(self._path))
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):  # not damaged: it cannot be written
                return self._in_memory(error)
        aside = self._path.with_suffix(".damaged")
        logger.error("%s is damaged: it is now %s, and a new one begins", self._path, aside.name)
        try:
            self._path.replace(aside)
            return _connect(str(self._path))
        except (OSError, sqlite3.Error) as error:
            return self._in_memory(error)

    def _in_memory(self, error: Exception) -> sqlite3.Connection:
        logger.error(
            "%s cannot be written (%s): what is learnt until the end of this run is lost with it",
            self._path,
            error,
        )
        return _connect(":memory:")

    @contextlib.contextmanager
    def _guarded(self, what: str) -> Iterator[None]:
        """A ledger that fails costs its memory, never an answer."""
        try:
            yield
        except sqlite3.Error as error:
            if self._closed:
                return
            logger.error("%s cannot be %s now: %s", self._path, what, error)


def _connect(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=5, check_same_thread=False)
    try:
        connection.executescript(_SCHEMA)
        # Of all tables: the examples are in this file, too (examples.py).
        found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise sqlite3.DatabaseError(found)
    except BaseException:
        connection.close()
        raise
    return connection
