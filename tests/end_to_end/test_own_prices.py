"""The commands as they are typed, one after the other: the shipped models of prices and numbers,
and somebody's own prices from a CSV to an answer of the daemon."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from running import running_daemon
from support import missing

from pi_edge.desktop.stocks import data
from pi_edge.errors import NotFound

TICKERS = ("MINE", "YOURS", "OURS")
DAYS = 420


def pi_edge(*arguments: object) -> str:
    """Run a command that has to work. Returns what it printed."""
    command = [sys.executable, "-m", "pi_edge", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def closes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CSV of closing prices that wander without aim, some 20 months of business days."""
    random = np.random.default_rng(11)
    steps = random.normal(0, [0.01, 0.02, 0.015], (DAYS, 3))
    prices = np.array([20.0, 150.0, 900.0]) * np.exp(steps.cumsum(0))
    dates = np.busday_offset("2024-01-02", np.arange(DAYS))
    rows = [",".join(("Date", *TICKERS))]
    for date, row in zip(dates, prices, strict=True):
        rows.append(",".join((str(date), *(f"{price:.2f}" for price in row))))
    path = tmp_path_factory.mktemp("prices") / "mine.csv"
    path.write_text("\n".join(rows) + "\n")
    return path


@pytest.fixture(scope="module")
def own_state(closes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder with `stocks` trained on that CSV, and converted."""
    if importlib.util.find_spec("tensorflow") is None:
        missing("TensorFlow is not installed (extra desktop)")
    state = tmp_path_factory.mktemp("own")
    pi_edge("train", "stocks", "--prices", closes, "--state", state)
    pi_edge("convert", "stocks", "--prices", closes, "--state", state)
    return state


def last_closes(path: Path) -> dict[str, float]:
    lines = path.read_text().splitlines()
    return dict(zip(TICKERS, map(float, lines[-1].split(",")[1:]), strict=True))


def test_the_shipped_models_are_benchmarked_with_their_own_examples(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    flags = "--variant", "float32", "--threads", "1", "--json", figures, "--state", tmp_path
    table = pi_edge("bench", "stocks", "fire-theft", *flags)
    assert "stocks " in table
    assert "fire-theft " in table
    rows = json.loads(figures.read_bytes())["rows"]
    assert [row["input"] for row in rows] == ["check.npz", "check.npz"]


def test_the_shipped_line_verifies_with_what_it_ships_with(tmp_path: Path) -> None:
    assert "fire-theft" in pi_edge("verify", "fire-theft", "--state", tmp_path)


def test_the_shipped_forecasts_verify_with_the_prices_they_learned_from(tmp_path: Path) -> None:
    try:
        data.find()
    except NotFound as error:
        missing(str(error))
    told = pi_edge("verify", "stocks", "--state", tmp_path)
    assert "stocks in " in told
    assert "stocks-levels in " in told


def test_a_number_in_gives_a_number_out(tmp_path: Path) -> None:
    answer = json.loads(pi_edge("predict", "fire-theft", "12.5", "--json", "--state", tmp_path))
    assert answer["predictions"] == pytest.approx([33.4134], abs=1e-3)


def test_own_prices_become_a_model_that_forecasts_them(own_state: Path, closes: Path) -> None:
    table = pi_edge("predict", "stocks", closes, "--state", own_state)
    assert all(ticker in table for ticker in TICKERS)
    told = json.loads(pi_edge("predict", "stocks", closes, "--json", "--state", own_state))
    last = last_closes(closes)
    assert {one["ticker"]: one["last"] for one in told["forecasts"]} == pytest.approx(last)
    for one in told["forecasts"]:
        assert 0 < one["low"] < one["forecast"] < one["high"]
        assert one["forecast"] == pytest.approx(one["last"], rel=0.05)


def test_own_prices_verify(own_state: Path, closes: Path) -> None:
    assert "stocks" in pi_edge("verify", "stocks", "--prices", closes, "--state", own_state)
    assert "stocks: fine" in pi_edge("models", "verify", "stocks", "--state", own_state)


def test_the_daemon_answers_with_the_owner_s_model_instead_of_the_shipped(
    own_state: Path, closes: Path
) -> None:
    told = json.loads(pi_edge("predict", "stocks", closes, "--json", "--state", own_state))
    with running_daemon(own_state) as daemon:
        answer = daemon.send(
            "POST", "/tasks/stocks", closes.read_bytes(), {"Content-Type": "text/csv"}
        ).json()
    assert answer["forecasts"] == told["forecasts"]
