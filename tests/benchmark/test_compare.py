from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from samples import a_report, row

from pi_edge.benchmark import compare

MakeReport = Callable[..., dict[str, Any]]


@pytest.fixture
def laptop() -> MakeReport:
    """Makes a laptop's report of the rows given."""

    def make(*rows: dict[str, Any]) -> dict[str, Any]:
        report = a_report(*rows)
        report["machine"] |= {"board": None, "cpu": "AMD EPYC", "architecture": "x86_64"}
        return report

    return make


def test_ratios_are_there_divided_by_here(laptop: MakeReport) -> None:
    here = laptop(row(p50_ms=0.25, throughput=4000.0))
    (pair,) = compare.pairs(here, a_report(row(p50_ms=1.5, throughput=500.0)))
    assert pair.ratio("p50_ms") == 6
    assert pair.ratio("throughput") == 0.125


def test_both_machines_and_all_figures_stand_side_by_side(laptop: MakeReport) -> None:
    text = compare.to_text(laptop(row(p50_ms=0.25)), a_report(row(p50_ms=1.5)))
    assert "here:  AMD EPYC, ai-edge-litert 2.3.0, 2026-11-23T18:40:00Z" in text
    assert "there: Raspberry Pi 4 Model B Rev 1.4, ai-edge-litert 2.3.0" in text
    line = next(line for line in text.splitlines() if line.startswith("mnist-mlp"))
    assert line.split()[3:6] == ["0.250", "1.50", "6.00x"]
    assert max(len(line) for line in text.splitlines()) <= 100


def test_different_files_of_one_name_get_no_ratio_and_a_note(laptop: MakeReport) -> None:
    here, there = laptop(row(sha256="aa")), a_report(row(sha256="bb"))
    (pair,) = compare.pairs(here, there)
    assert pair.ratio("p50_ms") is None
    text = compare.to_text(here, there)
    assert "[1] mnist-mlp float32 1: not the same file here and there" in text
    assert "x  " not in next(line for line in text.splitlines() if line.startswith("mnist-mlp"))


def test_rows_that_one_side_lacks_are_shown_without_a_ratio(laptop: MakeReport) -> None:
    text = compare.to_text(laptop(row(threads=2)), a_report(row(threads=4)))
    assert "[1] mnist-mlp float32 2: not measured there" in text
    assert "[2] mnist-mlp float32 4: not measured here" in text


def test_a_model_that_did_not_work_there_is_noted(laptop: MakeReport) -> None:
    failed = {"model": "mnist-mlp", "variant": "float32", "threads": 1, "bytes": 10,
              "sha256": "aa" * 32, "error": "no answer within 180 s", "throttled": []}  # fmt: skip
    here, there = laptop(row()), a_report(failed)
    assert compare.pairs(here, there)[0].ratio("p50_ms") is None
    assert "there did not work: no answer within 180 s" in compare.to_text(here, there)


def test_throttling_and_instability_there_are_noted(laptop: MakeReport) -> None:
    slow = row(throttled=["throttled"], stable=False, warm_up_seconds=10.0)
    text = compare.to_text(laptop(row()), a_report(slow))
    assert "THROTTLED while measuring" in text
    assert "there never became stable" in text


def test_an_emulated_side_is_called_so(laptop: MakeReport) -> None:
    there = a_report(row(), emulated=True)
    text = compare.to_text(laptop(row()), there)
    assert "there: emulated aarch64" in text
    assert "EMULATED: these times are not those of a Raspberry Pi" in text
