"""Regressions learn new rows exactly, and what they learned is an ordinary model."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import ROOT, missing

from pi_edge import adding, catalog, files
from pi_edge.errors import BadInput, PiEdgeError, WrongUsage
from pi_edge.learning import least_squares, triangle
from pi_edge.learning.order import SCRATCH, Order
from pi_edge.learning.regression import Line, compared, known, learn
from pi_edge.learning.rows import Rows
from pi_edge.model import Model
from pi_edge.quiet import quiet
from pi_edge.verification import verify_files

FIRES, THEFTS = "fires_per_1000_housing_units", "thefts_per_1000_population"
FLATS = ("rooms", "size", "year")

Write = Callable[..., Path]


@pytest.fixture
def order(tmp_path: Path, shipped_models: Path) -> Order:
    """The shipped fire-theft, and five districts more."""
    more = tmp_path / "more.csv"
    more.write_text(f"{FIRES},{THEFTS}\n8,25\n11.5,31\n3,22\n25,47.5\n14,38\n")
    model = catalog.find(shipped_models)[0]["fire-theft"]
    return Order(model, "fire-theft", tmp_path / "state", data=more)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a CSV for fire-theft: its lines, and its heading unless told otherwise."""

    def write(*lines: str, heading: str = f"{FIRES},{THEFTS}", name: str = "rows.csv") -> Path:
        path = tmp_path / name
        path.write_text("\n".join([heading, *lines]))
        return path

    return write


