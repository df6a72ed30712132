"""Where prices come from, and how their days are divided."""

from __future__ import annotations

import hashlib
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import missing

from pi_edge.desktop.stocks import data
from pi_edge.errors import BadInput, NotFound
from pi_edge.learning.forecasts import spans


@pytest.fixture
def nothing_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No skfolio, and an empty cache, whose place is returned."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "pi-edge" / data.FILE


def pip_that_fetches(contents: bytes) -> Any:
    def run(command: list[str], **settings: Any) -> subprocess.CompletedProcess[str]:
        folder = Path(command[command.index("--dest") + 1])
        with zipfile.ZipFile(folder / "skfolio-1.12.2-py3-none-any.whl", "w") as wheel:
            wheel.writestr(data.MEMBER, contents)
        return subprocess.CompletedProcess(command, 0, "", "")

    return run


def test_the_file_given_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("Date,A\n2020-01-01,1\n")
    assert data.find(path) == path


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"no prices at .*mine\.csv: --prices takes a CSV"):
        data.find(tmp_path / "mine.csv")


def test_without_a_network_one_line_says_what_to_do(
    nothing_installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def offline(command: list[str], **settings: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 1, "", "WARNING: retry\nERROR: no route\n")

    monkeypatch.setattr("subprocess.run", offline)
    with pytest.raises(NotFound, match=r"ERROR: no route.*--prices") as caught:
        data.find()
    assert "\n" not in str(caught.value)
    assert not nothing_installed.exists()


def test_a_wheel_with_another_file_is_not_believed(
    nothing_installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("subprocess.run", pip_that_fetches(b"something else"))
    with pytest.raises(NotFound, match="not the file this version knows"):
        data.find()
    assert not nothing_installed.exists()


def test_what_was_fetched_is_kept_and_not_fetched_again(
    nothing_installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data, "SHA256", hashlib.sha256(b"prices").hexdigest())
    monkeypatch.setattr("subprocess.run", pip_that_fetches(b"prices"))
    assert data.find() == nothing_installed
    monkeypatch.setattr("subprocess.run", None)
    assert data.find().read_bytes() == b"prices"


def test_a_damaged_copy_is_fetched_again(
    nothing_installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing_installed.parent.mkdir(parents=True)
    nothing_installed.write_bytes(b"pri")
    monkeypatch.setattr(data, "SHA256", hashlib.sha256(b"prices").hexdigest())
    monkeypatch.setattr("subprocess.run", pip_that_fetches(b"prices"))
    assert data.find().read_bytes() == b"prices"


def test_an_installed_skfolio_is_used_without_importing_it(
    nothing_installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / data.MEMBER
    path.parent.mkdir(parents=True)
    path.write_bytes(b"prices")
    broken = tmp_path / "skfolio" / "__init__.py"
    broken.write_text("raise AssertionError('imported')")

    class Spec:
        origin = str(broken)

    monkeypatch.setattr("importlib.util.find_spec", lambda name: Spec)
    monkeypatch.setattr(data, "SHA256", hashlib.sha256(b"prices").hexdigest())
    assert data.find() == path


def test_the_default_is_twenty_stocks_over_33_years() -> None:
    try:
        table = data.load()
    except NotFound as error:
        missing(str(error))
    assert table.closes.shape == (8313, 20)
    assert (str(table.dates[0]), str(table.dates[-1])) == ("1990-01-02", "2022-12-28")
    assert np.isfinite(table.closes).all()


@pytest.mark.parametrize("days", [200, 201, 999, 8313])
def test_spans_are_all_rows_in_the_order_of_time(days: int) -> None:
    divided = spans.split(days)
    parts = (divided.train, divided.validation, divided.test)
    assert [row for part in parts for row in range(days)[part]] == list(range(days))
    assert [round((part.stop - part.start) / days, 1) for part in parts] == [0.6, 0.2, 0.2]


def test_too_short_a_history_names_the_days_needed() -> None:
    with pytest.raises(BadInput, match=r"mine\.csv: 199 days .* at least 200 are needed"):
        spans.split(199, "mine.csv")


def test_spans_are_told_with_their_dates() -> None:
    dates = np.datetime64("2020-01-01") + np.arange(200)
    told = spans.split(200).told(dates)
    assert told["train"] == {"from": "2020-01-01", "to": "2020-04-29", "days": 120}
    assert told["test"] == {"from": "2020-06-09", "to": "2020-07-18", "days": 40}


def test_what_calibrates_is_the_last_quarter_of_what_is_fitted_on() -> None:
    assert spans.calibration(slice(0, 400)) == (slice(0, 300), slice(300, 400))
