"""The network of `stocks` in NumPy: what it sees, what it says, and how that is calibrated.

It sees a stock's standardised returns of the last days and those of the market, and says
the standardised return that follows. What it says is multiplied by a shrinkage between 0 and
1 and given an interval by the residuals, both chosen on rows that it did not learn from
(split conformal prediction: Lei et al., JASA 2018; one quantile a side).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pi_edge.learning.forecasts import features
from pi_edge.learning.forecasts.forecast import Closes, Forecast

Weights = Mapping[str, NDArray[np.float32]]

MOST_SAMPLES = 200_000
SHRINKAGES = tuple(round(0.1 * step, 1) for step in range(11))
TAIL = 0.1


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


def samples(
    closes: Closes, span: slice, architecture: Architecture
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return inputs and targets to learn from: rows of a listed stock, or (joint) whole days.

    Targets that are not there are NaN in a joint network, whose inputs have 0 in their place.
    """
    rows = features.usable(span, architecture.horizon, max(1, MOST_SAMPLES // closes.shape[1]))
    x = seen(closes, rows, architecture)
    y = features.targets(closes, rows, architecture.horizon, architecture.weights)
    clipped = np.clip(y, -features.CLIP, features.CLIP).astype(np.float32)
    if architecture.joint:
        return x, clipped
    there = np.isfinite(x).all(2) & np.isfinite(y)
    return x[there], clipped[there][:, None]


def seen(
    closes: Closes, rows: NDArray[np.int64], architecture: Architecture
) -> NDArray[np.float32]:
    """Return what the network sees: [rows, tickers, 2 * lookback], or [rows, tickers * lookback]
    of a joint one."""
    if not architecture.joint:
        return features.inputs(closes, rows, architecture.lookback, architecture.weights)
    own = features.standardised(closes, rows, architecture.lookback, architecture.weights)
    return np.nan_to_num(own.reshape(len(rows), -1))


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
    scale = features.volatility(closes, rows, architecture.weights)
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


def dense(weights: Weights, x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Run the dense layers on [n, inputs]: [n, outputs]."""
    layers = len(weights) // 2
    for layer in range(1, layers + 1):
        x = x @ weights[f"dense{layer}/kernel"] + weights[f"dense{layer}/bias"]
        x = np.maximum(x, 0) if layer < layers else x
    return x
