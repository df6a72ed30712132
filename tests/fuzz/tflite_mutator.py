"""Changes a .tflite file into one that is still built as one: the runtime's own check of that
(flatbuffers' verifier) refuses most files whose bytes were changed, and nothing behind it is tried.

Numbers anywhere in the model (types, shapes, indices of tensors, buffers and graphs, operators and
their options) become others, and parts are left out or repeated.
https://github.com/tensorflow/tensorflow/blob/master/tensorflow/compiler/mlir/lite/schema/schema.fbs
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

Mutator = Callable[[bytes, int, int], bytes]

_NUMBERS = (0, 1, 2, 3, 4, -1, 5, 7, 16, 100, 127, -128, 255, 65536, 2**31 - 1, -(2**31))
_FLOATS = (0.0, 1.0, -1.0, 1e-38, 3e38, float("nan"), float("inf"))
# The operators that there are; a greater number is none.
_OPERATORS = 210


def mutator(words: Sequence[bytes], fallback: Callable[[bytes, int], bytes]) -> Mutator:
    """As ``json_mutator.mutator``, for .tflite files; ``words`` are of no use here."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    def mutate(data: bytes, size: int, seed: int) -> bytes:
        chance = random.Random(seed)
        try:
            if chance.random() < 0.1:
                raise ValueError
            packed = schema.Model.GetRootAsModel(bytearray(data), 0)
            model = schema.ModelT.InitFromObj(packed)
            for _ in range(chance.choice((1, 1, 2, 3))):
                _change(model, chance)
            builder = flatbuffers.Builder(len(data))
            builder.Finish(model.Pack(builder), b"TFL3")
        except Exception:  # it is none, or cannot be written as one any more
            return fallback(data, size)
        changed = bytes(builder.Output())
        return changed if len(changed) <= size else data

    return mutate


def _change(model: Any, chance: random.Random) -> None:
    if model.operatorCodes and chance.random() < 0.2:
        code = chance.choice(model.operatorCodes)
        code.builtinCode = chance.randrange(_OPERATORS)
        code.deprecatedBuiltinCode = min(code.builtinCode, 127)
        return
    places = list(_places(model))
    holder, place = chance.choice(places)
    is_list = isinstance(holder, list)
    value = holder[place] if is_list else getattr(holder, place)
    if isinstance(value, list):  # of objects or of numbers
        at = chance.randrange(len(value))
        if chance.random() < 0.5:
            value.pop(at)
        else:
            value.insert(at, value[chance.randrange(len(value))])
        return
    new = chance.choice(_FLOATS) if isinstance(value, float) else chance.choice(_NUMBERS)
    if isinstance(value, bool):
        new = not value
    if is_list:
        holder[place] = new
    else:
        setattr(holder, place, new)


def _places(node: Any) -> Iterator[tuple[Any, Any]]:
    """What holds a number, or a list that is not empty, and where in it."""
    if isinstance(node, list):
        for index, item in enumerate(node):
            if isinstance(item, int | float):
                yield node, index
            else:
                yield from _places(item)
    elif hasattr(node, "__dict__"):
        for name, value in vars(node).items():
            if isinstance(value, np.ndarray):
                value = value.tolist()
                setattr(node, name, value)
            if isinstance(value, int | float):
                yield node, name
            elif isinstance(value, list) and value:
                yield node, name
                if name != "data" or len(value) < 64:  # constants, which are many
                    yield from _places(value)
            elif value is not None and not isinstance(value, bytes | str):
                yield from _places(value)
