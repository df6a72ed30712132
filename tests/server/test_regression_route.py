"""POST /tasks/regression, over a socket, of a running daemon."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from running import RunningDaemon, install, running_daemon, wait_until

PATH = "/tasks/regression"
COLUMN = "fires_per_1000_housing_units"
SLOPE, INTERCEPT = 1.31345600492, 16.9951572327


@pytest.fixture(autouse=True)
def _daemon_is_unharmed(daemon: RunningDaemon) -> Iterator[None]:
    logged = len(daemon.log.read_text())
    yield
    assert daemon.send("POST", PATH, {"x": [0]}).status == 200
    assert "Traceback" not in daemon.log.read_text()[logged:]


def expected(*fires: float) -> Any:
    return pytest.approx([INTERCEPT + SLOPE * value for value in fires], rel=1e-6)


def test_numbers_are_answered_by_the_shipped_line(daemon: RunningDaemon) -> None:
    answer = daemon.send("POST", PATH, {"x": [12.5, 0, -3]})
    assert answer.status == 200
    document = answer.json()
    assert document.keys() == {"id", "model", "variant", "predictions"}
    assert (document["model"], document["variant"]) == ("fire-theft", "float32")
    assert document["id"]
    assert document["predictions"] == expected(12.5, 0, -3)


def test_rows_by_name_get_the_same_predictions(daemon: RunningDaemon) -> None:
    rows = [{COLUMN: 12.5, "district": "Loop"}, {COLUMN: 7, "thefts_per_1000_population": 37}]
    answer = daemon.send("POST", f"{PATH}?model=fire-theft&variant=float32", {"rows": rows}).json()
    assert answer["predictions"] == expected(12.5, 7)


@pytest.mark.parametrize("headers", [{}, {"Content-Type": "text/csv"}])
def test_a_csv_gets_the_same_predictions(daemon: RunningDaemon, headers: dict[str, str]) -> None:
    body = f"district,{COLUMN}\nLoop,12.5\nUptown,7\n".encode()
    answer = daemon.send("POST", PATH, body, headers).json()
    assert answer["predictions"] == expected(12.5, 7)


def test_a_thousand_rows_get_the_same_predictions_as_one_each(daemon: RunningDaemon) -> None:
    fires = [value / 10 for value in range(1001)]
    assert daemon.send("POST", PATH, {"x": fires}).json()["predictions"] == expected(*fires)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "empty"),
        (b"{", "not JSON"),
        (b'{"x": [NaN]}', "nan is no finite number"),
        (b'{"x": []}', "no rows"),
        (b'{"x": ["12.5"]}', "is no number"),
        (b'{"x": [[1, 2]]}', COLUMN),
        (b'{"x": [1e300]}', "3.4e38"),
        (b'{"x": [3e38]}', "too large"),
        (b'{"rows": [{"fires": 1}]}', f"no '{COLUMN}'"),
        (b"fires\n1\n", f"no column '{COLUMN}'"),
        (f"{COLUMN}\nmany\n".encode(), "line 2"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), ""),
    ],
)
def test_a_bad_body_gets_status_400_and_one_line(
    daemon: RunningDaemon, body: bytes, said: str
) -> None:
    answer = daemon.send("POST", PATH, body)
    assert answer.status == 400
    error = answer.json()
    assert error.keys() == {"error"}
    assert said in error["error"]
    assert "\n" not in error["error"]


def test_too_many_rows_get_status_413(daemon: RunningDaemon) -> None:
    answer = daemon.send("POST", PATH, b"1\n" * 100_001)
    assert answer.status == 413
    assert "at most 100000" in answer.json()["error"]


def test_a_model_of_another_task_is_refused(daemon: RunningDaemon) -> None:
    answer = daemon.send("POST", f"{PATH}?model=mnist-linear", {"x": [1]})
    assert answer.status == 400
    assert "for the task 'digits'" in answer.json()["error"]


def test_a_model_without_columns_does_not_bring_the_daemon_down(tmp_path: Path) -> None:
    models = tmp_path / "shipped"
    install("double", models, task="regression")
    with running_daemon(tmp_path, "--models", str(models)) as daemon:
        answer = daemon.send("POST", f"{PATH}?model=double", {"x": [1]})
        assert answer.status == 500
        assert "names no columns" in answer.json()["error"]
        assert daemon.status()["state"] == "ready"


def test_a_regression_of_ones_own_is_served_when_it_appears(
    shipped_models: Path, tmp_path: Path
) -> None:
    models = tmp_path / "shipped"
    shutil.copytree(shipped_models / "fire-theft", models / "fire-theft")
    with running_daemon(tmp_path, "--models", str(models)) as daemon:
        own = daemon.models / ".mine"
        shutil.copytree(shipped_models / "fire-theft", own)
        document = json.loads((own / "model.json").read_bytes())
        document |= {"name": "mine", "family": "regression", "columns": ["fires"]}
        (own / "model.json").write_text(json.dumps(document))
        own.rename(daemon.models / "mine")
        wait_until(lambda: daemon.model_state("mine") == "ready")
        answer = daemon.send("POST", f"{PATH}?model=mine", {"rows": [{"fires": 12.5}]}).json()
        assert answer["model"] == "mine"
        assert answer["predictions"] == expected(12.5)
