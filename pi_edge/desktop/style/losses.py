"""What makes a picture a good one: the photo's content, the painting's style, no noise.

Each loss is divided by its target's own energy, so that layers, photos and paintings count alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from pi_edge.desktop.style import data
from pi_edge.desktop.style.perceptual import STYLE, Vgg16, gram

PAINTING_SIDE = 384
"""Pixels of a painting's shorter side when its Gram matrices are taken: decides, beside a photo's
size, how broad the strokes become."""

Grams = dict[str, NDArray[np.float32]]
"""Style layer -> Gram matrices [N, C, C] of N paintings."""


def content_loss(features: tf.Tensor, target: tf.Tensor, floor: float = 0.0) -> tf.Tensor:
    """[B]: mean squared distance of features [B, h, w, C] from the photo's (Johnson et al. 2016),
    relative to the photo's energy, or to `floor` where that is more."""
    axes = [1, 2, 3]
    energy = tf.maximum(tf.reduce_mean(target**2, axes), floor + 1e-3)
    return tf.reduce_mean((features - target) ** 2, axes) / energy


def style_loss(features: dict[str, tf.Tensor], grams: dict[str, tf.Tensor]) -> tf.Tensor:
    """[B]: mean over layers of the Gram matrices' squared distance (Gatys et al. 2015), relative
    to the painting's."""
    losses = [
        tf.reduce_sum((gram(features[layer]) - grams[layer]) ** 2, [1, 2])
        / tf.reduce_sum(grams[layer] ** 2, [1, 2])
        for layer in STYLE
    ]
    return tf.add_n(losses) / len(losses)


def variation_loss(pictures: tf.Tensor) -> tf.Tensor:
    """[B]: mean absolute step to the neighbours below and right, as a share of full range."""
    down = tf.reduce_mean(tf.abs(pictures[:, 1:] - pictures[:, :-1]), [1, 2, 3])
    right = tf.reduce_mean(tf.abs(pictures[:, :, 1:] - pictures[:, :, :-1]), [1, 2, 3])
    return (down + right) / 255.0


def grams_of(pictures: Sequence[NDArray[np.uint8]], features: Vgg16) -> Grams:
    """The Gram matrices of paintings [H, W, 3] of any sizes, computed as they are."""
    found: dict[str, list[NDArray[np.float32]]] = {layer: [] for layer in STYLE}
    for picture in pictures:
        given = tf.constant(picture[None].astype(np.float32))
        for layer, value in features(given, STYLE).items():
            found[layer].append(gram(value)[0].numpy())
    return {layer: np.stack(values) for layer, values in found.items()}


def painting_grams(paths: Sequence[Path], features: Vgg16) -> Grams:
    """The Gram matrices that a network learns from: of paintings at PAINTING_SIDE."""
    return grams_of([data.load(path, PAINTING_SIDE) for path in paths], features)
