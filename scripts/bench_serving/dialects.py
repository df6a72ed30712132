"""How each server wants to be asked, and where in its answer the output is."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

JSON = {"content-type": "application/json"}


@dataclass(frozen=True)
class Dialect:
    """One way to put an input [1, ...] named ``name`` into a request.

    Attributes:
        path: where it is posted.
        json: name and array to the body of a request in JSON.
        output: a JSON answer, read, to the output's numbers.
        binary: name and array to headers and body of a request in raw bytes; None where the
            server takes none.
    """

    path: str
    json: Callable[[str, np.ndarray], Any]
    output: Callable[[Any], Any]
    binary: Callable[[str, np.ndarray], tuple[Mapping[str, str], bytes]] | None = None


def open_inference(model: str, *, binary: bool) -> Dialect:
    """The Open Inference Protocol, with or without its extension for binary tensors."""
    return Dialect(
        f"/v2/models/{model}/infer",
        lambda name, array: {"inputs": [_described(name, array) | {"data": _numbers(array)}]},
        lambda answer: answer["outputs"][0]["data"],
        _binary if binary else None,
    )


def plain(path: str, key: str, output: Callable[[Any], Any]) -> Dialect:
    """Nested lists under one key, as servers of Python functions take them."""

    def document(_: str, array: np.ndarray) -> dict[str, Any]:
        return {key: np.array(_numbers(array), object).reshape(array.shape).tolist()}

    return Dialect(path, document, output)


def _described(name: str, array: np.ndarray) -> dict[str, Any]:
    return {"name": name, "shape": array.shape, "datatype": "FP32"}


def _numbers(array: np.ndarray) -> list[int | float]:
    # Whole numbers are written as such, as clients that send pixels do.
    return [int(x) if x == int(x) else float(x) for x in array.ravel()]


def _binary(name: str, array: np.ndarray) -> tuple[Mapping[str, str], bytes]:
    tensor = _described(name, array) | {"parameters": {"binary_data_size": array.nbytes}}
    head = json.dumps({"inputs": [tensor], "parameters": {"binary_data_output": True}}).encode()
    headers = {
        "content-type": "application/octet-stream",
        "inference-header-content-length": str(len(head)),
    }
    return headers, head + array.tobytes()
