"""A model: named NumPy arrays in, named NumPy arrays out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pi_edge import runtime
from pi_edge.errors import BadInput, PiEdgeError


@dataclass(frozen=True)
class TensorSpec:
    """One input or output. ``shape`` has -1 where the graph takes any length."""

    name: str
    dtype: np.dtype
    shape: tuple[int, ...]
    index: int


class Model:
    """One .tflite file, loaded. Not thread-safe: callers see to it that one runs at a time.

    Inputs and outputs carry the names of the file's signature ``serving_default`` (or its only
    signature); a file without signatures has its tensors' own names.

    Args:
        path: the .tflite file; it is mapped into memory, not read.
        threads: threads one inference may use.
        copy: read it all the same, for a file that may be overwritten while it is in use.

    Raises:
        PiEdgeError: not a TFLite model, or its tensors cannot be allocated.
    """

    def __init__(self, path: Path, threads: int = 1, copy: bool = False) -> None:
        self.path = path
        self._interpreter = runtime.interpreter(path, threads, copy)
        self.inputs, self.outputs = _specs(self._interpreter)
        self._shapes: dict[str, tuple[int, ...]] = {}
        self._allocate({spec.name: tuple(abs(n) for n in spec.shape) for spec in self.inputs})

    def run(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """One inference.

        Args:
            inputs: an array per input name, of its dtype and of a shape that fits.

        Returns:
            A new array per output name.

        Raises:
            BadInput: a name, dtype or shape is wrong.
            PiEdgeError: the runtime failed.
        """
        self._check(inputs)
        shapes = {name: array.shape for name, array in inputs.items()}
        if shapes != self._shapes:
            try:
                self._allocate(shapes)
            except PiEdgeError as error:
                raise BadInput(str(error)) from error
        try:
            for spec in self.inputs:
                self._interpreter.set_tensor(spec.index, inputs[spec.name])
            self._interpreter.invoke()
            return {spec.name: self._interpreter.get_tensor(spec.index) for spec in self.outputs}
        except (ValueError, RuntimeError) as error:
            self._shapes = {}  # a failed run may leave tensors unallocated
            raise PiEdgeError(f"{self.path.name} failed to run: {error}") from error

    def _check(self, inputs: Mapping[str, np.ndarray]) -> None:
        expected = [spec.name for spec in self.inputs]
        if inputs.keys() != set(expected):
            raise BadInput(f"this model takes the inputs {expected}, not {sorted(inputs)}")
        for spec in self.inputs:
            array = inputs[spec.name]
            if array.dtype != spec.dtype and not (spec.dtype.kind == "S" and array.dtype == object):
                raise BadInput(f"input {spec.name} must be {spec.dtype}, not {array.dtype}")
            if array.ndim != len(spec.shape) or any(
                want not in (-1, got) or got < 1
                for want, got in zip(spec.shape, array.shape, strict=True)
            ):
                raise BadInput(
                    f"input {spec.name} must have shape {list(spec.shape)}"
                    f" (-1: any length), not {list(array.shape)}"
                )

    def _allocate(self, shapes: dict[str, tuple[int, ...]]) -> None:
        self._shapes = {}
        try:
            for spec in self.inputs:
                self._interpreter.resize_tensor_input(spec.index, shapes[spec.name])
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise PiEdgeError(f"{self.path.name} cannot be set up for {shapes}: {error}") from error
        self._shapes = shapes


def _specs(interpreter: Any) -> tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...]]:
    signatures = interpreter.get_signature_list()
    if signatures:
        key = "serving_default" if "serving_default" in signatures else next(iter(signatures))
        runner = interpreter.get_signature_runner(key)
        return _named(runner.get_input_details()), _named(runner.get_output_details())
    inputs = interpreter.get_input_details()
    outputs = interpreter.get_output_details()
    return _named({d["name"]: d for d in inputs}), _named({d["name"]: d for d in outputs})


def _named(details: dict[str, dict[str, Any]]) -> tuple[TensorSpec, ...]:
    return tuple(
        TensorSpec(
            name=name,
            dtype=np.dtype(detail["dtype"]),
            shape=tuple(int(n) for n in detail["shape_signature"]),
            index=int(detail["index"]),
        )
        for name, detail in details.items()
    )
