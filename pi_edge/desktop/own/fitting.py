"""Make a network fit a task: its tensors' names, shapes and units."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from pi_edge.desktop.own import pictures
from pi_edge.desktop.own.attempt import attempt
from pi_edge.desktop.own.original import Arrays, Original, Tensor
from pi_edge.desktop.own.samples import Samples
from pi_edge.errors import BadInput, WrongUsage

SIDE = 28
LEGIBLE = 0.6
"""Part of the example digits that a network must read before its reading tells anything."""

FLOAT = np.dtype(np.float32)


@dataclass(frozen=True)
class Fitted:
    """A network as a task wants it.

    Attributes:
        info: what model.json says besides.
        prepare: from the network's own inputs to the task's; None where they are the same.
    """

    network: Original
    info: Mapping[str, Any]
    prepare: Callable[[Mapping[str, NDArray[Any]]], Arrays] | None = None


def fit(
    original: Original,
    task: str,
    labels: Sequence[str],
    pixels: str | None,
    examples: Path | None,
    given: Samples | None = None,
) -> Fitted:
    """Rename and reshape what must be for ``task``; prove that the rest fits.

    Args:
        labels: classes, columns or tickers.
        pixels: what the network was trained on, where somebody said; for digits.
        examples: check.npz of a shipped model of digits.
        given: samples of the network's own inputs, which may tell its pixels.

    Raises:
        BadInput: the network does not fit the task.
        WrongUsage: what the task needs was not given.
    """
    if task == "digits":
        return _digits(original, labels, pixels, examples, given)
    if task == "regression":
        return _regression(original, labels)
    if task == "stocks":
        return _stocks(original, labels)
    return Fitted(original, {"labels": list(labels)} if labels else {})


def _digits(
    original: Original,
    labels: Sequence[str],
    pixels: str | None,
    examples: Path | None,
    given: Samples | None,
) -> Fitted:
    source = _only_input(original, "digits", "[-1,28,28]")
    if source.shape[1:] not in ((SIDE, SIDE), (SIDE, SIDE, 1), (SIDE * SIDE,)):
        raise BadInput(f"digits takes pictures of 28x28: the network takes {source}")
    if labels and list(labels) != [str(digit) for digit in range(10)]:
        raise BadInput("digits are 0 to 9, in this order: leave --labels out")
    output = _only_output(original, "probabilities", 10, "digits")
    notes = list(original.notes)
    if pixels:
        chosen, why = pixels, "as --pixels says"
    elif given is not None and (told := _range(given.arrays[source.name])):
        chosen, why = told, "as the samples are"
    else:
        chosen, why = _legible(original, output, examples)
    notes.append(f"image is taken as 0..255 and given to the network as {chosen}, {why}")
    logits = not _are_probabilities(original, chosen, output)
    if logits:
        notes.append(f"{output.name} is no probabilities: a softmax is put behind it")
    scale = pictures.SCALES[chosen]
    place = original.outputs.index(output)

    shape = [-1, *(int(n or 1) for n in source.shape[1:])]  # with any batch

    def graph(tensors: Sequence[Any]) -> list[Any]:
        given = tf.cast(scale(tf.reshape(tensors[0], shape)), source.dtype)
        answer = original.graph([given])[place]
        return [tf.nn.softmax(answer) if logits else answer]

    def run(arrays: Mapping[str, NDArray[Any]]) -> Arrays:
        given = scale(arrays["image"]).reshape(shape).astype(source.dtype)
        answer = original.run({source.name: given})[output.name]
        return {"probabilities": _softmax(answer) if logits else answer}

    image = Tensor("image", FLOAT, (source.shape[0], SIDE, SIDE), source.source)
    probabilities = replace(output, name="probabilities")
    return Fitted(
        replace(
            original,
            inputs=(image,),
            outputs=(probabilities,),
            graph=graph,
            run=run,
            notes=tuple(notes),
        ),
        {"labels": [str(digit) for digit in range(10)], "pixels": chosen},
        lambda arrays: {"image": _as_pixels(arrays[source.name], chosen)},
    )


def example_digits(check: Path) -> NDArray[np.float32]:
    """The pictures [n, 28, 28], 0 to 255, in check.npz of a shipped model of digits."""
    with np.load(check, allow_pickle=False) as arrays:
        return np.asarray(arrays["inputs/image"], np.float32)


def _softmax(rows: NDArray[Any]) -> NDArray[Any]:
    powers = np.exp(rows - rows.max(-1, keepdims=True))
    return np.asarray(powers / powers.sum(-1, keepdims=True))


def _as_pixels(array: NDArray[Any], chosen: str) -> NDArray[Any]:
    """Samples of the network's own inputs, or pixels already, as 0 to 255 [n, 28, 28]."""
    flat = array.reshape(-1, SIDE, SIDE).astype(np.float32)
    own = _range(array)
    if own == "symmetric":
        return (flat + np.float32(1)) * np.float32(127.5)
    return flat * np.float32(255) if own == "0..1" else flat


def _range(array: NDArray[Any]) -> str | None:
    """The pixel values that samples are of; None for 0..255, which may be files' own pixels."""
    if array.min() < 0:
        return "symmetric"
    return "0..1" if array.max() <= 1 else None