@pytest.fixture(scope="module")
def flats(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of three columns, made by the desktop step from 30 rows."""
    with quiet():
        from pi_edge.desktop.regression.convert import convert
        from pi_edge.desktop.regression.train import train
    folder = tmp_path_factory.mktemp("flats")
    table = folder / "flats.csv"
    table.write_text(as_csv(*made_flats()[0]))
    train("flats", state=folder, given=table, target="rent", say=lambda _: None)
    with quiet():
        convert("flats", state=folder, output=folder / "models", say=lambda _: None)
    return folder / "models"


def made_flats() -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Thirty flats, and twenty more that are newer and larger."""
    random = np.random.default_rng(0)
    x = np.column_stack(
        [
            random.integers(1, 6, 50),
            random.integers(20, 120, 50) + np.repeat([0, 60], [30, 20]),
            random.integers(1950, 2000, 50) + np.repeat([0, 25], [30, 20]),
        ]
    ).astype(float)
    y = np.round(x @ (200, 7.5, 0.3) + random.normal(0, 30, 50), 2)
    return (x[:30], y[:30]), (x[30:], y[30:])


def as_csv(x: np.ndarray, y: np.ndarray) -> str:
    rows = [",".join(f"{cell:.15g}" for cell in row) for row in np.column_stack([x, y])]
    return "\n".join([",".join([*FLATS, "rent"]), *rows]) + "\n"


def learned(order: Order) -> tuple[dict[str, Any], list[str]]:
    """Learn; model.json of the result, and what was said."""
    said: list[str] = []
    learn(order, say=said.append)
    folder = order.state / "models" / order.name
    return json.loads((folder / "model.json").read_text()), said


def refused(order: Order) -> str:
    """The line that learning ends with; the model in service must be as it was."""
    owned = order.state / "models"
    before = files_in(owned)
    with pytest.raises(PiEdgeError) as error:
        learn(order)
    assert files_in(owned) == before
    assert "\n" not in str(error.value)
    return str(error.value)


def files_in(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def districts() -> tuple[np.ndarray, np.ndarray]:
    told = json.loads((ROOT / "models" / "fire-theft" / "model.json").read_text())["data"]
    return np.array(told[FIRES])[:, None], np.array(told[THEFTS])


def test_the_line_is_that_of_all_districts_together(order: Order) -> None:
    told, _ = learned(order)
    x, y = districts()
    x = np.append(x, [[8], [11.5], [3], [25], [14]], 0)
    whole = least_squares.fit(x, np.append(y, [25, 31, 22, 47.5, 38]), [FIRES])
    assert told["intercept"] == pytest.approx(whole.intercept, rel=1e-10)
    assert told["coefficients"] == pytest.approx(whole.coefficients, rel=1e-10)
    statistics = told["statistics"]
    assert statistics["rows"] == 47
    assert statistics["degrees_of_freedom"] == 45
    assert statistics["r_squared"] == pytest.approx(whole.r_squared, rel=1e-10)
    assert statistics["standard_errors"] == pytest.approx(whole.standard_errors, rel=1e-10)
    assert statistics["intercept_standard_error"] == pytest.approx(
        whole.intercept_standard_error, rel=1e-10
    )


@pytest.mark.parametrize("portions", [[20], [1] * 20, [3, 10, 7]])
def test_several_columns_are_learned_in_portions(
    tensorflow: Any, flats: Path, tmp_path: Path, portions: list[int]
) -> None:
    (old_x, old_y), (new_x, new_y) = made_flats()
    state, start = tmp_path / "state", 0
    for number, count in enumerate(portions):
        part = tmp_path / f"{number}.csv"
        stop = start + count
        part.write_text(as_csv(new_x[start:stop], new_y[start:stop]))
        model = catalog.find(flats, catalog.owned_models(state))[0]["flats"]
        told, _ = learned(Order(model, "flats", state, data=part))
        start = stop
    whole = least_squares.fit(np.append(old_x, new_x, 0), np.append(old_y, new_y), FLATS)
    assert told["coefficients"] == pytest.approx(whole.coefficients, rel=1e-10)
    assert told["intercept"] == pytest.approx(whole.intercept, rel=1e-10)
    assert len(told["learned"]["earlier"]) == len(portions)


def test_the_file_computes_the_learned_line(tensorflow: Any, flats: Path, tmp_path: Path) -> None:
    _, (x, y) = made_flats()
    rows = tmp_path / "new.csv"
    rows.write_text(as_csv(x, y))
    order = Order(catalog.find(flats)[0]["flats"], "flats", tmp_path / "state", data=rows)
    told, _ = learned(order)
    path = order.state / "models" / "flats" / "float32.tflite"
    given = Model(path).run({"x": x.astype(np.float32)})["y"][:, 0]
    wanted = told["intercept"] + x @ told["coefficients"]
    assert np.abs(given - wanted).max() <= told["variants"]["float32"]["tolerance"]
    assert np.abs(given / wanted - 1).max() < 1e-6


def test_the_result_is_an_ordinary_model_with_hashes_that_hold(order: Order) -> None:
    told, said = learned(order)
    folder = order.state / "models" / "fire-theft"
    assert verify_files(folder) == []
    assert told["training"]["sha256"] == files.sha256(folder / "fit.npz")
    assert list(told["variants"]) == ["float32"]
    assert said[-1].startswith("fire-theft: mean absolute error on 5 held back")


def test_a_damaged_triangle_is_found_by_verify_and_by_the_learner(
    order: Order, shipped_models: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(shipped_models / "fire-theft", tmp_path / "fire-theft"))
    contents = (folder / "fit.npz").read_bytes()
    (folder / "fit.npz").write_bytes(contents[:-1] + b"\1")
    assert any("fit.npz" in line for line in verify_files(folder))
    assert "fit.npz is not the file" in refused(replace(order, model=catalog.read(folder)))


def test_how_it_was_learned_is_told(order: Order) -> None:
    assert order.data is not None
    learned_, _ = learned(order)
    told = learned_["learned"]
    assert told["from"] == "fire-theft"
    assert told["method"] == "exact least squares"
    assert told["examples"] == 5
    assert told["data"] == {
        "file": "more.csv",
        "sha256": files.sha256(order.data),
        "bytes": order.data.stat().st_size,
        "rows": 5,
    }
    assert told["held_back"]["rows"] == 5
    assert [one["file"] for one in told["earlier"]] == ["fire_theft.csv"]


def test_both_errors_are_of_rows_that_neither_line_saw(order: Order) -> None:
    told, _ = learned(order)
    x, y = districts()
    new_x, new_y = np.array([[8], [11.5], [3], [25], [14]]), np.array([25, 31, 22, 47.5, 38])
    before = np.abs(new_y - least_squares.fit(x, y, [FIRES]).predict(new_x)).mean()
    after = []
    for at in range(5):
        others = np.delete(new_x, at, 0), np.delete(new_y, at)
        line = least_squares.fit(np.append(x, others[0], 0), np.append(y, others[1]), [FIRES])
        after.append(abs(new_y[at] - line.predict(new_x[at : at + 1])[0]))
    held_back = told["learned"]["held_back"]
    assert held_back["before"] == pytest.approx(before)
    assert held_back["after"] == pytest.approx(np.mean(after))


@pytest.mark.parametrize("more", ["", "6,30\n"])
def test_rows_are_not_counted_twice(order: Order, more: str) -> None:
    learned(order)
    assert order.data is not None
    order.data.write_text(order.data.read_text() + more)
    again = replace(order, model=catalog.read(order.state / "models" / "fire-theft"))
    line = refused(again)
    assert "learned already" in line
    assert "count twice" in line


def test_the_table_that_it_was_fitted_to_is_known_again(order: Order) -> None:
    table = ROOT.parent / "shared" / "data" / "fire_theft.csv"
    if not table.exists():
        missing(f"no districts at {table}")
    assert "learned already" in refused(replace(order, data=table))


def test_one_row_is_enough(order: Order, write: Write) -> None:
    told, _ = learned(replace(order, data=write("10,30")))
    assert told["statistics"]["rows"] == 43


def test_a_column_that_never_changes_in_the_new_rows_is_none_of_their_faults(
    order: Order, write: Write
) -> None:
    told, _ = learned(replace(order, data=write("10,30", "10,33", "10,28")))
    assert told["statistics"]["rows"] == 45


def test_other_columns_than_the_models_are_ignored(order: Order, write: Write) -> None:
    rows = write("Loop,28,8", heading=f"district,{THEFTS},{FIRES}")
    told, _ = learned(replace(order, data=rows))
    assert told["learned"]["examples"] == 1


@pytest.mark.parametrize(
    ("lines", "heading", "said"),
    [
        (["1,2"], "a,b", f"has no column '{FIRES}', '{THEFTS}'"),
        (["1,2"], f"{FIRES},b", f"has no column '{THEFTS}'"),
        (["1,2"], f"{FIRES},{FIRES}", f"has no column '{THEFTS}'"),
        (["1,2", "3,nan"], None, "line 3, column 'thefts_per_1000_population': 'nan' is no finite"),
        (["inf,2"], None, "line 2, column 'fires_per_1000_housing_units': 'inf' is no finite"),
        (["1,2", "many,2"], None, "line 3, column 'fires_per_1000_housing_units': 'many'"),
        (["1,"], None, "the cell is empty"),
        (["1e300,2"], None, "no finite number up to 3.4e38"),
        ([], None, "has a heading but no rows"),
        ([], "", "is empty"),
        (["1,2,3"], None, "3 cells where the heading has 2"),
    ],
)
def test_bad_rows_get_one_line_and_change_nothing(
    order: Order, write: Write, lines: list[str], heading: str | None, said: str
) -> None:
    learned(order)
    rows = write(*lines) if heading is None else write(*lines, heading=heading)
    assert said in refused(replace(order, data=rows))


def test_an_outlier_is_refused_with_by_how_much(order: Order, write: Write) -> None:
    rows = write("8,25", "11.5,31", "3,22", "25,47.5", "14,38", "39,90000")
    line = refused(replace(order, data=rows))
    assert line.startswith("fire-theft stays what it was: what was learned is worse by ")
    assert "on 6 held back" in line


def test_rows_that_are_all_far_off_are_told_of(order: Order, write: Write) -> None:
    _, said = learned(replace(order, data=write("8,25000", "11.5,31000", "25,47500")))
    assert any("other units? pi-edge models rollback fire-theft" in line for line in said)


def test_a_new_name_leaves_the_model_alone(order: Order) -> None:
    told, said = learned(replace(order, name="mine"))
    assert told["name"] == "mine"
    assert told["family"] == "regression"
    assert told["learned"]["held_back"]["before"] is None
    assert "before" not in said[-1]
    assert not (order.state / "models" / "fire-theft").exists()


def test_from_scratch_forgets_the_old_rows(order: Order) -> None:
    told, _ = learned(replace(order, start=SCRATCH, name="mine"))
    whole = least_squares.fit(
        np.array([[8], [11.5], [3], [25], [14]]), np.array([25, 31, 22, 47.5, 38]), [FIRES]
    )
    assert told["coefficients"] == pytest.approx(whole.coefficients, rel=1e-10)
    assert told["learned"]["from"] == SCRATCH
    assert told["learned"]["earlier"] == []
    assert "trained" not in told


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["1,2"], "too few"),
        (["1,2", "2,3"], "too few rows to hold one back: at least 3"),
        (["1,2", "1,3", "1,4"], "is 1 in every row"),
        (["1,2", "2,2", "3,2"], "the target is 2 in every row"),
    ],
)
def test_from_scratch_takes_rows_that_determine_a_line(
    order: Order, write: Write, lines: list[str], said: str
) -> None:
    assert said in refused(replace(order, start=SCRATCH, data=write(*lines)))


