"""Which operations a .tflite file holds, and which of them compute in floats.

The file's format is TensorFlow's schema.fbs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tensorflow.lite.python import schema_py_generated as schema

_NAMES = {
    value: name for name, value in vars(schema.BuiltinOperator).items() if not name.startswith("_")
}
_FLOATS = {
    schema.TensorType.FLOAT16,
    schema.TensorType.FLOAT32,
    schema.TensorType.FLOAT64,
    schema.TensorType.BFLOAT16,
}
_INTEGERS = {schema.TensorType.INT8, schema.TensorType.UINT8, schema.TensorType.INT4}
# They stand between integers and floats.
_BORDERS = {"QUANTIZE", "DEQUANTIZE"}
# They move numbers or build the graph and compute nothing.
_MOVERS = {"RESHAPE", "SHAPE", "WHILE", "IF", "CALL_ONCE", "VAR_HANDLE"}


@dataclass(frozen=True)
class Operators:
    """What is in one file.

    Attributes:
        counts: operation, in TFLite's spelling -> how often.
        floats: the same for those that compute in floats.
        custom: what is no builtin; Flex operations among them.
        integer_weights: tensors of constants kept in 8 bits or fewer.
        needs: the oldest TFLite runtime that knows them all, as the converter says; "" unknown.
    """

    counts: Mapping[str, int]
    floats: Mapping[str, int]
    custom: tuple[str, ...]
    integer_weights: int
    needs: str


def read(contents: bytes) -> Operators:
    """Look through a .tflite file's operations and tensors."""
    model = schema.Model.GetRootAs(contents)
    counts: Counter[str] = Counter()
    floats: Counter[str] = Counter()
    custom: set[str] = set()
    weights = 0
    for at in range(model.SubgraphsLength()):
        graph = model.Subgraphs(at)
        for operator in _operators(graph):
            code = model.OperatorCodes(operator.OpcodeIndex())
            # Old files keep small codes in the one, new ones in the other.
            number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
            name = _NAMES.get(number, str(number))
            if name == "CUSTOM":
                name = code.CustomCode().decode()
                custom.add(name)
            counts[name] += 1
            types = {_type(graph, place) for place in _results(operator)}
            if types & _FLOATS and name not in _BORDERS | _MOVERS:
                floats[name] += 1
        weights += sum(_is_integer_constant(model, graph, i) for i in range(graph.TensorsLength()))
    return Operators(
        dict(counts.most_common()),
        dict(floats.most_common()),
        tuple(sorted(custom)),
        weights,
        _needs(model),
    )


def _operators(graph: Any) -> Iterator[Any]:
    for at in range(graph.OperatorsLength()):
        yield graph.Operators(at)


def _results(operator: Any) -> Iterator[int]:
    for at in range(operator.OutputsLength()):
        if (place := operator.Outputs(at)) >= 0:
            yield place


def _type(graph: Any, place: int) -> int:
    return int(graph.Tensors(place).Type())


def _is_integer_constant(model: Any, graph: Any, place: int) -> bool:
    tensor = graph.Tensors(place)
    quantized = tensor.Quantization() is not None and tensor.Quantization().ScaleLength() > 0
    return (
        tensor.Type() in _INTEGERS and quantized and model.Buffers(tensor.Buffer()).DataLength() > 0
    )


def _needs(model: Any) -> str:
    for at in range(model.MetadataLength()):
        entry = model.Metadata(at)
        if entry.Name() == b"min_runtime_version":
            data = model.Buffers(entry.Buffer()).DataAsNumpy()
            return bytes(data).split(b"\0")[0].decode()
    return ""


def newer_than(version: str, known: str) -> bool:
    """Whether a runtime ``known`` is too old for a file that needs ``version``."""
    parts = [[int(n) for n in text.split(".") if n.isdigit()] for text in (version, known)]
    return parts[0] > parts[1]
