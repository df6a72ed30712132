"""Training, validation and test span: rows in the order of time, never shuffled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pi_edge.errors import BadInput

LEAST_DAYS = 200
"""Fewer leave no room for a window of 61 days in training and for a quantile in validation."""

LEAST_MEASURED = 20
"""Days with a full window that a stock must have had, to be measured on."""

TRAIN, VALIDATION = 0.6, 0.2


@dataclass(frozen=True)
class Spans:
    """Row numbers: to learn from, to choose and calibrate by, and to measure on at the end.

    A row belongs to a span by the day that is forecast; the window of prices before it may
    reach back into the span before.
    """

    train: slice
    validation: slice
    test: slice

    def told(self, dates: NDArray[np.datetime64]) -> dict[str, Any]:
        """The spans for model.json: first and last date and the number of days of each."""
        spans = {"train": self.train, "validation": self.validation, "test": self.test}
        return {
            name: {
                "from": str(dates[span.start]),
                "to": str(dates[span.stop - 1]),
                "days": span.stop - span.start,
            }
            for name, span in spans.items()
        }


def split(days: int, name: str = "the prices") -> Spans:
    """Divide so many rows into 60, 20 and 20 %.

    Raises:
        BadInput: there are too few; `name` is what the message calls them.
    """
    if days < LEAST_DAYS:
        raise BadInput(
            f"{name}: {days} days are too short a history, at least {LEAST_DAYS} are needed"
        )
    train = round(days * TRAIN)
    validation = round(days * (TRAIN + VALIDATION))
    return Spans(slice(0, train), slice(train, validation), slice(validation, days))


def calibration(fit: slice) -> tuple[slice, slice]:
    """Divide rows to fit on as `split` does before the test span: three quarters to learn from,
    the last quarter to calibrate by."""
    start = fit.start or 0
    cut = start + round((fit.stop - start) * TRAIN / (TRAIN + VALIDATION))
    return slice(start, cut), slice(cut, fit.stop)
