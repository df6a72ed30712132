"""What one step of training looks at: pieces of photos, each in one style."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pi_edge.desktop.style.network import MARGIN
from pi_edge.desktop.style.recipe import Phase
from pi_edge.tasks.style import noise

MOST_SHIFT = 3


@dataclass(frozen=True)
class Crops:
    """A step's batch.

    Attributes:
        pictures: [B, S, S, 3], 0 to 255, S = crop + 2 MARGIN; around a crop are mostly its own
            surroundings, at a photo's edge their reflection.
        noise: [B, S, S, 1], what is added to them for the network, and only for it.
        styles: [B], which style each gets.
        shift: [2], pixels down and right by which a second look is moved; never both 0.
    """

    pictures: NDArray[np.float32]
    noise: NDArray[np.float32]
    styles: NDArray[np.int64]
    shift: NDArray[np.int32]


def draw(
    photos: Sequence[NDArray[np.uint8]],
    seed: int,
    step: int,
    phase: Phase,
    styles: int,
    zoom: tuple[float, float],
    noisy: float = 1.0,
) -> Crops:
    """The crops of a step, out of photos [H, W, 3]; decided by (seed, step) alone.

    Args:
        noisy: how much noise there is, 1 for what a photo gets in use.
    """
    rng = np.random.default_rng([seed, step])
    side = phase.crop + 2 * MARGIN
    batch = []
    for index in rng.integers(len(photos), size=phase.batch):
        photo = photos[index]
        least = phase.crop / min(photo.shape[:2])
        factor = max(least, float(np.exp(rng.uniform(*np.log(zoom)))))
        size = [max(phase.crop, round(length * factor)) for length in photo.shape[1::-1]]
        y, x = (int(rng.integers(length - phase.crop + 1)) for length in size[::-1])
        # Cut first, then resize: the piece is small, a zoomed photo is not.
        scale = [length / full for length, full in zip(size, photo.shape[1::-1], strict=True)]
        # Bicubic interpolation looks up to four pixels further where a photo is reduced.
        room = [int(np.ceil(MARGIN / s)) + 4 for s in scale]
        padded = np.pad(photo, [(room[1], room[1]), (room[0], room[0]), (0, 0)], mode="symmetric")
        left = (x - MARGIN) / scale[0] + room[0]
        top = (y - MARGIN) / scale[1] + room[1]
        box = (left, top, left + side / scale[0], top + side / scale[1])
        piece = np.asarray(
            Image.fromarray(padded).resize((side, side), Image.Resampling.BICUBIC, box=box)
        )
        if rng.random() < 0.5:
            piece = piece[:, ::-1]
        batch.append(piece)
    chosen = rng.permutation(np.arange(max(styles, phase.batch)) % styles)[: phase.batch]
    shift = rng.integers(-MOST_SHIFT, MOST_SHIFT + 1, size=2)
    if not shift.any():
        shift[0] = 1
    fields = np.stack([_noise(rng, side) for _ in range(phase.batch)])
    return Crops(
        np.stack(batch).astype(np.float32),
        (noisy * fields[..., None]).astype(np.float32),
        chosen,
        shift.astype(np.int32),
    )


def _noise(rng: np.random.Generator, side: int) -> NDArray[np.float32]:
    """A piece [side, side] of the noise from anywhere, any way round."""
    top, left = rng.integers(len(noise.field()), size=2)
    piece = noise.at(np.arange(top, top + side), np.arange(left, left + side))
    if rng.random() < 0.5:
        piece = piece.T
    down, right = rng.choice([1, -1], size=2)
    return piece[::down, ::right]
