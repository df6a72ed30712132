"""An inference request with tensors behind its JSON: the first line is what the header
Inference-Header-Content-Length says, or "=" for what it should say."""

from __future__ import annotations

from fuzz_targets import oip_json

LENGTH, MEGABYTES = 8192, 512
WORDS = (*oip_json.WORDS, b'"binary_data_size"', b"=\n", b"\x01\0\0\0", b"\xff\xff\xff\xff")


def check(data: bytes) -> None:
    length, _, body = data.partition(b"\n")
    if length == b"=":
        length = b"%d" % (body.rfind(b"}") + 1)
    oip_json.answered(body, length)
