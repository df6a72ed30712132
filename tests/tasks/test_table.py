"""Tables as people have them."""

from __future__ import annotations

import contextlib
import gzip
from pathlib import Path

import hypothesis
import hypothesis.strategies as st
import pytest

from pi_edge.errors import BadInput, NotFound, PiEdgeError, TooLarge
from pi_edge.tasks import table, text_files


def parsed(text: str | bytes) -> table.Table:
    return table.parse(text.encode() if isinstance(text, str) else text, "my.csv")


def numbers(text: str | bytes) -> list[list[float]]:
    got = parsed(text)
    return [
        [table.number(got, row, column) for column in range(len(got.header))]
        for row in range(len(got.rows))
    ]


def complaint(text: str | bytes) -> str:
    with pytest.raises(BadInput) as caught:
        numbers(text)
    line = str(caught.value)
    assert "\n" not in line
    assert line.startswith("my.csv")
    return line


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_found(separator: str) -> None:
    text = "day,a,b\n1,2,3\n4,5,6\n".replace(",", separator)
    got = parsed(text)
    assert got.header == ("day", "a", "b")
    assert got.rows == (("1", "2", "3"), ("4", "5", "6"))


@pytest.mark.parametrize("before", ["", "\n"])
def test_the_separator_may_be_told_as_excel_is_told(before: str) -> None:
    assert parsed(before + "sep=;\na,b;c\n1,5;2\n").header == ("a,b", "c")


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "latin-1"]
)
def test_the_encoding_is_found(encoding: str) -> None:
    assert parsed("Münster,b\n1,2\n".encode(encoding)).header == ("Münster", "b")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_may_end_as_on_any_system(end: str) -> None:
    got = parsed(end.join(["a,b", "1,2", "", "3,4"]))
    assert got.rows == (("1", "2"), ("3", "4"))
    assert got.lines == (2, 4)


def test_a_gzip_file_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "my.csv.gz"
    path.write_bytes(gzip.compress(b"a,b\n1,2\n"))
    assert table.read(path).rows == (("1", "2"),)


def test_lines_are_those_of_the_file_despite_blanks_and_cells_of_several_lines() -> None:
    got = parsed('\na,b\n\n"x\ny",1\n,\nz,2\n')
    assert got.rows == (("x\ny", "1"), ("z", "2"))
    assert got.lines == (4, 7)


def test_separators_after_the_last_column_do_no_harm() -> None:
    got = parsed("a,b,,\n1,2,,\n3,4,\n")
    assert (got.header, got.rows) == (("a", "b"), (("1", "2"), ("3", "4")))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a;b\n1,5;2\n", [1.5, 2]),
        ("a;b\n1.5;2\n", [1.5, 2]),
        ("a;b\n1.234,5;-2,25\n", [1234.5, -2.25]),
        ("a;b\n1,234;2\n", [1.234, 2]),
        ("a;b\n1,234.5;1,234\n", [1234.5, 1234]),
        ("a\tb\n1 234,5\t1'234\n", [1234.5, 1234]),
        ('a,b\n"1,234.5","1,234"\n', [1234.5, 1234]),
        ('a,b\n"1,234,567",2\n', [1234567, 2]),
        ('a,b\n"1,5","2,25"\n', [1.5, 2.25]),
        ("a,b\n$189.30,-1e-3\n", [189.3, -0.001]),
    ],
)
def test_numbers_are_read_as_they_are_meant(text: str, expected: list[float]) -> None:
    assert numbers(text) == [expected]


@pytest.mark.parametrize("cell", ["x", "inf", "nan", "1e999", "1_000", "12,5,1", "1.2.3", "5 %"])
def test_what_is_no_number_is_named_with_line_and_column(cell: str) -> None:
    line = complaint(f'a,b\n1,2\n3,"{cell}"\n')
    assert line.startswith("my.csv, line 3, column 'b': ")
    assert repr(cell) in line


def test_an_empty_cell_is_told_as_empty() -> None:
    assert complaint("a,b\n1,\n").endswith("the cell is empty: fill it in or remove the row")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b",,\n", "no heading line"),
        (b"a,b\n1\n", "line 2: 1 cells where the heading has 2"),
        (b"a,b\n1,2,3\n", "line 2: 3 cells where the heading has 2"),
        (b'a,b\n1,2\n"3,4\n5,6\n', "line 3: a quotation mark is opened here and never closed"),
        (b'a,b\n"1"2,3\n', "line 2: something follows a closing quotation mark"),
        (b"a,b\n" + b"x" * 200_000 + b",1\n", "line 2: a cell has more than 131072 characters"),
        (b"a,b\n" + b"1," * 2**20, "line 2: the line has more than 1048576 characters"),
        (b"PK\x03\x04whatever", "Excel workbook"),
        (b"\xd0\xcf\x11\xe0whatever", "Excel workbook"),
        (b"<!DOCTYPE html><p>", "a web page"),
        (bytes(range(256)), "no text"),
        (b"\xff\xfea", "damaged"),
        (gzip.compress(b"a,b\n1,2\n", mtime=0)[:-9], "gzip cannot unpack it"),
    ],
)
def test_what_is_no_table_is_told_in_one_line(content: bytes, told: str) -> None:
    assert told in complaint(content)


def test_a_small_file_that_unpacks_to_a_huge_one_is_refused() -> None:
    with pytest.raises(TooLarge, match="more than 64 MiB"):
        parsed(gzip.compress(bytes(text_files.MAX_BYTES + 1)))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"no file .*none\.csv"):
        table.read(tmp_path / "none.csv")


def test_a_folder_is_told_from_a_file(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is a folder"):
        table.read(tmp_path)


@hypothesis.given(
    st.binary(max_size=300)
    | st.text(alphabet='a1.,;\t|"\n\r-é \0$', max_size=80).map(str.encode)
    | st.text(max_size=80).map(lambda text: text.encode("utf-16", "surrogatepass"))
)
@hypothesis.settings(deadline=None, max_examples=400, derandomize=True, database=None)
def test_any_bytes_are_a_table_or_one_line(data: bytes) -> None:
    with contextlib.suppress(PiEdgeError):
        got = parsed(data)
        assert all(len(row) == len(got.header) for row in got.rows)
        assert len(got.lines) == len(got.rows)
        assert list(got.lines) == sorted(set(got.lines))
        for row in range(len(got.rows)):
            for column in range(len(got.header)):
                with contextlib.suppress(BadInput):
                    table.number(got, row, column)
