"""Changes JSON into other JSON, which changing its bytes rarely does. What stands before and behind
the first object in an input is left alone."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable, Sequence
from typing import Any

_DEEP = "@deep@"
_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 0.5, -0.0, 1e-320, 1e39, 1e308, math.inf, math.nan),
    *(255, 256, 2**31 - 1, 2**31, 2**32, 2**53 + 1, 2**63 - 1, 2**63, 2**64, -(2**63), 10**30),
    *("", "x", "v1", "\ud800", "\0", "\n", "é" * 40, "n" * 300, "1e5", _DEEP),
    *([], {}, [[]], [{}], [1], ["a"], [1, "a"], [[1], [2, 3]], {"x": 1}),
)

Mutator = Callable[[bytes, int, int], bytes]


def mutator(words: Sequence[bytes], fallback: Callable[[bytes, int], bytes]) -> Mutator:
    """What Atheris takes as its ``custom_mutator``.

    Args:
        words: of the target; the strings among them are used as keys and values.
        fallback: changes bytes, for what has no JSON in it and now and then for all else.
    """
    quoted = [word for word in words if len(word) > 2 and word[:1] == word[-1:] == b'"']
    strings = [json.loads(word) for word in quoted if word != b'"""']

    def mutate(data: bytes, size: int, seed: int) -> bytes:
        chance = random.Random(seed)
        text = data.decode("utf-8", "surrogateescape")
        start = text.find("{")
        try:
            if start < 0 or chance.random() < 0.2:
                raise ValueError
            document, end = json.JSONDecoder().raw_decode(text, start)
        except (ValueError, RecursionError):
            return fallback(data, size)
        for _ in range(chance.choice((1, 1, 1, 2, 4))):
            document = _changed(document, chance, strings)
        depth = chance.choice((250, 300, 900, 970, 1010, 3000))
        written = json.dumps(document).replace(f'"{_DEEP}"', "[" * depth + "]" * depth)
        return (text[:start] + written + text[end:]).encode("utf-8", "surrogateescape")[:size]

    return mutate


def _changed(node: Any, chance: random.Random, strings: list[str]) -> Any:
    """``node`` with something in it changed."""
    inside = list(node) if isinstance(node, dict) else range(len(node) if _is_list(node) else 0)
    if inside and chance.random() < 0.75:
        place = chance.choice(list(inside))
        node[place] = _changed(node[place], chance, strings)
        return node
    value = chance.choice(strings) if strings and chance.random() < 0.3 else chance.choice(_VALUES)
    value = json.loads(json.dumps(value))  # a copy
    if isinstance(node, dict) and chance.random() < 0.8:
        key = chance.choice(strings) if strings and chance.random() < 0.8 else str(value)
        if node and chance.random() < 0.4:
            node[key] = node.pop(chance.choice(list(node)))
        elif node and chance.random() < 0.3:
            node.pop(chance.choice(list(node)))
        else:
            node[key] = value
        return node
    if _is_list(node) and chance.random() < 0.7:
        if node and chance.random() < 0.3:
            node.pop(chance.randrange(len(node)))
        elif node and chance.random() < 0.4:
            node.append(json.loads(json.dumps(chance.choice(node))))
        else:
            node.insert(chance.randint(0, len(node)), value)
        return node
    return [node] if chance.random() < 0.1 else value


def _is_list(node: Any) -> bool:
    return isinstance(node, list)
