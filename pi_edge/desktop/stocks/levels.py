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

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import tensorflow as tf
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from pi_edge.errors import BadInput
from pi_edge.learning.forecasts.forecast import Closes, Forecast
from pi_edge.learning.forecasts.spans import calibration

DAYS = 5
HIDDEN = (256, 128)
L1 = L2 = 1e-5
LEARNING_RATE = 1e-3
BATCH = 64
STEPS = 80
"""Minibatches a round, after which the validation span is looked at: one pass over 20 years."""
MOST_ROUNDS, PATIENCE = 30, 8
BETA1, BETA2, TINY = 0.9, 0.999, 1e-7
INTERVAL = (0.1, 0.9)

LEAST_ROWS = 60
"""Training days a stock must have been listed for."""

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Levels:
    """A trained network.

    Attributes:
        lowest, span: [tickers] float32: a price enters as (price - lowest) / span.
        kernels, biases: of the two hidden layers and the last one, float32.
        below, above: [tickers] float32: how far the interval reaches, in parts of the last close.
        rounds: those learned for; the weights are of the best of them on the validation span.
        validation_loss: half the squared error summed over the stocks, in scaled prices.
    """

    lowest: Floats
    span: Floats
    kernels: tuple[Floats, ...]
    biases: tuple[Floats, ...]
    below: Floats
    above: Floats
    rounds: int
    validation_loss: float

    @property
    def days(self) -> int:
        """How many rows of prices the network looks at."""
        return int(len(self.kernels[0]) // len(self.lowest))

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Everything in it by name, as np.savez takes it; `from_arrays` is the way back."""
        named: dict[str, NDArray[np.generic]] = {
            name: np.asarray(getattr(self, name))
            for name in ("lowest", "span", "below", "above", "rounds", "validation_loss")
        }
        for at, (kernel, bias) in enumerate(zip(self.kernels, self.biases, strict=True)):
            named |= {f"kernel{at}": kernel, f"bias{at}": bias}
        return named


def from_arrays(named: Mapping[str, NDArray[np.generic]]) -> Levels:
    layers = range(sum(name.startswith("kernel") for name in named))
    return Levels(
        **{name: named[name].astype(np.float32) for name in ("lowest", "span", "below", "above")},
        kernels=tuple(named[f"kernel{at}"].astype(np.float32) for at in layers),
        biases=tuple(named[f"bias{at}"].astype(np.float32) for at in layers),
        rounds=int(named["rounds"]),
        validation_loss=float(named["validation_loss"]),
    )


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
    late = np.flatnonzero(~_listed(closes[training]))
    if len(late):
        names = ", ".join(
            str(tickers[int(at)]) if len(tickers) else f"column {at + 1}" for at in late
        )
        raise BadInput(
            f"{names}: fewer than {LEAST_ROWS} of the {training.stop - (training.start or 0)} "
            "training days have a close; stocks-levels needs a longer history or fewer tickers"
        )
    lowest, span = min_max(closes[training])
    scaled = ((closes - lowest) / span).astype(np.float32)
    first = (training.start or 0) + days
    learned = _examples(scaled, np.arange(first, training.stop), days)
    judged = _examples(scaled, np.arange(max(validation.start, days), validation.stop), days)
    kernels, biases, rounds, loss = _descend(learned, judged, hidden, penalty, seed)
    nothing = np.zeros(len(lowest), np.float32)
    bare = Levels(lowest, span, kernels, biases, nothing, nothing, rounds, loss)
    below, above = _reach(bare, closes, np.arange(max(validation.start, days), validation.stop))
    return Levels(lowest, span, kernels, biases, below, above, rounds, loss)


def forecast(levels: Levels, closes: Closes, rows: NDArray[np.int64]) -> Forecast:
    """Forecast the closes of `rows` from those before; NaN where the window or last close is."""
    lowest, span = levels.lowest.astype(np.float64), levels.span.astype(np.float64)
    windows, _, _ = _examples(((closes - lowest) / span).astype(np.float32), rows, levels.days)
    middle = _network(levels, windows).numpy().astype(np.float64) * span + lowest
    last = closes[rows - 1]
    middle[np.isnan(last)] = np.nan
    return Forecast(middle, middle + levels.below * last, middle + levels.above * last)


def fit_predict(closes: Closes, fit_on: slice, target: slice) -> Forecast:
    """Fit on the first three quarters of `fit_on`, stop on the last, forecast `target`.

    Stocks listed too late to be learned get no forecast.
    """
    training, validation = calibration(fit_on)
    listed = _listed(closes[training])
    rows = np.arange(target.start, target.stop)
    every = [np.full((len(rows), closes.shape[1]), np.nan) for _ in range(3)]
    if listed.any():
        levels = fit(closes[:, listed], training, validation)
        found = forecast(levels, closes[:, listed], rows)
        for whole, part in zip(every, (found.middle, found.low, found.high), strict=True):
            whole[:, listed] = part
    return Forecast(*every)


def graph(levels: Levels) -> Callable[[tf.Tensor], dict[str, tf.Tensor]]:
    """Return the function from prices [n, days, tickers] to forecast, low, high [n, tickers].

    Float32, in units of price: all scaling is inside.
    """

    def serve(prices: tf.Tensor) -> dict[str, tf.Tensor]:
        scaled = (prices - levels.lowest) / levels.span
        flat = tf.reshape(scaled, [-1, levels.days * len(levels.lowest)])
        middle = _network(levels, flat) * levels.span + levels.lowest
        last = prices[:, -1, :]
        return {
            "forecast": middle,
            "low": middle + levels.below * last,
            "high": middle + levels.above * last,
        }

    return serve


def min_max(closes: Closes) -> tuple[Floats, Floats]:
    """Return each column's lowest value and its span, as scikit-learn's MinMaxScaler has them.

    NaN is left out; a column that never changes has span 1, so that nothing is divided by zero.
    """
    lowest = np.nanmin(closes, axis=0)
    span = np.nanmax(closes, axis=0) - lowest
    span[span < 10 * np.finfo(np.float64).eps] = 1.0
    return lowest.astype(np.float32), span.astype(np.float32)


def variance_scaling(random: np.random.Generator, fan_in: int, fan_out: int) -> Floats:
    """Draw a kernel [fan_in, fan_out] from variance scaling, mode FAN_AVG, uniform.

    Its variance is 1 / average of the fans (Glorot and Bengio, AISTATS 2010).
    """
    limit = np.sqrt(3 / ((fan_in + fan_out) / 2))
    return random.uniform(-limit, limit, (fan_in, fan_out)).astype(np.float32)


def _listed(closes: Closes) -> NDArray[np.bool_]:
    enough: NDArray[np.bool_] = (~np.isnan(closes)).sum(0) >= LEAST_ROWS
    return enough


def _examples(scaled: Floats, rows: NDArray[np.int64], days: int) -> tuple[Floats, Floats, Floats]:
    """Return windows [rows, days * tickers], what came [rows, tickers], and 1 where it did."""
    windows = sliding_window_view(scaled, days, axis=0)[rows - days].transpose(0, 2, 1)
    came = scaled[np.minimum(rows, len(scaled) - 1)]  # tomorrow may be asked for, not compared
    known = ~np.isnan(came)
    flat = np.nan_to_num(windows.reshape(len(rows), -1))
    return flat, np.nan_to_num(came), known.astype(np.float32)


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


def _reach(levels: Levels, closes: Closes, rows: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Return the 10 and 90 % quantiles of what came less the forecast, in parts of the last close.

    Where the model was always too low (or too high), the interval ends at the forecast itself:
    no reader expects a forecast outside its own interval.
    """
    missed = (closes[rows] - forecast(levels, closes, rows).middle) / closes[rows - 1]
    below, above = np.nan_to_num(np.nanquantile(missed, INTERVAL, axis=0))
    return np.minimum(below, 0).astype(np.float32), np.maximum(above, 0).astype(np.float32)


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
