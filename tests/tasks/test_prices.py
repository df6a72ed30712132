"""Closing prices out of the files that people have."""

from __future__ import annotations

import contextlib
import gzip
import importlib.util
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
from support import missing

from pi_edge.errors import BadInput, PiEdgeError, TooLarge
from pi_edge.tasks import history, prices
from pi_edge.tasks.prices import Prices


def parsed(text: str | bytes, name: str = "my.csv") -> Prices:
    return prices.parse(text.encode() if isinstance(text, str) else text, name)


def complaint(text: str | bytes) -> str:
    with pytest.raises(BadInput) as caught:
        parsed(text)
    line = str(caught.value)
    assert "\n" not in line
    assert line.startswith("my.csv")
    return line


def wide(*rows: str) -> str:
    return "\n".join(["Date,AAA,BBB", *rows]) + "\n"


def days(got: Prices) -> list[str]:
    return [str(day) for day in got.dates]


def weekdays(count: int, start: str = "2024-01-01") -> list[str]:
    day, found = date.fromisoformat(start), []
    while len(found) < count:
        if day.weekday() < 5:
            found.append(str(day))
        day += timedelta(1)
    return found


# --- layouts ------------------------------------------------------------------------------------


def test_a_wide_table_has_a_column_a_ticker() -> None:
    got = parsed(wide("2024-01-02,1,2", "2024-01-03,1.5,2.5"))
    assert got.tickers == ("AAA", "BBB")
    assert days(got) == ["2024-01-02", "2024-01-03"]
    assert got.closes.tolist() == [[1, 2], [1.5, 2.5]]
    assert got.closes.dtype == np.float64
    assert got.notes == ()


@pytest.mark.parametrize(
    "head", ["date,ticker,close", "Date,Symbol,Adj Close", "DAY,Stock,Closing price"]
)
def test_a_long_table_has_a_row_a_day_and_ticker(head: str) -> None:
    got = parsed(f"{head}\n2024-01-02,B,1\n2024-01-03,B,1.5\n2024-01-02,A,3\n2024-01-03,A,4\n")
    assert got.tickers == ("B", "A")
    assert got.closes.tolist() == [[1, 3], [1.5, 4]]
    assert got.notes == ()


def test_of_yahoos_columns_the_adjusted_close_is_taken_and_said_so() -> None:
    got = parsed(
        "Date,Open,High,Low,Close,Adj Close,Volume\n2024-01-02,1,2,3,4,3.9,100\n", "x/AAPL.csv"
    )
    assert got.tickers == ("AAPL",)
    assert got.closes.tolist() == [[3.9]]
    assert got.notes == ("Adj Close is taken, not Close",)
    assert got.named_by_file


@pytest.mark.parametrize(
    ("text", "closes"),
    [
        (
            "Price,Adj Close,Close,High,Low,Open,Volume\nTicker,A,A,A,A,A,A\nDate,,,,,,\n"
            "2024-01-02,1,2,3,4,5,6\n",
            {"A": 1},
        ),
        (
            "Price,Close,Close,High,High,Low,Low\nTicker,A,B,A,B,A,B\nDate,,,,,,\n"
            "2024-01-02,1,2,3,4,5,6\n",
            {"A": 1, "B": 2},
        ),
        (
            "Ticker,A,A,B,B\nPrice,Open,Close,Open,Close\nDate,,,,\n2024-01-02,1,2,3,4\n",
            {"A": 2, "B": 4},
        ),
        (
            ",Adj Close,Adj Close,Close,Close\n,A,B,A,B\nDate,,,,\n2024-01-02,1,2,3,4\n",
            {"A": 1, "B": 2},
        ),
        ("Price,Close,Volume\nTicker,A,A\nDatetime,,\n2024-01-02 00:00:00-05:00,1,9\n", {"A": 1}),
    ],
)
def test_the_headings_of_several_lines_that_yfinance_writes(
    text: str, closes: dict[str, float]
) -> None:
    got = parsed(text)
    assert dict(zip(got.tickers, got.closes[0], strict=True)) == closes
    assert days(got) == ["2024-01-02"]


