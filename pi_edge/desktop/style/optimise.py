"""The original method: change the photo's own pixels until the features agree.

L. A. Gatys, A. S. Ecker, M. Bethge, "A Neural Algorithm of Artistic Style", 2015, with Adam
(Kingma and Ba 2015) from the photo instead of L-BFGS from noise. Slow, and the most faithful.

Coarse to fine: most steps are made small, where one costs little and strokes are broad; each
larger picture begins as the smaller one's result with the photo's own finer detail.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from PIL import Image

from pi_edge.desktop.style import losses
from pi_edge.desktop.style.judge import COLUMNS, Judge, Weighting
from pi_edge.desktop.style.perceptual import Vgg16, quickest_dtype
from pi_edge.desktop.style.preview import pixels
from pi_edge.errors import BadInput

RATE, LEAST_RATE = 8.0, 2.0
"""Levels, of 255, that a pixel moves in the first step: half as much at each larger size, where
the picture has its colours already, down to the least."""
LAST_RATE = 0.1
"""The part of it in the last step of each size."""
COARSEST = 256
"""Longer side at which it begins."""
SIDE = 1024
"""Longer side at which it ends unless one is asked for. Memory grows with the area: 3 GB here."""
LEAST_SIDE = 32
BETA1, BETA2, TINY = 0.9, 0.999, 1e-12

Watch = Callable[[NDArray[np.uint8], int, dict[str, float]], None]
"""Called with the picture so far [h, w, 3], the steps done and the losses, content to total."""


@dataclass(frozen=True)
class Level:
    """One size of the pyramid: longer side in pixels, and steps made at it."""

    side: int
    steps: int


def levels(iterations: int, side: int) -> list[Level]:
    """Share out steps: sides double up to `side`, and each gets half the steps of the one before.

    Every size gets at least one; where there are too few steps, the largest sizes win.
    """
    sides = [side]
    while sides[0] / 2 >= COARSEST:
        sides.insert(0, math.ceil(sides[0] / 2))
    sides = sides[-max(1, iterations) :]
    shares = 0.5 ** np.arange(len(sides))
    steps = np.maximum(1, np.floor(iterations * shares / shares.sum()).astype(int))
    steps[0] += iterations - steps.sum()
    return [Level(s, int(n)) for s, n in zip(sides, steps, strict=True)]


def optimise(
    photo: NDArray[np.uint8],
    painting: NDArray[np.uint8],
    iterations: int = 200,
    side: int | None = None,
    preview: Watch | None = None,
    *,
    every: int = 10,
    weighting: Weighting | None = None,
    features: Vgg16 | None = None,
) -> NDArray[np.uint8]:
    """A photo in a painting's style.

    Args:
        photo: [H, W, 3].
        painting: [h, w, 3]; at each size it is as large as the photo, by their shorter sides.
        iterations: steps in all.
        side: longer side of the result; without it the photo's own, but no more than SIDE.
        preview: told of the picture every so many steps, and of the last one.
        every: how many.
        weighting: of style and variation beside content.
        features: what to look through; VGG16's weights are found or fetched without it.

    Returns:
        The picture [h, w, 3], of the photo's proportions.

    Raises:
        BadInput: there is nothing to do, or too small a picture.
    """
    side = side or min(max(photo.shape[:2]), SIDE)
    if iterations < 1:
        raise BadInput(f"{iterations} iterations change nothing: at least 1 is needed")
    for what, given in (("photo", photo), ("painting", painting)):
        shorter = min(given.shape[:2]) * (side / max(photo.shape[:2]) if what == "photo" else 1)
        if shorter < LEAST_SIDE:
            raise BadInput(f"the {what} is too small: at least {LEAST_SIDE} pixels are needed")
    features = features or Vgg16(dtype=quickest_dtype())
    picture: NDArray[np.float32] | None = None
    before: NDArray[np.float32] | None = None
    done = 0
    for index, level in enumerate(levels(iterations, side)):
        rate = max(RATE / 2**index, LEAST_RATE)
        here = resized(photo, _size(photo, level.side))
        start = here
        if picture is not None and before is not None:
            finer = here - resized(before, here.shape[:2])
            start = np.clip(resized(picture, here.shape[:2]) + finer, 0.0, 255.0)
        factor = min(here.shape[:2]) / min(painting.shape[:2])
        height, width = (max(LEAST_SIDE, round(n * factor)) for n in painting.shape[:2])
        grams = losses.grams_of([pixels(resized(painting, (height, width)))], features)
        judge = Judge(here, grams, weighting or Weighting(), features)
        for number, step in enumerate(descend(judge, start, level.steps, rate), 1):
            done += 1
            if preview is not None and (done % every == 0 or done == iterations):
                preview(pixels(step.pictures[0]), done, step.losses(0))
            if number == level.steps:
                picture = step.pictures[0].numpy()
        before = here
    assert picture is not None
    return pixels(picture)


@dataclass(frozen=True)
class Descent:
    """Where a descent is: pictures [N, h, w, 3] and the losses [N, 4] that they came from."""

    pictures: tf.Tensor
    judged: tf.Tensor

    def losses(self, index: int) -> dict[str, float]:
        """One picture's losses before the step."""
        return dict(zip(COLUMNS, map(float, self.judged[index].numpy()), strict=True))


