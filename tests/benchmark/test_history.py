"""Figures over releases: what is compared, what is flagged, what is left out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from comparisons import a_comparison, a_row, side, written
from samples import a_report, row

from pi_edge import cli
from pi_edge.benchmark import history, history_table
from pi_edge.errors import NotFound

STEADY = (1.0, 1.02, 0.98, 1.01, 0.99)
SLOW = tuple(1.5 * ms for ms in STEADY)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def comparison(folder: Path, day: int, version: str, there: Any, **changes: Any) -> None:
    """Write a comparison of that day, by that version, with a Pi's side; keywords change it."""
    document = a_comparison(a_row(there=there), **changes)
    for host in document["hosts"]:
        host["measured"] = f"2026-11-{day:02}T00:00:00Z"
        for name in ("here", "there"):
            host[name]["machine"]["pi_edge"] = version
    written(folder / f"{day:02}.json", document)


def bench(folder: Path, day: int, version: str, *rows: dict[str, Any], **machine: Any) -> None:
    """Write a report of pi-edge bench of that day; keywords change the machine."""
    report = a_report(*rows, measured=f"2026-11-{day:02}T00:00:00Z")
    report["machine"] |= {"pi_edge": version, **machine}
    written(folder / f"bench-{day:02}.json", report)


def test_a_slower_release_is_flagged(folder: Path) -> None:
    comparison(folder, 1, "0.1.0", side(*STEADY))
    comparison(folder, 2, "0.2.0", side(*SLOW))
    found = history.read(folder)
    assert history_table.regressions(found) == 1
    text = history_table.to_text(found)
    assert "REGRESSION: takes 50% longer since 0.1.0 (5 and 5 rounds, none in common)" in text
    assert "+50%" in text


@pytest.mark.parametrize(
    "rounds",
    [
        (1.05, 1.06, 1.07, 1.05, 1.08),  # all slower, but by less than a tenth
        (1.5, 1.5, 1.5, 1.5, 1.0),  # in the median, but one as fast as before
        (0.5, 0.5, 0.5, 0.5, 0.5),  # faster
    ],
)
def test_noise_is_not_flagged(folder: Path, rounds: tuple[float, ...]) -> None:
    comparison(folder, 1, "0.1.0", side(*STEADY))
    comparison(folder, 2, "0.2.0", side(*rounds))
    assert history_table.regressions(history.read(folder)) == 0


def test_one_report_of_bench_each_is_too_little_to_tell(folder: Path) -> None:
    bench(folder, 1, "0.1.0", row(p50_ms=1.0))
    bench(folder, 2, "0.2.0", row(p50_ms=2.0))
    found = history.read(folder)
    assert history_table.regressions(found) == 0
    assert "1 and 1 rounds are too few to tell: 5 each" in history_table.to_text(found)


def test_five_reports_of_bench_a_release_are_enough(folder: Path) -> None:
    for day in range(1, 6):
        bench(folder, day, "0.1.0", row(p50_ms=1.0 + day / 100))
        bench(folder, day + 5, "0.2.0", row(p50_ms=2.0 + day / 100))
    assert history_table.regressions(history.read(folder)) == 1


def test_more_memory_less_accuracy_and_a_failure_are_flagged(folder: Path) -> None:
    comparison(folder, 1, "0.1.0", side(*STEADY))
    comparison(folder, 2, "0.2.0", side(*STEADY, peak_bytes=60_000_000, accuracy=0.9))
    text = history_table.to_text(history.read(folder))
    assert "takes 14.5 MB more memory since 0.1.0" in text
    assert "reads 90.0% right instead of 96.8% since 0.1.0" in text
    failed = {"error": "crashed", "throttled": [], "accuracy": None, "rounds": []}
    comparison(folder, 3, "0.3.0", failed)
    found = history.read(folder)
    assert "worked since 0.2.0, and does not now: crashed" in history_table.to_text(found)
    assert history_table.regressions(found) == 1


