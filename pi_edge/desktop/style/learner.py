"""One step of learning: weights, Adam's moments and the running average, moved together.

A step styles crops, compares their VGG features with the photos' own and with the paintings'
(Johnson et al. 2016), and in some steps looks a second time at the crops moved by a few pixels,
which must give the same picture, moved: so that stills of a video do not flicker.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from pi_edge.desktop.style import losses, network
from pi_edge.desktop.style.crops import Crops
from pi_edge.desktop.style.network import MARGIN
from pi_edge.desktop.style.perceptual import CONTENT, STYLE, Vgg16
from pi_edge.desktop.style.recipe import Phase, Recipe

BETA1, BETA2, TINY = 0.9, 0.999, 1e-8
LARGEST_GRADIENT = 5.0
EDGE = 8
"""Pixels inside a crop that a shift by whole pixels may spoil."""
GROUPS = ("w", "m", "v", "a")
"""Weights, first and second moments, average: prefixes of the names in a checkpoint."""


@dataclass(frozen=True)
class Step:
    """What a step came to: losses [B] of each crop, the change under a shift where it looked,
    and the gradients' norm."""

    content: NDArray[np.float32]
    style: NDArray[np.float32]
    variation: NDArray[np.float32]
    flicker: float | None
    norm: float


class Learner:
    """A network that learns.

    Args:
        shape: of the network.
        values: all weights; a checkpoint's `m:`, `v:` and `a:` too, where there are any.
        features: what the losses look through.
        frozen: says of a weight's name that it stays as it is.
    """

    def __init__(
        self,
        shape: network.Shape,
        values: Mapping[str, NDArray[np.float32]],
        features: Vgg16,
        recipe: Recipe,
        frozen: Callable[[str], bool] = lambda name: False,
    ) -> None:
        self.shape, self.features, self.recipe = shape, features, recipe
        given = {
            name.removeprefix("w:"): value
            for name, value in values.items()
            if not name.startswith(("m:", "v:", "a:"))
        }
        names = sorted(given)
        self.learned = [name for name in names if not frozen(name)]
        self.weights: dict[str, Any] = {
            name: tf.constant(given[name]) if frozen(name) else tf.Variable(given[name])
            for name in names
        }
        zeros = {name: np.zeros_like(given[name]) for name in self.learned}
        self.first, self.second, self.average = (
            {name: tf.Variable(values.get(f"{group}:{name}", other[name])) for name in self.learned}
            for group, other in (("m", zeros), ("v", zeros), ("a", given))
        )
        self._compiled: dict[tuple[int, int, bool], Callable[..., Any]] = {}

    def values(self) -> dict[str, Any]:
        """All that changes, by the names a checkpoint has."""
        groups = (self.weights, self.first, self.second, self.average)
        return {
            f"{group}:{name}": values[name]
            for group, values in zip(GROUPS, groups, strict=True)
            for name in self.learned
        }

    def averaged(self) -> network.Arrays:
        """The weights to use: averages of what was learned, and what is frozen."""
        return {name: np.asarray(value) for name, value in (self.weights | self.average).items()}

    def step(
        self, crops: Crops, grams: losses.Grams, number: int, phase: Phase, rate: float
    ) -> Step:
        """Learn from a batch. `number` is the step's, from 0; `grams` are all styles'."""
        steady = phase.steady > 0 and number % self.recipe.steady_every == 0
        key = (phase.crop, phase.batch, steady)
        if key not in self._compiled:
            self._compiled[key] = tf.function(self._graph(phase.crop, steady), autograph=False)
        # Early on the average must forget quickly where it started.
        decay = min(self.recipe.averaging, (1 + number) / (10 + number))
        # Tensors, not Python's numbers: for each of those TensorFlow would trace anew.
        content, style, variation, flicker, norm = self._compiled[key](
            tf.constant(crops.pictures),
            tf.constant(crops.noise),
            tf.constant(network.one_hot(crops.styles, self.shape.styles)),
            {layer: tf.constant(grams[layer][crops.styles]) for layer in STYLE},
            tf.constant(crops.shift),
            tf.constant([phase.style, phase.variation, phase.steady], tf.float32),
            tf.constant([rate, number + 1.0, decay], tf.float32),
        )
        return Step(
            content.numpy(),
            style.numpy(),
            variation.numpy(),
            float(flicker) if steady else None,
            float(norm),
        )

    def _graph(self, crop: int, steady: bool) -> Callable[..., Any]:
        inner = slice(MARGIN, MARGIN + crop)
        core = slice(MARGIN + EDGE, MARGIN + crop - EDGE)

        def styled(pictures: tf.Tensor, styles: tf.Tensor) -> tf.Tensor:
            return network.forward(self.weights, self.shape, pictures, styles, MARGIN)

        def step(
            pictures: tf.Tensor,
            noise: tf.Tensor,
            styles: tf.Tensor,
            grams: dict[str, tf.Tensor],
            shift: tf.Tensor,
            weights: tf.Tensor,
            settings: tf.Tensor,
        ) -> tuple[tf.Tensor, ...]:
            target = self.features(pictures[:, inner, inner], [CONTENT])[CONTENT]
            seeded = pictures + noise
            variables = [self.weights[name] for name in self.learned]
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(variables)
                full = styled(seeded, styles)
                seen = full[:, inner, inner]
                found = self.features(seen, STYLE)
                content = losses.content_loss(found[CONTENT], target, self.recipe.energy)
                style = losses.style_loss(found, grams)
                variation = losses.variation_loss(seen)
                total = tf.reduce_mean(content + weights[0] * style + weights[1] * variation)
                flicker = tf.zeros([])
                if steady:
                    moved = tf.roll(seeded, shift, [1, 2])
                    again = tf.roll(styled(moved, styles), -shift, [1, 2])
                    change = (again[:, core, core] - full[:, core, core]) / 255.0
                    flicker = tf.reduce_mean(tf.abs(change))
                    total += weights[2] * flicker
            norm = self._move(tape.gradient(total, variables), *tf.unstack(settings))
            return content, style, variation, flicker, norm

        return step

    def _move(
        self, gradients: list[tf.Tensor], rate: tf.Tensor, count: tf.Tensor, decay: tf.Tensor
    ) -> tf.Tensor:
        """Adam's step, and the average's; returns the gradients' norm."""
        norm = tf.linalg.global_norm(gradients)
        sound = tf.math.is_finite(norm)
        shrink = tf.where(sound, tf.minimum(1.0, LARGEST_GRADIENT / (norm + 1e-6)), 0.0)
        correct = tf.sqrt(1.0 - BETA2**count) / (1.0 - BETA1**count)
        for name, gradient in zip(self.learned, gradients, strict=True):
            weight = self.weights[name]
            gradient = tf.where(sound, gradient * shrink, tf.zeros_like(gradient))
            first = self.first[name].assign(BETA1 * self.first[name] + (1 - BETA1) * gradient)
            second = self.second[name].assign(
                BETA2 * self.second[name] + (1 - BETA2) * gradient * gradient
            )
            weight.assign_sub(rate * pace(name) * correct * first / (tf.sqrt(second) + TINY))
            average = self.average[name]
            average.assign(decay * average + (1.0 - decay) * weight)
        return norm


def pace(name: str) -> float:
    """How much faster than a full kernel a weight learns.

    Adam moves all alike, and scales, offsets and colours are larger than kernels and have
    further to go.
    """
    if network.is_per_style(name):
        return 5.0
    return 2.0 if name.endswith("/depthwise") else 1.0
