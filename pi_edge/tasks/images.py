"""Any picture, decoded without trusting it: bounded memory, upright, no alpha, RGB.

Pillow is imported at the first picture, and of its fifty readers only the five offered here.
"""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pi_edge.errors import BadInput, TooLarge
from pi_edge.tasks import jpeg_scans

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF")

MAX_PIXELS = 52_000_000
"""What a 50-megapixel phone makes: a baseline JPEG, which is decoded at reduced size."""

MAX_WHOLE_PIXELS = 26_000_000
"""The limit where the whole picture must be in memory at once: everything else."""

MAX_TEXT = 1024 * 1024
"""Bytes of text in a PNG, unpacked."""

_ORIENTATION_TAG = 0x0112
_HEIC_BRANDS = (b"ftypheic", b"ftypheix", b"ftypheif", b"ftypmif1")


@dataclass(frozen=True)
class Picture:
    """A decoded picture.

    Attributes:
        pixels: uint8 [h, w, 3], RGB, upright, reduced to the side asked for.
        width: of the upright picture before it was reduced, in pixels.
        height: likewise.
    """

    pixels: NDArray[np.uint8]
    width: int
    height: int


def decode(data: bytes, side: int) -> Picture:
    """The picture in ``data``, turned upright and reduced so that no side exceeds ``side`` pixels.

    Transparency is laid over white, or over black where the opaque part is bright, so that ink
    stays visible. Of an animation the first frame counts.

    Raises:
        BadInput: empty, of another format, or damaged.
        TooLarge: the header tells of more pixels than are decoded here.
    """
    image = _open(data)
    width, height = image.size
    try:
        orientation = _orientation(image)
        # JPEG alone can be decoded straight to a half, a quarter or an eighth of its size.
        image.draft(None, (side, side))
        image = _opaque(_reduce(_eight_bit(image), side))
        pixels = _upright(np.asarray(image), orientation)
    except Exception as error:  # Pillow's readers raise a dozen kinds on damaged files
        raise BadInput(f"the picture is damaged ({_line(error)}): send the whole file") from error
    if orientation >= 5:
        width, height = height, width
    return Picture(np.ascontiguousarray(pixels), width, height)


@cache
def _pillow() -> Any:
    """Pillow's Image module with the five readers; Image.open's own search imports all fifty."""
    import PIL.Image
    from PIL import (  # noqa: F401  (importing a plugin registers its reader)
        BmpImagePlugin,
        GifImagePlugin,
        JpegImagePlugin,
        PngImagePlugin,
        WebPImagePlugin,
    )

    # Compressed texts in a PNG: nobody reads them here. Pillow itself would unpack 64 MB.
    PngImagePlugin.MAX_TEXT_MEMORY = MAX_TEXT
    # What Pillow warns of (odd EXIF, odd palettes, size) is decided here, not on stderr.
    warnings.filterwarnings("ignore", module=r"PIL\.")
    return PIL.Image


def _open(data: bytes) -> Any:
    pillow = _pillow()
    if not data:
        raise BadInput("the picture is empty: send the bytes of a PNG, JPEG, WebP, BMP or GIF file")
    jpeg_scans.check(data)
    try:
        image = pillow.open(io.BytesIO(data), formats=FORMATS)
    except pillow.DecompressionBombError as error:
        raise TooLarge(f"the picture has more than {MAX_PIXELS // 10**6} megapixels") from error
    except Exception as error:
        if data[4:12] in _HEIC_BRANDS:
            raise BadInput("HEIC pictures are not read: save or share it as JPEG") from error
        raise BadInput(
            "this is no PNG, JPEG, WebP, BMP or GIF picture, or it is damaged"
        ) from error
    width, height = image.size
    whole = image.format not in ("JPEG", "MPO") or "progressive" in image.info
    limit = MAX_WHOLE_PIXELS if whole else MAX_PIXELS
    if width * height > limit:
        raise TooLarge(
            f"the picture has {width} x {height} pixels; at most {limit // 10**6} megapixels are"
            f" read from {'such a file' if whole else 'a JPEG'}: make it smaller"
        )
    return image


def _orientation(image: Any) -> int:
    """EXIF's orientation, 1 to 8; damaged EXIF data does not spoil a readable picture."""
    try:
        value = image.getexif().get(_ORIENTATION_TAG, 1)
    except Exception:
        return 1
    return value if value in range(1, 9) else 1


def _eight_bit(image: Any) -> Any:
    """The same in one of the modes L, RGB and RGBA."""
    mode = image.mode
    if mode == "P" or mode == "PA":
        return image.convert("RGBA" if mode == "PA" or "transparency" in image.info else "RGB")
    if mode == "1":
        return image.convert("L")
    if mode.startswith("I"):  # 16-bit grey; convert("L") would clip it at 255
        return _pillow().fromarray((np.asarray(image, np.float32) / 257 + 0.5).astype(np.uint8))
    if mode in ("L", "RGB") and "transparency" in image.info:  # one colour is transparent
        return image.convert("RGBA")
    if mode == "LA":
        return image.convert("RGBA")
    return image if mode in ("L", "RGB", "RGBA") else image.convert("RGB")


def _reduce(image: Any, side: int) -> Any:
    """Reduced, aspect kept, so that the longer side is at most ``side``; never enlarged."""
    width, height = image.size
    scale = side / max(width, height)
    if scale >= 1:
        image.load()
        return image
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return image.resize(size, _pillow().Resampling.BILINEAR, reducing_gap=2.0)


def _opaque(image: Any) -> Any:
    """RGB over a ground that the opaque part stands out from."""
    if image.mode != "RGBA":
        return image.convert("RGB")
    rgba = np.asarray(image, np.float32)
    alpha = rgba[..., 3:] / 255
    bright = float((rgba[..., :3] * alpha).sum() / max(3 * float(alpha.sum()), 1e-6))
    ground = 0.0 if bright > 128 and float(alpha.min()) < 0.5 else 255.0
    blended = rgba[..., :3] * alpha + ground * (1 - alpha)
    return _pillow().fromarray((blended + 0.5).astype(np.uint8))


def _upright(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """``pixels`` [h, w, 3] turned as EXIF 2.3, section 4.6.4, tag 0x0112 tells."""
    if orientation >= 5:
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels


def _line(error: Exception) -> str:
    return str(error).partition("\n")[0].rstrip(".") or type(error).__name__
