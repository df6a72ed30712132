"""Prices that were made up, and a file of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def made_prices(days: int, tickers: int, seed: int = 3) -> np.ndarray:
    """Closes [days, tickers] of a random walk whose days are wild and calm by turns."""
    random = np.random.default_rng(seed)
    wild = 0.012 * np.exp(0.5 * np.sin(np.arange(days) / 25))[:, None]
    returns = wild * random.standard_normal((days, tickers)) + 0.004 * random.standard_normal(
        (days, 1)
    )
    return np.asarray(20 * 1.7 ** np.arange(tickers) * np.exp(np.cumsum(returns, 0)))


def write_prices(path: Path, closes: np.ndarray) -> Path:
    dates = np.busday_offset("2015-01-01", np.arange(len(closes)), roll="forward")
    lines = ["Date," + ",".join(f"T{number}" for number in range(closes.shape[1]))]
    for date, row in zip(dates, closes, strict=True):
        lines.append(",".join([str(date), *("" if x != x else f"{x:.4f}" for x in row)]))
    path.write_text("\n".join(lines) + "\n")
    return path