def test_a_model_without_its_triangle_says_what_to_do(
    order: Order, shipped_models: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(shipped_models / "fire-theft", tmp_path / "fire-theft"))
    told = json.loads((folder / "model.json").read_text())
    del told["training"]
    (folder / "model.json").write_text(json.dumps(told))
    line = refused(replace(order, model=catalog.read(folder)))
    assert "convert it again, or forget that with --from scratch" in line


@pytest.mark.parametrize(
    "change", [{"data": None}, {"epochs": 3}, {"examples": True}, {"prices": Path("p.csv")}]
)
def test_what_has_no_meaning_for_a_line_is_wrong_usage(order: Order, change: Any) -> None:
    with pytest.raises(WrongUsage):
        learn(replace(order, **change))


def test_what_float32_cannot_hold_is_refused(order: Order, write: Write) -> None:
    rows = write(*(f"{1.7e9 + t},{30 + t % 3}" for t in range(60)))
    with pytest.raises(BadInput, match="subtract a constant"):
        learn(replace(order, data=rows, start=SCRATCH, name="mine"))
    assert not (order.state / "models").exists()


def test_what_was_learned_can_be_taken_back_and_learned_on(order: Order, write: Write) -> None:
    first, _ = learned(order)
    owned = order.state / "models"
    learned(replace(order, model=catalog.read(owned / "fire-theft"), data=write("10,30")))
    adding.roll_back("fire-theft", owned)
    assert catalog.read(owned / "fire-theft").info == first
    known = triangle.load(owned / "fire-theft" / "fit.npz", 1)
    assert known.rows == 47


