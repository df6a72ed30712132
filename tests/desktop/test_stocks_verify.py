from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from made_prices import made_prices, write_prices

from pi_edge import cli
from pi_edge.desktop.stocks.verify import verify

Edit = Callable[[Callable[[Any], None]], None]


@pytest.fixture
def folder(converted_stocks: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(converted_stocks / "stocks", tmp_path / "models" / "stocks"))


@pytest.fixture
def edit(folder: Path) -> Edit:
    def edit(change: Callable[[Any], None]) -> None:
        path = folder / "model.json"
        document = json.loads(path.read_bytes())
        change(document)
        path.write_text(json.dumps(document))

    return edit


def problems(folder: Path, prices: Path) -> list[str]:
    return verify(folder, prices=prices, say=lambda _: None)


def test_a_model_as_converted_verifies(folder: Path, small_prices: Path) -> None:
    assert problems(folder, small_prices) == []


def test_each_variant_is_told_in_a_table(folder: Path, small_prices: Path) -> None:
    said: list[str] = []
    verify(folder, prices=small_prices, say=said.append)
    assert [line.split()[0] for line in said[:4]] == ["stocks", "variant", "float32", "float16"]
    assert "84 days" in said[0]


@pytest.mark.parametrize("figure", ["mae", "ratio_to_last_price", "coverage"])
def test_a_figure_that_is_not_the_files_is_found(
    folder: Path, small_prices: Path, edit: Edit, figure: str
) -> None:
    def boast(document: Any) -> None:
        document["variants"]["float32"][figure] *= 0.98

    edit(boast)
    (problem,) = problems(folder, small_prices)
    assert "float32.tflite" in problem
    assert f"{figure} is" in problem


def test_a_flipped_byte_is_found_before_anything_is_measured(
    folder: Path, small_prices: Path
) -> None:
    path = folder / "float16.tflite"
    contents = bytearray(path.read_bytes())
    contents[len(contents) // 2] ^= 1
    path.write_bytes(contents)
    found = problems(folder, small_prices)
    assert "float16.tflite is not the file that model.json describes" in found[0]
    assert not any("days" in problem for problem in found)


def test_other_prices_are_measured_and_said_to_be_others(folder: Path, tmp_path: Path) -> None:
    other = write_prices(tmp_path / "other.csv", made_prices(420, 4, seed=9))
    said: list[str] = []
    (problem,) = verify(folder, prices=other, say=said.append)
    assert "other.csv is not what stocks was trained on (prices.csv" in problem
    assert "84 days" in said[0]
    assert any(line.startswith("  float32") for line in said)


def test_prices_without_the_models_tickers_name_the_missing(folder: Path, tmp_path: Path) -> None:
    other = write_prices(tmp_path / "other.csv", made_prices(420, 2))
    (problem,) = problems(folder, other)
    assert "other.csv has no prices of T2" in problem


def test_prices_of_other_years_are_said_so(folder: Path, tmp_path: Path) -> None:
    other = write_prices(tmp_path / "other.csv", made_prices(100, 3))
    (problem,) = problems(folder, other)
    assert "other.csv has no day of the test span" in problem


def test_without_prices_it_takes_the_file_that_the_model_learned_from(folder: Path) -> None:
    assert verify(folder, say=lambda _: None) == []


def test_a_file_that_is_gone_is_to_be_named(folder: Path, edit: Edit) -> None:
    def move(document: Any) -> None:
        document["trained"]["data"]["path"] = "/nowhere/my.csv"

    edit(move)
    (problem,) = verify(folder, say=lambda _: None)
    assert "stocks learned from /nowhere/my.csv, which is gone: name its prices with" in problem


def test_missing_prices_are_said(folder: Path, tmp_path: Path) -> None:
    (problem,) = problems(folder, tmp_path / "nowhere.csv")
    assert "no prices at" in problem


def test_the_command_succeeds_and_writes_nothing(
    converted_stocks: Path, small_prices: Path, tmp_path: Path
) -> None:
    def everything() -> list[tuple[str, int, bytes]]:
        return [
            (str(path), path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
            for path in sorted(tmp_path.rglob("*"))
        ]

    models = shutil.copytree(converted_stocks, tmp_path / "models")
    before = everything()
    command = ["verify", "stocks", "--prices", str(small_prices), "--models", str(models)]
    assert cli.main(command) == 0
    assert everything() == before


def test_the_command_fails_where_one_of_both_models_is_missing(
    folder: Path, small_prices: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["verify", "stocks", "--prices", str(small_prices), "--models", str(folder.parent)]
    assert cli.main(command) == 1
    assert "stocks-levels is in none of" in capsys.readouterr().err


def test_verifying_imports_no_tensorflow(converted_stocks: Path, small_prices: Path) -> None:
    code = (
        "import sys; sys.modules['tensorflow'] = None\n"
        "from pi_edge import cli\n"
        f"sys.exit(cli.main(['verify', 'stocks', '--prices', {str(small_prices)!r},"
        f" '--models', {str(converted_stocks)!r}]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
