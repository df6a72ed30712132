"""Reports to look at: what stands on the HTML page, in Markdown, in the picture."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from comparisons import a_comparison, a_row, side, written
from samples import a_report, row

from pi_edge import catalog
from pi_edge.benchmark import training
from pi_edge.benchmark.page import gather, html, markdown, scale
from pi_edge.benchmark.page.figures import Page
from pi_edge.errors import BadInput, NotFound

HOSTILE = "<img src=x onerror=alert(1)>\"'&`|[a](http://evil.example)\x1b[31m\u202e"


@pytest.fixture
def read(tmp_path: Path, shipped_models: Path) -> Any:
    """Makes a Page of documents."""
    trainings = training.collect(catalog.find(shipped_models)[0].values())

    def make(*documents: Any) -> Page:
        paths = [written(tmp_path / f"{i}.json", one) for i, one in enumerate(documents)]
        return gather.page(paths, trainings)

    return make


class Tags(HTMLParser):
    """Names of all elements, values of attributes that load something, and the visible text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.loads: list[str] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(page)
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.loads += [f"{k}={v}" for k, v in attrs if k in ("src", "href", "srcset", "data")]
        self.loads += [f"{k}={v}" for k, v in attrs if k.startswith("on")]
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += f" {data}"


def test_the_page_asks_for_nothing_else(read: Any) -> None:
    page = html.document(read(a_comparison()))
    seen = Tags(page)
    assert seen.open == []
    assert seen.loads == []
    assert not seen.names & {"script", "link", "img", "iframe", "object", "embed"}
    assert set(re.findall(r"url\(([^)]*)\)", page)) <= {f"#hatch{i}" for i in range(6)}
    assert "@import" not in page


def test_both_machines_all_figures_and_the_ratio_stand_on_the_page(read: Any) -> None:
    text = Tags(html.document(read(a_comparison()))).text
    assert "Benchmark: AMD EPYC (A) beside Raspberry Pi 4 Model B Rev 1.4, pi-kitchen (B)" in text
    assert "51.2 °C before, 51.2 °C after" in text
    assert "not throttled, now or since boot" in text
    assert "6.00 × A (5.50 to 6.50)" in text
    assert "p50 of B ÷ p50 of A, logarithmic; right of 1: B takes longer" in text
    assert "ms for one inference, logarithmic; lower is better" in text
    assert "at most 3 × 10⁻⁷ apart, 0.0001 allowed" in text
    assert "mnist-flux-cnn, noted: Flux 2,600 MB" in text


@pytest.mark.parametrize("document", [html.document, markdown.document])
def test_an_emulated_machine_gets_no_ratio_and_is_called_so(read: Any, document: Any) -> None:
    page = document(read(a_comparison(emulated=True)))
    assert "EMULATED (QEMU): these times are not those of a Raspberry Pi" in page
    assert "no ratio: emulated" in page
    assert "6.00" not in page
    assert "× A" not in page


def test_an_emulated_machine_is_hatched_and_labelled_in_the_plot(read: Any) -> None:
    page = html.document(read(a_comparison(emulated=True)))
    assert 'fill="url(#hatch1)"' in page
    assert 'fill="url(#hatch0)"' not in page
    assert 'class="tag">emulated<' in page.partition("How long one inference takes")[2]


def test_a_report_of_bench_called_emulated_inside_only_is_emulated_all_the_same(read: Any) -> None:
    sly = a_report()
    sly["machine"] |= {"emulated": True, "emulation": "QEMU"}
    page = read(a_report(), sly)
    assert page.machines[1].name.startswith("emulated ")
    assert all(one.ratio is None for one in page.comparisons[0].lines.values())


def test_hostile_names_do_not_become_markup(read: Any) -> None:
    hostile = a_comparison(a_row(model=HOSTILE, variant=HOSTILE))
    hostile["hosts"][0]["host"] = HOSTILE
    hostile["hosts"][0]["here"]["machine"] |= {"cpu": HOSTILE, "os": HOSTILE, "kernel": HOSTILE}
    hostile["hosts"][0]["rows"][0]["answers"]["problem"] = HOSTILE
    page = read(hostile)
    seen = Tags(html.document(page))
    assert seen.loads == []
    assert not seen.names & {"img", "script", "a"}
    told = markdown.document(page)
    assert not set("<\x1b\u202e`") & set(told)
    assert "http://" not in told
    assert "](" not in told
    rows = [line for line in told.splitlines() if line.startswith("|")]
    assert {line.count("|") for line in rows if "AMD" not in line} <= {3, 4, 10, 13}


def test_two_reports_of_bench_have_ratios_without_intervals(read: Any) -> None:
    page = read(a_report(row(p50_ms=0.25)), a_report(row(p50_ms=1.5)))
    text = Tags(html.document(page)).text
    assert "6.00 × A" in text
    assert "Without intervals: each machine was measured once" in text
    assert "not compared. pi-edge bench measures each machine alone" in text