def test_stooqs_files_of_several_tickers() -> None:
    got = parsed(
        "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>\n"
        "A.US,D,20240102,000000,1,2,3,4,5,0\nB.US,D,20240102,000000,1,2,3,5,5,0\n"
    )
    assert got.tickers == ("A.US", "B.US")
    assert got.closes.tolist() == [[4, 5]]
    assert days(got) == ["2024-01-02"]


@pytest.mark.parametrize(
    ("head", "row"),
    [
        ("Date,Open,High,Low,Close,Volume", "2024-01-31,1,2,3,184.4,5"),
        ("Data,Otwarcie,Najwyzszy,Najnizszy,Zamkniecie,Wolumen", "2024-01-31,1,2,3,184.4,5"),
        ("Date,Close/Last,Volume,Open,High,Low", "01/31/2024,$184.40,5,$1,$2,$3"),
        (
            '"Date","Price","Open","High","Low","Vol.","Change %"',
            '"Jan 31, 2024","184.40",1,2,3,5M,-1%',
        ),
        ("timestamp,open,high,low,close,volume", "2024-01-31,1,2,3,184.4,5"),
        (
            "Date,Open,High,Low,Close,Volume,Dividends,Stock Splits",
            "2024-01-31 00:00:00-05:00,1,2,3,184.4,5,0.0,0.0",
        ),
        ("Date,Close", "2024-01-31,184.4"),
    ],
)
def test_files_of_one_stock_are_named_by_the_file(head: str, row: str) -> None:
    got = parsed(f"{head}\n{row}\n", "/data/aapl_us_d.csv")
    assert got.tickers == ("AAPL_US",)
    assert got.closes.tolist() == [[184.4]]
    assert days(got) == ["2024-01-31"]
    assert got.named_by_file


def test_headings_like_low_are_tickers_where_nothing_is_called_close() -> None:
    assert parsed("Date,LOW,HD\n2024-01-02,1,2\n").tickers == ("LOW", "HD")
    assert parsed("Date,LAST,HD\n2024-01-02,1,2\n").tickers == ("LAST", "HD")


def test_a_running_number_that_pandas_put_first_is_no_ticker() -> None:
    assert parsed(",Date,A\n0,2024-01-02,1\n").tickers == ("A",)
    assert parsed("Unnamed: 0,Date,A\n0,2024-01-02,1\n").tickers == ("A",)


def test_dates_without_a_heading_are_found() -> None:
    assert parsed(",A\n2024-01-02,1\n").tickers == ("A",)


def test_decimal_commas_of_a_german_spreadsheet() -> None:
    got = parsed("Datum;A;B\n31.01.2024;1.234,5;3,25\n".encode("cp1252"))
    assert got.closes.tolist() == [[1234.5, 3.25]]
    assert days(got) == ["2024-01-31"]


def test_a_gzip_file_of_a_user(tmp_path: Path) -> None:
    path = tmp_path / "my.csv.gz"
    path.write_bytes(gzip.compress(wide("2024-01-02,1,2").encode()))
    assert prices.read(path).closes.tolist() == [[1, 2]]


@pytest.fixture(scope="module")
def downloaded() -> Any:
    """A frame shaped like what yfinance's download() returns; Adj Close is 0.9 times Close."""
    if importlib.util.find_spec("pandas") is None:
        missing("pandas is not installed (it comes with statsmodels, extra test)")
    import pandas

    steps = np.random.default_rng(0).normal(0, 0.01, (300, 3))
    closes = 100 * np.exp(steps.cumsum(axis=0))
    fields = ["Adj Close", "Close", "High", "Low", "Open", "Volume"]
    return pandas.DataFrame(
        np.concatenate([closes * (0.9 if field == "Adj Close" else 1) for field in fields], axis=1),
        pandas.bdate_range("2020-01-01", periods=300, name="Date"),
        pandas.MultiIndex.from_product([fields, ["AAPL", "KO", "MSFT"]], names=["Price", "Ticker"]),
    )


