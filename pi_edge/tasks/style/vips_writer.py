"""Pictures written through libvips, row by row."""

from __future__ import annotations

import contextlib
import os
import select
import threading
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from pi_edge.errors import PiEdgeError
from pi_edge.tasks.style import photo, png_stream, vips, vips_pixels
from pi_edge.tasks.style.vips import pyvips


class _VipsWriter(photo.StripWriter):
    """Pixels go as an uncompressed PNG through a pipe to libvips in a thread of its own."""

    def __init__(self, file: BinaryIO, ending: str, header: photo.Header, scaled: tuple[int, int]):
        height, width = scaled
        source, self._pipe = vips.pipe()
        os.set_blocking(self._pipe, False)
        self._error: Exception | None = None
        channels = 4 if header.alpha else 3
        self._stream = png_stream.PngStream(height, width, channels, self._put)

        def encode() -> None:
            try:
                _encode(source, file, ending, header)
            except pyvips.Error as error:
                self._error = PiEdgeError(f"the picture cannot be written ({vips.line(error)})")
            except Exception as error:
                self._error = error
            finally:
                os.close(source)

        self._thread = threading.Thread(target=encode, name="encode", daemon=True)
        try:
            self._thread.start()
        except BaseException:  # Ctrl-C while it starts
            self.abandon()
            raise

    def write(self, rows: NDArray[np.uint8]) -> None:
        self._stream.write(rows)

    def close(self) -> None:
        self._stream.close()
        os.close(self._pipe)
        self._thread.join()
        if self._error:
            raise self._error

    def abandon(self) -> None:
        os.close(self._pipe)
        if self._thread.ident:
            self._thread.join()

    def _put(self, data: bytes | memoryview) -> None:
        """Write all to the pipe. An encoder that is done has every row and may miss the rest."""
        left = memoryview(data)
        while left and self._thread.is_alive():
            if select.select([], [self._pipe], [], 0.5)[1]:
                with contextlib.suppress(BrokenPipeError, BlockingIOError):
                    left = left[os.write(self._pipe, left) :]
        if left:
            self._thread.join()
            if self._error:
                raise self._error


def writer(
    file: BinaryIO, ending: str, header: photo.Header, scaled: tuple[int, int]
) -> photo.StripWriter:
    """A picture to write into an open file.

    Args:
        ending: which format: one of `photo.ENDINGS`.
        header: the size of the picture, its alpha channel and its metadata.
        scaled: height and width of the rows that will be written; the picture is brought from
            there to its size.
    """
    return _VipsWriter(file, ending, header, scaled)


def _encode(source: int, file: BinaryIO, ending: str, header: photo.Header) -> None:
    image = pyvips.Image.new_from_source(
        pyvips.Source.new_from_descriptor(source), "", access="sequential", fail_on="error"
    )
    if (image.height, image.width) != (header.height, header.width):
        image = image.thumbnail_image(header.width, height=header.height, size="force")
    if header.alpha and ending not in photo.ALPHA_ENDINGS:
        image = image.flatten(background=[255])
    image = image.copy()
    for name, kind, value in header.metadata or ():
        image.set_type(kind, name, value)
    if header.metadata:
        # The EXIF data as a block still has the orientation that the pixels have been freed of.
        image.set_type(pyvips.GValue.gint_type, "orientation", 1)
    for name in ("bits-per-sample", "palette"):
        if image.get_typeof(name):
            image.remove(name)
    options: dict[str, Any] = {"Q": photo.QUALITY} if ending not in (".png",) else {}
    if ending in (".tif", ".tiff"):
        options = {"compression": "deflate", "predictor": "horizontal"}
        if told := vips_pixels.description(image):  # its writer takes it from nowhere else
            image.set_type(pyvips.GValue.gstr_type, "image-description", told)
    image.write_to_target(pyvips.Target.new_to_descriptor(file.fileno()), ending, **options)
