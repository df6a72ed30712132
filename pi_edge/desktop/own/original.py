"""What is converted: named tensors in, named tensors out, wherever it came from."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pi_edge import files

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Tensor:
    """An input or output.

    Attributes:
        name: as it will be called.
        dtype: as it will be served; floats of other widths become float32.
        shape: None where any length will do.
        source: what it was called.
    """

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int | None, ...]
    source: str

    def __str__(self) -> str:
        lengths = ",".join("-1" if n is None else str(n) for n in self.shape)
        return f"{self.name} {self.dtype} [{lengths}]"


@dataclass(frozen=True)
class Original:
    """A network as it was given.

    Attributes:
        path, kind: where it lies and what it is, for people.
        inputs, outputs: in the order of ``graph``'s.
        graph: TensorFlow tensors of the inputs' dtypes and shapes -> tensors of the outputs'.
        holder: the TensorFlow object that holds the variables of ``graph``.
        run: the network as its own framework computes it, on whole batches.
        versions: of what read it.
        notes: what was made otherwise than it was there, one line each.
        told: of it for model.json.
    """

    path: Path
    kind: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    graph: Callable[[Sequence[Any]], list[Any]]
    holder: Any
    run: Callable[[Mapping[str, NDArray[Any]]], Arrays]
    versions: tuple[str, ...]
    notes: tuple[str, ...] = ()
    told: Mapping[str, Any] | None = None

    @property
    def batched(self) -> bool:
        """Whether it takes any number of samples at once."""
        return all(tensor.shape and tensor.shape[0] is None for tensor in self.inputs)


def served_dtype(dtype: Any) -> np.dtype[Any]:
    """The NumPy type that a TensorFlow type is served as: float32 for every float."""
    if dtype.is_floating:
        return np.dtype(np.float32)
    return np.dtype(np.str_) if dtype.name == "string" else np.dtype(dtype.as_numpy_dtype)


def shape_of(spec: Any) -> tuple[int | None, ...]:
    """The shape of a TensorFlow or Keras tensor."""
    return tuple(None if n is None else int(n) for n in spec.shape)


def sha256(path: Path) -> str:
    """The SHA-256 of a file; for a folder, of the names and hashes of all its files in order."""
    if path.is_file():
        return files.sha256(path)
    whole = hashlib.sha256()
    for file in sorted(p for p in path.rglob("*") if p.is_file()):
        whole.update(f"{file.relative_to(path).as_posix()} {files.sha256(file)}\n".encode())
    return whole.hexdigest()
