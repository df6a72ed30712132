"""How many scans a JPEG has, before anything of it is decoded.

A progressive JPEG (ITU-T T.81, annex G) is decoded scan by scan, each over the whole picture, and
one that changes nothing takes a few bytes. So a small file may have a million: hours of work.
"""

from __future__ import annotations

import mmap
import re
from pathlib import Path

from pi_edge.errors import BadInput

MAX_SCANS = 64
"""Encoders make about ten; three components, each in bands and bit by bit, make fifty."""

MAX_SEGMENTS = 10_000
"""Of whatever kind: metadata come in some dozens."""

# A marker as such: not a stuffed byte, a fill byte or a restart within a scan (T.81, B.1.1).
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_START_OF_IMAGE, _END_OF_IMAGE, _START_OF_SCAN, _TEMPORARY = 0xD8, 0xD9, 0xDA, 0x01


def check(source: Path | bytes) -> None:
    """Refuse a JPEG that takes too long; anything else is let through.

    Raises:
        BadInput: it has too many scans, or segments.
        OSError: the file cannot be read.
    """
    if isinstance(source, bytes):
        _check(source)
        return
    with source.open("rb") as file:
        if file.read(2) != b"\xff\xd8":
            return
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            _check(data)


def _check(data: bytes | mmap.mmap) -> None:
    if data[:2] != b"\xff\xd8":
        return
    at, scans, segments = 2, 0, 0
    while found := _MARKER.search(data, at):
        marker, at = data[found.end() - 1], found.end()
        if marker == _END_OF_IMAGE:
            return
        if marker in (_START_OF_IMAGE, _TEMPORARY):  # these have no length
            continue
        at += max(2, int.from_bytes(data[at : at + 2], "big"))
        scans += marker == _START_OF_SCAN
        segments += 1
        if scans > MAX_SCANS or segments > MAX_SEGMENTS:
            raise BadInput(
                f"the picture is a JPEG of more than {MAX_SCANS} scans or {MAX_SEGMENTS} segments:"
                " save it anew"
            )
