"""A file of made-up closes, and what became of learning it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pi_edge.errors import PiEdgeError
from pi_edge.learning.order import Order
from pi_edge.learning.stocks import learn


def write(path: Path, tickers: list[str], table: np.ndarray, first: str = "2017-01-02") -> Path:
    dates = np.datetime64(first) + np.arange(len(table))
    rows = [",".join([str(date), *(f"{price:.4f}" for price in row)])
            for date, row in zip(dates, table, strict=True)]  # fmt: skip
    path.write_text("\n".join([",".join(["Date", *tickers]), *rows]) + "\n")
    return path


def learned(order: Order) -> dict[str, Any]:
    folder = learn(order, say=lambda _: None)
    told: dict[str, Any] = json.loads((folder / "model.json").read_text())
    return told


def refused(order: Order) -> str:
    """The line that learning ends with; the model in service must be as it was."""
    owned = order.state / "models"
    before = {path: path.read_bytes() for path in owned.rglob("*") if path.is_file()}
    with pytest.raises(PiEdgeError) as error:
        learn(order, say=lambda _: None)
    assert {path: path.read_bytes() for path in owned.rglob("*") if path.is_file()} == before
    assert "\n" not in str(error.value)
    return str(error.value)