def test_a_regression_of_an_older_release_is_shown_but_does_not_count(folder: Path) -> None:
    comparison(folder, 1, "0.1.0", side(*STEADY))
    comparison(folder, 2, "0.2.0", side(*SLOW))
    comparison(folder, 3, "0.3.0", side(*SLOW))
    found = history.read(folder)
    assert "REGRESSION: takes 50% longer since 0.1.0" in history_table.to_text(found)
    assert history_table.regressions(found) == 0


@pytest.mark.parametrize(
    "machine",
    [
        {"board": "Raspberry Pi 5"},
        {"runtime": {"name": "ai-edge-litert", "version": "2.4.0"}},
        {"cores": 2},
        {"pointer_bits": 32},
    ],
)
def test_another_machine_or_runtime_is_another_series(
    folder: Path, machine: dict[str, Any]
) -> None:
    bench(folder, 1, "0.1.0", row(peak_bytes=40_000_000))
    bench(folder, 2, "0.2.0", row(peak_bytes=80_000_000), **machine)
    found = history.read(folder)
    assert len(found.series) == 2
    assert history_table.regressions(found) == 0


def test_another_file_of_the_same_name_is_another_series(folder: Path) -> None:
    bench(folder, 1, "0.1.0", row(peak_bytes=40_000_000))
    bench(folder, 2, "0.2.0", row(peak_bytes=80_000_000, sha256="cc" * 32))
    assert len(history.read(folder).series) == 2


def test_throttled_rounds_do_not_count(folder: Path) -> None:
    comparison(folder, 1, "0.1.0", side(*STEADY))
    comparison(folder, 2, "0.2.0", side(*SLOW, throttled=["throttled"]))
    found = history.read(folder)
    assert history_table.regressions(found) == 0
    assert "throttled: its time does not count" in history_table.to_text(found)


def test_an_emulators_times_are_shown_apart_and_not_judged(folder: Path) -> None:
    comparison(folder, 1, "0.1.0", side(*STEADY), emulated=True)
    comparison(folder, 2, "0.2.0", side(*SLOW), emulated=True)
    found = history.read(folder)
    assert history_table.regressions(found) == 0
    text = history_table.to_text(found)
    assert "EMULATED, these times are not those of a Raspberry Pi" in text
    assert text.index("AMD EPYC, 4 cores") < text.index("emulated aarch64")


def test_a_copy_of_a_report_is_no_second_measurement(folder: Path) -> None:
    comparison(folder, 1, "0.1.0", side(*STEADY))
    (folder / "copy.json").write_bytes((folder / "01.json").read_bytes())
    assert {len(points) for points in history.read(folder).series.values()} == {1}


def test_damaged_and_foreign_files_are_a_line_each_and_the_rest_goes_on(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bench(folder, 1, "0.1.0", row())
    written(folder / "foreign.json", {"format": "else"})
    written(folder / "damaged.json", a_report(row(p50_ms=-1)))
    (folder / "broken.json").write_text("{")
    assert cli.main(["bench", "history", str(folder)]) == 0
    out, err = capsys.readouterr()
    assert "mnist-mlp" in out
    assert len(err.splitlines()) == 3
    assert all(line.startswith("pi-edge: left out: ") for line in err.splitlines())


def test_a_regression_ends_with_exit_code_1_and_stands_in_the_json(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    comparison(folder, 1, "0.1.0", side(*STEADY))
    comparison(folder, 2, "0.2.0", side(*SLOW))
    assert cli.main(["bench", "history", str(folder), "--json"]) == 1
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert told["format"] == "pi-edge history 1"
    assert told["regressions"] == 1
    flagged = [one for one in told["series"] if one["points"][-1]["regressions"]]
    assert [one["points"][-1]["pi_edge"] for one in flagged] == ["0.2.0"]
    assert err == "pi-edge: 1 regression\n"


def test_a_folder_without_a_report_is_said(folder: Path) -> None:
    with pytest.raises(NotFound, match="there is no report in"):
        history.read(folder)
    with pytest.raises(NotFound, match="there is no folder"):
        history.read(folder / "none")


def test_hostile_names_reach_no_terminal(folder: Path) -> None:
    bench(folder, 1, "0.1.0", row(model="\x1b[31mred\nline"))
    text = history_table.to_text(history.read(folder))
    assert "\x1b" not in text
    assert "\nline" not in text
