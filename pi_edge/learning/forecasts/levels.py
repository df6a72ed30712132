"""The network of `stocks-levels` in NumPy: prices in, prices out.

Prices are squeezed into 0 to 1 by the lowest and highest of the training span; dense layers with
ELU follow. What is wrong with that is told in pi_edge/desktop/stocks/levels.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from pi_edge.errors import BadInput
from pi_edge.learning.forecasts.forecast import Closes, Forecast

INTERVAL = (0.1, 0.9)

LEAST_ROWS = 60
"""Training days a stock must have been listed for."""

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Levels:
    """A trained network.

    Attributes:
        lowest, span: [tickers] float32: a price enters as (price - lowest) / span.
        kernels, biases: of the hidden layers and the last one, float32.
        below, above: [tickers] float32: how far the interval reaches, in parts of the last close.
        rounds: those learned for; on the desktop the weights are of the best of them on the
            validation span.
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

    @property
    def weights(self) -> dict[str, Floats]:
        """All that learns, as the training graph calls it."""
        layers = zip(self.kernels, self.biases, strict=True)
        return {
            f"dense{at}_{part}": value
            for at, layer in enumerate(layers, start=1)
            for part, value in zip(("kernel", "bias"), layer, strict=True)
        }

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


def constants(levels: Levels) -> dict[str, Floats]:
    """What a .tflite file has of a network: the converter makes the division by the span a product
    with its reciprocal, and folds the way back to prices into the last layer."""
    kernel, bias = levels.kernels[-1] * levels.span, levels.biases[-1] * levels.span
    last = f"dense{len(levels.kernels)}"
    return {
        **levels.weights,
        f"{last}_kernel": kernel,
        f"{last}_bias": bias + levels.lowest,
        "lowest": levels.lowest,
        "reciprocal": np.float32(1) / levels.span,
        "below": levels.below,
        "above": levels.above,
    }


def from_constants(values: Mapping[str, Floats]) -> Levels:
    """The network that a .tflite file's constants are of; nobody knows how it came about."""
    lowest = values["lowest"]
    span = (1 / values["reciprocal"].astype(np.float64)).astype(np.float32)
    layers = range(1, 1 + sum(key.endswith("_kernel") for key in values))
    kernels = [values[f"dense{at}_kernel"] for at in layers]
    biases = [values[f"dense{at}_bias"] for at in layers]
    kernels[-1] = kernels[-1] / span
    biases[-1] = (biases[-1] - lowest) / span
    below, above = values["below"], values["above"]
    return Levels(lowest, span, tuple(kernels), tuple(biases), below, above, 0, np.nan)


def forecast(levels: Levels, closes: Closes, rows: NDArray[np.int64]) -> Forecast:
    """Forecast the closes of `rows` from those before; NaN where the window or last close is."""
    lowest, span = levels.lowest.astype(np.float64), levels.span.astype(np.float64)
    windows, _, _ = examples(scaled(closes, levels.lowest, levels.span), rows, levels.days)
    middle = dense(levels, windows).astype(np.float64) * span + lowest
    last = closes[rows - 1]
    middle[np.isnan(last)] = np.nan
    return Forecast(middle, middle + levels.below * last, middle + levels.above * last)


def dense(levels: Levels, x: Floats) -> Floats:
    """Run the dense layers on [n, days * tickers]: [n, tickers], scaled."""
    for kernel, bias in zip(levels.kernels[:-1], levels.biases[:-1], strict=True):
        x = x @ kernel + bias
        x = np.where(x > 0, x, np.expm1(np.minimum(x, 0)))
    return x @ levels.kernels[-1] + levels.biases[-1]


def min_max(closes: Closes) -> tuple[Floats, Floats]:
    """Return each column's lowest value and its span, as scikit-learn's MinMaxScaler has them.

    NaN is left out; a column that never changes has span 1, so that nothing is divided by zero.
    """
    lowest = np.nanmin(closes, axis=0)
    span = np.nanmax(closes, axis=0) - lowest
    span[span < 10 * np.finfo(np.float64).eps] = 1.0
    return lowest.astype(np.float32), span.astype(np.float32)


def scaled(closes: Closes, lowest: Floats, span: Floats) -> Floats:
    """Prices as the network sees them, NaN where there is none."""
    squeezed = (closes - lowest.astype(np.float64)) / span.astype(np.float64)
    return squeezed.astype(np.float32)


def listed(closes: Closes) -> NDArray[np.bool_]:
    """Which stocks have LEAST_ROWS closes: [tickers]."""
    enough: NDArray[np.bool_] = (~np.isnan(closes)).sum(0) >= LEAST_ROWS
    return enough


def check_listed(closes: Closes, tickers: Sequence[str] = ()) -> None:
    """See that each stock can be learned.

    Args:
        closes: of the training days.
        tickers: what the message calls the columns.

    Raises:
        BadInput: a stock was listed too late.
    """
    late = np.flatnonzero(~listed(closes))
    if len(late):
        names = ", ".join(
            str(tickers[int(at)]) if len(tickers) else f"column {at + 1}" for at in late
        )
        raise BadInput(
            f"{names}: fewer than {LEAST_ROWS} of the {len(closes)} "
            "training days have a close; stocks-levels needs a longer history or fewer tickers"
        )


def examples(values: Floats, rows: NDArray[np.int64], days: int) -> tuple[Floats, Floats, Floats]:
    """Return windows [rows, days * tickers], what came [rows, tickers], and 1 where it did.

    Args:
        values: scaled prices; a stock that is not listed counts as its lowest one.
    """
    windows = sliding_window_view(values, days, axis=0)[rows - days].transpose(0, 2, 1)
    came = values[np.minimum(rows, len(values) - 1)]  # tomorrow may be asked for, not compared
    known = ~np.isnan(came)
    flat = np.nan_to_num(windows.reshape(len(rows), -1))
    return flat, np.nan_to_num(came), known.astype(np.float32)


def reach(levels: Levels, closes: Closes, rows: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Return the 10 and 90 % quantiles of what came less the forecast, in parts of the last close.

    Where the model was always too low (or too high), the interval ends at the forecast itself:
    no reader expects a forecast outside its own interval.
    """
    missed = (closes[rows] - forecast(levels, closes, rows).middle) / closes[rows - 1]
    below, above = np.nan_to_num(np.nanquantile(missed, INTERVAL, axis=0))
    return np.minimum(below, 0).astype(np.float32), np.maximum(above, 0).astype(np.float32)
