"""Named arrays in memory that two processes map.

The memory is a file without a name (memfd_create(2)) that can grow but never shrink: so neither
process can be killed (SIGBUS) by what the other one does with it.
"""

from __future__ import annotations

import contextlib
import fcntl
import mmap
import os
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
import orjson

# A cache line, and what vectorised kernels like best.
_ALIGNMENT = 64
_FIRST_SIZE = 1 << 16
# What is larger is given back to the machine after each answer.
_KEPT = 1 << 22


def create() -> int:
    """A descriptor of new shared memory."""
    handle = os.memfd_create("tensors", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(handle, _FIRST_SIZE)
    fcntl.fcntl(handle, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)
    return handle


class Shared:
    """One process' view of shared memory; takes over its descriptor.

    Most requests are like the one before: then neither the message that tells of the arrays nor
    the views on them are made anew.
    """

    def __init__(self, handle: int) -> None:
        self._handle = handle
        self._layout: list[Any] | None = None  # what was last written, and the message it got
        self._targets: list[np.ndarray] = []
        self._written = b""
        self._message = b""  # what was last read, and the views it told of
        self._views: dict[str, np.ndarray] = {}
        self._remap()

    def write(self, arrays: Mapping[str, np.ndarray]) -> bytes:
        """Put ``arrays`` there, growing the memory where they need more.

        Returns:
            A message that tells how to read them: JSON, a list that has of each array its name,
            dtype, shape, offset and size in bytes.
        """
        layout = [(name, array.dtype, array.shape) for name, array in arrays.items()]
        if layout != self._layout:
            return self._write_anew(arrays, layout)
        for view, array in zip(self._targets, arrays.values(), strict=True):
            view[...] = array
        return self._written

    def _write_anew(self, arrays: Mapping[str, np.ndarray], layout: list[Any]) -> bytes:
        flat = {name: _flat(array) for name, array in arrays.items()}
        described: list[tuple[str, str, tuple[int, ...], int, int]] = []
        end = 0
        for name, array in flat.items():
            start = -(-end // _ALIGNMENT) * _ALIGNMENT
            end = start + array.nbytes
            text = arrays[name].dtype.kind in "SO"
            dtype = "S" if text else array.dtype.str
            described.append((name, dtype, arrays[name].shape, start, array.nbytes))
        if end > len(self._map):
            os.ftruncate(self._handle, 1 << (end - 1).bit_length())
            self._remap()
        targets = [
            self._view(array.shape, array.dtype, start, size)
            for array, (_, _, _, start, size) in zip(flat.values(), described, strict=True)
        ]
        for view, array in zip(targets, flat.values(), strict=True):
            view[...] = array
        message = orjson.dumps(described)
        if all(array is arrays[name] for name, array in flat.items()):  # text changes its size
            self._layout, self._targets, self._written = layout, targets, message
        return message

    def read(self, message: memoryview) -> dict[str, np.ndarray]:
        """Views on the arrays that the message of a ``write`` on the other side tells of.

        Raises:
            ValueError, TypeError: it makes no sense.
        """
        if message != self._message:
            described = orjson.loads(message)
            if any(start + size > len(self._map) for _, _, _, start, size in described):
                self._remap()
            self._views = {
                name: _split(bytes(self._map[start : start + size]), shape)
                if dtype == "S"
                else self._view(shape, np.dtype(dtype), start, size)
                for name, dtype, shape, start, size in described
            }
            text = any(dtype == "S" for _, dtype, *_ in described)
            self._message = b"" if text else bytes(message)
        return self._views

    def release(self) -> None:
        """Give the pages of large arrays back to the machine; what they held is gone."""
        if len(self._map) > _KEPT:
            self._map.madvise(mmap.MADV_REMOVE)

    def close(self) -> None:
        """Let go of the memory. (Views on it keep their mapping.)"""
        os.close(self._handle)
        self._targets, self._views = [], {}
        with contextlib.suppress(BufferError):
            self._map.close()

    def _remap(self) -> None:
        self._map = mmap.mmap(self._handle, os.fstat(self._handle).st_size)
        self._layout, self._message = None, b""  # their views are on the map of before

    def _view(self, shape: Any, dtype: np.dtype, start: int, size: int) -> np.ndarray:
        if start < 0 or (size and start + size > len(self._map)):
            raise ValueError("an array lies outside of the shared memory")
        return np.ndarray(shape, dtype, self._map if size else bytearray(), start if size else 0)


def _flat(array: np.ndarray) -> np.ndarray:
    """What is written for an array: itself, or of text each length (4 bytes) and its bytes."""
    if array.dtype.kind not in "SO":
        return array
    texts = [t if isinstance(t, bytes) else str(t).encode() for t in array.ravel()]
    return np.frombuffer(b"".join(struct.pack("<I", len(t)) + t for t in texts), np.uint8)


def _split(data: bytes, shape: tuple[int, ...]) -> np.ndarray:
    texts, position = [], 0
    while position < len(data):
        (length,) = struct.unpack_from("<I", data, position)
        texts.append(data[position + 4 : position + 4 + length])
        position += 4 + length
    array = np.empty(len(texts), object)
    array[:] = texts
    return array.reshape(shape)
