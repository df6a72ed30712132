"""Digits that somebody put right: each as the network was given it, with the label it should get.

They are kept in the database that the ledger is in. An example is on the disk before `Examples.add`
returns. When there is no more room the next one is refused, and none is ever dropped for
another: each was put right by hand, and only its owner knows which are worth less.
"""

from __future__ import annotations

import sqlite3
import tempfile
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pi_edge import database, files, ledger
from pi_edge.errors import BadInput, NotFound, PiEdgeError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SIDE = 28
TASK = "digits"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS examples (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    task TEXT NOT NULL,
    digest BLOB NOT NULL,
    came INTEGER NOT NULL,
    label INTEGER NOT NULL,
    answered INTEGER NOT NULL,
    model TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    picture BLOB NOT NULL,
    UNIQUE (task, digest)
);
CREATE INDEX IF NOT EXISTS examples_held ON examples (label, bytes);
"""

_HELD = "SELECT count(*), coalesce(sum(bytes), 0) FROM examples"


class Full(PiEdgeError):
    """There is no room for another example (RFC 4918, 11.5)."""

    status = 507
    kind = "full"


@dataclass(frozen=True)
class Digit:
    """What is kept of a digit: its ``picture``, 28x28 bytes row by row with bright ink, the
    ``label`` that is right and what the model had ``answered``, 0 to 9."""

    picture: bytes
    label: int
    answered: int


@dataclass(frozen=True)
class Example(Digit):
    """A digit that is kept. A later one has a larger ``id``; ``came`` is in seconds since 1970 by
    this machine's clock; ``model`` is the one that had answered."""

    id: int
    came: int
    model: str


@dataclass(frozen=True)
class Held:
    """How many examples there are, and the bytes of what is in them."""

    count: int
    bytes: int


