"""A folder of pictures by label, FOLDER/7/any.png, as digits to learn from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from pi_edge import files
from pi_edge.errors import BadInput, PiEdgeError
from pi_edge.learning.mnist import Digits
from pi_edge.tasks import digits

ENDINGS = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif"}


def pack(folder: Path, target: Path) -> tuple[Digits, str]:
    """Prepare every picture as the digits task does, one at a time, and pack them into a file.

    Returns:
        The digits, and a SHA-256 of the pictures' names and contents.

    Raises:
        BadInput: a folder's name is no digit, there are no pictures, one cannot be read or does
            not show exactly one digit.
    """
    labels, known = [], hashlib.sha256()
    with files.replacing(target) as file:
        for path, label in _labelled(folder):
            try:
                data = path.read_bytes()
                reading = next(iter(digits.from_body(data, "").readings()), None)
            except OSError as error:
                raise BadInput(f"cannot read {path}: {error.strerror}") from error
            except PiEdgeError as error:
                raise BadInput(f"{path}: {error}") from error
            if reading is None or len(reading.images) != 1:
                count = 0 if reading is None else len(reading.images)
                raise BadInput(f"{path} shows {count} digits: one each is what can be learned from")
            file.write(reading.images[0].round().astype(np.uint8).tobytes())
            labels.append(label)
            known.update(f"{path.relative_to(folder)} {len(data)} ".encode(errors="replace") + data)
    if not labels:
        raise BadInput(f"{folder} has no pictures: put them in {folder}/0 to {folder}/9")
    return Digits(target, np.array(labels, np.uint8)), known.hexdigest()


def _labelled(folder: Path) -> Iterator[tuple[Path, int]]:
    for place in sorted(path for path in folder.iterdir() if path.is_dir()):
        if place.name not in set("0123456789"):
            raise BadInput(f"{place} is no label: pictures belong in folders called 0 to 9")
        for path in sorted(place.iterdir()):
            if path.suffix.lower() in ENDINGS:
                yield path, int(place.name)
