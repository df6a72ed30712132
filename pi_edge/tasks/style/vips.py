"""libvips (through pyvips), set up to take little memory, and how its work can be stopped."""

from __future__ import annotations

import contextlib
import fcntl
import io
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

# Its warnings would come between our lines.
os.environ.setdefault("VIPS_WARNING", "0")
# What must be turned is decoded whole: beyond this into a file, not into memory.
os.environ.setdefault("VIPS_DISC_THRESHOLD", "16m")
# Decoding and encoding take one thread each anyway, and every further one its buffers.
os.environ.setdefault("VIPS_CONCURRENCY", "1")

import pyvips

from pi_edge.errors import BadInput

__all__ = ["Stream", "apart", "damaged", "line", "pipe", "pyvips"]

pyvips.cache_set_max(0)

# Nobody's photo is a drawing or a table: of libvips' readers only those of photos are let near one.
pyvips.operation_block_set("VipsForeignLoad", True)
for _kind in ("Jpeg", "Png", "Webp", "Tiff", "Nsgif", "Heif"):
    pyvips.operation_block_set(f"VipsForeignLoad{_kind}", False)

T = TypeVar("T")


class Stream:
    """A file as libvips reads it piece by piece, until told to stop: given a name it would map
    the file into memory, and what has been read then counts as the process's own.

    To be held until all is read: pyvips does not hold it everywhere.
    """

    def __init__(self, source: Path | bytes) -> None:
        self._file = io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")
        self._stopped = False
        self.source = pyvips.SourceCustom()
        self.source.on_read(self._read)
        self.source.on_seek(self._file.seek)

    def stop(self) -> None:
        """Let the file end here."""
        self._stopped = True

    def _read(self, count: int) -> bytes:
        return b"" if self._stopped else self._file.read(count)


def apart(work: Callable[[], T], stream: Stream) -> T:
    """What `work` returns or raises, done in a thread of its own.

    libvips calls back into Python to read the file. Were that the main thread, Ctrl-C could
    arrive inside the call, where it would be lost. Nor may the process end inside it: so
    whoever is stopped ends the stream and waits.
    """
    done: list[T] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            done.append(work())
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run, name="photo", daemon=True)
    try:
        thread.start()
        thread.join()
    except BaseException:
        stream.stop()
        if thread.ident:
            thread.join()
        raise
    if failed:
        raise failed[0]
    return done[0]


def pipe() -> tuple[int, int]:
    """A pipe that holds a megabyte where the system lets it, so that neither end waits much."""
    ends = os.pipe()
    with contextlib.suppress(AttributeError, OSError):
        fcntl.fcntl(ends[1], fcntl.F_SETPIPE_SZ, 1 << 20)
    return ends


def damaged(error: Exception) -> BadInput:
    """What a photo is whose pixels cannot be read."""
    return BadInput(f"the picture is damaged or cut short ({line(error)})")


def line(error: Exception) -> str:
    """libvips' first complaint; it repeats itself over several lines."""
    lines = [line.strip() for line in str(getattr(error, "detail", error)).splitlines()]
    return next((line for line in lines if line), "unknown")
