"""Photos through libvips: decoded, turned, scaled and encoded in strips."""

from __future__ import annotations

import contextlib
import fcntl
import io
import os
import select
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import numpy as np
from numpy.typing import NDArray

# What must be turned is decoded whole: beyond this into a file, not into memory.
os.environ.setdefault("VIPS_DISC_THRESHOLD", "16m")
# Decoding and encoding take one thread each anyway, and every further one its buffers.
os.environ.setdefault("VIPS_CONCURRENCY", "1")

import pyvips

from pi_edge.errors import BadInput, PiEdgeError, TooLarge
from pi_edge.tasks.style import photo, png_stream

pyvips.cache_set_max(0)

T = TypeVar("T")

# Decoded whole by their libraries, whatever one asks for.
WHOLE = ("webpload", "heifload", "gifload")

# Not carried over: what describes the pixels as they were stored.
STALE = ("orientation", "exif-ifd0-Orientation", "jpeg-thumbnail-data", "gainmap-data")


def open_photo(source: Path | bytes, max_memory: int) -> photo.Photo:
    """As `photo.open_photo`."""
    return _VipsPhoto(source, max_memory)


class _VipsPhoto(photo.Photo):
    def __init__(self, source: Path | bytes, max_memory: int) -> None:
        self._source = source
        _apart(lambda: self._read_header(max_memory))

    def _read_header(self, max_memory: int) -> None:
        image = self._open("sequential")
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
        upright = _upright(image) if not self._turned else _upright(self._open("random"))
        self.header = photo.Header(
            upright.height, upright.width, upright.hasalpha(), _metadata(upright)
        )

    def _stream(self) -> Any:
        """The file as libvips reads it piece by piece: given a name it maps the file into memory,
        and what has been read then counts as the process's own."""
        source = self._source
        file = io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")
        stream = pyvips.SourceCustom()
        stream.on_read(file.read)
        stream.on_seek(file.seek)
        return stream

    def _open(self, access: str) -> Any:
        try:
            return pyvips.Image.new_from_source(self._stream(), "", access=access, fail_on="error")
        except pyvips.Error as error:
            raise BadInput(
                f"this is no picture that can be read, or it is damaged ({_line(error)})"
            ) from None

    def reduced(self, height: int, width: int) -> NDArray[np.uint8]:
        return _apart(lambda: self._reduced(height, width))

    def _reduced(self, height: int, width: int) -> NDArray[np.uint8]:
        stream = self._stream()  # held here until all is read: pyvips holds it not
        try:
            small = pyvips.Image.thumbnail_source(
                stream, width, height=height, size="force", fail_on="error"
            )
            small = _rgb(small)
            if small.hasalpha():
                small = small.flatten(background=[255])
            return np.ndarray((height, width, 3), np.uint8, small.write_to_memory())
        except pyvips.Error as error:
            raise _damaged(error) from None

    def strips(self, height: int, width: int) -> photo.StripReader:
        return _VipsReader(_apart(lambda: self._scaled(height, width)))

    def _scaled(self, height: int, width: int) -> Any:
        image = _upright(self._open("random" if self._turned else "sequential"))
        if (height, width) != (image.height, image.width):
            image = image.thumbnail_image(width, height=height, size="force", no_rotate=True)
            image = image.cast("uchar")
        return image


class _VipsReader(photo.StripReader):
    """libvips decodes in a thread of its own and hands rows over through a pipe: asked for regions
    instead, it would keep some thousand rows."""

    def __init__(self, image: Any) -> None:
        self.channels = image.bands
        source, sink = _pipe()
        self._pipe = os.fdopen(source, "rb", buffering=0)
        self._error: PiEdgeError | None = None

        def decode() -> None:
            try:
                image.write_to_target(pyvips.Target.new_to_descriptor(sink), ".raw")
            except pyvips.Error as error:
                self._error = _damaged(error)
            finally:
                os.close(sink)

        self._thread = threading.Thread(target=decode, name="decode", daemon=True)
        self._thread.start()

    def read(self, into: NDArray[np.uint8]) -> None:
        left = memoryview(into.data).cast("B")
        while left:
            count = self._pipe.readinto(left)
            if not count:
                self._thread.join()
                raise self._error or BadInput("the picture is cut short")
            left = left[count:]

    def close(self) -> None:
        self._pipe.close()
        self._thread.join()


