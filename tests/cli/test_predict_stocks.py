"""pi-edge predict with a model of stocks, one that answers with the mean of five days."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from running import install

CSV = "Date,AAA,BBB,CCC\n" + "".join(f"2024-01-0{n},{n},{2 * n},{3 * n}\n" for n in range(1, 7))


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    install("prices", folder, "stocks", tickers=["AAA", "BBB", "CCC"], days=5, horizon_days=2)
    return folder


def predict(models: Path, *arguments: object, stdin: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pi_edge", "predict", "prices", "--models", str(models)]
    return subprocess.run(
        [*command, *map(str, arguments)], input=stdin, capture_output=True, text=True, timeout=60
    )


def complaints(result: subprocess.CompletedProcess[str]) -> list[str]:
    assert "Traceback" not in result.stderr
    return [line for line in result.stderr.splitlines() if line.startswith("pi-edge: ")]


TABLE = [
    "after the close of 2024-01-06, 2 trading days ahead:",
    "ticker  last close  forecast    10%    90%   change",
    "AAA          6.000     4.000  2.000  6.000  -33.33%",
    "BBB          12.00      8.00   4.00  12.00  -33.33%",
    "CCC          18.00     12.00   6.00  18.00  -33.33%",
]


def test_a_csv_file_becomes_a_table(models: Path, tmp_path: Path) -> None:
    path = tmp_path / "my.csv"
    path.write_text(CSV)
    result = predict(models, path)
    assert result.returncode == 0
    assert result.stdout.splitlines() == TABLE


def test_standard_input_becomes_the_same_table(models: Path) -> None:
    assert predict(models, "-", stdin=CSV).stdout.splitlines() == TABLE


def test_json_is_what_the_route_answers(models: Path) -> None:
    document = json.loads(predict(models, "-", "--json", stdin=CSV).stdout)
    assert document["forecasts"][0] == {
        "ticker": "AAA",
        "last": 6.0,
        "forecast": 4.0,
        "low": 2.0,
        "high": 6.0,
    }
    assert (document["model"], document["variant"], document["as_of"]) == (
        "prices",
        "v1",
        "2024-01-06",
    )


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "bad.csv is empty"),
        ("Date,AAA,BBB\n2024-01-02,1,2\n", "prices of CCC are missing"),
        (CSV.replace(",18\n", ",eighteen\n"), "bad.csv, line 7, column 'CCC': 'eighteen' is no"),
    ],
)
def test_a_bad_file_is_one_line_and_exit_status_1(
    models: Path, tmp_path: Path, content: str, told: str
) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(content)
    result = predict(models, path)
    assert (result.returncode, result.stdout) == (1, "")
    (line,) = complaints(result)
    assert told in line


def test_no_such_file_is_one_line(models: Path, tmp_path: Path) -> None:
    result = predict(models, tmp_path / "none.csv")
    assert result.returncode == 1
    assert "there is no file" in complaints(result)[0]
