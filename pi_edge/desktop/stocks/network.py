"""The network of `stocks` as TensorFlow trains and converts it.

What it sees and how it is calibrated is in pi_edge.learning.forecasts.network.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import tensorflow as tf

from pi_edge.desktop.stocks.layers import Step, dense, learn
from pi_edge.learning.forecasts import features
from pi_edge.learning.forecasts.forecast import Closes, FitPredict, Forecast
from pi_edge.learning.forecasts.network import (
    Architecture,
    Fitted,
    calibrated,
    predict,
    samples,
    standard,
)
from pi_edge.learning.forecasts.spans import calibration

__all__ = ["Architecture", "Fitted", "fit", "fit_predict", "graph", "predict", "standard"]


def fit(
    closes: Closes,
    train: slice,
    validation: slice,
    architecture: Architecture,
    seed: int,
    step: Step = lambda: None,
) -> Fitted:
    """Learn from the rows of `train`, shrink and calibrate on those of `validation`.

    Args:
        closes: [days, tickers]; rows after `validation` are not looked at.
        step: called after each of STEPS steps.
    """
    closes = closes[: validation.stop]
    weights = learn(*samples(closes, train, architecture), architecture.hidden, seed, step)
    raw = Fitted(architecture, weights, 1.0, 0.0, 0.0)
    return calibrated(closes, validation, raw)


def fit_predict(architecture: Architecture, seed: int, step: Step = lambda: None) -> FitPredict:
    """Return the network as walk_forward wants it: the last quarter of `fit` calibrates."""

    tomorrow = replace(architecture, horizon=1)

    def run(closes: Closes, fit_rows: slice, target: slice) -> Forecast:
        fitted = fit(closes, *calibration(fit_rows), tomorrow, seed, step)
        return predict(closes, np.arange(target.start, target.stop), fitted)

    return run


def graph(fitted: Fitted, tickers: int) -> Callable[[tf.Tensor], dict[str, tf.Tensor]]:
    """Return the function from prices [n, DAYS, tickers] to forecast, low, high [n, tickers].

    All float32. The same as `predict`, with everything it needs inside. Neighbouring prices
    are divided before the logarithm is taken: of the difference of two logarithms
    float32 would keep three digits.
    """
    architecture = fitted.architecture
    root = float(np.sqrt(architecture.horizon))
    weights = architecture.weights.astype(np.float32)[:, None]

    def serve(prices: tf.Tensor) -> dict[str, tf.Tensor]:
        returns = tf.math.log(prices[:, 1:] / prices[:, :-1])
        variance = tf.reduce_sum(returns * returns * weights, axis=1)
        scale = tf.maximum(tf.sqrt(variance), features.FLOOR)
        own = returns[:, -architecture.lookback :] / scale[:, None]
        own = tf.clip_by_value(own, -features.CLIP, features.CLIP)
        if architecture.joint:
            flat = tf.reshape(tf.transpose(own, [0, 2, 1]), [-1, tickers * architecture.lookback])
        else:
            market = tf.reduce_mean(own, axis=2, keepdims=True)
            both = tf.concat([own, market + 0.0 * own], axis=1)
            flat = tf.reshape(tf.transpose(both, [0, 2, 1]), [-1, 2 * architecture.lookback])
        said = tf.reshape(dense(fitted.weights, flat), [-1, tickers])
        middle = fitted.shrinkage * said
        last, scale = prices[:, -1], scale * root
        return {
            "forecast": last * tf.exp(scale * middle),
            "low": last * tf.exp(scale * (middle + fitted.low)),
            "high": last * tf.exp(scale * (middle + fitted.high)),
        }

    return serve
