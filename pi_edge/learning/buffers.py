"""The constants in a .tflite file: where they are, and how to put others in their place.

A .tflite file is a FlatBuffer (https://flatbuffers.dev/internals) after TensorFlow's schema
(tensorflow/compiler/mlir/lite/schema/schema.fbs): its root, table Model, has a vector of Buffer,
and the first field of a Buffer is a vector of bytes. Values of the same size can take the place of
those bytes; nothing else in the file changes.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path

from pi_edge import files
from pi_edge.errors import PiEdgeError

_BUFFERS = 4  # the number of the field in Model
_DATA = 0  # and in Buffer


def find(contents: bytes) -> list[slice]:
    """Where in a .tflite file the data of each buffer is; empty for one that has none.

    Raises:
        PiEdgeError: it is no .tflite file, or a damaged one.
    """
    if contents[4:8] != b"TFL3":
        raise PiEdgeError("this is no .tflite file")
    try:
        model = _number(contents, 0)
        vector = _field(contents, model, _BUFFERS)
        if not vector:
            return []
        start = vector + 4
        found = []
        for at in range(start, start + 4 * _number(contents, vector), 4):
            data = _field(contents, at + _number(contents, at), _DATA)
            size = _number(contents, data) if data else 0
            place = slice(data + 4, data + 4 + size) if data else slice(0, 0)
            if place.stop > len(contents):
                raise PiEdgeError("this .tflite file is cut off")
            found.append(place)
        return found
    except struct.error as error:
        raise PiEdgeError("this .tflite file is damaged") from error


def replaced(contents: bytes, values: Mapping[int, bytes]) -> bytes:
    """The file with other data in some buffers.

    Args:
        values: by the buffer's number.

    Raises:
        PiEdgeError: there is no such buffer, or its data has another size.
    """
    places = find(contents)
    changed = bytearray(contents)
    for number, data in values.items():
        place = places[number] if 0 <= number < len(places) else slice(0, 0)
        if place.stop - place.start != len(data):
            raise PiEdgeError(
                f"buffer {number} of this file does not have {len(data)} bytes: it is not the file"
                " that the weights are for"
            )
        changed[place] = data
    return bytes(changed)


def write(source: Path, target: Path, values: Mapping[int, bytes]) -> None:
    """Write a copy of a .tflite file with other data in some buffers, whole or not at all.

    Raises:
        PiEdgeError: as ``replaced``, or the file cannot be read.
    """
    try:
        contents = source.read_bytes()
    except OSError as error:
        raise PiEdgeError(f"{source} cannot be read: {error.strerror}") from error
    with files.replacing(target) as file:
        file.write(replaced(contents, values))


def _number(contents: bytes, at: int) -> int:
    number: int = struct.unpack_from("<I", contents, at)[0]
    return number


def _field(contents: bytes, table: int, number: int) -> int:
    """Where what a table's field refers to is; 0 where the table does not have it."""
    vtable = table - struct.unpack_from("<i", contents, table)[0]
    if 4 + 2 * number >= struct.unpack_from("<H", contents, vtable)[0]:
        return 0
    offset: int = struct.unpack_from("<H", contents, vtable + 4 + 2 * number)[0]
    return table + offset + _number(contents, table + offset) if offset else 0
