"""Tables as people have them become numbers, or one line that says what to do."""

from __future__ import annotations

import datetime
import importlib.util
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import missing

from pi_edge.desktop.regression.data import load
from pi_edge.errors import BadInput, NotFound, PiEdgeError, WrongUsage

GOOD = "town,rooms,size,rent\nA,1,20.5,300\nB,3,70,900\nC,2,55,700\nD,4,90,1000\n"


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def write(text: str) -> Path:
        path = tmp_path / "table.csv"
        path.write_text(text)
        return path

    return write


@pytest.fixture
def workbook(tmp_path: Path) -> Any:
    """Writes rows into an .xls, on its second sheet."""
    if importlib.util.find_spec("xlwt") is None or importlib.util.find_spec("xlrd") is None:
        missing("xlwt and xlrd are not installed (extras test and desktop)")
    import xlwt

    def write(rows: list[list[Any]]) -> Path:
        book = xlwt.Workbook()
        book.add_sheet("nothing")
        sheet = book.add_sheet("numbers")
        style = xlwt.easyxf(num_format_str="YYYY-MM-DD")
        for at, row in enumerate(rows):
            for column, cell in enumerate(row):
                if cell is not None:
                    date = isinstance(cell, datetime.date)
                    sheet.write(at, column, cell, *([style] if date else []))
        path = tmp_path / "table.xls"
        book.save(str(path))
        return path

    return write


def test_all_columns_but_the_target_and_those_left_out_are_read(write: Any) -> None:
    numbers = load(write(GOOD), "rent", ["town"])
    assert numbers.columns == ("rooms", "size")
    assert numbers.x.tolist() == [[1, 20.5], [3, 70], [2, 55], [4, 90]]
    assert numbers.y.tolist() == [300, 900, 700, 1000]


def test_decimal_commas_between_semicolons_are_read(write: Any) -> None:
    numbers = load(write("a;y\n1,5;-2,25\n2,5;4\n3;7\n"), "y")
    assert numbers.x[:, 0].tolist() == [1.5, 2.5, 3]
    assert numbers.y.tolist() == [-2.25, 4, 7]


def test_an_excel_workbook_is_read_to_the_last_digit(workbook: Any) -> None:
    values = [0.1 + 0.2, 1e-7, -3.0, 12345678.9]
    rows = [["name", "x", "y"], [None], *[["a", value, at] for at, value in enumerate(values)]]
    numbers = load(workbook(rows), "y", ["name"])
    assert numbers.x[:, 0].tolist() == values
    assert numbers.y.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("many", "'many' is no finite number"),
        (True, "'TRUE' is no finite number"),
        (datetime.date(2020, 5, 17), "'2020-05-17T00:00:00' is no finite number"),
        (None, "the cell is empty"),
    ],
)
def test_a_cell_of_a_workbook_that_is_no_number_is_told_with_its_line(
    workbook: Any, cell: Any, said: str
) -> None:
    path = workbook([["x", "y"], [1, 2], [None, None], [cell, 5], [7, 8]])
    with pytest.raises(BadInput, match=f"table.xls, line 4, column 'x': {said}"):
        load(path, "y")


def test_a_damaged_workbook_is_said(tmp_path: Path) -> None:
    path = tmp_path / "table.xls"
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600)
    with pytest.raises(BadInput, match="damaged workbook"):
        load(path, "y")


def test_a_workbook_cut_short_is_said(workbook: Any) -> None:
    path = workbook([["x", "y"], *[[at, at * at] for at in range(2000)]])
    path.write_bytes(path.read_bytes()[:9000])
    with pytest.raises(BadInput, match="damaged workbook"):
        load(path, "y")


def test_an_empty_workbook_is_said(workbook: Any) -> None:
    with pytest.raises(BadInput, match="empty workbook"):
        load(workbook([]), "y")


def test_a_workbook_without_xlrd_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "xlrd", None)
    path = tmp_path / "table.xls"
    path.write_bytes(b"\xd0\xcf\x11\xe0")
    with pytest.raises(PiEdgeError, match=r"pip install 'pi-edge\[desktop\]', or save .* as CSV"):
        load(path, "y")


@pytest.mark.parametrize(
    ("text", "target", "without", "said"),
    [
        (GOOD, "price", [], "has no column 'price'; it has 'town', 'rooms', 'size', 'rent'"),
        (GOOD, "rent", ["city"], "has no column 'city'"),
        (GOOD, "rent", ["town", "rooms", "size"], "no column left to predict 'rent' from"),
        (
            "town,the mayor,rooms,rent\nA,X,1,2\nB,Y,3,4\n",
            "rent",
            [],
            "line 2, column 'town': 'A' is no number, nor is any other cell of that column: "
            "leave it out with --without town --without 'the mayor'",
        ),
        ("a,y\n1,2\n2,?\n3,4\n", "y", [], "line 3, column 'y': '\\?' is no finite number"),
        ("a,y\n1,2\n,3\n3,4\n", "y", [], "line 3, column 'a': the cell is empty"),
        ("a,y\n1,2\n-inf,3\n3,4\n", "y", [], "line 3, column 'a': '-inf' is no finite"),
        ("a,a,y\n1,2,3\n", "y", [], "two columns are called 'a': rename"),
        ("a,,y\n1,2,3\n", "y", [], "column 2 has no heading"),
        ("a,y\n", "y", [], "a heading but no rows"),
        ("a,b,y\n1,2,3\n2,5,4\n", "y", [], "2 rows, too few for 2 columns: at least 3"),
        ("a,b,y\n1,2,3\n1,5,4\n1,8,9\n", "y", [], "'a' never changes .* --without a"),
        ("a,y\n1,3\n2,3\n3,3\n", "y", [], "'y' is 3 in every row"),
        ("a,y\n1,2,3\n", "y", [], "3 cells where the heading has 2"),
        ("", "y", [], "empty"),
    ],
)
def test_a_table_that_cannot_be_learned_from_gets_one_line(
    write: Any, text: str, target: str, without: list[str], said: str
) -> None:
    with pytest.raises(BadInput, match=said) as raised:
        load(write(text), target, without)
    assert "table.csv" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"there is no file .*none\.csv"):
        load(tmp_path / "none.csv", "y")


def test_without_a_target_the_columns_are_listed(write: Any) -> None:
    with pytest.raises(WrongUsage, match="--target COLUMN, one of 'town', 'rooms', 'size', 'rent'"):
        load(write(GOOD), None)


def test_a_target_that_is_left_out_is_refused(write: Any) -> None:
    with pytest.raises(WrongUsage, match="cannot be both"):
        load(write(GOOD), "rent", ["rent"])


def test_the_file_is_told_by_its_hash(write: Any) -> None:
    path = write("a,y\n1,2\n2,5\n3,4\n")
    first = load(path, "y")
    path.write_text(path.read_text() + "\n")
    second = load(path, "y")
    assert first.sha256 != second.sha256
    np.testing.assert_array_equal(first.x, second.x)
