"""The files that the pages speak of as the reader's own: python reader_files.py FOLDER
[--slow].

Photos of the docs under the names of the pages, prices and tables made up (the same every time),
MNIST where shared/data beside the checkout has it, and for the slow ones a network by Keras.
"""

from __future__ import annotations

import datetime
import json
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np


def main(folder: Path, slow: bool) -> None:
    pictures = folder / "docs" / "pictures"
    shutil.copy(pictures / "chelsea.jpg", folder / "photo.jpg")
    shutil.copy(pictures / "seven.jpg", folder / "mine.jpg")
    holiday = folder / "holiday"
    holiday.mkdir()
    shutil.copy(pictures / "chelsea.jpg", holiday / "cat.jpg")
    random = np.random.default_rng(0)
    with np.load(folder / "models/stocks/check.npz", allow_pickle=False) as check:
        shipped = check["inputs/prices"][0].shape[1]
    tickers = _tickers(folder)[:shipped]
    write_prices(folder / "prices.csv", tickers, 400, random)
    write_prices(folder / "my.csv", ["SUN", "RAIN", "SNOW", "WIND", "HAIL"], 1500, random)
    for name, rows in (("house", 60), ("sold-in-may", 12), ("new-houses", 3)):
        write_table(folder / f"{name}.csv", {"area": 90, "rooms": 4}, "price", rows, random)
    for name, rows in (("flats", 60), ("new-flats", 3)):
        columns = {"area": 60.0, "floor": 3.0}
        write_table(folder / f"{name}.csv", columns, "rent", rows, random, "street")
    fires = random.uniform(2, 40, 12)
    for name in ("districts", "new-districts"):
        lines = ["fires_per_1000_housing_units,thefts_per_1000_population"]
        lines += [f"{x:.1f},{17 + 1.3 * x:.1f}" for x in fires]
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n")
    data = Path(os.environ.get("PI_EDGE_DATA", ""))
    for name in ("mnist.npz", "fire_theft.csv"):
        if (data / name).is_file():
            (folder / name).symlink_to(data / name)
    if slow:
        import keras

        network = [keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(10)]
        keras.Sequential([*network, keras.layers.Softmax()]).save(folder / "my.keras")


def _tickers(folder: Path) -> list[str]:
    told = json.loads((folder / "models/stocks/model.json").read_text())
    return [str(ticker) for ticker in told["tickers"]]


def write_prices(
    path: Path, tickers: Sequence[str], days: int, random: np.random.Generator
) -> None:
    """Closes that wander, a column a ticker, Mondays to Fridays up to 2024."""
    steps = random.normal(0.0003, 0.012, (days, len(tickers)))
    closes = 100 * np.exp(np.cumsum(steps, axis=0))
    first = datetime.date(2024, 1, 5) - datetime.timedelta(days=days * 7 // 5)
    monday = first - datetime.timedelta(days=first.weekday())
    lines = [",".join(["Date", *tickers])]
    for number, row in enumerate(closes):
        day = monday + datetime.timedelta(days=number // 5 * 7 + number % 5)
        lines.append(",".join([str(day), *(f"{close:.2f}" for close in row)]))
    path.write_text("\n".join(lines) + "\n")


def write_table(
    path: Path, columns: dict[str, float], target: str, rows: int, random: np.random.Generator,
    label: str = "",
) -> None:  # fmt: skip
    """A table in which the last column is nearly a sum of the others."""
    names = [*([label] if label else []), *columns, target]
    lines = [",".join(names)]
    for number in range(rows):
        values = [float(f"{random.normal(mean, mean / 4):.1f}") for mean in columns.values()]
        answer = 20 + sum(3.0 * value for value in values) + random.normal(0, 2)
        words = [f"No. {number}"] if label else []
        lines.append(",".join([*words, *(f"{value:.1f}" for value in [*values, answer])]))
    path.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), "--slow" in sys.argv[2:])
