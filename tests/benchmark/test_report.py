from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from samples import a_report, row

from pi_edge.benchmark import report
from pi_edge.errors import BadInput, NotFound


def test_a_report_survives_the_file(tmp_path: Path) -> None:
    written = a_report()
    report.write(tmp_path / "pi.json", written)
    assert report.read(tmp_path / "pi.json") == written


def test_the_table_is_aligned_and_fits_100_columns() -> None:
    rows = [
        row(model="stocks-levels", throughput=190_123.4, peak_bytes=1_234_567_890),
        row(model="a-model-with-a-very-long-name", variant="float16", threads=16, p50_ms=12_345.6),
    ]
    text = report.to_text(a_report(*rows))
    assert max(len(line) for line in text.splitlines()) <= 100
    header = next(line for line in text.splitlines() if line.startswith("model"))
    lines = [line for line in text.splitlines() if line.startswith(("stocks-l", "a-model"))]
    for line in lines:
        assert line[: header.index("threads") + 7].split()[-1] in ("1", "16")
    assert "a-model-with-a-…" in lines[1]


def test_units_stand_in_the_header() -> None:
    lines = report.to_text(a_report()).splitlines()
    index = next(i for i, line in enumerate(lines) if line.startswith("model"))
    assert lines[index - 1].split() == ["p50", "p95", "p99", "runs", "first", "load", "peak",
                                        "model", "file"]  # fmt: skip
    assert lines[index].split()[3:] == ["ms", "ms", "ms", "/s", "ms", "ms", "MB", "MB", "kB",
                                        "note"]  # fmt: skip
    assert lines[index + 1].split() == ["mnist-mlp", "float32", "1", "0.500", "0.750", "1.50",
                                        "1900", "2.00", "12.0", "45.5", "5.50", "104"]  # fmt: skip


def test_the_machine_and_its_condition_stand_above_the_table() -> None:
    heading = report.heading(a_report())
    assert "2026-11-23T18:40:00Z on: Raspberry Pi 4 Model B Rev 1.4" in heading
    assert "Cortex-A72, 4 usable cores, aarch64, 64-bit Python, 3.9 GB memory" in heading
    assert "ai-edge-litert 2.3.0, pi-edge 0.1.0, Python 3.11.2, NumPy 1.26.4" in heading
    assert "clock 1800 MHz before, 1800 MHz after, governor ondemand, 51.2 °C before" in heading
    assert "not throttled, now or since boot" in heading


def test_a_throttled_pi_is_called_so_above_and_in_the_table() -> None:
    after = {"clock_mhz": 600, "governor": "ondemand", "temperature_c": 82.0, "throttled": 0x50005}
    text = report.to_text(a_report(row(throttled=["under-voltage", "throttled"]), after=after))
    assert "THROTTLED while measuring: under-voltage, throttled" in text
    assert "[1] mnist-mlp float32 1: throttled: under-voltage, throttled" in text
    assert next(line for line in text.splitlines() if line.startswith("mnist")).endswith("[1]")


def test_throttling_of_before_is_told_apart() -> None:
    calm = {"clock_mhz": 1800, "governor": None, "temperature_c": None, "throttled": 0x50000}
    text = report.to_text(a_report(before=calm, after=calm))
    assert "not throttled while measuring; since boot: under-voltage, throttled" in text


def test_a_row_that_never_became_stable_says_so() -> None:
    text = report.to_text(a_report(row(stable=False, warm_up_seconds=10.02)))
    assert "[1] mnist-mlp float32 1: never became stable in 10.0 s of warm-up" in text


def test_a_model_that_did_not_work_has_a_row_without_figures() -> None:
    failed = {"model": "bad", "variant": "default", "threads": 1, "bytes": 10, "sha256": "b",
              "error": "crashed the measuring process (SIGABRT): x", "throttled": []}  # fmt: skip
    text = report.to_text(a_report(row(), failed))
    assert next(line for line in text.splitlines() if line.startswith("bad ")).split() == [
        "bad", "default", "1", *["-"] * 8, "0.0100", "[1]"
    ]  # fmt: skip
    assert "[1] bad default 1: did not work: crashed the measuring process (SIGABRT): x" in text


def test_an_emulated_machine_is_never_presented_as_a_raspberry_pi() -> None:
    emulated = a_report(emulated=True)
    emulated["machine"] |= {"emulated": True, "emulation": "the process is run by qemu-arm"}
    assert report.label(emulated).startswith("emulated ")
    text = report.to_text(emulated)
    assert text.splitlines()[0].split("on: ")[1].startswith("emulated aarch64")
    assert "EMULATED: the process is run by qemu-arm; these times are not those of a" in text


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="there is no file"):
        report.read(tmp_path / "none.json")


@pytest.mark.parametrize("contents", ["", "[]", "{}", '{"format": "something else"}', "\x00\xff"])
def test_a_file_that_is_no_report_is_refused(tmp_path: Path, contents: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(contents)
    with pytest.raises(BadInput, match=r"x\.json is not"):
        report.read(path)


@pytest.mark.parametrize("damage", [{"rows": [{}]}, {"machine": None}, {"rows": 3}])
def test_a_damaged_report_is_refused(tmp_path: Path, damage: dict[str, Any]) -> None:
    path = tmp_path / "x.json"
    path.write_text(json.dumps(a_report() | damage))
    with pytest.raises(BadInput, match="damaged report"):
        report.read(path)
