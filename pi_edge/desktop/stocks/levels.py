"""stocks-levels: the model of the notes this project grew from, as it was, mistake included.

The last DAYS closing prices of all stocks in, the next day's prices out. Prices are squeezed
into 0 to 1 by the lowest and highest of the training span, two dense layers with ELU follow,
and the squared error is learned with L1 and L2 on the weights. Everything about it is sound but
the idea: prices are no stationary quantity. A stock that has risen since the training span
is a number the network never saw, and it answers with numbers it did see.

It is here for the comparison, so it gets every care: raw TensorFlow, Adam, minibatches,
early stopping on the validation span. DAYS of 5, 10 and 20, hidden layers of (64, 32), (128, 64)
and (256, 128) and penalties of 1e-5, 1e-4 and 1e-3 were tried, and chosen by the error there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from pi_edge.learning.forecasts.forecast import Closes, Forecast
from pi_edge.learning.forecasts.levels import (
    LEAST_ROWS,
    Floats,
    Levels,
    check_listed,
    examples,
    forecast,
    from_arrays,
    listed,
    min_max,
    reach,
    scaled,
)
from pi_edge.learning.forecasts.spans import calibration

__all__ = [
    "LEAST_ROWS",
    "Levels",
    "fit",
    "fit_predict",
    "forecast",
    "from_arrays",
    "graph",
    "min_max",
]

DAYS = 5
HIDDEN = (256, 128)
L1 = L2 = 1e-5
LEARNING_RATE = 1e-3
BATCH = 64
STEPS = 80
"""Minibatches a round, after which the validation span is looked at: one pass over 20 years."""
MOST_ROUNDS, PATIENCE = 30, 8
BETA1, BETA2, TINY = 0.9, 0.999, 1e-7


def fit(
    closes: Closes,
    training: slice,
    validation: slice,
    *,
    seed: int = 0,
    tickers: Sequence[str] = (),
    days: int = DAYS,
    hidden: Sequence[int] = HIDDEN,
    penalty: float = L1,
) -> Levels:
    """Learn from the rows of `training`, stop early and measure the interval on `validation`.

    Args:
        closes: [days, tickers], NaN before a listing. Days on which a stock was not listed say
            nothing of it; in the windows of the others it counts as its lowest price.
        tickers: what the message calls the columns.
        days, hidden, penalty: other than the chosen ones, to choose by.

    Raises:
        BadInput: a stock was listed too late to be learned.
    """
    check_listed(closes[training], tickers)
    lowest, span = min_max(closes[training])
    values = scaled(closes, lowest, span)
    first = (training.start or 0) + days
    learned = examples(values, np.arange(first, training.stop), days)
    judged = examples(values, np.arange(max(validation.start, days), validation.stop), days)
    kernels, biases, rounds, loss = _descend(learned, judged, hidden, penalty, seed)
    nothing = np.zeros(len(lowest), np.float32)
    bare = Levels(lowest, span, kernels, biases, nothing, nothing, rounds, loss)
    below, above = reach(bare, closes, np.arange(max(validation.start, days), validation.stop))
    return Levels(lowest, span, kernels, biases, below, above, rounds, loss)


def fit_predict(closes: Closes, fit_on: slice, target: slice) -> Forecast:
    """Fit on the first three quarters of `fit_on`, stop on the last, forecast `target`.

    Stocks listed too late to be learned get no forecast.
    """
    training, validation = calibration(fit_on)
    there = listed(closes[training])
    rows = np.arange(target.start, target.stop)
    every = [np.full((len(rows), closes.shape[1]), np.nan) for _ in range(3)]
    if there.any():
        levels = fit(closes[:, there], training, validation)
        found = forecast(levels, closes[:, there], rows)
        for whole, part in zip(every, (found.middle, found.low, found.high), strict=True):
            whole[:, there] = part
    return Forecast(*every)


def graph(levels: Levels) -> Callable[[tf.Tensor], dict[str, tf.Tensor]]:
    """Return the function from prices [n, days, tickers] to forecast, low, high [n, tickers].

    Float32, in units of price: all scaling is inside.
    """

    def serve(prices: tf.Tensor) -> dict[str, tf.Tensor]:
        squeezed = (prices - levels.lowest) / levels.span
        flat = tf.reshape(squeezed, [-1, levels.days * len(levels.lowest)])
        middle = _network(levels, flat) * levels.span + levels.lowest
        last = prices[:, -1, :]
        return {
            "forecast": middle,
            "low": middle + levels.below * last,
            "high": middle + levels.above * last,
        }

    return serve


def variance_scaling(random: np.random.Generator, fan_in: int, fan_out: int) -> Floats:
    """Draw a kernel [fan_in, fan_out] from variance scaling, mode FAN_AVG, uniform.

    Its variance is 1 / average of the fans (Glorot and Bengio, AISTATS 2010).
    """
    limit = np.sqrt(3 / ((fan_in + fan_out) / 2))
    return random.uniform(-limit, limit, (fan_in, fan_out)).astype(np.float32)


def _network(levels: Levels, values: tf.Tensor | Floats) -> tf.Tensor:
    return _layers(levels.kernels, levels.biases, values)


def _layers(
    kernels: Sequence[tf.Variable | Floats],
    biases: Sequence[tf.Variable | Floats],
    values: tf.Tensor | Floats,
) -> tf.Tensor:
    for kernel, bias in zip(kernels[:-1], biases[:-1], strict=True):
        values = tf.nn.elu(tf.matmul(values, kernel) + bias)
    return tf.matmul(values, kernels[-1]) + biases[-1]


def _descend(
    learned: tuple[Floats, Floats, Floats],
    judged: tuple[Floats, Floats, Floats],
    hidden: Sequence[int],
    penalty: float,
    seed: int,
) -> tuple[tuple[Floats, ...], tuple[Floats, ...], int, float]:
    """Train; return kernels and biases of the best round, the rounds done, and the best loss."""
    random = np.random.default_rng(seed)
    sizes = (learned[0].shape[1], *hidden, learned[1].shape[1])
    kernels = [
        tf.Variable(variance_scaling(random, fan_in, fan_out))
        for fan_in, fan_out in pairwise(sizes)
    ]
    biases = [tf.Variable(np.zeros(size, np.float32)) for size in sizes[1:]]
    variables = [*kernels, *biases]
    moments = [(tf.Variable(0 * value), tf.Variable(0 * value)) for value in variables]
    windows, came, known = (tf.constant(part) for part in learned)
    judged_windows, judged_came, judged_known = (tf.constant(part) for part in judged)

    def error(values: tf.Tensor, wanted: tf.Tensor, there: tf.Tensor) -> tf.Tensor:
        off = (_layers(kernels, biases, values) - wanted) * there
        return tf.nn.l2_loss(off) / tf.cast(tf.shape(values)[0], tf.float32)

    def step(rows: tf.Tensor, number: tf.Tensor) -> None:
        with tf.GradientTape() as tape:
            loss = error(*(tf.gather(part, rows) for part in (windows, came, known)))
            for kernel in kernels:
                loss += penalty * (tf.reduce_sum(tf.abs(kernel)) + tf.nn.l2_loss(kernel))
        gradients = tape.gradient(loss, variables)
        rate = LEARNING_RATE * tf.sqrt(1 - BETA2**number) / (1 - BETA1**number)
        for value, gradient, (first, second) in zip(variables, gradients, moments, strict=True):
            first.assign(BETA1 * first + (1 - BETA1) * gradient)
            second.assign(BETA2 * second + (1 - BETA2) * gradient * gradient)
            value.assign_sub(rate * first / (tf.sqrt(second) + TINY))

    def judge() -> tf.Tensor:
        return error(judged_windows, judged_came, judged_known)

    run_step = tf.function(step, autograph=False)
    run_judge = tf.function(judge, autograph=False)
    best, best_round, kept, number = np.inf, 0, [value.numpy() for value in variables], 0
    size = min(BATCH, len(learned[0]))
    for this in range(1, MOST_ROUNDS + 1):
        for rows in _minibatches(random, len(learned[0]), size):
            number += 1
            run_step(rows, np.float32(number))
        loss = float(run_judge())
        if loss < best:
            best, best_round, kept = loss, this, [value.numpy() for value in variables]
        elif this - best_round >= PATIENCE:
            break
    return tuple(kept[: len(kernels)]), tuple(kept[len(kernels) :]), this, best


def _minibatches(random: np.random.Generator, rows: int, size: int) -> NDArray[np.int32]:
    """Return a round of minibatches [STEPS, size]: every row once before any comes again."""
    passes = -(-STEPS * size // rows)
    order = np.concatenate([random.permutation(rows) for _ in range(passes)])
    return order[: STEPS * size].reshape(STEPS, size).astype(np.int32)
