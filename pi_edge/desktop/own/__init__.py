"""A model of one's own: a network trained elsewhere, made into a model like the shipped ones.

It comes as a Keras file, a SavedModel folder or an ONNX file. Imports nothing heavy: asking for
help reads it.
"""

from __future__ import annotations

from pathlib import Path

from pi_edge.desktop.flags import NAME, flag
from pi_edge.errors import BadInput

WHAT = "a network of your own (.keras, .h5, .onnx, a SavedModel folder)"

TASKS = ("tensors", "digits", "regression", "stocks")

PIXELS = ("0..255", "0..1", "symmetric")
"""What a network may take for a picture's pixels; symmetric is -1..1."""

OTHERS = {
    ".tflite": "{path} is a TFLite model already: pi-edge models add {path} serves it as it is",
    ".pt": "PyTorch's files are not read: torch.onnx.export writes {stem}.onnx, which is",
    ".pth": "PyTorch's files are not read: torch.onnx.export writes {stem}.onnx, which is",
    ".safetensors": "{path} holds weights without a network: save the whole network",
    ".pb": "name the SavedModel's folder, not {path} in it",
}
"""What to do with files that look like models and cannot be converted, by their ending."""

FLAGS = {
    "name": NAME,
    "task": flag(
        "--task", choices=TASKS, help="what the network's tensors mean (tensors: nothing more)"
    ),
    "labels": flag(
        "--labels",
        type=Path,
        metavar="FILE",
        help="one name a line: classes; columns for regression; tickers for stocks",
    ),
    "calibration": flag(
        "--calibration",
        type=Path,
        metavar="PATH",
        help="inputs as the network will see them: .npz, .npy or a folder of images or .npy files",
    ),
    "pixels": flag(
        "--pixels", choices=PIXELS, help="the pixel values that the network was trained on"
    ),
    "signature": flag(
        "--signature", metavar="NAME", help="of a SavedModel with several (serving_default)"
    ),
}


def meant(word: str) -> bool:
    """Whether ``word`` names a file or folder and no family of models."""
    path = Path(word)
    return (
        path.suffix.lower() in {".keras", ".h5", ".hdf5", ".onnx", *OTHERS}
        or len(path.parts) > 1
        or word.startswith((".", "~"))
        or word.endswith("/")
        or (path / "saved_model.pb").is_file()
    )


def kind(path: Path) -> str:
    """What ``path`` holds, as its name tells: "keras", "saved_model" or "onnx".

    Raises:
        BadInput: nothing that can be converted; says what to do.
    """
    if not path.exists():
        raise BadInput(f"there is no {path}")
    if path.is_dir():
        if (path / "saved_model.pb").is_file():
            return "saved_model"
        raise BadInput(f"{path} is no SavedModel: there is no saved_model.pb in it")
    suffix = path.suffix.lower()
    if suffix in OTHERS:
        raise BadInput(OTHERS[suffix].format(path=path, stem=path.stem))
    if suffix in (".keras", ".h5", ".hdf5"):
        return "keras"
    if suffix == ".onnx":
        return "onnx"
    raise BadInput(f"{path} is none of .keras, .h5, .onnx and a SavedModel folder")
