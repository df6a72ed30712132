"""Uncompressed PNG as a stream: the one format that any decoder takes from a pipe row by row."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

ROWS = 16  # in a chunk
SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOR_TYPE = {3: 2, 4: 6}


class PngStream:
    """Writes a PNG (ISO/IEC 15948), deflated without compression, of 8-bit RGB or RGBA rows.

    Args:
        put: takes the file's next bytes.
    """

    def __init__(
        self, height: int, width: int, channels: int, put: Callable[[bytes | memoryview], None]
    ) -> None:
        self._put, self._deflate = put, zlib.compressobj(0)
        header = struct.pack(">IIBBBBB", width, height, 8, _COLOR_TYPE[channels], 0, 0, 0)
        self._started = False
        self._first = SIGNATURE + _chunk(b"IHDR", header)

    def write(self, rows: NDArray[np.uint8]) -> None:
        """The next rows [n, width, channels]."""
        if not self._started:
            self._put(self._first)
            self._started = True
        for start in range(0, len(rows), ROWS):
            flat = rows[start : start + ROWS].reshape(len(rows[start : start + ROWS]), -1)
            filtered = np.zeros((len(flat), flat.shape[1] + 1), np.uint8)  # 0: no filter
            filtered[:, 1:] = flat
            self._data(self._deflate.compress(filtered.data))

    def close(self) -> None:
        """What follows the last row."""
        self._data(self._deflate.flush())
        self._put(_chunk(b"IEND", b""))

    def _data(self, data: bytes) -> None:
        if data:
            self._put(struct.pack(">I", len(data)) + b"IDAT")
            self._put(data)
            self._put(struct.pack(">I", zlib.crc32(data, zlib.crc32(b"IDAT"))))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
