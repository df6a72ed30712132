"""Photos through Pillow, for machines without libvips: the whole picture in memory.

Without libvips' colour management CMYK is converted as Pillow does it, without its profile.
"""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import PIL.Image
from numpy.typing import NDArray
from PIL import ImageOps

from pi_edge.errors import BadInput, TooLarge
from pi_edge.tasks.style import photo

FORMATS = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".png": "PNG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
}
MEGABYTES_A_MEGAPIXEL = 9  # decoded, upright, and styled


def open_photo(source: Path | bytes, max_memory: int) -> photo.Photo:
    """As `photo.open_photo`."""
    return _PillowPhoto(source, max_memory)


class _PillowPhoto(photo.Photo):
    def __init__(self, source: Path | bytes, max_memory: int) -> None:
        warnings.simplefilter("ignore", PIL.Image.DecompressionBombWarning)
        try:
            opened = PIL.Image.open(
                io.BytesIO(source) if isinstance(source, bytes) else source,
                formats=sorted(set(FORMATS.values())),
            )
        except PIL.Image.DecompressionBombError as error:
            raise TooLarge("the picture claims too many pixels to be decoded whole") from error
        except Exception as error:
            raise BadInput(
                "this is no JPEG, PNG, WebP or TIFF picture, or it is damaged"
            ) from error
        header = photo.Header(opened.height, opened.width)
        header.check()
        needed = header.height * header.width * MEGABYTES_A_MEGAPIXEL / 1e6
        if needed > max(max_memory, 64):
            raise TooLarge(
                f"without libvips a picture of {header.width} x {header.height} pixels takes"
                f" {needed:.0f} MB: install pyvips-binary, or allow that with --max-memory"
            )
        try:
            upright = _rgb(ImageOps.exif_transpose(opened))
        except Exception as error:  # Pillow's readers raise a dozen kinds on damaged files
            raise BadInput(f"the picture is damaged or cut short ({error})") from error
        self._image = upright
        kept = {
            name: upright.info[name] for name in ("exif", "icc_profile") if name in upright.info
        }
        if opened.mode not in ("RGB", "RGBA"):
            kept.pop("icc_profile", None)  # of inks or greys, which it no longer is
        self.header = photo.Header(upright.height, upright.width, upright.mode == "RGBA", kept)

    def reduced(self, height: int, width: int) -> NDArray[np.uint8]:
        small = self._image.resize((width, height), PIL.Image.Resampling.BOX)
        if small.mode == "RGBA":
            ground = PIL.Image.new("RGBA", small.size, "white")
            small = PIL.Image.alpha_composite(ground, small)
        return np.asarray(small.convert("RGB"))

    def strips(self, height: int, width: int) -> photo.StripReader:
        image = self._image
        if (height, width) != (image.height, image.width):
            image = image.resize((width, height), PIL.Image.Resampling.BICUBIC)
        return _PillowReader(image)


class _PillowReader(photo.StripReader):
    def __init__(self, image: Any) -> None:
        self.channels = len(image.getbands())
        self._image, self._row = image, 0

    def read(self, into: NDArray[np.uint8]) -> None:
        box = (0, self._row, self._image.width, self._row + len(into))
        self._row += len(into)
        into[:] = np.asarray(self._image.crop(box))


class _PillowWriter(photo.StripWriter):
    def __init__(self, file: BinaryIO, ending: str, header: photo.Header, scaled: tuple[int, int]):
        self._file, self._ending, self._header = file, ending, header
        self._rows = np.empty((*scaled, 4 if header.alpha else 3), np.uint8)
        self._row = 0

    def write(self, rows: NDArray[np.uint8]) -> None:
        self._rows[self._row : self._row + len(rows)] = rows
        self._row += len(rows)

    def close(self) -> None:
        image = PIL.Image.fromarray(self._rows)
        size = (self._header.width, self._header.height)
        if image.size != size:
            image = image.resize(size, PIL.Image.Resampling.BICUBIC)
        if image.mode == "RGBA" and self._ending not in photo.ALPHA_ENDINGS:
            ground = PIL.Image.new("RGBA", image.size, "white")
            image = PIL.Image.alpha_composite(ground, image).convert("RGB")
        options: dict[str, Any] = dict(self._header.metadata or {})
        kind = FORMATS[self._ending]
        if kind in ("JPEG", "WEBP"):
            options["quality"] = photo.QUALITY
        if kind == "TIFF":
            options["compression"] = "tiff_adobe_deflate"
        image.save(self._file, kind, **options)

    def abandon(self) -> None:
        self._rows = self._rows[:0]


def writer(
    file: BinaryIO, ending: str, header: photo.Header, scaled: tuple[int, int]
) -> photo.StripWriter:
    """As `vips_photo.writer`."""
    return _PillowWriter(file, ending, header, scaled)


def _rgb(image: Any) -> Any:
    """8-bit RGB, or RGBA where parts are transparent; loads the pixels."""
    if image.mode.startswith("I"):  # 16-bit grey; convert("L") would clip it at 255
        grey = (np.asarray(image, np.float32) / 257 + 0.5).astype(np.uint8)
        converted = PIL.Image.fromarray(grey).convert("RGB")
    elif "transparency" in image.info or image.mode in ("LA", "PA", "RGBA", "La", "RGBa"):
        converted = image.convert("RGBA")
    else:
        converted = image.convert("RGB")
    converted.load()
    converted.info = dict(image.info)
    return converted
