"""A picture, decoded; and what the digits task makes of it or of 784 numbers, read by a network
that is sure of nothing."""

from __future__ import annotations

import numpy as np
from targets import refusals

from pi_edge.server import answers
from pi_edge.tasks import digits, images

LENGTH = 16384
# A picture within the limit of 26 megapixels takes that much for a moment.
MEGABYTES = 1024
WORDS = (
    *(b"\x89PNG\r\n\x1a\n", b"IHDR", b"IDAT", b"IEND", b"PLTE", b"tRNS", b"iCCP", b"eXIf", b"acTL"),
    *(
        b"\xff\xd8\xff\xe0",
        b"\xff\xc0",
        b"\xff\xc2",
        b"\xff\xda",
        b"\xff\xe1",
        b"Exif\0\0",
        b"MM\0*",
    ),
    *(b"GIF89a", b"GIF87a", b"\x21\xf9\x04", b"RIFF", b"WEBP", b"VP8 ", b"VP8L", b"VP8X", b"ANIM"),
    *(
        b"BM",
        b"\x28\0\0\0",
        b"\x93NUMPY\x01\0",
        b"{'descr': '<f4'",
        b"'shape': (784,)",
        b"|O",
        b"|b1",
    ),
    *(b'{"pixels": [', b"]}", b"NaN", b"1e999", b"true", b'"a"', b"null", b"\xff\xff\xff\xff"),
)


def check(data: bytes) -> None:
    with refusals():
        images.decode(data, 64)
    for kind in ("image/png", "application/json"):
        with refusals():
            answer = digits.answer(digits.from_body(data, kind), _unsure)
            answers.to_json(answer)
            digits.to_text(answer)


def _unsure(inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {"probabilities": np.full((len(inputs["image"]), 10), 0.1, np.float32)}