def descend(
    judge: Judge, start: NDArray[Any], steps: int, rate: float = RATE, last: float = LAST_RATE
) -> Iterator[Descent]:
    """Adam on the pixels of pictures, one for each of the judge's paintings; yields each step.

    Args:
        start: [h, w, 3], where all begin, or [N, h, w, 3].
        rate: in levels a step, falling as half a cosine to `last` of it; 1 keeps it as it is.
    """
    begin = np.asarray(start, np.float32)
    if begin.ndim == 3:
        begin = np.repeat(begin[None], judge.count, 0)
    pictures = tf.Variable(begin)
    first, second = (tf.Variable(tf.zeros_like(pictures)) for _ in range(2))

    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
    def move(rate: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(pictures)
            judged = judge.tensors(pictures)
            total = tf.reduce_sum(judged[:, 3])
        gradient = tape.gradient(total, pictures)
        first.assign(BETA1 * first + (1 - BETA1) * gradient)
        second.assign(BETA2 * second + (1 - BETA2) * gradient * gradient)
        correct = tf.sqrt(1 - BETA2**count) / (1 - BETA1**count)
        change = rate * correct * first / (tf.sqrt(second) + TINY)
        pictures.assign(tf.clip_by_value(pictures - change, 0.0, 255.0))
        return judged

    for number in range(steps):
        fallen = 0.5 + 0.5 * math.cos(math.pi * number / steps)
        now = rate * (last + (1 - last) * fallen)
        judged = move(tf.constant(now, tf.float32), tf.constant(number + 1.0, tf.float32))
        yield Descent(pictures.read_value(), judged)


def resized(picture: NDArray[Any], size: tuple[int, ...]) -> NDArray[np.float32]:
    """A picture [H, W, 3] at another height and width, as floats, 0 to 255."""
    height, width = size[:2]
    if picture.shape[:2] == (height, width):
        return picture.astype(np.float32)
    planes = [
        Image.fromarray(picture[..., channel].astype(np.float32)).resize(
            (width, height), Image.Resampling.LANCZOS
        )
        for channel in range(3)
    ]
    stacked = np.stack([np.asarray(plane, np.float32) for plane in planes], 2)
    return np.asarray(np.clip(stacked, 0.0, 255.0))


def _size(photo: NDArray[Any], side: int) -> tuple[int, int]:
    height, width = photo.shape[:2]
    factor = side / max(height, width)
    return max(1, round(height * factor)), max(1, round(width * factor))
