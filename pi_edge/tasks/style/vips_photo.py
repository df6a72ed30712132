"""Photos through libvips: decoded, turned, scaled and encoded in strips."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pi_edge.errors import BadInput, PiEdgeError, TooLarge
from pi_edge.tasks.style import photo, vips
from pi_edge.tasks.style.vips import pyvips
from pi_edge.tasks.style.vips_pixels import metadata, rgb
from pi_edge.tasks.style.vips_writer import writer

__all__ = ["open_photo", "writer"]

# Decoded whole by their libraries, whatever one asks for.
WHOLE = ("webpload", "heifload", "gifload")


def open_photo(source: Path | bytes, max_memory: int) -> photo.Photo:
    """As `photo.open_photo`."""
    return _VipsPhoto(source, max_memory)


class _VipsPhoto(photo.Photo):
    def __init__(self, source: Path | bytes, max_memory: int) -> None:
        self._source = source
        stream = vips.Stream(source)
        vips.apart(lambda: self._read_header(stream, max_memory), stream)

    def _read_header(self, stream: vips.Stream, max_memory: int) -> None:
        image = _opened(stream, "sequential")
        loader = image.get("vips-loader").removesuffix("_buffer").removesuffix("_source")
        if loader not in ("jpegload", "pngload", "webpload", "tiffload", "gifload", "heifload"):
            raise BadInput("this is no JPEG, PNG, WebP or TIFF picture")
        self._turned = image.get_typeof("orientation") != 0 and image.get("orientation") > 1
        interlaced = any(
            image.get_typeof(name) != 0 and image.get(name)
            for name in ("interlaced", "jpeg-multiscan")
        )
        photo.Header(image.height, image.width).check()
        needed = image.width * image.height * image.bands * (2 if loader == "jpegload" else 1) / 1e6
        if (interlaced or loader in WHOLE) and needed > max(max_memory, 64):
            kind = "progressive or interlaced" if interlaced else loader.removesuffix("load")
            raise TooLarge(
                f"a {kind} picture of {image.width} x {image.height} pixels is decoded whole and"
                f" takes {needed:.0f} MB: allow that with --max-memory, or save it as a plain JPEG"
            )
        upright = rgb(image.autorot())
        self.header = photo.Header(
            upright.height, upright.width, upright.hasalpha(), metadata(upright)
        )

    def reduced(self, height: int, width: int) -> NDArray[np.uint8]:
        stream = vips.Stream(self._source)
        return vips.apart(lambda: _reduced(stream, height, width), stream)

    def strips(self, height: int, width: int) -> photo.StripReader:
        stream = vips.Stream(self._source)
        access = "random" if self._turned else "sequential"
        return _VipsReader(
            vips.apart(lambda: _scaled(stream, access, height, width), stream), stream
        )


def _opened(stream: vips.Stream, access: str) -> Any:
    try:
        return pyvips.Image.new_from_source(stream.source, "", access=access, fail_on="error")
    except pyvips.Error as error:
        raise BadInput(
            f"this is no picture that can be read, or it is damaged ({vips.line(error)})"
        ) from None


def _reduced(stream: vips.Stream, height: int, width: int) -> NDArray[np.uint8]:
    try:
        small = pyvips.Image.thumbnail_source(
            stream.source, width, height=height, size="force", fail_on="error"
        )
        small = rgb(small)
        if small.hasalpha():
            small = small.flatten(background=[255])
        return np.ndarray((height, width, 3), np.uint8, small.write_to_memory())
    except pyvips.Error as error:
        raise vips.damaged(error) from None


def _scaled(stream: vips.Stream, access: str, height: int, width: int) -> Any:
    image = rgb(_opened(stream, access).autorot())
    if (height, width) != (image.height, image.width):
        image = image.thumbnail_image(width, height=height, size="force", no_rotate=True)
        image = image.cast("uchar")
    return image


class _VipsReader(photo.StripReader):
    """libvips decodes in a thread of its own and hands rows over through a pipe: asked for regions
    instead, it would keep some thousand rows."""

    def __init__(self, image: Any, stream: vips.Stream) -> None:
        self.channels, self._stream = image.bands, stream
        source, sink = vips.pipe()
        self._pipe = os.fdopen(source, "rb", buffering=0)
        self._error: PiEdgeError | None = None

        def decode() -> None:
            try:
                image.write_to_target(pyvips.Target.new_to_descriptor(sink), ".raw")
            except pyvips.Error as error:
                self._error = vips.damaged(error)
            finally:
                os.close(sink)

        self._thread = threading.Thread(target=decode, name="decode", daemon=True)
        try:
            self._thread.start()
        except BaseException:  # Ctrl-C while it starts
            self.close()
            raise

    def read(self, into: NDArray[np.uint8]) -> None:
        left = memoryview(into.data).cast("B")
        while left:
            count = self._pipe.readinto(left)
            if not count:
                self._thread.join()
                raise self._error or BadInput("the picture is cut short")
            left = left[count:]

    def close(self) -> None:
        self._stream.stop()
        self._pipe.close()
        if self._thread.ident:
            self._thread.join()