def _legible(original: Original, output: Tensor, examples: Path | None) -> tuple[str, str]:
    """The pixel values with which the network reads most of the example digits, and a word."""
    if examples is None or not examples.is_file():
        raise WrongUsage(
            "say which pixel values the network was trained on: --pixels "
            f"{'|'.join(pictures.SCALES)}"
        )
    images = example_digits(examples)
    with np.load(examples, allow_pickle=False) as arrays:
        truth = arrays["float32/probabilities"].argmax(1)
    read = {}
    for name in pictures.SCALES:
        read[name] = int((_read(original, output, name, images).argmax(1) == truth).sum())
    # Of equals 0..1: what was trained on that often reads the other too, and never the reverse.
    best = max(("0..1", "0..255", "symmetric"), key=lambda name: read[name])
    told = ", ".join(f"{count} as {name}" for name, count in read.items())
    if read[best] < LEGIBLE * len(truth):
        return (
            "0..255",
            f"though it reads few of {len(truth)} example digits either way ({told}): say "
            "--pixels if it was trained on another range",
        )
    return best, f"for so it reads most of {len(truth)} example digits ({told})"


def _read(original: Original, output: Tensor, pixels: str, images: NDArray[Any]) -> NDArray[Any]:
    (source,) = original.inputs
    given = pictures.SCALES[pixels](images.astype(np.float32)).reshape(
        len(images), *(int(n or 1) for n in source.shape[1:])
    )
    size = source.shape[0] or len(given)
    calls = [
        given[at : at + size].astype(source.dtype)
        for at in range(0, len(given) // size * size, size)
    ]
    found, error = attempt(
        lambda: [original.run({source.name: call})[output.name] for call in calls]
    )
    if error is not None or not found:
        raise BadInput(f"the network does not run on pictures of 28x28: {error}")
    return np.concatenate(found)


def _are_probabilities(original: Original, pixels: str, output: Tensor) -> bool:
    images = np.random.default_rng(0).integers(0, 256, (16, SIDE, SIDE))
    rows = _read(original, output, pixels, images)
    return bool((rows >= 0).all() and np.allclose(rows.sum(1), 1, atol=1e-3))


def _regression(original: Original, labels: Sequence[str]) -> Fitted:
    source = _only_input(original, "regression", "[-1,columns]")
    if len(source.shape) != 2 or source.dtype != FLOAT or source.shape[1] is None:
        raise BadInput(f"regression takes float32 [-1,columns]: the network takes {source}")
    count = source.shape[1]
    output = _only_output(original, "y", 1, "regression")
    names = list(labels) or (["x"] if count == 1 else [f"x{at}" for at in range(1, count + 1)])
    if len(names) != count or len(set(names)) != count:
        raise BadInput(f"the network takes {count} columns: --labels must name each, a line each")
    place = original.outputs.index(output)

    def run(arrays: Mapping[str, NDArray[Any]]) -> Arrays:
        return {"y": original.run({source.name: arrays["x"]})[output.name].reshape(-1, 1)}

    fitted = replace(
        original,
        inputs=(replace(source, name="x"),),
        outputs=(Tensor("y", FLOAT, (output.shape[0], 1), output.source),),
        graph=lambda tensors: [tf.reshape(original.graph(tensors)[place], [-1, 1])],
        run=run,
    )
    return Fitted(fitted, {"columns": names}, lambda arrays: {"x": arrays[source.name]})


def _stocks(original: Original, labels: Sequence[str]) -> Fitted:
    source = _only_input(original, "stocks", "[-1,days,tickers]")
    if len(source.shape) != 3 or None in source.shape[1:] or source.dtype != FLOAT:
        raise BadInput(f"stocks takes float32 [-1,days,tickers]: the network takes {source}")
    days, tickers = source.shape[1:]
    if len(labels) != tickers:
        raise WrongUsage(
            f"the network forecasts {tickers} stocks: name their tickers, a line each, with "
            "--labels FILE"
        )
    by_name = {tensor.name: tensor for tensor in original.outputs}
    wanted = ("forecast", "low", "high")
    for name in wanted:
        if name not in by_name or by_name[name].shape[1:] != (tickers,):
            raise BadInput(
                f"stocks takes a network with the outputs forecast, low and high, each "
                f"[-1,{tickers}]: this one gives {_listed(original.outputs)}"
            )
    outputs = tuple(by_name[name] for name in wanted)
    places = [original.outputs.index(tensor) for tensor in outputs]

    def graph(tensors: Sequence[Any]) -> list[Any]:
        answers = original.graph(tensors)
        return [answers[place] for place in places]

    def run(arrays: Mapping[str, NDArray[Any]]) -> Arrays:
        answers = original.run({source.name: arrays["prices"]})
        return {name: answers[name] for name in wanted}

    prices = replace(source, name="prices")
    fitted = replace(original, inputs=(prices,), outputs=outputs, graph=graph, run=run)
    return Fitted(
        fitted,
        {"tickers": list(labels), "days": days},
        lambda arrays: {"prices": arrays[source.name]},
    )


def _only_input(original: Original, task: str, shape: str) -> Tensor:
    if len(original.inputs) != 1:
        raise BadInput(
            f"{task} takes a network with one input {shape}: this one takes "
            f"{_listed(original.inputs)}"
        )
    return original.inputs[0]


def _only_output(original: Original, name: str, count: int, task: str) -> Tensor:
    """The output that gives ``count`` numbers a row: the only one, or the one called so."""
    shapes = ((count,), ()) if count == 1 else ((count,),)
    fitting = [t for t in original.outputs if t.dtype == FLOAT and t.shape[1:] in shapes]
    named = [tensor for tensor in fitting if tensor.name == name]
    if len(named or fitting) != 1:
        raise BadInput(
            f"{task} takes a network with one output [-1,{count}]: this one gives "
            f"{_listed(original.outputs)}"
        )
    return (named or fitting)[0]


def _listed(tensors: Sequence[Tensor]) -> str:
    return ", ".join(map(str, tensors))
