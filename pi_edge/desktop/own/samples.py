"""Inputs to calibrate int8 on and to compare by: the user's own, or made up."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pi_edge.desktop.own import pictures
from pi_edge.desktop.own.original import Arrays, Tensor
from pi_edge.errors import BadInput

MOST = 500
"""Samples that are used of those given, evenly picked."""

MADE_UP = 16
SEED = 0

_INPUTS = ("x_train", "x_test", "x", "X", "images", "data", "inputs")
_LABELS = {"x_train": "y_train", "x_test": "y_test", "x": "y", "X": "y", "images": "labels"}


@dataclass(frozen=True)
class Samples:
    """Arrays by input name; the first axis of each counts calls of the network, times the rows
    that a call of a fixed batch takes.

    Attributes:
        calls: how many single calls there are.
        made_up: nobody gave them.
        source: where they are from, in words.
        labels: [calls] what each truly is, where the file tells.
    """

    arrays: Mapping[str, NDArray[Any]]
    calls: int
    made_up: bool
    source: str
    labels: NDArray[np.int64] | None = None

    def call(self, inputs: Sequence[Tensor], start: int, count: int = 1) -> Arrays:
        """The inputs of one call: of ``count`` samples, where the network takes any number."""
        given = {}
        for tensor in inputs:
            array = self.arrays[tensor.name]
            if not tensor.shape:
                given[tensor.name] = np.asarray(array[start])
                continue
            rows = _rows(tensor)
            given[tensor.name] = array[start * rows : (start + count) * rows]
        return given

    def each(self, inputs: Sequence[Tensor]) -> Iterator[Arrays]:
        """The inputs of one call after the other, a sample each."""
        for start in range(self.calls):
            yield self.call(inputs, start)


def read(path: Path, inputs: Sequence[Tensor], pixels: str | None) -> Samples:
    """The samples in a .npz or .npy file, or in a folder of images or .npy files.

    Args:
        pixels: what values images are to have (0..255).

    Raises:
        BadInput: there are none, or they do not fit the inputs.
    """
    if not path.exists():
        raise BadInput(f"there is no {path} to calibrate on")
    if not path.is_dir():
        return _from_file(path, inputs)
    if len(inputs) != 1:
        raise BadInput(
            f"the network takes {len(inputs)} inputs ({_names(inputs)}), which a folder cannot "
            "tell apart: put an array for each, by name, into an .npz"
        )
    arrays = sorted(path.rglob("*.npy"))
    if arrays:
        found = [_fitted(_load(file), inputs[0], file) for file in _spread(arrays)]
        return _samples({inputs[0].name: np.concatenate(found)}, inputs, str(path))
    found_images = pictures.find(path)
    if not found_images:
        raise BadInput(f"{path} holds neither images nor .npy files")
    picked = _spread(found_images)
    array = pictures.read(picked, inputs[0], pixels or "0..255")
    return _samples({inputs[0].name: array}, inputs, f"{len(picked)} images of {path}")


def make_up(inputs: Sequence[Tensor]) -> Samples:
    """Numbers between 0 and 1 for floats, 0 and 1 for the others."""
    random = np.random.default_rng(SEED)
    arrays: dict[str, NDArray[Any]] = {}
    for tensor in inputs:
        rows = MADE_UP * _rows(tensor)
        # A length that may be any: enough for a few strided convolutions.
        free = 64 if len(tensor.shape) == 4 else 16
        shape = (rows, *(free if n is None else n for n in tensor.shape[1:]))
        drawn = random.random(shape) if tensor.dtype.kind == "f" else random.integers(0, 2, shape)
        arrays[tensor.name] = drawn.astype(tensor.dtype)
    return Samples(arrays, MADE_UP, True, "made up")


def _from_file(path: Path, inputs: Sequence[Tensor]) -> Samples:
    loaded = _load(path)
    if not isinstance(loaded, dict):
        if len(inputs) != 1:
            raise BadInput(
                f"{path} holds one array and the network takes {_names(inputs)}: name each in "
                "an .npz"
            )
        return _samples({inputs[0].name: _fitted(loaded, inputs[0], path)}, inputs, str(path))
    keys = {tensor.name: _key(loaded, tensor, len(inputs)) for tensor in inputs}
    missing = [name for name, key in keys.items() if key is None]
    if missing:
        raise BadInput(
            f"{path} has no array {', '.join(missing)}; it has {', '.join(loaded) or 'none'}: "
            f"name its arrays as the inputs are called ({_names(inputs)})"
        )
    arrays = {
        tensor.name: _fitted(loaded[str(keys[tensor.name])], tensor, path) for tensor in inputs
    }
    key = next(iter(keys.values())) if len(inputs) == 1 else None
    truth = loaded.get(_LABELS.get(str(key), ""))
    return _samples(arrays, inputs, str(path), truth)


def _key(loaded: Mapping[str, Any], tensor: Tensor, count: int) -> str | None:
    for name in (tensor.name, tensor.source, tensor.source.split(":")[0]):
        if name in loaded:
            return name
    if count > 1:
        return None
    if len(loaded) == 1:
        return next(iter(loaded))
    return next((name for name in _INPUTS if name in loaded), None)


def _load(path: Path) -> Any:
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.lib.npyio.NpzFile):
            with loaded:
                return {name: loaded[name] for name in loaded.files}
        return loaded
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise BadInput(f"{path} is no .npz or .npy file of numbers: {error}") from error


def _fitted(array: NDArray[Any], tensor: Tensor, path: Path) -> NDArray[Any]:
    """The array as rows for ``tensor``, in its type.

    Raises:
        BadInput: its shape or type does not fit.
    """
    shape = tensor.shape
    for candidate in (array, array[..., None] if array.ndim else array, array[None]):
        if not shape:
            fits, rows = candidate.ndim == 1, candidate
        elif candidate.ndim == len(shape) + 1 and shape[0] is not None:
            fits = _same(candidate.shape[1:], shape)
            rows = candidate.reshape(-1, *candidate.shape[2:]) if fits else candidate
        else:
            fits = candidate.ndim == len(shape) and _same(candidate.shape[1:], shape[1:])
            fits, rows = fits and len(candidate) % _rows(tensor) == 0, candidate
        if fits and len(rows):
            break
    else:
        raise BadInput(
            f"{path}: {tensor.name} must have the shape "
            f"{[-1, *('any' if n is None else n for n in shape[1:])]}, -1 the number of samples, "
            f"not {list(array.shape)}"
        )
    # Pixels and prices come as integers and as float64 too; what loses meaning is refused.
    allowed = np.can_cast(rows.dtype, tensor.dtype, "same_kind") or (
        rows.dtype.kind in "iub" and tensor.dtype.kind in "iuf"
    )
    if not allowed:
        raise BadInput(f"{path}: {tensor.name} must be {tensor.dtype}, not {rows.dtype}")
    if rows.dtype.kind == "f" and not np.isfinite(rows).all():
        raise BadInput(f"{path}: {tensor.name} holds numbers that are not finite: remove them")
    return rows


def _samples(
    arrays: Mapping[str, NDArray[Any]],
    inputs: Sequence[Tensor],
    source: str,
    truth: NDArray[Any] | None = None,
) -> Samples:
    """At most MOST of the samples, evenly picked."""
    counts = {t.name: len(arrays[t.name]) // _rows(t) for t in inputs}
    if len(set(counts.values())) > 1:
        told = ", ".join(f"{count} of {name}" for name, count in counts.items())
        raise BadInput(f"{source}: there must be as many samples of each input, not {told}")
    count = min(counts.values())
    picked = np.unique(np.linspace(0, count - 1, min(MOST, count)).round().astype(int))
    chosen = {}
    for tensor in inputs:
        rows = _rows(tensor)
        places = (picked[:, None] * rows + np.arange(rows)).reshape(-1)
        chosen[tensor.name] = arrays[tensor.name][places].astype(tensor.dtype)
    labels = None
    if truth is not None and truth.size == count and truth.dtype.kind in "iu":
        labels = truth.reshape(-1)[picked].astype(np.int64)
    return Samples(chosen, len(picked), False, source, labels)


def _rows(tensor: Tensor) -> int:
    """Rows of the first axis that one call takes."""
    return (tensor.shape[0] or 1) if tensor.shape else 1


def _same(given: Sequence[int], wanted: Sequence[int | None]) -> bool:
    return len(given) == len(wanted) and all(
        want in (None, got) for got, want in zip(given, wanted, strict=True)
    )


def _spread(paths: list[Path]) -> list[Path]:
    steps = np.unique(np.linspace(0, len(paths) - 1, min(MOST, len(paths))).round().astype(int))
    return [paths[at] for at in steps]


def _names(inputs: Sequence[Tensor]) -> str:
    return ", ".join(tensor.name for tensor in inputs)
