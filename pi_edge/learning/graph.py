"""A train.tflite, loaded: a network that learns within the TFLite runtime.

What its signatures take and give is told where such files are made (desktop/training_graph.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pi_edge import runtime
from pi_edge.errors import PiEdgeError

Arrays = dict[str, np.ndarray]

SIGNATURES = (
    "train",
    "infer",
    "weights",
    "restore",
    "optimiser",
    "restore_optimiser",
    "reset_optimiser",
)


class TrainingGraph:
    """A network with Adam. Begins with the weights that the file was made with.

    Args:
        path: the train.tflite file.
        threads: threads that one step may use.

    Attributes:
        batch: examples a step.

    Raises:
        PiEdgeError: it cannot be loaded, or has other signatures.
    """

    def __init__(self, path: Path, threads: int = 1) -> None:
        self._path = path
        self._interpreter = runtime.interpreter(path, threads)
        found = self._interpreter.get_signature_list()
        if missing := [name for name in SIGNATURES if name not in found]:
            raise PiEdgeError(f"{path} has no signature {missing[0]!r}: it is no training graph")
        try:
            if runtime.prepares_together():
                self._interpreter.allocate_tensors()
            self._run: dict[str, Any] = {
                name: self._interpreter.get_signature_runner(name) for name in SIGNATURES
            }
        except (ValueError, RuntimeError) as error:
            raise PiEdgeError(f"{path} cannot be loaded: {error}") from error
        details = self._run["train"].get_input_details()
        self.batch = int(details["weight"]["shape"][0])
        self._types = {name: np.dtype(detail["dtype"]) for name, detail in details.items()}
        self._full = np.ones(self.batch, np.float32)

    def train(self, inputs: Mapping[str, np.ndarray], target: np.ndarray, rate: float) -> Any:
        """One step of Adam on 1 to ``batch`` examples.

        Args:
            inputs: name -> [n, ...].
            target: [n, ...].

        Returns:
            The loss before the step, and the figure beside it, of these examples.

        Raises:
            PiEdgeError: the runtime failed.
        """
        count = len(target)
        weight = self._full
        if count < self.batch:
            weight = (np.arange(self.batch) < count).astype(np.float32)
        said = self._ask(
            "train",
            **{name: self._filled(array, self._types[name]) for name, array in inputs.items()},
            target=self._filled(target, self._types["target"]),
            weight=weight,
            # LiteRT 2.3.0 on 64-bit ARM ends with a segmentation fault where a runner is given a
            # scalar. One in a row broadcasts to the same.
            rate=np.full(1, rate, np.float32),
        )
        return float(said["loss"]), float(said["figure"])

    def infer(self, inputs: Mapping[str, np.ndarray]) -> Arrays:
        """The network's outputs for any number of examples, a batch at a time."""
        count = len(next(iter(inputs.values())))
        parts: dict[str, list[np.ndarray]] = {}
        for start in range(0, count, self.batch):
            some = {name: array[start : start + self.batch] for name, array in inputs.items()}
            size = len(next(iter(some.values())))
            filled = {name: self._filled(array, self._types[name]) for name, array in some.items()}
            for name, output in self._ask("infer", **filled).items():
                parts.setdefault(name, []).append(output[:size])
        return {name: np.concatenate(outputs) for name, outputs in parts.items()}

    def weights(self) -> Arrays:
        """All that learns, float32."""
        return self._ask("weights")

    def restore(self, weights: Mapping[str, np.ndarray]) -> None:
        """Let these be the weights; Adam stays as it is."""
        self._ask("restore", **weights)

    def optimiser(self) -> Arrays:
        """Adam's moments and count of steps."""
        return self._ask("optimiser")

    def restore_optimiser(self, state: Mapping[str, np.ndarray]) -> None:
        """Let Adam be as ``optimiser`` told."""
        self._ask("restore_optimiser", **state)

    def reset_optimiser(self) -> None:
        """Let Adam be as before its first step."""
        self._ask("reset_optimiser")

    def _filled(self, array: np.ndarray, dtype: np.dtype) -> np.ndarray:
        """The examples, and behind them zeros up to a batch."""
        array = np.asarray(array)
        if len(array) == self.batch:
            return array.astype(dtype, copy=False)
        filled = np.zeros((self.batch, *array.shape[1:]), dtype)
        filled[: len(array)] = array
        return filled

    def _ask(self, signature: str, **given: Any) -> Arrays:
        try:
            said: Arrays = self._run[signature](**given)
        except (ValueError, RuntimeError) as error:
            raise PiEdgeError(f"{self._path.name} failed to {signature}: {error}") from error
        return said
