"""A manifest held against the types of KServe's own Python SDK, which are generated from the same
definitions as its custom resources."""

from __future__ import annotations

import re
import sys
import types
from itertools import chain
from pathlib import Path
from typing import Any

import bench_venv

# The types stand alone; what else the package needs, a model server above all, nobody wants here.
PACKAGE = "kserve==0.21.0"
_PLAIN = {"str": str, "bool": bool, "int": int, "float": (int, float)}


def load() -> types.ModuleType:
    """The SDK's types, installed beside .venv where they are not there."""
    folder = bench_venv.beside([PACKAGE], print, "--no-deps")
    parent = types.ModuleType("kserve")
    parent.__path__ = [str(Path(folder, "kserve"))]
    sys.modules["kserve"] = parent
    import kserve.models

    models: types.ModuleType = kserve.models
    return models


def faults(value: Any, kind: str, models: types.ModuleType, where: str = "") -> list[str]:
    """What in a value is not as its type wants it: unknown fields, missing ones, other values.

    Args:
        value: as YAML gives it.
        kind: name of the type, as the SDKs write it: V1Container, list[str], dict(str, str), ...
    """
    import kubernetes.client

    if found := re.fullmatch(r"[Ll]ist\[(.+)\]", kind):
        if not isinstance(value, list):
            return [f"{where} is no list"]
        inner = (faults(v, found[1], models, f"{where}[{n}]") for n, v in enumerate(value))
        return [*chain.from_iterable(inner)]
    if found := re.fullmatch(r"dict\(str, (.+)\)|Dict\[str, (.+)\]", kind):
        if not isinstance(value, dict):
            return [f"{where} is no mapping"]
        of = found[1] or found[2]
        inner = (faults(v, of, models, f"{where}.{k}") for k, v in value.items())
        return [*chain.from_iterable(inner)]
    if kind == "object":  # a number or a text, as a port may be
        return [] if isinstance(value, int | str) else [f"{where} is neither number nor text"]
    if kind in _PLAIN:
        good = isinstance(value, _PLAIN[kind]) and (kind == "bool" or not isinstance(value, bool))
        return [] if good else [f"{where} is no {kind}"]
    made = getattr(models, kind, None) or getattr(kubernetes.client, kind)
    if not isinstance(value, dict):
        return [f"{where} is no {kind}"]
    fields = {made.attribute_map[name]: name for name in made.openapi_types}
    wrong = [f"{where} has no field {name}" for name in value if name not in fields]
    for name in value:
        if name in fields:
            inner_kind = made.openapi_types[fields[name]]
            wrong += faults(value[name], inner_kind, models, f"{where}.{name}")
    return wrong + [f"{where} lacks {name}" for name in _required(made) if name not in value]


def _required(made: Any) -> list[str]:
    """The fields that a type cannot be without."""
    if hasattr(made, "model_fields"):  # Kubernetes' own types
        return [made.attribute_map[n] for n, f in made.model_fields.items() if f.is_required()]
    from kserve.configuration import Configuration

    found = []
    blank = object.__new__(made)
    blank.local_vars_configuration = Configuration()
    for name, field in made.attribute_map.items():
        try:  # KServe's refuse None there
            setattr(blank, name, None)
        except ValueError:
            found.append(field)
    return found
