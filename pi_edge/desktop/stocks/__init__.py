"""Forecasts of closing prices: as a time series (stocks), and as prices once were fed (levels)."""

from pathlib import Path

from pi_edge.desktop.flags import FRESH, SEED, flag

NAMES = ("stocks", "stocks-levels")

PRICES = flag(
    "--prices", type=Path, metavar="FILE", help="a CSV of closing prices instead of the default"
)

FLAGS = {
    "train": {"prices": PRICES, "seed": SEED, "fresh": FRESH},
    "convert": {"prices": PRICES},
    "verify": {"prices": PRICES},
    "plot": {"prices": PRICES},
}
