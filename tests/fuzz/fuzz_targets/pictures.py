"""A picture of at most a megapixel, decoded."""

from __future__ import annotations

from targets import refusals

from pi_edge.tasks import images

LENGTH, MEGABYTES = 16384, 768
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
)


# What takes seconds finds little; the limits have tests of their own.
images.MAX_PIXELS = images.MAX_WHOLE_PIXELS = 1_000_000


def check(data: bytes) -> None:
    with refusals():
        picture = images.decode(data, 64)
        assert max(picture.pixels.shape[:2]) <= 64
        assert picture.pixels.shape[2] == 3
