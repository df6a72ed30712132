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


def trivial_inputs(specs: tuple[TensorSpec, ...]) -> dict[str, np.ndarray]:
    """The smallest inputs that fit ``specs``: zeros (empty text), any length taken as 1."""
    return {s.name: _zeros(tuple(abs(n) for n in s.shape), s.dtype) for s in specs}


def _zeros(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    return np.full(shape, b"", object) if dtype.kind == "S" else np.zeros(shape, dtype)


def check_inputs(specs: tuple[TensorSpec, ...], inputs: Mapping[str, np.ndarray]) -> None:
    """Refuse inputs that a model with these ``specs`` does not take.

    Raises:
        BadInput: a name, dtype or shape is wrong.
    """
    if len(inputs) != len(specs):
        raise _other_names(specs, inputs)
    for spec in specs:
        array = inputs.get(spec.name)
        if array is None:
            raise _other_names(specs, inputs)
        if array.dtype != spec.dtype and not (spec.dtype.kind == "S" and array.dtype.kind in "SO"):
            raise BadInput(f"input {spec.name} must be {spec.dtype}, not {array.dtype}")
        if not _fits(array.shape, spec.shape):
            raise BadInput(
                f"input {spec.name} must have shape {list(spec.shape)}"
                f" (-1: any length), not {list(array.shape)}"
            )


def _other_names(specs: tuple[TensorSpec, ...], inputs: Mapping[str, np.ndarray]) -> BadInput:
    expected = [spec.name for spec in specs]
    return BadInput(f"this model takes the inputs {expected}, not {sorted(inputs)}")


def _fits(shape: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    # A loop, which takes half the time that any() over a generator does.
    if len(shape) != len(wanted):
        return False
    for got, want in zip(shape, wanted, strict=True):
        if got != want and (want != -1 or got < 1):
            return False
    return True


class Model:
    """One .tflite file, loaded. Not thread-safe: callers see to it that one runs at a time.

    Inputs and outputs carry the names of the file's signature ``serving_default`` (or its first
    signature, whichever of the file's subgraphs that is of); a file without signatures has its
    tensors' own names, told apart by a number where several are called the same.

    Args:
        path: the .tflite file; it is mapped into memory, not read.
        threads: threads one inference may use.
        copy: read it all the same, for a file that may be overwritten while it is in use.
        xnnpack: whether XNNPACK's kernels run what they can, else the runtime's own do.

    Raises:
        PiEdgeError: not a TFLite model, or its tensors cannot be allocated.
    """

    def __init__(
        self, path: Path, threads: int = 1, copy: bool = False, xnnpack: bool = True
    ) -> None:
        self.path = path
        self._interpreter = runtime.interpreter(path, threads, copy, xnnpack)
        self._signature, self.inputs, self.outputs = _graph(self._interpreter)
        self._shapes: dict[str, tuple[int, ...]] = {}
        if self._signature is None:
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
        check_inputs(self.inputs, inputs)
        return self.compute(inputs)

    def compute(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The same for inputs that ``check_inputs`` has seen."""
        try:
            if self._signature is not None:  # it allocates anew for each inference
                given: dict[str, np.ndarray] = self._signature(**inputs)
                return given
            shapes = {name: array.shape for name, array in inputs.items()}
            if shapes != self._shapes:
                try:
                    self._allocate(shapes)
                except PiEdgeError as error:
                    raise BadInput(str(error)) from error
            for spec in self.inputs:
                if (array := inputs[spec.name]).size:  # the runtime refuses to set nothing
                    self._interpreter.set_tensor(spec.index, array)
            self._interpreter.invoke()
            return {spec.name: self._output(spec) for spec in self.outputs}
        except (ValueError, RuntimeError) as error:
            self._shapes = {}  # a failed run may leave tensors unallocated
            raise PiEdgeError(f"{self.path.name} failed to run: {error}") from error

    def _output(self, spec: TensorSpec) -> np.ndarray:
        try:
            array: np.ndarray = self._interpreter.get_tensor(spec.index)
        except ValueError:
            details = self._interpreter.get_output_details()
            shape = next(d["shape"] for d in details if d["index"] == spec.index)
            if 0 not in shape:
                raise
            return np.empty(shape, spec.dtype)  # the runtime refuses to give nothing
        return array

    def _allocate(self, shapes: dict[str, tuple[int, ...]]) -> None:
        self._shapes = {}
        try:
            for spec in self.inputs:
                # A graph that takes one shape only may hold operations that cannot be resized.
                if shapes[spec.name] != spec.shape:
                    self._interpreter.resize_tensor_input(spec.index, shapes[spec.name])
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise PiEdgeError(f"{self.path.name} cannot be set up for {shapes}: {error}") from error
        self._shapes = shapes


def _graph(interpreter: Any) -> tuple[Any, tuple[TensorSpec, ...], tuple[TensorSpec, ...]]:
    """What runs a signature that is not of the first subgraph (else None), inputs, outputs."""
    signatures = interpreter.get_signature_list()
    if not signatures:
        inputs = _told_apart(interpreter.get_input_details())
        return None, _named(inputs), _named(_told_apart(interpreter.get_output_details()))
    key = "serving_default" if "serving_default" in signatures else next(iter(signatures))
    runner = interpreter.get_signature_runner(key)
    # Both runtimes keep the number here and tell it nowhere else.
    other = runner if runner._subgraph_index else None
    return other, _named(runner.get_input_details()), _named(runner.get_output_details())


def _told_apart(details: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    named: dict[str, dict[str, Any]] = {}
    for detail in details:
        name, number = detail["name"], 1
        while name in named:
            number += 1
            name = f"{detail['name']}:{number}"
        named[name] = detail
    return named


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
