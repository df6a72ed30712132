"""Photos in, whatever they are kept as: strips of upright 8-bit RGB, and what goes with them.

libvips (pyvips) reads and writes in strips, so that memory does not grow with the picture. Where
it cannot be had Pillow does the same with the whole picture in memory: 3 bytes a pixel read and 3
written, so 72 MB more for 12 megapixels.
"""

from __future__ import annotations

import importlib.util
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pi_edge.errors import BadInput, NotFound, TooLarge
from pi_edge.tasks import jpeg_scans

MAX_PIXELS = 1_000_000_000
MAX_SIDE = 65_500
"""More a JPEG cannot be written with; 1,000 megapixels are an hour's work on a Pi."""

ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff")
"""Endings of the files that are read and written."""

ALPHA_ENDINGS = (".png", ".webp", ".tif", ".tiff")

QUALITY = 92
"""Of JPEG and WebP, 1 to 100."""


@dataclass(frozen=True)
class Header:
    """What is known of a photo before its pixels are read.

    Attributes:
        height, width: in pixels, upright.
        alpha: whether parts of it are transparent.
        metadata: EXIF, ICC profile and the like, as the reader hands them to its own writer.
    """

    height: int
    width: int
    alpha: bool = False
    metadata: Any = field(default=None, repr=False)

    def check(self) -> None:
        """Refuse a picture that nobody means.

        Raises:
            TooLarge: it has too many pixels, or too many in a row.
        """
        if self.height * self.width > MAX_PIXELS or max(self.height, self.width) > MAX_SIDE:
            raise TooLarge(
                f"the picture claims {self.width} x {self.height} pixels; at most"
                f" {MAX_PIXELS // 10**6} megapixels and {MAX_SIDE} a side are styled"
            )


class Photo(ABC):
    """A photo to be styled."""

    header: Header

    @abstractmethod
    def reduced(self, height: int, width: int) -> NDArray[np.uint8]:
        """The whole photo at another size, RGB [height, width, 3] over white."""

    @abstractmethod
    def strips(self, height: int, width: int) -> StripReader:
        """The pixels at a size, from top to bottom, once."""


class StripReader(ABC):
    """Rows of a photo from top to bottom, of 3 channels or, with alpha, 4."""

    channels: int

    @abstractmethod
    def read(self, into: NDArray[np.uint8]) -> None:
        """Fill [rows, width, 3], or 4 where the photo has an alpha channel, with the next rows.

        Raises:
            BadInput: the file is damaged or ends too soon.
        """

    def close(self) -> None:  # noqa: B027 (nothing to do is fine)
        """Stop reading, wherever it stands."""


class HeldRows(StripReader):
    """Rows of pixels [h, w, 3 or 4] that are in memory."""

    def __init__(self, pixels: NDArray[np.uint8]) -> None:
        self.channels, self._pixels, self._row = pixels.shape[2], pixels, 0

    def read(self, into: NDArray[np.uint8]) -> None:
        into[:] = self._pixels[self._row : self._row + len(into)]
        self._row += len(into)


class StripWriter(ABC):
    """A picture that is written from top to bottom."""

    @abstractmethod
    def write(self, rows: NDArray[np.uint8]) -> None:
        """The next rows [n, width, 3 or 4]."""

    @abstractmethod
    def close(self) -> None:
        """Finish the file."""

    @abstractmethod
    def abandon(self) -> None:
        """Stop writing; whatever is in the file is of no use."""


def backend() -> Any:
    """The module that reads and writes: `vips_photo`, or `pillow_photo` without pyvips."""
    if importlib.util.find_spec("pyvips"):
        try:
            from pi_edge.tasks.style import vips_photo

            return vips_photo
        except (ImportError, OSError):  # pyvips without the libvips it wants
            pass
    from pi_edge.tasks.style import pillow_photo

    return pillow_photo


def open_photo(source: Path | bytes, max_memory: int) -> Photo:
    """A photo from a file or from bytes.

    Args:
        max_memory: megabytes there may be; what must be decoded whole is refused beyond.

    Raises:
        NotFound: there is no such file.
        BadInput: it is no picture, or damaged.
        TooLarge: it claims too many pixels.
    """
    if isinstance(source, Path):
        if not source.exists():
            raise NotFound(f"there is no file {source}")
        if source.is_dir():
            raise BadInput(f"{source} is a folder")
    elif not source:
        raise BadInput("the picture is empty: send the bytes of a JPEG, PNG, WebP or TIFF file")
    jpeg_scans.check(source)
    photo: Photo = backend().open_photo(source, max_memory)
    return photo


def reduced_size(height: int, width: int, pixels: int) -> tuple[int, int]:
    """Height and width of about so many pixels in the same proportions; never more than it has."""
    factor = min(1.0, (pixels / (height * width)) ** 0.5)
    return max(1, round(height * factor)), max(1, round(width * factor))