class _VipsWriter(photo.StripWriter):
    """Pixels go as an uncompressed PNG through a pipe to libvips in a thread of its own."""

    def __init__(self, file: BinaryIO, ending: str, header: photo.Header, scaled: tuple[int, int]):
        height, width = scaled
        source, self._pipe = _pipe()
        os.set_blocking(self._pipe, False)
        self._error: Exception | None = None
        channels = 4 if header.alpha else 3
        self._stream = png_stream.PngStream(height, width, channels, self._put)

        def encode() -> None:
            try:
                _encode(source, file, ending, header)
            except pyvips.Error as error:
                self._error = PiEdgeError(f"the picture cannot be written ({_line(error)})")
            except Exception as error:
                self._error = error
            finally:
                os.close(source)

        self._thread = threading.Thread(target=encode, name="encode", daemon=True)
        self._thread.start()

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


def _pipe() -> tuple[int, int]:
    """A pipe that holds a megabyte where the system lets it, so that neither end waits much."""
    ends = os.pipe()
    with contextlib.suppress(AttributeError, OSError):
        fcntl.fcntl(ends[1], fcntl.F_SETPIPE_SZ, 1 << 20)
    return ends


def _apart(work: Callable[[], T]) -> T:
    """What `work` returns or raises, done in a thread of its own.

    libvips calls back into Python to read the file. Were that the main thread, Ctrl-C could
    arrive inside the call, where it would be lost.
    """
    done: list[T] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            done.append(work())
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run, name="photo", daemon=True)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return done[0]


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
    image.write_to_target(pyvips.Target.new_to_descriptor(file.fileno()), ending, **options)


def _metadata(image: Any) -> list[tuple[Any, str, Any]]:
    """EXIF, ICC profile, XMP and resolution as (name, type, value)."""
    kept = []
    for name in image.get_fields():
        carried = name.startswith("exif-") or name in (
            "icc-profile-data",
            "xmp-data",
            "iptc-data",
            "resolution-unit",
        )
        if carried and name not in STALE:
            kept.append((name, image.get_typeof(name), image.get(name)))
    return kept


def _upright(image: Any) -> Any:
    return _rgb(image.autorot())


def _rgb(image: Any) -> Any:
    """8-bit RGB, or RGBA, in the colour space of the profile that stays with it."""
    try:
        profile = image.get_typeof("icc-profile-data") != 0
        rgb = image.interpretation in ("srgb", "rgb", "rgb16")
        if image.interpretation == "cmyk" or (profile and not rgb):
            # A profile for inks or greys does not describe what will be written.
            image = image.icc_transform("srgb", embedded=profile)
        elif image.interpretation == "rgb16" or (image.format == "ushort" and rgb):
            image = image.colourspace("srgb", source_space="rgb16")
        elif image.interpretation != "srgb":
            image = image.colourspace("srgb")
        if image.format != "uchar":
            image = image.cast("uchar")
        return image.extract_band(0, n=min(image.bands, 4)) if image.bands > 4 else image
    except pyvips.Error as error:
        raise BadInput(f"the picture's colours cannot be read ({_line(error)})") from None


def _damaged(error: Exception) -> BadInput:
    return BadInput(f"the picture is damaged or cut short ({_line(error)})")


def _line(error: Exception) -> str:
    """libvips' first complaint; it repeats itself over several lines."""
    lines = [line.strip() for line in str(getattr(error, "detail", error)).splitlines()]
    return next((line for line in lines if line), "unknown")
