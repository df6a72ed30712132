"""Fires and thefts: the lesson's figures, the shipped line, and what draws it."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from support import ROOT, missing

from pi_edge import cli
from pi_edge.desktop.fire_theft import curves, data, descent, lesson
from pi_edge.desktop.fire_theft.verify import verify
from pi_edge.errors import BadInput, NotFound

SHIPPED = ROOT / "models" / "fire-theft"
SLOPE, INTERCEPT = 1.31345600492, 16.9951572327

Output = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def districts() -> data.Districts:
    """The 42 districts, as the shipped model carries them."""
    return data.of_model(SHIPPED)


@pytest.fixture(scope="module")
def table(districts: data.Districts, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as a file."""
    path = tmp_path_factory.mktemp("districts") / "fire_theft.csv"
    rows = [f"{x},{y:g}" for x, y in zip(districts.x, districts.y, strict=True)]
    path.write_text("\n".join(["fires,thefts", *rows]))
    return path


@pytest.fixture(scope="module")
def ways(districts: data.Districts) -> dict[str, lesson.Way]:
    return {way.name: way for way in lesson.ways(districts.x, districts.y)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped model that a test may change."""
    return Path(shutil.copytree(SHIPPED, tmp_path / "models" / "fire-theft"))


# --- the lesson ---------------------------------------------------------------------------------


def test_sgd_as_the_course_ran_it_gives_the_courses_line(districts: data.Districts) -> None:
    slope, intercept = descent.descend(descent.COURSE, districts.x, districts.y)
    assert (round(slope, 5), round(intercept, 4)) == (1.71838, 15.7892)


def test_a_hundredth_of_the_rate_and_a_hundred_times_the_epochs_still_miss(
    districts: data.Districts,
) -> None:
    slope, intercept = descent.descend(descent.SLOW, districts.x, districts.y)
    assert (round(slope, 4), round(intercept, 4)) == (1.3485, 16.1422)


def test_an_adaptive_rate_comes_near_in_a_tenth_of_those_epochs(districts: data.Districts) -> None:
    slope, intercept = descent.descend(descent.ADAPTIVE, districts.x, districts.y)
    assert slope == pytest.approx(SLOPE, rel=2e-3)
    assert intercept == pytest.approx(INTERCEPT, rel=3e-3)


@pytest.mark.parametrize("name", ["lstsq", "closed-form", "exact"])
def test_every_formula_gives_the_exact_line(districts: data.Districts, name: str) -> None:
    intercept, slope = lesson.FORMULAS[name](districts.x, districts.y)
    assert slope == pytest.approx(SLOPE, abs=1e-11, rel=0)
    assert intercept == pytest.approx(INTERCEPT, abs=1e-10, rel=0)


def test_the_shipped_line_is_exact_to_the_last_digits_of_a_double(
    districts: data.Districts,
) -> None:
    # The districts as they were written, in tenths, and no rounding at all.
    x, y = ([Fraction(str(value)) for value in values] for values in (districts.x, districts.y))
    x_mean, y_mean = sum(x) / len(x), sum(y) / len(y)
    slope = sum((a - x_mean) * (b - y_mean) for a, b in zip(x, y, strict=True)) / sum(
        (a - x_mean) ** 2 for a in x
    )
    told = json.loads((SHIPPED / "model.json").read_bytes())
    assert told["coefficients"] == [pytest.approx(float(slope), rel=1e-15)]
    assert told["intercept"] == pytest.approx(float(y_mean - slope * x_mean), rel=1e-15)


def test_no_way_has_a_smaller_squared_error_than_the_exact_line(
    ways: dict[str, lesson.Way],
) -> None:
    lines = [way for way in ways.values() if len(way.curve) == 2]
    least = ways["exact"].mean_squared_error
    assert len(lines) == 7
    assert all(way.mean_squared_error >= least * (1 - 1e-12) for way in lines)
    assert ways["sgd"].mean_squared_error > 1.08 * least


def test_the_parabola_is_nearer_to_what_it_saw_and_further_from_what_it_did_not(
    ways: dict[str, lesson.Way],
) -> None:
    parabola, line, mean = ways["parabola"], ways["exact"], ways["mean"]
    assert parabola.mean_squared_error < 0.93 * line.mean_squared_error
    assert parabola.leave_one_out > 1.2 * line.leave_one_out
    assert parabola.leave_one_out > mean.leave_one_out > line.leave_one_out


def test_what_the_course_found_is_worse_on_all_districts_but_one(
    ways: dict[str, lesson.Way],
) -> None:
    line = ways["exact"]
    for name in ("sgd", "slow-sgd", "parabola"):
        assert ways[name].leave_one_out_of_others > line.leave_one_out_of_others


def test_at_the_courses_rate_the_order_of_the_districts_decides(
    districts: data.Districts,
) -> None:
    slope, intercept = descent.descend(descent.COURSE, districts.x[::-1], districts.y[::-1])
    assert (round(slope, 4), round(intercept, 4)) == (0.6983, 35.7811)


def test_at_the_courses_rate_more_epochs_end_elsewhere_and_stay_there(
    districts: data.Districts,
) -> None:
    longer, longest = (
        descent.descend(descent.Recipe(0.001, epochs), districts.x, districts.y)
        for epochs in (1000, 3000)
    )
    assert longer == longest
    assert round(longer[0], 4) == 1.6203


def test_huber_is_less_bent_by_one_district(
    districts: data.Districts, ways: dict[str, lesson.Way]
) -> None:
    without = districts.y < districts.y.max()
    _, alone = curves.closed_form(districts.x[without], districts.y[without])
    robust, line = ways["huber"].curve[1], ways["exact"].curve[1]
    assert alone < robust < line
    assert ways["huber"].leave_one_out < ways["exact"].leave_one_out


def test_hubers_line_is_as_statsmodels_has_it(districts: data.Districts) -> None:
    if importlib.util.find_spec("statsmodels") is None:
        missing("statsmodels is not installed (extra test)")
    import statsmodels.api as api

    model = api.RLM(districts.y, api.add_constant(districts.x), M=api.robust.norms.HuberT(1.345))
    expected = model.fit(scale_est="mad", tol=1e-12, maxiter=1000).params
    np.testing.assert_allclose(curves.huber(districts.x, districts.y), expected, rtol=1e-8)


def test_leaving_each_out_of_many_descents_is_leaving_it_out_of_one(
    districts: data.Districts,
) -> None:
    for recipe in (descent.COURSE, descent.Recipe(1.0, 30, adaptive=True)):
        slopes, intercepts = descent.descend_without_each(recipe, districts.x, districts.y)
        for at in (0, 17, 41):
            rest = (np.delete(districts.x, at), np.delete(districts.y, at))
            slope, intercept = descent.descend(recipe, *rest)
            assert (slopes[at], intercepts[at]) == (slope, intercept)


def test_leave_one_out_of_a_line_is_as_its_leverages_give_it(districts: data.Districts) -> None:
    # For least squares an error left out is the error divided by 1 - leverage.
    powers = np.vander(districts.x, 2, increasing=True)
    hat = powers @ np.linalg.pinv(powers)
    left_out = (districts.y - hat @ districts.y) / (1 - np.diag(hat))
    given = curves.leave_one_out(curves.polynomial(1), districts.x, districts.y)
    np.testing.assert_allclose(given, left_out**2, rtol=1e-10)


def test_the_table_tells_every_way(ways: dict[str, lesson.Way]) -> None:
    lines = lesson.as_table(list(ways.values())).splitlines()
    assert len(lines) == 2 + len(lesson.TITLES)
    assert "1.71838" in lines[2]
    assert "15.7891" in lines[2]
    assert all("1.3134560049 " in line and "16.9951572327 " in line for line in lines[5:8])


# --- the table on disk --------------------------------------------------------------------------


def test_the_shared_file_holds_the_districts_that_the_model_carries(
    districts: data.Districts,
) -> None:
    path = data.BESIDE_CHECKOUT / "fire_theft.csv"
    if not path.exists():
        missing(f"no {path}")
    read = data.load(path)
    np.testing.assert_array_equal(read.x, districts.x)
    np.testing.assert_array_equal(read.y, districts.y)


def test_a_folder_may_be_given_or_set(
    table: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert data.find(table.parent) == table
    monkeypatch.setattr(data, "BESIDE_CHECKOUT", tmp_path)
    monkeypatch.setenv("PI_EDGE_DATA", str(table.parent))
    assert data.find() == table


def test_what_is_missing_is_told_with_what_it_must_hold(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(data, "BESIDE_CHECKOUT", tmp_path)
    monkeypatch.delenv("PI_EDGE_DATA", raising=False)
    with pytest.raises(NotFound) as raised:
        data.find()
    line = str(raised.value)
    for part in (
        str(tmp_path / "fire_theft.csv"),
        "--data",
        "42 rows of two columns",
        "6.2 and 29",
    ):
        assert part in line
    assert "\n" not in line


def test_the_courses_workbook_is_read(districts: data.Districts, tmp_path: Path) -> None:
    if importlib.util.find_spec("xlwt") is None or importlib.util.find_spec("xlrd") is None:
        missing("xlwt and xlrd are not installed (extras test and desktop)")
    import xlwt

    book = xlwt.Workbook()
    sheet = book.add_sheet("slr05")
    for at, row in enumerate([("X", "Y"), *zip(districts.x, districts.y, strict=True)]):
        for column, cell in enumerate(row):
            sheet.write(at, column, cell)
    book.save(str(tmp_path / "fire_theft.xls"))
    read = data.load(tmp_path)
    np.testing.assert_array_equal(read.x, districts.x)
    np.testing.assert_array_equal(read.y, districts.y)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda lines: lines[:-1], "41 rows of 2 columns, not 42 rows of two columns"),
        (lambda lines: [f"{line},1" for line in lines], "42 rows of 3 columns"),
        (lambda lines: [lines[0], "6.3,29", *lines[2:]], "other numbers or another order"),
        (lambda lines: [lines[0], *reversed(lines[1:])], "other numbers or another order"),
        (lambda lines: [lines[0], "many,29", *lines[2:]], "line 2, column 'fires': 'many'"),
    ],
)
def test_another_table_is_refused(table: Path, tmp_path: Path, change: Any, said: str) -> None:
    path = tmp_path / "other.csv"
    path.write_text("\n".join(change(table.read_text().splitlines())))
    with pytest.raises(BadInput, match=said):
        data.load(path)


# --- train, convert, verify ---------------------------------------------------------------------


def test_training_and_converting_give_the_shipped_line(
    tensorflow: Any, table: Path, tmp_path: Path, capsys: Output
) -> None:
    state = ("--state", str(tmp_path))
    assert cli.main(["train", "fire-theft", "--data", str(table), *state]) == 0
    printed = capsys.readouterr().out
    assert "1.7183812857" in printed
    assert "1.3134560049" in printed
    assert cli.main(["convert", "fire-theft", "--data", str(table), *state]) == 0
    made, shipped = (
        json.loads((path / "model.json").read_bytes())
        for path in (tmp_path / "models" / "fire-theft", SHIPPED)
    )
    for key in ("columns", "target", "left_out"):
        assert made[key] == shipped[key]
    assert made["coefficients"] == pytest.approx(shipped["coefficients"], rel=1e-14)
    assert made["data"][data.COLUMN] == shipped["data"][data.COLUMN]
    capsys.readouterr()
    assert cli.main(["verify", "fire-theft", *state]) == 0


def test_training_without_the_table_says_what_is_missing(
    tensorflow: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Output
) -> None:
    monkeypatch.setattr(data, "BESIDE_CHECKOUT", tmp_path)
    monkeypatch.delenv("PI_EDGE_DATA", raising=False)
    assert cli.main(["train", "fire-theft", "--state", str(tmp_path / "state")]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_converting_before_training_says_what_to_do(
    tensorflow: Any, tmp_path: Path, capsys: Output
) -> None:
    assert cli.main(["convert", "fire-theft", "--state", str(tmp_path)]) == 1
    assert "not trained yet: pi-edge train fire-theft" in capsys.readouterr().err


def test_training_counts_the_epochs_that_it_says_it_will(
    districts: data.Districts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lesson, "DESCENTS", {"sgd": descent.COURSE})
    ticks: list[int] = []
    lesson.ways(districts.x, districts.y, lambda: ticks.append(1))
    assert len(ticks) == lesson.epochs()


def test_a_fresh_clone_verifies_without_the_table(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(data, "BESIDE_CHECKOUT", tmp_path)
    monkeypatch.delenv("PI_EDGE_DATA", raising=False)
    said: list[str] = []
    assert verify(SHIPPED, say=said.append) == []
    assert any("SGD as the course ran it" in line for line in said)


def test_the_table_may_be_given_to_verify(table: Path) -> None:
    assert verify(SHIPPED, given=table, say=lambda line: None) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda told: told.update(intercept=16.99), r"\(intercept\) is 16.995"),
        (lambda told: told["lesson"][0].update(curve=[15.78, 1.718]), "SGD as the course ran it"),
        (lambda told: told["lesson"].pop(), "cubic gives"),
        (lambda told: told.pop("lesson"), "tells no lesson"),
    ],
)
def test_a_figure_in_model_json_that_is_wrong_is_found(
    folder: Path, change: Any, said: str
) -> None:
    told = json.loads((folder / "model.json").read_bytes())
    change(told)
    (folder / "model.json").write_text(json.dumps(told))
    problems = verify(folder, say=lambda line: None)
    assert any(re.search(said, problem) for problem in problems)


def test_districts_that_were_changed_are_found(folder: Path) -> None:
    told = json.loads((folder / "model.json").read_bytes())
    told["data"][data.COLUMN][0] = 6.3
    (folder / "model.json").write_text(json.dumps(told))
    with pytest.raises(BadInput, match="not the 42 districts"):
        verify(folder, say=lambda line: None)


def test_verifying_needs_numpy_and_a_runtime_alone() -> None:
    code = (
        "import sys; sys.modules.update(dict.fromkeys("
        "['tensorflow', 'tqdm', 'matplotlib', 'scipy', 'xlrd', 'PIL']))\n"
        "from pi_edge import cli\n"
        "sys.exit(cli.main(['verify', 'fire-theft']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# --- the drawing --------------------------------------------------------------------------------


@pytest.fixture
def matplotlib() -> None:
    if importlib.util.find_spec("matplotlib") is None:
        missing("matplotlib is not installed (extra desktop)")


def plot(output: Path, *arguments: str) -> int:
    return cli.main(["plot", "fire-theft", "-o", str(output), *arguments])


def test_a_png_is_drawn_in_full(matplotlib: None, tmp_path: Path) -> None:
    assert plot(tmp_path / "lines.png") == 0
    with Image.open(tmp_path / "lines.png") as picture:
        assert picture.format == "PNG"
        assert min(picture.size) > 600
        assert len(np.unique(np.asarray(picture.convert("L")))) > 50


def test_an_svg_is_drawn_the_same_every_time(matplotlib: None, tmp_path: Path) -> None:
    assert plot(tmp_path / "a.svg") == plot(tmp_path / "b.svg") == 0
    contents = (tmp_path / "a.svg").read_bytes()
    assert ElementTree.fromstring(contents).tag.endswith("svg")
    assert contents == (tmp_path / "b.svg").read_bytes()


def test_the_table_may_be_given_to_plot(matplotlib: None, table: Path, tmp_path: Path) -> None:
    assert plot(tmp_path / "lines.png", "--data", str(table)) == 0


def test_a_drawing_that_fails_leaves_the_old_one(
    matplotlib: None, folder: Path, tmp_path: Path, capsys: Output
) -> None:
    output = tmp_path / "lines.png"
    output.write_bytes(b"old")
    told = json.loads((folder / "model.json").read_bytes())
    del told["lesson"][0]
    (folder / "model.json").write_text(json.dumps(told))
    assert plot(output, "--models", str(folder.parent)) == 1
    assert "tells no lesson" in capsys.readouterr().err
    assert output.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["lines.png"]
