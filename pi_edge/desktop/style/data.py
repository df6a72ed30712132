"""Pictures to learn from: photos, and the paintings that lend their style."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from pi_edge import files
from pi_edge.errors import BadInput, NotFound, WrongUsage

BESIDE_CHECKOUT = Path(__file__).parents[4] / "shared" / "data"
PHOTOS = Path("photos") / "train"
HELD_OUT = Path("photos") / "val"
PAINTINGS = Path("styles")

BUILT_IN = {
    "great-wave": "great-wave-hokusai.jpg",
    "scream": "scream-munch.jpg",
    "shipwreck": "shipwreck-turner.jpg",
    "starry-night": "starry-night-van-gogh.jpg",
    "udnie": "udnie-picabia.jpg",
}
PAINTED = {
    "great-wave": "Katsushika Hokusai, about 1831; public domain",
    "scream": "Edvard Munch, 1893; public domain",
    "shipwreck": "J. M. W. Turner, 1805; public domain",
    "starry-night": "Vincent van Gogh, 1889; public domain",
    "udnie": "Francis Picabia, 1913; public domain in the USA",
}
SOURCE = "200 photos of BSDS500 (Arbelaez, Maire, Fowlkes, Malik 2011)"
TERMS = "research and education"
SHA256 = "1d336cd58fd6f813687caf808de63ad3bfebf2e395b724f17f4b4feec1a04fb6"
"""`digest` of those photos."""

FRAME = 3
"""Pixels cut off every photo's edges: some of BSDS500 have a dark line around them."""