def test_different_files_get_no_ratio_and_a_note(read: Any) -> None:
    page = read(a_report(row()), a_report(row(sha256="bb")))
    text = Tags(html.document(page)).text
    assert "no ratio to A: not the same file here and there" in text


def test_what_is_missing_is_said(read: Any) -> None:
    calm = {"clock_mhz": None, "governor": None, "temperature_c": None, "throttled": None}
    bare = a_report(row(), row(model="other"), before=calm, after=calm)
    failed = {"model": "bad", "variant": "default", "threads": 1, "bytes": 10, "sha256": "b",
              "error": "crashed (SIGABRT)", "throttled": []}  # fmt: skip
    text = Tags(html.document(read(bare, a_report(row(), failed)))).text
    for told in (
        "not told by this machine",
        "Accuracy was not measured.",
        "Energy was not measured",
        "not measured",
        "did not work: crashed (SIGABRT)",
    ):
        assert told in text


def test_answers_beyond_tolerance_stand_out(read: Any) -> None:
    wrong = {"difference": 0.25, "output": "y", "tolerance": 1e-4, "problem": "y is 0.25 apart"}
    page = html.document(read(a_comparison(a_row(answers=wrong))))
    assert 'class="words differs" data-title="answers">NOT the same: y is 0.25 apart' in page


def test_a_host_that_failed_is_a_warning(read: Any) -> None:
    document = a_comparison()
    never = dict.fromkeys(("here", "there", "measured", "emulated"))
    document["hosts"].append({"host": "pi-hall", "failed": "no route", "rows": [], **never})
    assert 'class="warning">pi-hall: no route<' in html.document(read(document))


@pytest.mark.parametrize("ends", [{"low": None, "high": None}, {"low": 5.5, "high": 6.5}])
def test_one_round_has_a_ratio_without_an_interval(read: Any, ends: dict[str, Any]) -> None:
    one = a_row(here=side(0.25), there=side(1.5), ratio={"value": 6, **ends})
    page = html.document(read(a_comparison(one)))
    assert "6.00 × A</div>" in page


def test_a_page_of_one_report_needs_no_other(read: Any) -> None:
    text = Tags(html.document(read(a_report()))).text
    assert "Benchmark: Raspberry Pi 4 Model B Rev 1.4 (A)" in text
    assert "times as long" not in text


def test_markdown_has_a_line_a_machine_with_as_many_cells_as_its_head(read: Any) -> None:
    told = markdown.document(read(a_comparison()))
    rows = [line for line in told.splitlines() if "mnist-mlp float32, 1 thread |" in line]
    assert rows[0].startswith("| mnist-mlp float32, 1 thread | A | 96.8 | 0.250 |")
    assert "6.00 × A (5.50 to 6.50)" in rows[1]
    head = next(line for line in told.splitlines() if "p50, ms ↓" in line)
    assert head.count("|") == rows[0].count("|") == rows[1].count("|")


@pytest.mark.parametrize(
    "damage",
    [
        {"rows": [row(p50_ms=float("nan"))]},
        {"rows": [row(p50_ms=0)]},
        {"rows": [row(p50_ms="fast")]},
        {"rows": [row(threads=None)]},
        {"rows": 3},
        {"machine": None},
        {"measured": None, "before": 1},
    ],
)
def test_a_damaged_report_is_one_line(read: Any, damage: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match="is a damaged report") as caught:
        read(a_report() | damage)
    assert "\n" not in str(caught.value)


def test_what_is_no_report_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is no report of pi-edge bench"):
        gather.page([written(tmp_path / "x.json", {"format": "else"})])
    with pytest.raises(NotFound, match="there is no file"):
        gather.page([tmp_path / "none.json"])
    with pytest.raises(BadInput, match="nothing was measured"):
        gather.page([written(tmp_path / "x.json", a_report(rows=[]))])


def test_a_file_nested_without_end_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("[" * 200_000)
    with pytest.raises(BadInput):
        gather.page([tmp_path / "x.json"])


@pytest.mark.parametrize(("low", "high"), [(0.3, 0.45), (0.8, 30), (0.003, 5000), (1, 1.0001)])
def test_an_axis_has_a_handful_of_ticks_between_its_ends(low: float, high: float) -> None:
    axis = scale.around([low, high])
    assert axis.low < low < high < axis.high
    assert 2 <= len(axis.ticks()) <= 9
    assert all(axis.low <= tick <= axis.high for tick in axis.ticks())


def test_a_histogram_counts_samples_where_they_are() -> None:
    heights = scale.Log(1, 100).histogram([2.0] * 50 + [50.0] * 25)
    most = max(heights)
    assert most == 1
    assert [height for height in heights if height] == [1, 0.5]
    assert heights.index(1) < len(heights) / 2 < heights.index(0.5)