@pytest.mark.parametrize(("separator", "decimal"), [(",", "."), (";", ",")])
@pytest.mark.parametrize(
    ("shape", "share"),
    [
        (lambda frame: frame, 0.9),
        (lambda frame: frame.swaplevel(axis=1).sort_index(axis=1), 0.9),
        (lambda frame: frame.rename_axis(columns=[None, None]), 0.9),
        (lambda frame: frame["Close"], 1),
        (lambda frame: frame["Close"].tz_localize("America/New_York"), 1),
        (lambda frame: frame["Close"].set_axis(frame.index.strftime("%m/%d/%Y")), 1),
        (lambda frame: frame["Close"].set_axis(frame.index.strftime("%d/%m/%Y")), 1),
        (lambda frame: frame["Close"].set_axis(frame.index.strftime("%d.%m.%Y")), 1),
        (lambda frame: frame["Close"].reset_index().melt("Date", value_name="Close"), 1),
    ],
    ids=["download", "by ticker", "old", "closes", "time zone", "US", "UK", "German", "long"],
)
def test_what_pandas_writes_is_read_back(
    downloaded: Any, shape: Callable[[Any], Any], share: float, separator: str, decimal: str
) -> None:
    got = parsed(shape(downloaded).to_csv(sep=separator, decimal=decimal))
    assert got.tickers == ("AAPL", "KO", "MSFT")
    np.testing.assert_array_equal(got.dates, downloaded.index.to_numpy().astype("datetime64[D]"))
    np.testing.assert_allclose(got.closes, share * downloaded["Close"], rtol=1e-12)


# --- dates --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "written",
    [
        *("2024-01-31", "20240131", "2024/1/31", "01/31/2024", "31/01/2024", "31.01.2024"),
        *("31-Jan-24", "31 January 2024", '"Jan 31, 2024"', "1/31/24", "01/31/2024 16:00:00"),
        *("2024-01-31T22:00:00Z", "2024-01-31 00:00:00+09:00", "2024-01-31T23:59:59.999-05:00"),
    ],
)
def test_dates_as_people_write_them(written: str) -> None:
    assert days(parsed(wide(f"{written},1,2"))) == ["2024-01-31"]


@pytest.mark.parametrize(
    ("written", "first"),
    [
        (["01/02/2024", "01/15/2024"], "2024-01-02"),
        (["01/02/2024", "15/02/2024"], "2024-02-01"),
        (["01/02/2024", "01/03/2024", "01/04/2024"], "2024-01-02"),
        (["01/02/2024", "02/02/2024", "05/02/2024"], "2024-02-01"),
        (["04/01/2024", "03/01/2024", "02/01/2024"], "2024-01-02"),
    ],
)
def test_the_whole_column_tells_day_from_month(written: list[str], first: str) -> None:
    got = parsed(wide(*(f"{day},{n},2" for n, day in enumerate(written, 10))))
    assert days(got)[0] == first
    assert any("are read" in note for note in got.notes)


@pytest.mark.parametrize("written", [["01/02/2024"], ["01/02/2024", "02/01/2024"]])
def test_day_and_month_that_nothing_tells_apart_are_asked_for(written: list[str]) -> None:
    line = complaint(wide(*(f"{day},1,2" for day in written)))
    assert "line 2: nothing tells whether '01/02/2024' has the day or the month first" in line


def test_dates_of_both_orders_are_refused() -> None:
    line = complaint(wide("31/01/2024,1,2", "01/31/2024,2,3"))
    assert "line 3: '31/01/2024' has the day first and '01/31/2024' the month" in line


@pytest.mark.parametrize("written", ["2024-13-01", "2024-02-30", "x", "31/31/2024", "12", "0"])
def test_what_is_no_date_is_named_with_its_line(written: str) -> None:
    line = complaint(wide("2024-01-02,1,2", f"{written},1,2"))
    assert line == f"my.csv, line 3: '{written}' is no date: write it like 2024-01-31"


def test_a_missing_date_is_named() -> None:
    assert "line 3: the date is missing" in complaint(wide("2024-01-02,1,2", ",1,2"))


# --- what is odd --------------------------------------------------------------------------------


