"""The uncompressed PNG that goes through a pipe."""

from __future__ import annotations

import io

import numpy as np
import PIL.Image
import pytest

from pi_edge.tasks.style.png_stream import PngStream


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("rows", [1, 7, 40])
def test_a_decoder_gets_the_same_pixels(channels: int, rows: int) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (40, 33, channels), np.uint8)
    file = io.BytesIO()
    stream = PngStream(40, 33, channels, file.write)
    for start in range(0, 40, rows):
        stream.write(pixels[start : start + rows])
    stream.close()
    assert (np.asarray(PIL.Image.open(file)) == pixels).all()
