"""Tensors on the wire, as the Open Inference Protocol v2 and its binary tensor data extension
write them. Knows nothing of models or HTTP."""

from __future__ import annotations

import math
import struct
from typing import Any

import numpy as np

from pi_edge import datatypes
from pi_edge.errors import BadInput

_DTYPES = {name: dtype for dtype, name in datatypes.NAMES.items()}


def checked_shape(name: str, shape: Any) -> tuple[int, ...]:
    """A shape from JSON.

    Raises:
        BadInput: it is no list of whole numbers from 0.
    """
    if not isinstance(shape, list) or not all(type(n) is int and n >= 0 for n in shape):
        raise BadInput(f'"shape" of {name} must be a list of whole numbers, not {brief(shape)}')
    return tuple(shape)


def from_json(name: str, datatype: Any, shape: Any, data: Any) -> np.ndarray:
    """A tensor from the ``data`` of a JSON request: a list, flat in row-major order or nested.

    Returns:
        An array of the datatype and shape; BYTES become an object array of bytes.

    Raises:
        BadInput: unknown datatype, or data that does not fit it or the shape.
    """
    dtype, shape = _dtype(name, datatype), checked_shape(name, shape)
    if not isinstance(data, list):
        raise BadInput(f'"data" of {name} must be a list, not {brief(data)}')
    if datatype == "BYTES":
        array = _text(name, data)
    else:
        try:
            array = _cast(np.array(data), dtype)
        except (ValueError, TypeError, OverflowError) as error:
            reason = "its rows differ in length" if "inhomogeneous" in str(error) else str(error)
            raise BadInput(f'"data" of {name} is no {datatype} tensor: {reason}') from None
    if array.size != math.prod(shape):
        raise BadInput(
            f'"data" of {name} has {array.size} elements, its shape {list(shape)} wants'
            f" {math.prod(shape)}"
        )
    return _shaped(name, array, shape)


def from_bytes(name: str, datatype: Any, shape: Any, data: memoryview) -> np.ndarray:
    """A tensor from raw little-endian bytes; of BYTES, each element's length comes before it.

    Returns:
        An array of the datatype and shape, over the same memory except for BYTES.

    Raises:
        BadInput: unknown datatype, or not the number of bytes that the shape wants.
    """
    dtype, shape = _dtype(name, datatype), checked_shape(name, shape)
    count = math.prod(shape)
    if datatype == "BYTES":
        elements = _split(name, data)
        if len(elements) != count:
            raise BadInput(
                f"{name} came with {len(elements)} elements, its shape {list(shape)} wants {count}"
            )
        return _shaped(name, _objects(elements), shape)
    if len(data) != count * dtype.itemsize:
        raise BadInput(
            f"{name} came with {len(data)} bytes, {datatype} of shape {list(shape)}"
            f" wants {count * dtype.itemsize}"
        )
    return _shaped(name, np.frombuffer(data, dtype), shape)


def to_json_data(name: str, array: np.ndarray) -> Any:
    """The flat ``data`` of an output, ready for orjson.

    Raises:
        BadInput: bytes that are no text cannot be written in JSON.
    """
    flat = np.ascontiguousarray(array).ravel()
    if array.dtype.kind in "SO":
        try:
            return [bytes(element).decode() for element in flat]
        except UnicodeDecodeError:
            raise BadInput(f"{name} is no UTF-8 text: ask for it with binary_data") from None
    return flat.astype(np.float32) if array.dtype == np.float16 else flat


def to_bytes(array: np.ndarray) -> bytes:
    """The raw bytes of an output; of BYTES, each element's length comes before it."""
    if array.dtype.kind in "SO":
        elements = [bytes(element) for element in array.ravel()]
        return b"".join(struct.pack("<I", len(element)) + element for element in elements)
    return array.tobytes()


def classify(array: np.ndarray, count: int, labels: list[str]) -> np.ndarray:
    """The ``count`` largest values of each row as "value:index[:label]", the largest first.

    Args:
        array: any shape; the last axis holds the classes, the others are kept.

    Returns:
        An object array of bytes, the last axis ``count`` or the number of classes long.

    Raises:
        BadInput: the output holds no numbers to rank.
    """
    if array.dtype.kind not in "fiu" or array.ndim == 0:
        raise BadInput("classification needs an output of numbers")
    if not array.size:  # there may be rows without end that hold nothing
        return np.empty((*array.shape[:-1], min(count, array.shape[-1])), object)
    rows = array.reshape(-1, array.shape[-1])
    order = np.argsort(-rows.astype(np.float64), axis=1, kind="stable")[:, :count]
    ranked = [
        ":".join([f"{row[i]:f}", str(i), *labels[i : i + 1]]).encode()
        for row, indices in zip(rows, order, strict=True)
        for i in indices
    ]
    return _objects(ranked).reshape(*array.shape[:-1], order.shape[1])


def brief(value: Any) -> str:
    """What stands in JSON, for a complaint about it."""
    try:
        text = repr(value)
    except RecursionError:  # orjson reads what is nested deeper than what Python shows
        return "what is nested so deeply"
    return text if len(text) <= 60 else f"{text[:57]}..."


def _dtype(name: str, datatype: Any) -> np.dtype:
    if not isinstance(datatype, str) or datatype not in _DTYPES:
        raise BadInput(
            f'"datatype" of {name} must be one of {", ".join(_DTYPES)}, not {brief(datatype)}'
        )
    return _DTYPES[datatype]


def _shaped(name: str, array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """``array`` in a shape of as many elements: NumPy bounds axes and their lengths, also where
    there is nothing in them."""
    try:
        return array.reshape(shape)
    except ValueError as error:
        raise BadInput(f'"shape" of {name} is too large: {error}') from None


def _cast(array: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Numbers from JSON to ``dtype``, refusing what would change their value."""
    kind = array.dtype.kind
    if array.size == 0:
        return array.astype(dtype)
    if dtype.kind == "f" and kind in "fiu":
        with np.errstate(over="ignore"):
            return array.astype(dtype)
    if dtype.kind in "iu" and kind in "iu":
        info = np.iinfo(dtype)
        if array.min() < info.min or array.max() > info.max:
            raise ValueError(f"numbers must be from {info.min} to {info.max}")
        return array.astype(dtype)
    if dtype.kind == "b" and (kind == "b" or (kind in "iu" and np.isin(array, (0, 1)).all())):
        return array.astype(dtype)
    wanted = {"f": "numbers", "i": "whole numbers", "u": "whole numbers", "b": "true and false"}
    raise ValueError(f"it must hold {wanted[dtype.kind]} only")


def _text(name: str, data: list[Any]) -> np.ndarray:
    flat: list[bytes] = []
    waiting = list(reversed(data))
    while waiting:
        element = waiting.pop()
        if isinstance(element, str):
            flat.append(element.encode())
        elif isinstance(element, list):
            waiting.extend(reversed(element))
        else:
            raise BadInput(f'"data" of {name} must hold strings only, not {brief(element)}')
    return _objects(flat)


def _split(name: str, data: memoryview) -> list[bytes]:
    elements, at = [], 0
    while at < len(data):
        if at + 4 > len(data):
            raise BadInput(f"{name} ends inside an element's length")
        (length,) = struct.unpack_from("<I", data, at)
        at += 4
        if at + length > len(data):
            raise BadInput(f"{name} ends inside an element of {length} bytes")
        elements.append(bytes(data[at : at + length]))
        at += length
    return elements


def _objects(elements: list[bytes]) -> np.ndarray:
    array = np.empty(len(elements), object)  # np.array would strip trailing NULs
    array[:] = elements
    return array
