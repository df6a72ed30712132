"""Names of inputs and outputs that a person can read and a signature can hold."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

# What TensorFlow, Keras and exporters call a tensor that nobody named.
_AUTOMATIC = re.compile(
    r"(StatefulPartitionedCall|PartitionedCall|Identity|keras_tensor|args|inputs?|outputs?|unknown)?"
    r"[_0-9]*"
)


def readable(raw: Sequence[str], kind: str) -> list[str]:
    """A name for each of ``raw``, all different, of letters, digits and underscores.

    ``kind`` ("input" or "output") names what had no name of its own, with its number where there
    are several.

    >>> readable(["serving_default_image:0", "StatefulPartitionedCall:1"], "input")
    ['image', 'input_1']
    """
    names = [_cleaned(name) for name in raw]
    names = [
        (kind if len(names) == 1 else f"{kind}_{at}") if _AUTOMATIC.fullmatch(name) else name
        for at, name in enumerate(names)
    ]
    seen: Counter[str] = Counter()
    told = []
    for name in names:
        seen[name] += 1
        told.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return told


def _cleaned(name: str) -> str:
    name = name.split(":")[0].removeprefix("serving_default_")
    name = re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_")
    return name if not name[:1].isdigit() else ""