LEAST_SIDE = 64
LONGEST_PHOTO, MOST_PHOTOS = 768, 400
"""Larger photos are reduced and more are passed over, so that a camera's folder fits in memory."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


@dataclass(frozen=True)
class Painting:
    """A painting, and what its style is called."""

    name: str
    path: Path


def find_photos(given: Path | None = None, part: Path = PHOTOS) -> list[Path]:
    """Paths of the photos to learn from, in order of their names.

    Args:
        given: a folder of the user's own. Without it `part` is looked for in the folder named by
            PI_EDGE_DATA and in a data folder beside the checkout.

    Raises:
        NotFound: there is no such folder, or no picture in it.
    """
    folder = given or _folder(part)
    if folder is None or not folder.is_dir():
        where = f"at {given}" if given else f"(looked for {', '.join(map(str, _places(part)))})"
        raise NotFound(
            f"no photos {where}: name a folder of about a hundred photos or more with --photos"
        )
    found = _pictures(folder)
    if not found:
        raise NotFound(f"no picture in {folder}: --photos takes a folder of photos")
    return found


def find_paintings(given: Path | None = None) -> list[Painting]:
    """The paintings to learn, in order of their names: those in a folder, or the built-in five.

    Raises:
        NotFound: there is no such folder, no picture in it, or one of the five is missing.
        BadInput: two files would give styles of the same name.
    """
    if given is None:
        folder = _folder(PAINTINGS)
        missing = [f for f in BUILT_IN.values() if folder is None or not (folder / f).is_file()]
        if folder is None or missing:
            looked = ", ".join(str(path) for path in _places(PAINTINGS))
            raise NotFound(
                f"the paintings are missing (looked for {missing[0]} in {looked}): name a folder "
                "of paintings with --paintings"
            )
        return [Painting(name, folder / file) for name, file in BUILT_IN.items()]
    if not given.is_dir():
        raise NotFound(f"no folder {given}: --paintings takes a folder of pictures")
    found = [Painting(style_name(path.stem), path) for path in _pictures(given)]
    if not found:
        raise NotFound(f"no picture in {given}: --paintings takes a folder of pictures")
    names = [painting.name for painting in found]
    for name in names:
        if names.count(name) > 1:
            raise BadInput(f"two paintings in {given} would be called {name}: rename one")
    return sorted(found, key=lambda painting: painting.name)


def named_painting(text: str) -> Path:
    """The path of a painting: a file's, or a built-in one's by its style.

    Raises:
        NotFound: it is neither, or the built-in ones are not here.
    """
    if text in BUILT_IN and not Path(text).exists():
        return {painting.name: painting.path for painting in find_paintings()}[text]
    if not Path(text).is_file():
        raise NotFound(f"no picture at {text}; built-in paintings are {', '.join(BUILT_IN)}")
    return Path(text)


def style_name(text: str) -> str:
    """What a style may be called, from a file's name: lower case, words joined by hyphens.

    Raises:
        BadInput: there is nothing left of it.
    """
    name = re.sub(r"[^a-z0-9_]+", "-", text.lower()).strip("-_")[:64]
    if not name:
        raise BadInput(f"{text!r} makes no name for a style: rename the file")
    return name


def check_style_name(name: str, taken: Sequence[str]) -> None:
    """Refuse a name that cannot be typed in a mix of styles, or that is taken.

    Raises:
        WrongUsage: says which.
    """
    if not _NAME.fullmatch(name):
        raise WrongUsage(
            f"{name!r} cannot be a style's name: use lower-case letters, digits, hyphens and "
            "underscores, at most 64, a letter or digit first"
        )
    if name in taken:
        raise WrongUsage(f"there is a style called {name} already: choose another --name")


def load(path: Path, shorter: int | None = None, longest: int | None = None) -> NDArray[np.uint8]:
    """A picture as [H, W, 3], turned upright, transparency over white.

    Args:
        shorter: resize so that the shorter side has so many pixels.
        longest: reduce where the longer side has more.

    Raises:
        NotFound: there is no such file.
        BadInput: it is no picture, damaged, or too small or too large to be one.
    """
    try:
        with Image.open(path) as opened:
            if longest is not None:
                opened.draft("RGB", (longest, longest))
            picture = ImageOps.exif_transpose(opened)
            if picture.mode.startswith(("I", "F")):
                # Pillow would cut off what is over 255 instead of scaling it.
                levels = np.array(picture, np.float32)
                levels /= 257.0 if levels.max() > 255 else 1.0
                picture = Image.fromarray(levels.clip(0, 255).round().astype(np.uint8))
            if picture.has_transparency_data:
                picture = picture.convert("RGBA")
                white = Image.new("RGBA", picture.size, "white")
                picture = Image.alpha_composite(white, picture)
            picture = picture.convert("RGB")
    except FileNotFoundError:
        raise NotFound(f"no picture at {path}") from None
    except UnidentifiedImageError:
        raise BadInput(f"{path} is not a picture that can be read here") from None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise BadInput(f"{path} cannot be read: {error}") from None
    if min(picture.size) < LEAST_SIDE:
        raise BadInput(
            f"{path} is {picture.width} x {picture.height} pixels: at least {LEAST_SIDE} on each "
            "side are needed"
        )
    factor = 1.0
    if shorter is not None:
        factor = shorter / min(picture.size)
    elif longest is not None:
        factor = min(1.0, longest / max(picture.size))
    if factor != 1.0:
        width, height = (max(1, round(length * factor)) for length in picture.size)
        picture = picture.resize((width, height), Image.Resampling.LANCZOS)
    return np.asarray(picture)


def load_photos(paths: Sequence[Path], frame: int = FRAME) -> list[NDArray[np.uint8]]:
    """The photos [H, W, 3] without their frames; of many an even choice.

    Raises:
        BadInput: one cannot be read.
    """
    chosen = np.linspace(0, len(paths) - 1, min(len(paths), MOST_PHOTOS)).round().astype(int)
    photos = [load(paths[index], longest=LONGEST_PHOTO) for index in chosen]
    return [photo[frame : len(photo) - frame, frame : photo.shape[1] - frame] for photo in photos]


def middle(photo: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """The middle of a photo [H, W, 3], reduced so that its shorter side is all of `side`."""
    height, width = photo.shape[:2]
    factor = side / min(height, width)
    size = (max(side, round(width * factor)), max(side, round(height * factor)))
    resized = np.asarray(Image.fromarray(photo).resize(size, Image.Resampling.LANCZOS))
    top, left = ((length - side) // 2 for length in resized.shape[:2])
    return resized[top : top + side, left : left + side]


def digest(paths: Sequence[Path]) -> str:
    """One SHA-256 of the contents of several files, in order."""
    every = "".join(files.sha256(path) for path in paths)
    return hashlib.sha256(every.encode()).hexdigest()


def _places(part: Path) -> list[Path]:
    places = [BESIDE_CHECKOUT / part]
    if "PI_EDGE_DATA" in os.environ:
        places.insert(0, Path(os.environ["PI_EDGE_DATA"]) / part)
    return places


def _folder(part: Path) -> Path | None:
    return next((path for path in _places(part) if path.is_dir()), None)


def _pictures(folder: Path) -> list[Path]:
    known = Image.registered_extensions()
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in known and path.is_file() and not path.name.startswith(".")
    )