class Examples:
    """The examples in ``state``/pi-edge.db.

    Args:
        state: the state folder.
        most: examples that are kept.
        most_bytes: bytes that they may have together.

    Safe from any thread, and while other processes use them. Every method raises what
    `database.opened` does.
    """

    def __init__(self, state: Path, most: int = 10_000, most_bytes: int = 16 << 20) -> None:
        self._path = (state / ledger.FILE).absolute()
        self._most, self._most_bytes = most, most_bytes

    def add(self, model: str, digits: Sequence[Digit]) -> list[int]:
        """Keep these digits, all of them or none; they are on the disk when this returns.

        A picture that is kept already is not kept twice: the later label stands.

        Returns:
            Their ids.

        Raises:
            Full: there is no room for all of them.
        """
        from hashlib import sha256  # with OpenSSL, which takes long to load

        came, ids = int(time.time()), []
        with database.opened(self._path, "rwc") as connection, connection:
            connection.executescript(_SCHEMA)
            connection.execute("BEGIN IMMEDIATE")
            before = Held(*connection.execute(_HELD).fetchone())
            for digit in digits:
                key = sha256(digit.picture).digest()
                size = len(digit.picture) + len(model.encode())
                row = [TASK, key, came, digit.label, digit.answered, model, size, digit.picture]
                ids += connection.execute(
                    "INSERT INTO examples"
                    " (task, digest, came, label, answered, model, bytes, picture)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (task, digest) DO UPDATE SET"
                    " came = excluded.came, label = excluded.label, answered = excluded.answered,"
                    " model = excluded.model, bytes = excluded.bytes RETURNING id",
                    row,
                ).fetchone()
            self._check_room(before, Held(*connection.execute(_HELD).fetchone()))
        return ids

    def held(self) -> Held:
        """How many there are, and how large."""
        rows = self._rows(_HELD)
        return Held(*rows[0]) if rows else Held(0, 0)

    def find(self, label: int | None = None, newest: int | None = None) -> list[Example]:
        """The examples by label, and of each label the newest first.

        Args:
            label: only those of this label.
            newest: only so many, the newest of all.
        """
        rows = self._rows(
            "SELECT picture, label, answered, id, came, model FROM examples"
            " WHERE ? IS NULL OR label = ? ORDER BY id DESC LIMIT ?",
            [label, label, -1 if newest is None else newest],
        )
        return sorted((Example(*row) for row in rows), key=lambda one: (one.label, -one.id))

    def arrays(self, task: str = TASK) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """All examples of a task, the oldest first, to learn from.

        Returns:
            Images uint8 [n, 28, 28] and labels uint8 [n].
        """
        import numpy as np  # only who learns needs it

        pixels, labels = bytearray(), bytearray()
        query = "SELECT picture, label FROM examples WHERE task = ? ORDER BY id"
        for picture, label in self._rows(query, [task]):
            pixels += picture
            labels.append(label)
        images = np.frombuffer(pixels, np.uint8).reshape(-1, SIDE, SIDE)
        return images, np.frombuffer(labels, np.uint8)

    def export(self, folder: Path, label: int | None = None) -> int:
        """Write ``folder``/LABEL/ID.png, all of them or nothing.

        Args:
            folder: new, or empty.
            label: only those of this label.

        Returns:
            How many were written.

        Raises:
            NotFound: there are no examples.
            BadInput: there is something at ``folder``.
            OSError: it cannot be written.
        """
        from PIL import Image

        folder = folder.resolve()
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise BadInput(f"there is a {folder} already: name a new folder")
        examples = self.find(label)
        if not examples:
            raise NotFound("there are no such examples: nothing was written")
        folder.parent.mkdir(parents=True, exist_ok=True)
        beside = f".{folder.name}."
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=beside) as scratch:
            made = Path(scratch) / folder.name
            for one in examples:
                path = made / str(one.label) / f"{one.id}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.frombytes("L", (SIDE, SIDE), one.picture).save(path)
            files.place(made, folder)
        return len(examples)

    def remove(self, ids: Collection[int]) -> int:
        """Remove these examples, all of them or none; how many it were.

        Raises:
            NotFound: there is none of one of these ids.
        """
        wanted = sorted(set(ids))
        if not self.held().count:
            raise NotFound("there are no examples: nothing was removed")
        with self._removing() as connection:
            for one in wanted:
                known = 0 < one < 2**63  # what SQLite calls an integer
                query = "DELETE FROM examples WHERE id = ?"
                if not known or not connection.execute(query, [one]).rowcount:
                    raise NotFound(f"there is no example {one}: nothing was removed")
        return len(wanted)

    def clear(self, label: int | None = None) -> int:
        """Remove all examples, or all of one label; how many it were."""
        if not self.held().count:
            return 0
        with self._removing() as connection:
            query = "DELETE FROM examples WHERE ? IS NULL OR label = ?"
            return connection.execute(query, [label, label]).rowcount

    def _check_room(self, before: Held, after: Held) -> None:
        # What is kept already may be put right again even where a limit was lowered since.
        for held, now, setting, most in (
            (before.count, after.count, "examples", self._most),
            (before.bytes, after.bytes, "examples_bytes", self._most_bytes),
        ):
            if now > max(most, held):
                raise Full(
                    f"there is no room for more, the setting {setting} is {most} and there are"
                    f" {held}: pi-edge examples remove makes room"
                )

    @contextmanager
    def _removing(self) -> Iterator[sqlite3.Connection]:
        """What is removed in the block is gone from the disk as well, or nothing is."""
        with database.opened(self._path, "rw") as connection, connection:
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute("BEGIN IMMEDIATE")
            yield connection

    def _rows(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        """What is found; nothing where there never was an example."""
        if not self._path.exists():
            return []
        with database.opened(self._path, "rw") as connection:
            table = "SELECT 1 FROM sqlite_master WHERE name = 'examples'"
            if not connection.execute(table).fetchone():
                return []
            return connection.execute(query, values).fetchall()
