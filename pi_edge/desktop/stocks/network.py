"""The network of `stocks`: one small one, shared by all tickers, in raw TensorFlow.

It sees a stock's standardised returns of the last days and those of the market, and says
the standardised return that follows. What it says is multiplied by a shrinkage between 0 and
1 and given an interval by the residuals, both chosen on rows that it did not learn from
(split conformal prediction: Lei et al., JASA 2018; one quantile a side).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from pi_edge.desktop.stocks import features
from pi_edge.desktop.stocks.forecast import Closes, FitPredict, Forecast
from pi_edge.desktop.stocks.spans import calibration

STEPS, BATCH = 1000, 1024
RATE, WEIGHT_DECAY = 2e-3, 1e-3
BETA1, BETA2, TINY = 0.9, 0.999, 1e-7
MOST_SAMPLES = 200_000
SHRINKAGES = tuple(round(0.1 * step, 1) for step in range(11))
TAIL = 0.1

Weights = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Architecture:
    """What is chosen on validation.

    Attributes:
        hidden: widths of the hidden layers (ReLU); none for a linear model.
        lookback: how many days of returns it sees, at most DAYS - 1.
        joint: sees the returns of all tickers at once and answers for all, each with weights
            of its own, instead of one set of weights for any stock and the market's mean.
        horizon: days ahead.
        scale: key of features.SCALES: how the volatility is measured.
    """

    hidden: tuple[int, ...] = ()
    lookback: int = 10
    joint: bool = False
    horizon: int = 1
    scale: str = features.SCALE

    @property
    def name(self) -> str:
        layers = "-".join(map(str, self.hidden))
        kind = f"mlp {layers}" if layers else "linear"
        return f"joint {kind}" if self.joint else kind

    @property
    def weights(self) -> NDArray[np.float64]:
        """Of the past days, for the volatility."""
        return features.SCALES[self.scale]


@dataclass(frozen=True)
class Fitted:
    """A network that has learned, ready to forecast or to convert.

    Attributes:
        weights: `denseN/kernel` and `denseN/bias`, float32.
        shrinkage: what its output is multiplied by.
        low, high: quantiles of the standardised residual, added to the output.
    """

    architecture: Architecture
    weights: Weights
    shrinkage: float
    low: float
    high: float


Step = Callable[[], None]


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
    weights = learn(*samples(closes, train, architecture), architecture, seed, step)
    raw = Fitted(architecture, weights, 1.0, 0.0, 0.0)
    return calibrated(closes, validation, raw)


def samples(
    closes: Closes, span: slice, architecture: Architecture
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return inputs and targets to learn from: rows of a listed stock, or (joint) whole days.

    Targets that are not there are NaN in a joint network, whose inputs have 0 in their place.
    """
    rows = features.usable(span, architecture.horizon, max(1, MOST_SAMPLES // closes.shape[1]))
    x = seen(closes, rows, architecture)
    y = features.targets(closes, rows, architecture.horizon, architecture.weights)
    y = np.clip(y, -features.CLIP, features.CLIP).astype(np.float32)
    if architecture.joint:
        return x, y
    there = np.isfinite(x).all(2) & np.isfinite(y)
    return x[there], y[there][:, None]


def seen(
    closes: Closes, rows: NDArray[np.int64], architecture: Architecture
) -> NDArray[np.float32]:
    """Return what the network sees: [rows, tickers, 2 * lookback], or [rows, tickers * lookback]
    of a joint one."""
    if not architecture.joint:
        return features.inputs(closes, rows, architecture.lookback, architecture.weights)
    own = features.standardised(closes, rows, architecture.lookback, architecture.weights)
    return np.nan_to_num(own.reshape(len(rows), -1))


def learn(
    x: NDArray[np.float32],
    y: NDArray[np.float32],
    architecture: Architecture,
    seed: int,
    step: Step = lambda: None,
) -> Weights:
    """Train on samples x [n, inputs], y [n, outputs] and return the weights.

    Huber's loss (1964), which a crash pulls no harder than a bad day; Adam (Kingma and Ba,
    ICLR 2015) with decoupled weight decay (Loshchilov and Hutter, ICLR 2019) and a falling
    rate. The last layer starts at zero: untrained, the network says the last price.
    """
    random = np.random.default_rng([seed, 0])
    widths = (x.shape[1], *architecture.hidden, y.shape[1])
    update, variables = _trainer(widths)
    for key, value in start_weights(widths, random).items():
        variables[key].assign(value)
        variables[f"{key}@m"].assign(np.zeros_like(value))
        variables[f"{key}@v"].assign(np.zeros_like(value))
    for number in range(STEPS):
        rows = random.integers(0, len(x), BATCH)
        update(x[rows], y[rows], np.float32(number))
        step()
    return {key: value.numpy() for key, value in variables.items() if "@" not in key}


def start_weights(widths: tuple[int, ...], random: np.random.Generator) -> Weights:
    """Return He's normal initialisation (ICCV 2015), and zero for the last layer."""
    weights: dict[str, NDArray[np.float32]] = {}
    layers = len(widths) - 1
    for layer, (wide, out) in enumerate(zip(widths, widths[1:], strict=False), start=1):
        spread = np.sqrt(2 / wide) if layer < layers else 0.0
        weights[f"dense{layer}/kernel"] = (spread * random.standard_normal((wide, out))).astype(
            np.float32
        )
        weights[f"dense{layer}/bias"] = np.zeros(out, np.float32)
    return weights


@functools.lru_cache(maxsize=4)
def _trainer(widths: tuple[int, ...]) -> tuple[Any, dict[str, Any]]:
    """Return the compiled training step of a shape of network, and the variables it updates."""
    variables = {}
    for key, value in start_weights(widths, np.random.default_rng(0)).items():
        variables |= {name: tf.Variable(value) for name in (key, f"{key}@m", f"{key}@v")}
    weights = {key: variable for key, variable in variables.items() if "@" not in key}

    def update(x: tf.Tensor, y: tf.Tensor, number: tf.Tensor) -> None:
        rate = RATE * tf.minimum((number + 1) / 50, 0.5 + 0.5 * tf.cos(np.pi * number / STEPS))
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(list(weights.values()))
            there = tf.math.is_finite(y)
            # Zero before the loss: the gradient of NaN times nothing is NaN.
            error = tf.where(there, y, 0.0) - tf.where(there, dense(weights, x), 0.0)
            size = tf.abs(error)
            huber = tf.where(size < 1.0, 0.5 * error * error, size - 0.5)
            loss = tf.reduce_mean(huber)
        gradients = tape.gradient(loss, list(weights.values()))
        scale = tf.sqrt(1 - BETA2 ** (number + 1)) / (1 - BETA1 ** (number + 1))
        for (key, weight), gradient in zip(weights.items(), gradients, strict=True):
            first, second = variables[f"{key}@m"], variables[f"{key}@v"]
            first.assign(BETA1 * first + (1 - BETA1) * gradient)
            second.assign(BETA2 * second + (1 - BETA2) * gradient * gradient)
            change = rate * scale * first / (tf.sqrt(second) + TINY)
            if key.endswith("/kernel"):
                change += rate * WEIGHT_DECAY * weight
            weight.assign_sub(change)

    signature = [
        tf.TensorSpec([None, widths[0]], tf.float32),
        tf.TensorSpec([None, widths[-1]], tf.float32),
        tf.TensorSpec([], tf.float32),
    ]
    return tf.function(update, autograph=False, input_signature=signature), variables


def dense(weights: Mapping[str, Any], x: Any) -> Any:
    """Run the dense layers on [n, inputs]: TensorFlow's variables or NumPy's arrays."""
    layers = len(weights) // 2
    for layer in range(1, layers + 1):
        kernel, bias = weights[f"dense{layer}/kernel"], weights[f"dense{layer}/bias"]
        if isinstance(x, np.ndarray):
            x = x @ kernel + bias
            x = np.maximum(x, 0) if layer < layers else x
        else:
            x = tf.matmul(x, kernel) + bias
            x = tf.nn.relu(x) if layer < layers else x
    return x


def standard(closes: Closes, rows: NDArray[np.int64], fitted: Fitted) -> NDArray[np.float64]:
    """Return the standardised return forecast for each row, [rows, tickers]; NaN unlisted."""
    tickers = closes.shape[1]
    parts = []
    for some in np.array_split(rows, max(1, len(rows) * tickers // MOST_SAMPLES)):
        x = seen(closes, some, fitted.architecture)
        flat = x if fitted.architecture.joint else x.reshape(len(some) * tickers, -1)
        parts.append(dense(fitted.weights, flat).reshape(len(some), tickers))
    return fitted.shrinkage * np.concatenate(parts).astype(np.float64)


def predict(closes: Closes, rows: NDArray[np.int64], fitted: Fitted) -> Forecast:
    """Forecast the close of each row, or with a longer horizon that of so many rows after."""
    architecture = fitted.architecture
    last = closes[rows - 1]
    scale = features.volatility(closes, architecture.weights)[rows]
    middle = standard(closes, rows, fitted)
    middle = np.where(np.isfinite(scale), middle, np.nan)
    return Forecast(
        *(
            features.prices(last, scale, middle + beside, architecture.horizon)
            for beside in (0.0, fitted.low, fitted.high)
        )
    )


def calibrated(closes: Closes, validation: slice, raw: Fitted) -> Fitted:
    """Return the network with shrinkage and quantiles from the rows of `validation`."""
    architecture = raw.architecture
    rows = features.usable(validation, architecture.horizon)
    said = standard(closes, rows, raw)
    came = features.targets(closes, rows, architecture.horizon, architecture.weights)
    errors = [np.nanmean(np.abs(came - shrinkage * said)) for shrinkage in SHRINKAGES]
    shrinkage = SHRINKAGES[int(np.argmin(errors))]
    residuals = np.sort((came - shrinkage * said)[np.isfinite(came)])
    # With so few that no quantile is sure, the most extreme one stands in.
    beyond = min(int(np.floor((len(residuals) + 1) * TAIL)), len(residuals)) or 1
    return Fitted(
        architecture,
        raw.weights,
        shrinkage,
        min(float(residuals[beyond - 1]), 0.0),
        max(float(residuals[-beyond]), 0.0),
    )


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
