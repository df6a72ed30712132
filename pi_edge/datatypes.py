"""Names of tensor types in the Open Inference Protocol, and their NumPy types."""

from __future__ import annotations

import numpy as np

from pi_edge.errors import PiEdgeError

# Open Inference Protocol v2, "Tensor Data Types". The runtime hands INT4 out as int8.
NAMES: dict[np.dtype, str] = {
    np.dtype(np.bool_): "BOOL",
    np.dtype(np.uint8): "UINT8",
    np.dtype(np.uint16): "UINT16",
    np.dtype(np.uint32): "UINT32",
    np.dtype(np.uint64): "UINT64",
    np.dtype(np.int8): "INT8",
    np.dtype(np.int16): "INT16",
    np.dtype(np.int32): "INT32",
    np.dtype(np.int64): "INT64",
    np.dtype(np.float16): "FP16",
    np.dtype(np.float32): "FP32",
    np.dtype(np.float64): "FP64",
    np.dtype(np.bytes_): "BYTES",
}


def name_of(dtype: np.dtype) -> str:
    """The protocol's name for a NumPy type; text and bytes of any length are BYTES.

    Raises:
        PiEdgeError: the protocol has no name for it (complex numbers, resources).
    """
    if dtype.kind in "SO":
        return "BYTES"
    if dtype not in NAMES:
        kind = "resource or variant" if dtype.kind == "V" else dtype.name
        raise PiEdgeError(f"the Open Inference Protocol has no name for the tensor type {kind}")
    return NAMES[dtype]
