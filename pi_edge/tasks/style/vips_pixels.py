"""What libvips makes of the pixels of a photo and of what goes with them."""

from __future__ import annotations

import re
from typing import Any

from pi_edge.errors import BadInput
from pi_edge.tasks.style.vips import line, pyvips

# Not carried over: what describes the pixels as they were stored.
STALE = ("orientation", "exif-ifd0-Orientation", "jpeg-thumbnail-data", "gainmap-data")


def rgb(image: Any) -> Any:
    """8-bit RGB, or RGBA, in the colour space of the profile that stays with it."""
    try:
        profile = image.get_typeof("icc-profile-data") != 0
        plain = image.interpretation in ("srgb", "rgb", "rgb16")
        if image.interpretation == "cmyk" or (profile and not plain):
            # A profile for inks or greys does not describe what will be written.
            image = image.icc_transform("srgb", embedded=profile)
        elif image.interpretation == "rgb16" or (image.format == "ushort" and plain):
            image = image.colourspace("srgb", source_space="rgb16")
        elif image.interpretation != "srgb":
            image = image.colourspace("srgb")
        if image.format != "uchar":
            image = image.cast("uchar")
        return image.extract_band(0, n=min(image.bands, 4)) if image.bands > 4 else image
    except pyvips.Error as error:
        raise BadInput(f"the picture's colours cannot be read ({line(error)})") from None


def metadata(image: Any) -> list[tuple[Any, str, Any]]:
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


def description(image: Any) -> str:
    """What the EXIF data call the picture; libvips tells it twice, and of what type it is."""
    if not image.get_typeof("exif-ifd0-ImageDescription"):
        return ""
    told = image.get("exif-ifd0-ImageDescription")
    found = re.fullmatch(r"(.*) \(\1, ASCII, \d+ components, \d+ bytes\)", told, re.DOTALL)
    return found[1] if found else ""
