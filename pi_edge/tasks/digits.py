"""Handwritten digits: a picture of a number in, its digits from left to right out.

A picture is prepared the way MNIST was made (see mnist_style.py), so that a network that learnt
from MNIST can read a photograph. MNIST's own pixels, as a picture of 28x28 or as 784 numbers, go
to the network as they are.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pi_edge.errors import BadInput, NotFound, PiEdgeError, TooLarge
from pi_edge.tasks import Run, images, ink, json_body, mnist_style, search
from pi_edge.tasks.order_statistics import median

DEFAULT_MODEL = "mnist-cnn"

Box = tuple[float, float, float, float]

WORK_SIDE = 800
"""Pixels of the longer side at which a photograph is searched."""

MAX_FILE = 64 * 2**20

NO_DIGIT = "no digit found"

_SURE = 0.9
_LEAST_SURE = 0.4
"""A reading surer than the first is taken at once; one less sure than the second is no digit."""

_SIDE = mnist_style.SIDE
_COUNT = _SIDE * _SIDE
_NPY = b"\x93NUMPY"


@dataclass(frozen=True)
class Reading:
    """The digits of one picture, ready for the network.

    Attributes:
        images: float32 [n, 28, 28], 0 to 255, ink bright; n is at least 1.
        boxes: for each its left, top, right, bottom in pixels of the upright picture.
        doubt: 0 and more: how much there is against this reading before the network sees it.
    """

    images: NDArray[np.float32]
    boxes: tuple[Box, ...]
    doubt: float = 0.0


@dataclass(frozen=True)
class Request:
    """One picture, decoded.

    Attributes:
        readings: tells the readings of the picture, likeliest first; none where it has no digit.
        searched: whether the digits had to be searched for, so that there may be none.
    """

    readings: Callable[[], Iterable[Reading]]
    searched: bool = False


def from_body(body: bytes, content_type: str) -> Request:
    """The digits in an HTTP body: a picture, or JSON {"pixels": [784 numbers, 0 to 255]}.

    Raises:
        BadInput: neither, or damaged.
        TooLarge: more pixels than are decoded here.
    """
    if "json" in content_type.lower() or body[:64].lstrip()[:1] in (b"{", b"["):
        return _from_json(body)
    if body.startswith(_NPY):
        return _from_npy(body)
    return _from_picture(body)


def from_argument(text: str) -> Request:
    """The digits in a file: a picture, or .npy or JSON with 784 numbers.

    Raises:
        NotFound: there is no such file.
        BadInput: it cannot be read or understood.
        TooLarge: more bytes or pixels than are read here.
    """
    try:
        with Path(text).open("rb") as file:
            data = file.read(MAX_FILE + 1)
    except FileNotFoundError:
        raise NotFound(f"there is no file {text}") from None
    except OSError as error:
        raise BadInput(f"cannot read {text}: {error.strerror}") from error
    if len(data) > MAX_FILE:
        raise TooLarge(
            f"{text} has more than {MAX_FILE // 2**20} MiB: no picture that is read here"
        )
    return from_body(data, "")


@dataclass(frozen=True)
class Found:
    """The digits that the network sees in a picture, left to right.

    Attributes:
        images: float32 [n, 28, 28], as it was given them; n is at least 1.
        boxes: for each its place in the picture, as in Reading.
        probabilities: float32 [n, 10], what it answered.
    """

    images: NDArray[np.float32]
    boxes: tuple[Box, ...]
    probabilities: NDArray[np.float32]


def answer(
    request: Request, run: Run, about: Mapping[str, Any] = MappingProxyType({})
) -> dict[str, Any]:
    """What the network reads, as `tell` tells it.

    Raises:
        PiEdgeError: the model does not answer with probabilities [n, 10].
    """
    return tell(find(request, run))


def find(request: Request, run: Run) -> Found | None:
    """What the network sees in a picture; None where there is no digit.

    Raises:
        PiEdgeError: the model does not answer with probabilities [n, 10].
    """
    best: tuple[float, Reading, NDArray[np.float32]] | None = None
    for reading in request.readings():
        probabilities = _recognise(reading.images, run)
        # A reading is as sure as its least sure digit.
        score = float(probabilities.max(1).min()) - reading.doubt
        if best is None or score > best[0]:
            best = score, reading, probabilities
        if score > _SURE:
            break
    if best is None:
        return None
    _, reading, probabilities = best
    if request.searched and float(probabilities.max(1).mean()) - reading.doubt < _LEAST_SURE:
        return None
    return Found(reading.images, reading.boxes, probabilities)


def tell(found: Found | None) -> dict[str, Any]:
    """What was found, ready for JSON.

    Returns:
        number: the digits it spells, "" where there is none.
        digit: the digit, None unless there is exactly one.
        digits: for each, left to right, its digit, its ten probabilities and its box.
        message: only where there is no digit.
    """
    if found is None:
        return {"number": "", "digit": None, "digits": [], "message": NO_DIGIT}
    digits = [
        {
            "digit": int(row.argmax()),
            "probabilities": [float(p) for p in row],
            "box": [round(v, 1) for v in box],
        }
        for row, box in zip(found.probabilities, found.boxes, strict=True)
    ]
    return {
        "number": "".join(str(d["digit"]) for d in digits),
        "digit": digits[0]["digit"] if len(digits) == 1 else None,
        "digits": digits,
    }


def _recognise(images: NDArray[np.float32], run: Run) -> NDArray[np.float32]:
    probabilities = run({"image": images}).get("probabilities")
    if probabilities is None or probabilities.shape != (len(images), 10):
        raise PiEdgeError(
            "this model does not answer with probabilities [-1,10]: it reads no digits"
        )
    return probabilities


def to_text(answer: Mapping[str, Any]) -> str:
    """The number, and below it each digit with its probability and its box."""
    if not answer["digits"]:
        return NO_DIGIT
    lines = [str(answer["number"])]
    for digit in answer["digits"]:
        left, top, right, bottom = (round(v) for v in digit["box"])
        sure = max(digit["probabilities"])
        lines.append(f"  {digit['digit']}  {sure:6.1%}  at {left},{top} to {right},{bottom}")
    return "\n".join(lines)


# --- 784 numbers --------------------------------------------------------------------------------


def _from_json(body: bytes) -> Request:
    document = json_body.read(body)
    pixels = document.get("pixels") if isinstance(document, dict) else None
    if not isinstance(pixels, list):
        raise BadInput('send {"pixels": [784 numbers from 0 to 255]} or a picture')
    try:
        array = np.asarray(pixels)
    except ValueError as error:  # rows of different lengths
        raise BadInput(f'"pixels" must be {_COUNT} numbers from 0 to 255') from error
    return _from_numbers(array, '"pixels"')


def _from_npy(data: bytes) -> Request:
    stream = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(stream)
        header = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, _, dtype = header(stream)
        # A header may promise more than memory holds: look before loading.
        if int(np.prod(shape, dtype=object)) == _COUNT and not dtype.hasobject:
            return _from_numbers(np.load(io.BytesIO(data), allow_pickle=False), "the .npy file")
    except BadInput:
        raise
    except Exception as error:  # NumPy's reader raises a dozen kinds on damaged files
        raise BadInput(f"the .npy file is damaged: {error}") from error
    raise BadInput(
        f"the .npy file must hold {_COUNT} numbers from 0 to 255, not shape {list(shape)}"
    )


def _from_numbers(array: NDArray[Any], name: str) -> Request:
    if array.size != _COUNT:
        raise BadInput(f"{name} must be {_COUNT} numbers from 0 to 255, not {array.size}")
    if array.dtype.kind not in "iuf":
        raise BadInput(f"{name} must be {_COUNT} numbers from 0 to 255, nothing else among them")
    pixels = array.astype(np.float32).reshape(_SIDE, _SIDE)
    if not np.isfinite(pixels).all():
        raise BadInput(f"{name} must be finite numbers: there is a NaN or an infinity among them")
    if pixels.min() < 0 or pixels.max() > 255:
        raise BadInput(
            f"{name} must be from 0 to 255, not {float(pixels.min()):g} to {float(pixels.max()):g}"
        )
    if 0 < pixels.max() <= 1:
        raise BadInput(f"{name} are all at most 1: send 0 to 255, not 0 to 1")
    return _as_is(_ink_bright(pixels))


def _ink_bright(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """MNIST's ink is bright on black: turned where the border is bright."""
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    return 255 - pixels if median(border) > 127 else pixels


