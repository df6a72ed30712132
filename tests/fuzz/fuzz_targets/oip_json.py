"""An inference request in JSON: parsed, and answered by a model that gives back what it got."""

from __future__ import annotations

import orjson
from targets import refusals

from pi_edge.server.infer import encode, parse, refuse_non_finite

LENGTH, MEGABYTES = 8192, 512
WORDS = (
    *(b'"inputs"', b'"outputs"', b'"name"', b'"datatype"', b'"shape"', b'"data"', b'"id"'),
    *(b'"parameters"', b'"binary_data_output"', b'"binary_data"', b'"classification"', b'"x"'),
    *(b'"BOOL"', b'"UINT8"', b'"INT8"', b'"INT32"', b'"INT64"', b'"UINT64"', b'"FP16"', b'"FP32"'),
    *(b'"FP64"', b'"BYTES"', b"[[", b"]]", b"true", b"null", b"-1", b"0.5", b"1e308", b"[]", b"{}"),
    *(b"9223372036854775808", b"18446744073709551616", b"4294967296", b'"\\ud800"', b'"\\u0000"'),
)


def check(data: bytes) -> None:
    answered(data, None)


def answered(body: bytes, header_length: bytes | None) -> None:
    with refusals():
        request = parse(body, header_length)
        with refusals():
            refuse_non_finite(request.inputs)
        head = {"model_name": "echo", "id": request.id}
        size, answer = encode(head, request, request.inputs, ["none", "some"])
        orjson.loads(answer if size is None else answer[:size])
