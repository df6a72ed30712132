"""Draw a model of stocks: what it forecast on the test span beside what came, and who was better.

Runs the float32 file itself, as the Pi would, so it needs no TensorFlow; the figures of the
other models come from the evaluation in model.json.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pi_edge import files
from pi_edge.desktop.stocks import data, forest, panels
from pi_edge.desktop.stocks.verify import measured_span
from pi_edge.errors import BadInput, PiEdgeError
from pi_edge.learning.forecasts import measure
from pi_edge.tasks.prices import Prices

COMPANIONS = {"stocks": "stocks-levels", "stocks-levels": "stocks"}
VARIANT = "float32"
CLOSE_UP = 60
"""Days at the end of the test span that are drawn large enough to see an interval."""

INCHES = (12.0, 8.0)
DPI = 150


@dataclass(frozen=True)
class Drawn:
    """One model's forecasts on the test span.

    Attributes:
        name: the model's. tickers: its columns.
        dates: [rows] of the days forecast; closes: [rows, tickers], what came.
        outputs: "forecast", "low", "high", each [rows, tickers].
        lowest, highest: [tickers] closes of the training span.
        told: its model.json.
    """

    name: str
    tickers: tuple[str, ...]
    dates: NDArray[np.datetime64]
    closes: NDArray[np.float64]
    outputs: measure.Outputs
    lowest: NDArray[np.float64]
    highest: NDArray[np.float64]
    told: Mapping[str, Any]

    @property
    def bias(self) -> NDArray[np.float64]:
        """Forecast less close, in parts of the close: [rows, tickers]."""
        return np.asarray(self.outputs["forecast"] / self.closes - 1)

    @property
    def evaluation(self) -> Mapping[str, Any] | None:
        found = self.told.get("evaluation") or self.told["trained"].get("evaluation")
        return found  # type: ignore[no-any-return]


def plot(folder: Path, *, output: Path, prices: Path | None = None) -> None:
    """Draw the model in `folder` into `output`, a .png or .svg file.

    The other model of the family is drawn with it where it lies beside `folder`.

    Args:
        prices: closing prices instead of those that the model learned from.

    Raises:
        PiEdgeError: the folder holds no model of stocks, or the prices lack its tickers or days.
    """
    with _reading(folder) as told:
        learned = told["trained"]["data"]
    path = data.learned_from(learned, folder.name, prices)
    table = data.load(path)
    subject = drawn(folder, table, path)
    other = COMPANIONS.get(subject.name)
    beside = None
    if other is not None and (folder.parent / other / "model.json").exists():
        beside = drawn(folder.parent / other, table, path)
    figure = picture(subject, beside)
    kind = output.suffix.lower().removeprefix(".")
    with files.replacing(output) as file, panels.style():
        # Without a date the same model draws the same bytes.
        figure.savefig(file, format=kind, dpi=DPI, metadata={"Date": None} if kind == "svg" else {})


@contextmanager
def _reading(folder: Path) -> Iterator[Any]:
    """Yield a folder's model.json; what it lacks of a model of stocks becomes one line."""
    try:
        yield json.loads((folder / "model.json").read_bytes())
    except OSError as error:
        raise PiEdgeError(f"cannot read {folder / 'model.json'}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{folder} is no model of stocks: model.json lacks {error}") from error


def drawn(folder: Path, table: Prices, path: Path) -> Drawn:
    """Run the file of a model folder on the test span of prices read from `path`."""
    with _reading(folder) as told:
        file = folder / told["variants"][VARIANT]["file"]
        days, horizon, training = (
            told["days"],
            told["horizon_days"],
            told["trained"]["spans"]["train"],
        )
    closes, rows = measured_span(told, table, path)
    outputs = measure.answers(file, closes, rows, days)
    came = rows - 1 + horizon
    inside = (table.dates >= np.datetime64(training["from"])) & (
        table.dates <= np.datetime64(training["to"])
    )
    known = closes[inside] if np.isfinite(closes[inside]).any(0).all() else closes
    return Drawn(
        told["name"],
        tuple(told["tickers"]),
        table.dates[came],
        closes[came],
        outputs,
        np.nanmin(known, axis=0),
        np.nanmax(known, axis=0),
        told,
    )


def picture(subject: Drawn, beside: Drawn | None) -> Figure:
    """Compose the picture: above one stock, long and close up; below all models' figures."""
    evaluation = subject.evaluation or (beside.evaluation if beside else None)
    both = [subject, *([beside] if beside else [])]
    ticker = representative(both)
    with panels.style():
        figure = Figure(figsize=INCHES if evaluation else (INCHES[0], INCHES[1] / 2))
        grid = figure.add_gridspec(
            2 if evaluation else 1,
            1,
            height_ratios=(1.25, 1) if evaluation else (1,),
            left=0.105, right=0.978, top=0.845 if evaluation else 0.76,
            bottom=0.075 if evaluation else 0.14, hspace=0.4,
        )  # fmt: skip
        upper = grid[0].subgridspec(1, 2, width_ratios=(1.75, 1), wspace=0.16)
        panels.long(figure.add_subplot(upper[0, 0]), both, ticker)
        panels.close_up(figure.add_subplot(upper[0, 1]), subject, ticker, CLOSE_UP)
        if evaluation:
            lower = grid[1].subgridspec(1, 3, width_ratios=(1.35, 1, 1), wspace=0.06)
            three = [figure.add_subplot(lower[0, column]) for column in range(3)]
            forest.rows(three, evaluation, subject.name)
        panels.headline(figure, subject, evaluation)
    return figure


def representative(both: list[Drawn]) -> str:
    """The stock to show: of those that outgrew their training span, the one in the middle.

    That is, with the median of the biases of the worst of the models drawn. Where no stock's
    typical close lies above all of the training span, it is the one in the middle of all.
    """
    common = [ticker for ticker in both[0].tickers if all(ticker in one.tickers for one in both)]
    if not common:
        return both[0].tickers[0]
    worst = max(both, key=lambda one: float(np.median(np.abs(one.bias))))
    columns = np.array([worst.tickers.index(ticker) for ticker in common])
    outgrown = columns[np.median(worst.closes[:, columns], axis=0) > worst.highest[columns]]
    columns = outgrown if len(outgrown) else columns
    order = columns[np.argsort(np.median(worst.bias[:, columns], axis=0))]
    return worst.tickers[int(order[(len(order) - 1) // 2])]
