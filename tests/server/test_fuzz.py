"""Requests that nobody thought of: the parser refuses them or reads them, and does nothing else."""

from __future__ import annotations

import contextlib
from typing import Any

import hypothesis
import hypothesis.strategies as st
import numpy as np
import orjson

from pi_edge.errors import BadInput
from pi_edge.server.infer import parse

ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=20,
)
DATATYPES = st.sampled_from(
    ["BOOL", "UINT8", "INT8", "INT32", "INT64", "UINT64", "FP16", "FP32", "FP64", "BYTES", "X"]
)
TENSOR = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["x", "y"]) | ANYTHING,
        "shape": st.lists(st.integers(-1, 4), max_size=3) | ANYTHING,
        "datatype": DATATYPES | ANYTHING,
        "data": ANYTHING,
        "parameters": ANYTHING
        | st.fixed_dictionaries({"binary_data_size": st.integers(-2, 40) | ANYTHING}),
    },
)
REQUEST = st.fixed_dictionaries(
    {"inputs": st.lists(TENSOR, max_size=3) | ANYTHING},
    optional={
        "id": ANYTHING,
        "parameters": ANYTHING | st.fixed_dictionaries({"binary_data_output": ANYTHING}),
        "outputs": ANYTHING
        | st.lists(
            st.fixed_dictionaries(
                {"name": ANYTHING},
                optional={
                    "parameters": ANYTHING
                    | st.fixed_dictionaries({"classification": ANYTHING, "binary_data": ANYTHING})
                },
            ),
            max_size=2,
        ),
    },
)

# The same examples every time: what fails once fails for everybody.
SETTINGS = hypothesis.settings(
    deadline=None,
    max_examples=200,
    derandomize=True,
    database=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)


def parsed(body: bytes, header_length: bytes | None) -> None:
    """Parse, and hold what was read to its promise."""
    with contextlib.suppress(BadInput):
        request = parse(body, header_length)
        assert isinstance(request.id, str)
        assert all(isinstance(array, np.ndarray) for array in request.inputs.values())


@hypothesis.given(REQUEST | ANYTHING, st.binary(max_size=64), st.integers(-4, 4))
@hypothesis.settings(SETTINGS)
def test_any_json_is_read_or_refused(document: Any, data: bytes, off_by: int) -> None:
    text = orjson.dumps(document)
    parsed(text, None)
    parsed(text + data, b"%d" % (len(text) + off_by))


@hypothesis.given(st.binary(max_size=200), st.none() | st.binary(max_size=8))
@hypothesis.settings(SETTINGS)
def test_any_bytes_are_read_or_refused(body: bytes, header_length: bytes | None) -> None:
    parsed(body, header_length)
