"""The regression task: numbers, rows and CSVs in, predictions out; everything else refused."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import hypothesis
import hypothesis.strategies as st
import numpy as np
import orjson
import pytest

from pi_edge import cli
from pi_edge.errors import BadInput, NotFound, PiEdgeError, TooLarge
from pi_edge.tasks import regression

ONE = {"columns": ["fires_per_1000"], "target": "thefts_per_1000"}
TWO = {"columns": ["a", "b"], "target": "y"}

Arrays = Mapping[str, np.ndarray]


def line(inputs: Arrays) -> dict[str, np.ndarray]:
    """y = 1 + 2 * (sum of the columns), in float32."""
    x = inputs["x"]
    assert x.dtype == np.float32
    with np.errstate(over="ignore"):
        return {"y": 1 + 2 * x.sum(1, keepdims=True)}


def ask(body: Any, about: Mapping[str, Any] = ONE, content_type: str = "") -> Any:
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    return regression.answer(regression.from_body(body, content_type), line, about)


@pytest.mark.parametrize(
    ("body", "predictions"),
    [
        ({"x": [12.5, 3]}, [26, 7]),
        ({"x": [[12.5], [3]]}, [26, 7]),
        ({"x": 12.5}, [26]),
        ({"rows": [{"fires_per_1000": 12.5, "thefts_per_1000": None, "name": "x"}]}, [26]),
        (b"fires_per_1000\n12.5\n3\n", [26, 7]),
        (b"name;thefts_per_1000;fires_per_1000\nx;;12,5\n", [26]),
        (b"12.5\n3\n", [26, 7]),
    ],
)
def test_one_column_may_be_sent_as(body: Any, predictions: list[float]) -> None:
    assert ask(body) == {"predictions": predictions}


@pytest.mark.parametrize(
    "body",
    [
        {"x": [[1, 2], [3, 4]]},
        {"rows": [{"b": 2, "a": 1}, {"a": 3, "b": 4, "y": 99}]},
        b"b,y,a\n2,?,1\n4,?,3\n",
        b"1,2\n3,4",
    ],
)
def test_several_columns_may_be_sent_as(body: Any) -> None:
    assert ask(body, TWO) == {"predictions": [7, 15]}


def test_columns_are_told_apart_by_name_not_by_place() -> None:
    def first(inputs: Arrays) -> dict[str, np.ndarray]:
        return {"y": inputs["x"][:, :1]}

    request = regression.from_body(b"b,a\n1,2\n", "text/csv")
    assert regression.answer(request, first, TWO) == {"predictions": [2]}


def test_many_rows_are_answered_in_their_order() -> None:
    values = list(range(2500))
    assert ask({"x": values})["predictions"] == [1 + 2 * value for value in values]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "send {"),
        ([1, 2], "send {"),
        ({"x": [1], "rows": []}, "send {"),
        ({"x": []}, '"x" has no rows'),
        ({"rows": []}, '"rows" has no rows'),
        ({"x": "12.5"}, '"x" must be a list'),
        ({"x": {"a": 1}}, '"x" must be a list'),
        ({"x": ["12.5"]}, "row 1: '\"12.5\"' is no number"),
        ({"x": [1, None]}, "row 2: 'null' is no number"),
        ({"x": [True]}, "row 1: 'true' is no number"),
        ({"x": [[[1]]]}, "row 1: '[1]' is no number"),
        ({"x": [1e39]}, "row 1: 1e+39 is no finite number up to 3.4e38"),
        ({"x": [[1, 2]]}, "row 1 has 2 numbers; this model takes 1 number, 'fires_per_1000'"),
        ({"x": [[]]}, "row 1 has 0 numbers"),
        ({"rows": [{"thefts_per_1000": 1}]}, "row 1 has no 'fires_per_1000'"),
        ({"rows": [{"fires_per_1000": "many"}]}, "column 'fires_per_1000': '\"many\"' is no"),
        ({"rows": [1]}, "row 1: '1' is no {column: number}"),
        ({"rows": {"fires_per_1000": [1]}}, '"rows" must be a list'),
        (b'{"x": [NaN]}', "nan is no finite number"),
        (b'{"x": [1', "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"x": [1' + b"0" * 400 + b"]}", ""),
        (b"nan\n", "nan is no finite number"),
        (b"1e400\n", "inf is no finite number"),
        (b"fires\n1\n", "no column 'fires_per_1000'; its columns are 'fires'"),
        (b"fires_per_1000\n", "has no rows"),
        (b"fires_per_1000\nmany\n", "line 2, column 'fires_per_1000': 'many' is no finite"),
        (b"fires_per_1000\n\n1\n1e39\n", "line 4: 1e+39 is no finite number up to 3.4e38"),
        (b"fires_per_1000,fires_per_1000\n1,2\n", "two columns are called 'fires_per_1000'"),
        (b"a\x01\x02,b\n", "no text"),
        (b"", "empty"),
    ],
)
def test_what_cannot_be_understood_gets_one_line(body: Any, said: str) -> None:
    with pytest.raises(BadInput) as raised:
        ask(body)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_several_columns_are_not_guessed_from_a_flat_list() -> None:
    with pytest.raises(BadInput, match="row 1 has 1 number; this model takes 2 numbers, 'a', 'b'"):
        ask({"x": [1, 2]}, TWO)


def test_more_rows_than_are_taken_at_once_are_refused() -> None:
    with pytest.raises(TooLarge, match="100001 rows, at most 100000"):
        ask({"x": [1] * 100_001})
    with pytest.raises(TooLarge, match="at most 100000"):
        ask(b"fires_per_1000\n" + b"1\n" * 100_001)
    with pytest.raises(TooLarge, match="at most 100000"):
        ask(b"1\n" * 100_001)


def test_a_prediction_beyond_float32_is_a_line_not_an_infinity() -> None:
    assert ask({"x": [1e38]})["predictions"][0] == pytest.approx(2e38)
    with pytest.raises(BadInput, match="row 2: the values are too large"):
        ask({"x": [1, 3e38]})


@pytest.mark.parametrize("about", [{}, {"columns": "a"}, {"columns": [1]}, {"columns": []}])
def test_a_model_that_names_no_columns_is_no_regression(about: Any) -> None:
    with pytest.raises(PiEdgeError, match="names no columns"):
        ask({"x": [1]}, about)


def test_a_model_that_answers_otherwise_is_no_regression() -> None:
    request = regression.from_body(b"1", "")
    with pytest.raises(PiEdgeError, match="it is no regression"):
        regression.answer(request, lambda inputs: {"y": np.zeros((1, 2), np.float32)}, ONE)


def test_an_argument_is_a_number_or_a_row_of_them() -> None:
    assert regression.from_argument("12.5") == regression.Values(((12.5,),))
    assert regression.from_argument("-3,1e2") == regression.Values(((-3, 100),))


@pytest.mark.parametrize("contents", [b"a,b\n1,2\n", b'{"rows": [{"a": 1, "b": 2}]}'])
def test_an_argument_may_be_a_file(tmp_path: Path, contents: bytes) -> None:
    path = tmp_path / "rows"
    path.write_bytes(contents)
    request = regression.from_argument(str(path))
    assert regression.answer(request, line, TWO) == {"predictions": [7]}


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        ("abc", NotFound, "abc is no number, and there is no file of that name"),
        ("", BadInput, "no number"),
        ("/", BadInput, "folder"),
        ("\ud800\0", BadInput, "cannot read"),
    ],
)
def test_an_argument_that_is_neither_is_refused(
    text: str, error: type[PiEdgeError], said: str
) -> None:
    with pytest.raises(error, match=said):
        regression.from_argument(text)


def test_one_row_reads_as_a_sentence() -> None:
    assert regression.to_text(ask({"x": [12.5]})) == "12.5 fires per 1000 -> 26.00 thefts per 1000"
    assert regression.to_text(ask({"x": [[1, 2]]}, TWO)) == "1 a, 2 b -> 7.000 y"


def test_several_rows_read_as_a_table() -> None:
    assert regression.to_text(ask({"x": [[1, 2], [10, 0.5]]}, TWO)).splitlines() == [
        " a    b      y",
        " 1    2  7.000",
        "10  0.5  22.00",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (33.41335, "33.41"),
        (-0.0123456, "-0.01235"),
        (1234567.8, "1234568"),
        (0, "0"),
        (1e-9, "1e-09"),
        (1.23456e12, "1.235e+12"),
    ],
)
def test_numbers_are_shown_with_four_digits(value: float, text: str) -> None:
    assert regression.readable(value) == text


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["x", "rows", "a", "b"]) | st.text(max_size=3), inner)
    ),
    max_leaves=20,
)
CELLS = st.sampled_from(["a", "b", "1", "-2.5", "1e39", "nan", "", '"', ",", ";", "\t", "\n", "é"])
SETTINGS = hypothesis.settings(deadline=None, max_examples=300, derandomize=True, database=None)


def survives(body: bytes) -> None:
    """An answer that JSON can hold, or one line."""
    for about in (ONE, TWO):
        with contextlib.suppress(BadInput, TooLarge):
            answer = ask(body, about)
            assert all(isinstance(value, float) for value in answer["predictions"])
            assert b"null" not in orjson.dumps(answer)
            assert regression.to_text(answer)


@hypothesis.given(st.one_of(ANYTHING, st.dictionaries(st.sampled_from(["x", "rows"]), ANYTHING)))
@SETTINGS
def test_any_json_is_answered_or_refused(document: Any) -> None:
    survives(orjson.dumps(document))


@hypothesis.given(st.binary(max_size=80))
@SETTINGS
def test_any_bytes_are_answered_or_refused(body: bytes) -> None:
    survives(body)


@hypothesis.given(st.lists(CELLS, max_size=30).map("".join))
@SETTINGS
def test_any_text_like_a_csv_is_answered_or_refused(text: str) -> None:
    survives(text.encode())


# --- the shipped model --------------------------------------------------------------------------


def predicted(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert cli.main(["predict", "fire-theft", *arguments]) == 0
    return capsys.readouterr().out.strip()


def test_the_command_predicts_from_a_number(capsys: pytest.CaptureFixture[str]) -> None:
    assert predicted(capsys, "12.5") == (
        "12.5 fires per 1000 housing units -> 33.41 thefts per 1000 population"
    )


@pytest.mark.parametrize("body", [b'{"x": [%b]}', b'{"rows": [{"a": %b}]}', b'{"rows": [%b]}'])
def test_what_is_nested_where_a_number_should_be_is_bad_input(body: bytes) -> None:
    deep = b"[" * 600 + b"]" * 600
    with pytest.raises(BadInput, match="nested so deeply"):
        regression.answer(
            regression.from_body(body % deep, "application/json"), lambda x: {}, {"columns": ["a"]}
        )


def test_the_command_prints_the_answer_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    answer = json.loads(predicted(capsys, "12.5", "--json"))
    assert answer.keys() == {"model", "variant", "predictions"}
    assert (answer["model"], answer["variant"]) == ("fire-theft", "float32")
    exact = 16.9951572327 + 12.5 * 1.31345600492
    assert answer["predictions"] == [pytest.approx(exact, rel=3e-7)]


@pytest.mark.parametrize(
    "arguments", [("-3", "--json"), ("-3.0", "--json"), ("--json", "--", "-3e0")]
)
def test_the_command_takes_negative_numbers(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    (value,) = json.loads(predicted(capsys, *arguments))["predictions"]
    assert value == pytest.approx(16.9951572327 - 3 * 1.31345600492, rel=1e-6)


def test_the_command_predicts_a_column_from_a_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "districts.csv"
    path.write_text("district,fires_per_1000_housing_units\nLoop,6.2\nUptown,9.5\n")
    lines = predicted(capsys, str(path)).splitlines()
    assert [row.split()[-1] for row in lines[1:]] == ["25.14", "29.47"]