@pytest.mark.parametrize("cell", ["", "null", "N/A", "-", "NaN", "#N/A", "."])
def test_a_gap_is_filled_with_the_close_before_and_noted(cell: str) -> None:
    got = parsed(wide("2024-01-02,1,2", f"2024-01-03,1,{cell}", "2024-01-04,1,3"))
    assert got.closes[:, 1].tolist() == [2, 2, 3]
    assert got.notes == ("1 missing price filled with the close before: BBB 1",)


def test_days_without_any_price_are_left_out_and_noted() -> None:
    got = parsed(wide("2024-01-02,1,2", "2024-01-06,,", "2024-01-08,null,-"))
    assert days(got) == ["2024-01-02"]
    assert got.notes == ("2 days without any price left out",)


def test_weekends_are_not_missed() -> None:
    assert parsed(wide("2024-01-05,1,2", "2024-01-08,1,2")).notes == ()


def test_a_long_gap_is_noted_with_its_beginning() -> None:
    rows = [
        f"{day},1,{'' if 2 <= n < 14 else 2}" for n, day in enumerate(weekdays(20, "2024-01-01"))
    ]
    assert "BBB 12 days after 2024-01-02" in " ".join(parsed(wide(*rows)).notes)


def test_a_stock_listed_later_has_nan_before() -> None:
    got = parsed(wide("2024-01-02,1,", "2024-01-03,1,2"))
    np.testing.assert_array_equal(got.closes, [[1, np.nan], [1, 2]])
    assert got.notes == ("prices that begin later than the others: BBB on 2024-01-03",)


def test_a_stock_that_ended_is_left_out_by_name() -> None:
    rows = [f"{day},1,{2 if n < 5 else ''}" for n, day in enumerate(weekdays(20))]
    got = parsed(wide(*rows))
    assert got.tickers == ("AAA",)
    (note,) = got.notes
    assert note.startswith("BBB is left out: its prices end on 2024-01-05 (delisted, or renamed?)")


def test_a_ticker_without_prices_is_left_out_by_name() -> None:
    got = parsed(wide("2024-01-02,1,", "2024-01-03,1,"))
    assert (got.tickers, got.notes) == (("AAA",), ("BBB is left out: it has no price at all",))


@pytest.mark.parametrize(
    ("after", "hint"),
    [
        ("50", "BBB -50% on 2024-01-03 (a 2:1 split?)"),
        ("26", "BBB -74% on 2024-01-03 (a 4:1 split?)"),
        ("5", "BBB -95% on 2024-01-03 (a 20:1 split?)"),
        ("1000", "BBB +900% on 2024-01-03 (a 1:10 split?)"),
        ("241", "BBB +141% on 2024-01-03"),
    ],
)
def test_a_leap_that_looks_like_a_split_is_noted(after: str, hint: str) -> None:
    (note,) = parsed(wide("2024-01-02,1,100", f"2024-01-03,1,{after}")).notes
    assert note.endswith(hint)


def test_weekly_closes_are_noted() -> None:
    got = parsed(wide("2024-01-05,1,2", "2024-01-12,1,2", "2024-01-19,1,2"))
    assert got.notes == ("most dates are 7 days apart: daily closes are meant here",)


def test_an_ordinary_crash_is_not_noted() -> None:
    assert parsed(wide("2024-01-02,1,100", "2024-01-03,1,60")).notes == ()


def test_unsorted_rows_are_sorted_and_noted() -> None:
    got = parsed(wide("2024-01-03,3,4", "2024-01-02,2,3"))
    assert got.closes.tolist() == [[2, 3], [3, 4]]
    assert got.notes == ("the rows were not in order of date and have been sorted",)


def test_repeated_rows_are_left_out_and_noted() -> None:
    got = parsed(wide("2024-01-02,1,2", "2024-01-02,1,2", "2024-01-03,1,2"))
    assert len(got.dates) == 2
    assert got.notes == ("1 row left out that repeated another",)


def test_rows_of_one_date_that_complete_each_other_are_joined() -> None:
    assert parsed(wide("2024-01-02,1,", "2024-01-02,,2")).closes.tolist() == [[1, 2]]


