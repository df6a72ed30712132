from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pi_edge.benchmark import suite
from pi_edge.catalog import Entry
from pi_edge.errors import NotFound

QUICK = {
    "window_seconds": 0.001,
    "warm_up_seconds": 0.05,
    "seconds": 0.01,
    "runs": 3,
    "longest_seconds": 0.1,
}


@pytest.fixture
def entries(tmp_path: Path) -> dict[str, Entry]:
    (tmp_path / "a.tflite").write_bytes(b"not a model")
    file = tmp_path / "a.tflite"
    return {
        "one": Entry("one", "digits", "float32", {"float32": file, "int8": file}),
        "two": Entry("two", "tensors", "default", {"default": file}),
    }


@pytest.fixture
def broken(entries: dict[str, Entry]) -> suite.Job:
    return suite.Job("two", "default", entries["two"].files["default"], 1)


@pytest.fixture
def shipped(shipped_models: Path) -> suite.Job:
    return suite.Job(
        "mnist-linear", "float32", shipped_models / "mnist-linear" / "float32.tflite", 1
    )


def named(jobs: list[suite.Job]) -> list[tuple[str, str, int]]:
    return [(job.model, job.variant, job.threads) for job in jobs]


def test_without_names_every_variant_of_every_model_is_measured(entries: dict[str, Entry]) -> None:
    assert named(suite.jobs(entries, [], "", [1, 2])) == [
        ("one", "float32", 1),
        ("one", "float32", 2),
        ("one", "int8", 1),
        ("one", "int8", 2),
        ("two", "default", 1),
        ("two", "default", 2),
    ]


def test_a_variant_alone_picks_the_models_that_have_it(entries: dict[str, Entry]) -> None:
    assert named(suite.jobs(entries, [], "int8", [1])) == [("one", "int8", 1)]


def test_a_named_model_must_have_the_variant(entries: dict[str, Entry]) -> None:
    with pytest.raises(NotFound, match="two has no variant 'int8'; it has default"):
        suite.jobs(entries, ["two"], "int8", [1])


def test_an_unknown_model_is_refused_with_the_list(entries: dict[str, Entry]) -> None:
    with pytest.raises(NotFound, match=r"no model 'three'; there are one, two"):
        suite.jobs(entries, ["three"], "", [1])


def test_nothing_to_measure_is_said(entries: dict[str, Entry]) -> None:
    with pytest.raises(NotFound, match="no model has a variant 'int4'"):
        suite.jobs(entries, [], "int4", [1])
    with pytest.raises(NotFound, match="there are no models"):
        suite.jobs({}, [], "", [1])


@pytest.mark.parametrize(
    ("cores", "counts"), [(1, [1]), (2, [1, 2]), (4, [1, 2, 4]), (6, [1, 2, 4, 6])]
)
def test_threads_are_powers_of_two_up_to_all_cores(cores: int, counts: list[int]) -> None:
    assert suite.default_threads(cores) == counts


def test_a_model_is_measured_in_a_process_of_its_own(shipped: suite.Job) -> None:
    row = suite.measure(shipped, QUICK)
    assert row["error"] is None
    assert row["input"] == "check.npz"
    assert row["runs"] >= 3
    assert row["p50_ms"] <= row["p95_ms"] <= row["p99_ms"]
    assert 1_000_000 < row["runtime_bytes"] < row["peak_bytes"]
    assert row["bytes"] == shipped.file.stat().st_size


def test_a_file_that_is_no_model_becomes_a_row_saying_so(broken: suite.Job) -> None:
    row = suite.measure(broken, QUICK)
    assert "is not a TFLite model" in row["error"]
    assert "\n" not in row["error"]


def test_a_model_that_crashes_its_process_becomes_a_row_saying_so(broken: suite.Job) -> None:
    crash = "import os, sys; print('bad tensor', file=sys.stderr, flush=True); os.abort()"
    row = suite.measure(broken, QUICK, child=(sys.executable, "-c", crash))
    assert row["error"] == "crashed the measuring process (SIGABRT): bad tensor"


def test_a_model_that_never_answers_becomes_a_row_saying_so(broken: suite.Job) -> None:
    sleeper = (sys.executable, "-c", "import time; time.sleep(60)")
    row = suite.measure(broken, QUICK, time_limit=0.2, child=sleeper)
    assert row["error"] == "no answer within 0.2 s"


def test_a_file_that_went_away_becomes_a_row_saying_so(broken: suite.Job) -> None:
    broken.file.unlink()
    assert "No such file" in suite.measure(broken, QUICK)["error"]


def test_a_broken_model_does_not_keep_the_next_from_being_measured(
    broken: suite.Job, shipped: suite.Job
) -> None:
    seen = []
    report = suite.run([broken, shipped], QUICK, done=lambda row: seen.append(row["model"]))
    assert [row["error"] is None for row in report["rows"]] == [False, True]
    assert seen == ["two", "mnist-linear"]


def test_a_row_says_that_the_machine_was_throttled_meanwhile(
    broken: suite.Job, tmp_path: Path
) -> None:
    word = tmp_path / "sys/devices/platform/soc/soc:firmware/get_throttled"
    word.parent.mkdir(parents=True)
    word.write_text("0")
    report = suite.run(
        [broken, broken],
        QUICK,
        begin=lambda job: word.write_text("50005"),
        root=tmp_path,
    )
    assert report["before"]["throttled"] == 0
    assert report["after"]["throttled"] == 0x50005
    assert report["rows"][0]["throttled"] == ["under-voltage", "throttled"]


def test_an_emulated_machine_is_called_so_in_the_report(
    broken: suite.Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PI_EDGE_EMULATED", "1")
    assert suite.run([broken], QUICK)["emulated"] is True