def _as_is(pixels: NDArray[np.float32]) -> Request:
    rows, columns = np.flatnonzero((pixels > 64).any(1)), np.flatnonzero((pixels > 64).any(0))
    if not len(rows):
        return Request(tuple)
    box = (float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1))
    return Request(lambda: (Reading(pixels[None], (box,)),))


# --- pictures -----------------------------------------------------------------------------------


def _from_picture(data: bytes) -> Request:
    picture = images.decode(data, WORK_SIDE)
    luma = ink.grey(picture.pixels)
    if luma.shape == (_SIDE, _SIDE):
        pixels = _ink_bright(luma.astype(np.float32))
        if _is_mnist(pixels):
            return _as_is(pixels)
    return _search(luma, picture.width, picture.height)


def _is_mnist(pixels: NDArray[np.float32]) -> bool:
    """Whether [28, 28] was made as MNIST was: a box of 20, centred by mass, on nothing at all."""
    rows, columns = np.flatnonzero(pixels.any(1)), np.flatnonzero(pixels.any(0))
    if not len(rows):
        return False
    extent = max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1
    place = np.arange(_SIDE)
    y, x = (float(pixels.sum(axis) @ place / pixels.sum()) for axis in (1, 0))
    return (
        mnist_style.BOX - 2 <= extent <= mnist_style.BOX
        and abs(y - _SIDE / 2) < 0.6
        and abs(x - _SIDE / 2) < 0.6
    )


def _search(luma: NDArray[np.uint8], width: int, height: int) -> Request:
    # Boxes are told in the pixels of the picture that was sent.
    x, y = width / luma.shape[1], height / luma.shape[0]

    def readings() -> Iterator[Reading]:
        for found in search.readings(luma):
            boxes = [glyph.box for glyph in found.glyphs]
            yield Reading(
                np.stack([glyph.pixels for glyph in found.glyphs]),
                tuple((x * b[0], y * b[1], x * b[2], y * b[3]) for b in boxes),
                found.doubt,
            )

    return Request(readings, searched=True)
