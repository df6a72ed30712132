"""The losses of finished pictures: how good they are, in the terms that training has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from pi_edge.desktop.style import losses
from pi_edge.desktop.style.perceptual import CONTENT, STYLE, Vgg16

COLUMNS = ("content", "style", "variation", "total")


@dataclass(frozen=True)
class Weighting:
    """Weights of style and variation beside the content's 1 in a total."""

    style: float = 5.0
    variation: float = 0.5


class Judge:
    """Losses of pictures against one photo's content and a painting's style each.

    Args:
        photo: [H, W, 3].
        grams: of N paintings, one for each of the pictures.
    """

    def __init__(
        self,
        photo: NDArray[Any],
        grams: losses.Grams,
        weighting: Weighting,
        features: Vgg16,
    ) -> None:
        self.photo, self.weighting, self.features = photo, weighting, features
        given = tf.constant(photo[None].astype(np.float32))
        self._target = features(given, [CONTENT])[CONTENT]
        self.count = len(grams[CONTENT])
        self._grams = {layer: tf.constant(value) for layer, value in grams.items()}

    def tensors(self, pictures: tf.Tensor) -> tf.Tensor:
        """[N, 4]: content, style, variation and total of pictures [N, H, W, 3]."""
        found = self.features(pictures, STYLE)
        content = losses.content_loss(found[CONTENT], self._target)
        style = losses.style_loss(found, self._grams)
        variation = losses.variation_loss(pictures)
        total = content + self.weighting.style * style + self.weighting.variation * variation
        return tf.stack([content, style, variation, total], 1)

    def __call__(self, pictures: Any) -> NDArray[np.float32]:
        """The same of arrays or tensors, as an array."""
        given = tf.convert_to_tensor(pictures, tf.float32)
        return self.tensors(given).numpy()  # type: ignore[no-any-return]