def test_learning_imports_neither_tensorflow_nor_the_desktop_step(order: Order) -> None:
    code = (
        "import sys; sys.modules.update(tensorflow=None, scipy=None, tqdm=None)\n"
        "from pathlib import Path\n"
        "from pi_edge import catalog\n"
        "from pi_edge.learning.order import Order\n"
        "from pi_edge.learning.regression import learn\n"
        f"model = catalog.read(Path({str(ROOT / 'models' / 'fire-theft')!r}))\n"
        f"learn(Order(model, 'fire-theft', Path({str(order.state)!r}),"
        f" data=Path({str(order.data)!r})))\n"
        "assert not [name for name in sys.modules if name.startswith('pi_edge.desktop')]\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr


def refusals(order: Order, off: float) -> int:
    """Of a hundred made-up tables of ten rows that follow the line, one of them ``off`` by so many
    standard errors, how many are refused."""
    line = Line.of(order.model)
    sigma = line.fit.residual_standard_error or 0.0
    refused = 0
    for seed in range(100):
        random = np.random.default_rng(seed)
        x = random.uniform(2, 40, (10, 1))
        y = line.fit.predict(x) + sigma * random.normal(size=10)
        y[0] += off * sigma
        after = known(order.model, line).with_rows(x, y)
        held_back = compared(order, line, after, Rows(x, y, Path("made.csv"), b""))
        refused += held_back.worse_by > held_back.chance
    return refused


def test_rows_that_follow_the_line_are_not_refused_by_chance(order: Order) -> None:
    assert refusals(order, 0) == 0


def test_one_row_far_off_is_refused_nearly_always(order: Order) -> None:
    assert refusals(order, 100) >= 90
