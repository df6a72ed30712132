"""Named arrays in memory that two processes map.

The memory is a file without a name (memfd_create(2)) that can grow but never shrink: so neither
process can be killed (SIGBUS) by what the other one does with it.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np

# A cache line, and what vectorised kernels like best.
_ALIGNMENT = 64
_FIRST_SIZE = 1 << 16
# What is larger is given back to the machine after each answer.
_KEPT = 1 << 22

Described = list[tuple[str, str, tuple[int, ...], int, int]]
"""Of each array: name, dtype, shape, offset and size in bytes."""


def create() -> int:
    """A descriptor of new shared memory."""
    handle = os.memfd_create("tensors", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(handle, _FIRST_SIZE)
    fcntl.fcntl(handle, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)
    return handle


class Shared:
    """One process' view of shared memory; takes over its descriptor."""

    def __init__(self, handle: int) -> None:
        self._handle = handle
        self._map = mmap.mmap(handle, os.fstat(handle).st_size)

    def write(self, arrays: Mapping[str, np.ndarray]) -> Described:
        """Put ``arrays`` there, growing the memory where they need more; how to read them."""
        flat = {name: _flat(array) for name, array in arrays.items()}
        described: Described = []
        end = 0
        for name, array in flat.items():
            start = -(-end // _ALIGNMENT) * _ALIGNMENT
            end = start + array.nbytes
            told = arrays[name]
            dtype = "S" if told.dtype.kind in "SO" else array.dtype.str
            described.append((name, dtype, told.shape, start, array.nbytes))
        if end > len(self._map):
            os.ftruncate(self._handle, 1 << (end - 1).bit_length())
            self._remap()
        for (_, _, _, start, size), array in zip(described, flat.values(), strict=True):
            if size:
                np.ndarray(array.shape, array.dtype, self._map, start)[...] = array
        return described

    def read(self, described: Any, copy: bool) -> dict[str, np.ndarray]:
        """The arrays that ``write`` described on the other side.

        Args:
            copy: make them the caller's own. Else they are what the memory holds at any time.

        Raises:
            ValueError: they would lie outside of the memory.
        """
        arrays = {}
        for name, dtype, shape, start, size in described:
            if start + size > len(self._map):
                self._remap()
                if start + size > len(self._map):
                    raise ValueError(f"{name} lies outside of the shared memory")
            if dtype == "S":
                arrays[name] = _split(self._map[start : start + size], shape)
                continue
            array = np.ndarray(shape, dtype, self._map if size else b"", start if size else 0)
            arrays[name] = array.copy() if copy else array
        return arrays

    def release(self) -> None:
        """Give the pages of large arrays back to the machine; what they held is gone."""
        if len(self._map) > _KEPT:
            self._map.madvise(mmap.MADV_REMOVE)

    def close(self) -> None:
        """Let go of the memory. (Arrays that were not copied keep their mapping.)"""
        os.close(self._handle)

    def _remap(self) -> None:
        self._map = mmap.mmap(self._handle, os.fstat(self._handle).st_size)


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