def test_rows_of_one_date_that_contradict_each_other_are_named() -> None:
    line = complaint(wide("2024-01-02,1,2", "2024-01-03,1,2", "2024-01-02,1,3"))
    assert "line 4: BBB on 2024-01-02 is 3, but line 2 says 2: keep one close a day" in line


@pytest.mark.parametrize("cell", ["0", "-1", "inf", "1e999", "abc", "1_0", "12%"])
def test_what_is_no_price_is_named_with_line_and_ticker(cell: str) -> None:
    line = complaint(wide("2024-01-02,1,2", f"2024-01-03,1,{cell}"))
    assert line.startswith(f"my.csv, line 3, column 'BBB': '{cell}' is no ")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is empty"),
        ("Date,A\n", "a heading but no rows"),
        ("Price,Close\nTicker,A\nDate,\n", "a heading but no rows"),
        ("2024-01-02,1\n2024-01-03,2\n", "no heading line"),
        ("a,b\n1,2\n", "line 2: no column holds dates"),
        ("Date\n2024-01-02\n", "no column of prices"),
        ("Date,A\n2024-01-02,\n", "no price at all"),
        ("Date,Open,High,Low\n2024-01-02,1,2,3\n", "no column Close"),
        ("Price,Open\nTicker,A\nDate,\n2024-01-02,1\n", "no column Close"),
        ("Date,AAPL,aapl\n2024-01-02,1,2\n", "'AAPL' twice"),
        ("date,symbol,close\n2024-01-02,A,1\n2024-01-02,a,1\n", "'A' twice"),
        ("date,symbol,close\n2024-01-02,,1\n", "line 2: the symbol is missing"),
        (b"PK\x03\x04", "an Excel workbook"),
        ("Date,A\n2024-01-02,1,2\n", "line 2: 3 cells"),
    ],
)
def test_what_holds_no_prices_is_told_in_one_line(text: str | bytes, told: str) -> None:
    assert told in complaint(text)


def test_a_long_table_that_would_make_a_huge_wide_one_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(history, "MAX_CELLS", 99)
    rows = [f"{day},T{n},1" for n, day in enumerate(weekdays(10))]
    with pytest.raises(TooLarge, match="10 days of 10 tickers"):
        parsed("\n".join(["date,ticker,close", *rows]))


def test_notes_name_a_few_of_many() -> None:
    head = ",".join(["Date", *(f"T{n}" for n in range(30))])
    rows = ["2024-01-02" + ",1" * 30, "2024-01-03,1" + "," * 29, "2024-01-04" + ",1" * 30]
    (note,) = parsed("\n".join([head, *rows])).notes
    assert note.startswith("29 missing prices filled with the close before: T1 1, ")
    assert note.endswith(" and 21 more tickers")


# --- anything -----------------------------------------------------------------------------------

CELLS = st.sampled_from(
    [
        *("2024-01-02", "2024-01-03", "01/02/2024", "20240104", "1", "2.5", "1,5", "0", "-", ""),
        *("Date", "Close", "Ticker", "Price", "Adj Close", "A", "B", "High", "<LOW>", "null"),
        *("nan", "inf", '"', "x\ny", "9" * 400, "1e308", "5e-324", "31.12.1999", "\u0661"),
    ]
)
TABLES = st.lists(st.lists(CELLS, max_size=5), max_size=8).map(
    lambda rows: "\n".join(",".join(row) for row in rows).encode()
)


@hypothesis.given(st.binary(max_size=200) | TABLES | st.binary(max_size=50).map(gzip.compress))
@hypothesis.settings(deadline=None, max_examples=600, derandomize=True, database=None)
def test_any_bytes_are_prices_or_one_line(data: bytes) -> None:
    with contextlib.suppress(PiEdgeError):
        got = parsed(data)
        assert got.closes.shape == (len(got.dates), len(got.tickers))
        assert (np.diff(got.dates).astype(int) > 0).all()
        missing = np.isnan(got.closes)
        assert not (missing[1:] & ~missing[:-1]).any(), "NaN after a listing"
        assert (missing | (np.isfinite(got.closes) & (got.closes > 0))).all()
        assert all("\n" not in note for note in got.notes)
