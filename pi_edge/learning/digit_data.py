"""Digits to learn from: MNIST, a folder of pictures by label, or what was put right in use.

Each is divided into those to learn from and those that are held back, to compare by.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from pi_edge import files
from pi_edge.errors import BadInput, NotFound
from pi_edge.examples import Examples
from pi_edge.learning import mnist, pictures
from pi_edge.learning.order import Order

LEAST = 20
"""Pictures without which there is nothing to learn, and nothing to measure."""

SHARE = 10
"""One in so many pictures that a network is shown is an example, the others it knows already."""

HELD_BACK = 5
"""One in so many examples is held back, where there are at least as many as LEAST."""


class Digits(Protocol):
    """Labels uint8 [n], and the images uint8 [rows, 28, 28] of some rows."""

    @property
    def labels(self) -> np.ndarray: ...

    def images(self, rows: Iterable[int]) -> np.ndarray: ...


@dataclass(frozen=True)
class InMemory:
    """Digits that are few."""

    pictures: np.ndarray
    labels: np.ndarray

    def images(self, rows: Iterable[int]) -> np.ndarray:
        chosen: np.ndarray = self.pictures[np.asarray(rows)]
        return chosen


@dataclass(frozen=True)
class Data:
    """What a network learns from.

    Attributes:
        digits: all but the test images.
        training, held_back: numbers of those to learn from, and to compare by; those to be seen
            more than once an epoch stand there so often.
        test: what the result is measured on at last; the held back ones where it is None.
        sha256: of the data.
        about: for model.json.
    """

    digits: Digits
    training: np.ndarray
    held_back: np.ndarray
    test: Digits | None
    sha256: str
    about: Mapping[str, Any]


def of(order: Order) -> Data:
    """The data that an order names.

    Raises:
        NotFound: there is none.
        BadInput: it is too little, or not what it should be.
    """
    if order.examples:
        return _examples(order)
    if order.data is not None and order.data.is_dir() and not (order.data / mnist.FILE).is_file():
        packed, sha256 = pictures.pack(order.data, order.kept() / "pictures.u8")
        about = {"source": "a folder of pictures", "sha256": sha256}
        return _divided(packed, None, sha256, about)
    npz = mnist.find(order.data)
    sha256 = files.sha256(npz)
    unpacked = order.kept().parent
    digits, test = (mnist.unpack(npz, part, unpacked, sha256) for part in ("train", "test"))
    about = {"source": mnist.SOURCE, "terms": mnist.TERMS, "sha256": sha256}
    return _divided(digits, test, sha256, about)


def _divided(digits: Digits, test: Digits | None, sha256: str, about: Mapping[str, Any]) -> Data:
    labels = digits.labels
    if len(labels) < LEAST:
        raise BadInput(f"{len(labels)} examples in all: at least {LEAST} are needed")
    if labels.max() > 9:
        raise BadInput(f"there is a label {labels.max()}: labels are 0 to 9")
    split = mnist.split(len(labels))
    return Data(digits, split.training, split.held_out, test, sha256, about)


def _examples(order: Order) -> Data:
    """What was put right in use, mixed with what the network knows, so that it does not forget."""
    told = order.model.info.get("rehearsal")
    if not isinstance(told, dict):
        raise BadInput(
            f"{order.model.name} cannot learn from examples: it has no pictures to rehearse with;"
            " mnist-cnn has"
        )
    images, labels = Examples(order.state).arrays()
    if not len(labels):
        raise NotFound(
            "there are no examples: POST /tasks/digits/examples keeps them (docs/learning.md)"
        )
    home = order.model.files[order.model.default].parent
    with np.load(home / str(told["file"]), allow_pickle=False) as known:
        both = InMemory(
            np.concatenate([known["images"], images]), np.concatenate([known["labels"], labels])
        )
        count = len(known["labels"])
    rehearsed, held_back = _apart(np.arange(count), HELD_BACK * 2)
    own = np.arange(count, len(both.labels))
    if len(own) >= LEAST:
        own, kept = _apart(own, HELD_BACK)
        held_back = np.concatenate([held_back, kept])
    often = max(1, round(len(rehearsed) / (SHARE - 1) / len(own)))
    sha256 = hashlib.sha256(both.pictures.tobytes() + both.labels.tobytes()).hexdigest()
    about = {"source": "examples put right in use", "examples": len(labels), "rehearsed": count}
    training = np.concatenate([rehearsed, np.repeat(own, often)])
    return Data(both, training, held_back, None, sha256, about)


def _apart(rows: np.ndarray, every: int) -> tuple[np.ndarray, np.ndarray]:
    """Those to learn from, and one in so many others."""
    held = np.arange(len(rows)) % every == every - 1
    return rows[~held], rows[held]
