"""Operations that are no TFLite builtins: which they are, and what to take instead."""

from __future__ import annotations

import re
from pathlib import Path

from pi_edge.desktop.own.attempt import first_line

_LINALG = "matrix decompositions are not for TFLite: compute this before or after the network"
_TEXT = (
    "text is not for TFLite: cut TextVectorization, StringLookup and Hashing off and convert the "
    "network behind them, which takes the numbers that they make"
)
_RANDOM = "a network that is served draws nothing: take the sampling or noise out"
_LIST = "a loop of unknown length: give the input a fixed number of steps, or unroll=True"
_IMAGE = "decode and crop pictures before the network: it takes pixels"
_GRADIENT = "part of training: save only what predicts"

INSTEAD = {
    "Conv2D": "how many channels go into it is unknown: fix the height and width of the pictures",
    "Svd": _LINALG,
    "Qr": _LINALG,
    "Cholesky": _LINALG,
    "SelfAdjointEigV2": _LINALG,
    "MatrixInverse": _LINALG,
    "MatrixDeterminant": _LINALG,
    "MatrixSolve": _LINALG,
    "MatrixTriangularSolve": _LINALG,
    "Einsum": "write it as tf.matmul and tf.transpose, with fixed lengths but for the batch",
    "Erfinv": "take a polynomial in tf.math",
    "Digamma": "compute it behind the network",
    "Betainc": "compute it behind the network",
    "Igamma": "compute it behind the network",
    "Tan": "write tf.sin(x) / tf.cos(x)",
    "Sinh": "write (tf.exp(x) - tf.exp(-x)) / 2",
    "Cosh": "write (tf.exp(x) + tf.exp(-x)) / 2",
    "Asin": "write tf.atan2(x, tf.sqrt(1 - x * x))",
    "Acos": "write tf.atan2(tf.sqrt(1 - x * x), x)",
    "Atan": "write tf.atan2(x, 1.0)",
    "Asinh": "write tf.math.log(x + tf.sqrt(x * x + 1))",
    "Acosh": "write tf.math.log(x + tf.sqrt(x * x - 1))",
    "Atanh": "write 0.5 * tf.math.log((1 + x) / (1 - x))",
    "FFT": "TFLite has RFFT2D alone: tf.signal.rfft2d, with fixed lengths",
    "IFFT": "TFLite has RFFT2D alone",
    "RFFT": "fix the length of the signal: TFLite has RFFT with constant lengths alone",
    "UniqueV2": "do it before or behind the network",
    "DenseBincount": "write tf.reduce_sum(tf.one_hot(x, n), axis)",
    "Roll": "write tf.concat of two slices",
    "CropAndResize": "write tf.slice and tf.image.resize",
    "ImageProjectiveTransformV3": "random rotations and zooms are part of training: leave them out",
    "CombinedNonMaxSuppression": "write tf.image.non_max_suppression, a class at a time",
    "MaxPoolWithArgmax": "write tf.nn.max_pool2d and keep the larger picture for unpooling",
    "MaxPool3D": "pool along two axes and then along the third",
    "AvgPool3D": "pool along two axes and then along the third",
    "ExtractImagePatches": "write a convolution with a constant kernel",
    "CTCGreedyDecoder": "decode behind the network: tf.argmax gives the best path",
    "CTCBeamSearchDecoder": "decode behind the network: tf.argmax gives the best path",
    "LookupTableFindV2": _TEXT,
    "LookupTableImportV2": _TEXT,
    "MutableHashTableV2": _TEXT,
    "HashTableV2": "tables map text or numbers: do that before the network",
    "StringLower": _TEXT,
    "StringSplitV2": _TEXT,
    "StaticRegexReplace": _TEXT,
    "StringToHashBucketFast": _TEXT,
    "AsString": _TEXT,
    "RaggedTensorToTensor": _TEXT,
    "ParseExampleV2": "choose another signature, which takes tensors: --signature NAME",
    "ParseExample": "choose another signature, which takes tensors: --signature NAME",
    "DecodeJpeg": _IMAGE,
    "DecodePng": _IMAGE,
    "DecodeImage": _IMAGE,
    "StatelessRandomNormalV2": _RANDOM,
    "StatelessRandomUniformV2": _RANDOM,
    "StatelessRandomGetKeyCounter": _RANDOM,
    "TensorListReserve": _LIST,
    "TensorListSetItem": _LIST,
    "TensorListGetItem": _LIST,
    "TensorListStack": _LIST,
    "TensorListFromTensor": _LIST,
    "ReluGrad": _GRADIENT,
    "Conv2DBackpropFilter": _GRADIENT,
    "PyFunc": "tf.py_function is Python, which is not in the file: write it in TensorFlow",
    "EagerPyFunc": "tf.py_function is Python, which is not in the file: write it in TensorFlow",
}
"""Operation of TensorFlow -> what to write in its stead."""

_REST = "TFLite has no such operation: write it with others, or compute it outside of the network"


def operations(text: str) -> list[str]:
    """The TensorFlow operations that an error of the converter complains of."""
    found: list[str] = []
    for listed in re.findall(r"^(?:TF Select|Flex|Custom) ops: (.+)$", text, re.MULTILINE):
        found += [name.strip().removeprefix("Flex") for name in listed.split(",")]
    if not found:
        found = re.findall(r"'tf\.(\w+)' op is neither a custom op nor a flex op", text)
        found += re.findall(r"failed to legalize operation 'tf\.(\w+)'", text)
    return sorted(set(found))


def explain(path: Path, error: Exception) -> str:
    """The converter's pages of complaint as one line, and one more for each operation."""
    names = operations(str(error))
    if not names:
        return f"TensorFlow's converter cannot convert {path}: {_reason(error)}"
    told = [f"  {name}: {INSTEAD.get(name, _REST)}" for name in names]
    return "\n".join(
        [f"{path} needs what TFLite has no builtin for, so nothing was written:", *told]
    )


def _reason(error: Exception) -> str:
    """The first line that says what, without where."""
    lines = [line for line in str(error).splitlines() if "error:" in line] or [first_line(error)]
    said = re.sub(r"loc\(.*\)\): ?", "", lines[0]).split("error:")[-1].strip()
    return first_line(ValueError(said or first_line(error)))
