"""Turn a network made elsewhere into a model like the shipped ones, and say what that cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from pi_edge import model_json
from pi_edge.desktop.own import fitting, kind, samples, story, variants
from pi_edge.desktop.own.original import Original
from pi_edge.desktop.own.samples import Samples
from pi_edge.errors import BadInput, WrongUsage


def convert(
    path: Path,
    name: str,
    *,
    output: Path,
    task: str = "tensors",
    labels: Sequence[str] = (),
    calibration: Path | None = None,
    pixels: str | None = None,
    signature: str | None = None,
    examples: Path | None = None,
    command: str = "pi-edge convert",
    say: Callable[[str], None] = print,
) -> Path:
    """Convert the network in ``path`` into the folder ``output``/``name``.

    Everything is made and compared beside that folder first; model.json takes its place last.

    Args:
        task: what its tensors mean; "tensors" where nothing is known of them.
        labels: classes, columns or tickers.
        calibration: samples that int8 is calibrated on and every file compared by.
        pixels: the pixel values that the network was trained on.
        signature: of a SavedModel.
        examples: check.npz of a shipped model of digits, for the task digits.
        command: what model.json says it was made with.
        say: told what was made, line by line.

    Raises:
        BadInput: it cannot be converted; says why, and what to do.
        WrongUsage: something that it needs was not given.
    """
    if pixels and task != "digits" and not (calibration and calibration.is_dir()):
        raise WrongUsage("--pixels tells of images: it goes with --calibration FOLDER")
    network = _read(path, signature, say)
    _check_types(network)
    # Digits are scaled inside the file: what is read for them is 0 to 255.
    scale = None if task == "digits" else pixels
    given = samples.read(calibration, network.inputs, scale) if calibration else None
    fitted = fitting.fit(network, task, labels, pixels, examples, given)
    if given is not None and fitted.prepare is not None:
        given = replace(given, arrays=fitted.prepare(given.arrays))
    network = fitted.network
    _check_labels(network, task, labels)
    for note in network.notes:
        say(note)
    shown = given or _made_up(network, task, examples)
    folder = output / name
    with model_json.scratch(folder) as scratch:
        try:
            made = variants.make(network, given, shown, len(labels), scratch)
        except BadInput as error:
            if not network.batched:
                raise
            network = variants.alone(network)
            try:
                made = variants.make(network, given, shown, len(labels), scratch)
            except BadInput:
                raise error from None
            note = (
                "the batch is fixed at one sample, for TFLite's builtins cannot do any number of "
                "them here (LSTM and GRU layers with unroll=True can)"
            )
            network = replace(network, notes=(*network.notes, note))
            say(note)
        for line in story.lines(network, made, given, shown):
            say(line)
        document = story.document(
            name, task, network, made, given, shown, command, scratch, fitted.info
        )
        model_json.publish(scratch, folder, document)
    say(f"{name}: written to {folder}")
    return folder


def _read(path: Path, signature: str | None, say: Callable[[str], None]) -> Original:
    what = kind(path)
    if signature is not None and what != "saved_model":
        raise WrongUsage(f"--signature chooses in a SavedModel, and {path} is none")
    if what == "keras":
        from pi_edge.desktop.own import keras_file

        return keras_file.read(path)
    if what == "saved_model":
        from pi_edge.desktop.own import saved_model

        return saved_model.read(path, signature)
    from pi_edge.desktop.own import onnx_file  # which asks for a converter of its own

    return onnx_file.read(path, say)


def _check_types(network: Original) -> None:
    for tensor in (*network.inputs, *network.outputs):
        if tensor.dtype.kind not in "fiub":
            what = "text" if tensor.dtype.kind == "U" else str(tensor.dtype)
            raise BadInput(
                f"{network.path}: {tensor.name} is {what}, and a converted network takes and gives "
                "numbers: cut off what turns one into the other (TextVectorization, StringLookup, "
                "...) and convert the rest"
            )


def _check_labels(network: Original, task: str, labels: Sequence[str]) -> None:
    if task != "tensors" or not labels:
        return
    if not any(t.shape and t.shape[-1] == len(labels) for t in network.outputs):
        told = ", ".join(map(str, network.outputs))
        raise BadInput(f"there are {len(labels)} labels, and no output has as many numbers: {told}")


def _made_up(network: Original, task: str, examples: Path | None) -> Samples:
    if task == "digits" and examples is not None and examples.is_file():
        array = fitting.example_digits(examples)
        return Samples({"image": array}, len(array), False, "example digits")
    return samples.make_up(network.inputs)
