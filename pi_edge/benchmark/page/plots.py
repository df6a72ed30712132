"""The sections of the HTML page that hold plots: latencies, ratios, training."""

from __future__ import annotations

from html import escape

from pi_edge.benchmark import training
from pi_edge.benchmark.page import scale, svg, words
from pi_edge.benchmark.page.figures import Comparison, Key, Page
from pi_edge.benchmark.table import number
from pi_edge.benchmark.training import PROGRAMS, Training

EMULATED = '<span class="tag">emulated</span>'


def distributions(page: Page) -> str:
    """A panel a model, a lane a machine in it."""
    models = list(dict.fromkeys(key[0] for key in page.lines))
    panels = "\n".join(filter(None, (_panel(page, model) for model in models)))
    if not panels:
        return ""
    key = "; ".join(
        f'<span class="m{i % svg.COLOURS}">{svg.mark(i)}</span> {escape(words.machine(one))}'
        for i, one in enumerate(page.machines)
    )
    sampled = any(one.samples_ms for line in page.lines.values() for one in line.values())
    shape = "The shape is how often each time occurred; " if sampled else ""
    hatched = " Hatched and dashed: emulated, nobody's times." if page.emulated else ""
    return f"""<h2>How long one inference takes</h2>
<p class="soft">{key}</p>
<p class="soft">{shape}the mark stands at p50, the thick line reaches to p95, the thin one to p99.
Further left is better. The axes are logarithmic, and each model has its own.{hatched}</p>
<div class="panels">
{panels}
</div>"""


def _panel(page: Page, model: str) -> str:
    keys = [key for key in page.lines if key[0] == model]
    every = [one for key in keys for one in page.lines[key].values() if one.p50_ms is not None]
    if not every:
        return ""
    ends = [value for one in every for value in (one.p50_ms, one.p99_ms) if value is not None]
    ends += [scale.quantile(sorted(one.samples_ms), 0.005) for one in every if one.samples_ms]
    axis = scale.around(ends)
    groups = "".join(_lanes(page, key, axis) for key in keys)
    return (
        f'<section class="panel"><h3>{escape(model)}</h3>{groups}'
        f'<div class="lane"><span></span>{svg.log_labels(axis)}<span></span></div>'
        '<p class="axis-title">ms for one inference, logarithmic; lower is better</p></section>'
    )


def _lanes(page: Page, key: Key, axis: scale.Log) -> str:
    lanes = []
    for index, machine in enumerate(page.machines):
        measured = page.lines[key].get(machine.letter)
        who = (
            f'<span class="who m{index % svg.COLOURS}">{svg.mark(index)}'
            f'<span class="letter">{machine.letter}</span></span>'
        )
        if measured is None or measured.p50_ms is None:
            why = "did not work" if measured else "not measured"
            lanes.append(f'<div class="lane">{who}<span class="soft">{why}</span></div>')
            continue
        told = f"{number(measured.p50_ms)} ms"
        said = f"{words.machine(machine)}: " + ", ".join(
            f"{name} {number(value)} ms"
            for name, value in (
                ("p50", measured.p50_ms),
                ("p95", measured.p95_ms),
                ("p99", measured.p99_ms),
            )
            if value is not None
        )
        drawn = svg.spread(axis, measured, index, machine.emulated, said)
        tag = f"<br>{EMULATED}" if machine.emulated else ""
        lanes.append(f'<div class="lane">{who}{drawn}<span class="value">{told}{tag}</span></div>')
    heading = f"{key[1]}, {words.threads_of(key[2])}"
    return f"<h4>{escape(heading)}</h4>{''.join(lanes)}"


def ratios(page: Page) -> str:
    """A panel a comparison, a bar a model's variant in it."""
    if not page.comparisons:
        return ""
    panels = "\n".join(_ratios(page, one) for one in page.comparisons)
    return f"<h2>How many times as long</h2>\n{panels}"


def _ratios(page: Page, comparison: Comparison) -> str:
    here, there = words.machine(comparison.here), words.machine(comparison.there)
    heading = f"<h3>{escape(there)} beside {escape(here)}</h3>"
    if comparison.emulated:
        return (
            f'<section class="panel">{heading}<p>No ratios: {EMULATED} times depend on the machine'
            " that emulates, and say nothing of a Raspberry Pi.</p></section>"
        )
    known = {key: one.ratio for key, one in comparison.lines.items() if one.ratio}
    if not known:
        return (
            f'<section class="panel">{heading}<p>Nothing to compare: see the notes.</p></section>'
        )
    ends = [
        value
        for one in known.values()
        for value in (1.0, one.value, one.low, one.high)
        if value is not None
    ]
    axis = scale.around(ends)
    index = page.machines.index(comparison.there)
    lanes = []
    for key, beside in comparison.lines.items():
        name = f'<span class="name">{escape(words.line(key))}</span>'
        if beside.ratio is None:
            lanes.append(f'<div class="lane">{name}<span class="soft">no ratio</span></div>')
            continue
        told = " ".join(
            filter(None, [words.ratio(comparison, beside), _brackets(words.interval(beside))])
        )
        drawn = svg.bar(axis, beside.ratio, index, f"{words.line(key)}: {told}")
        lanes.append(
            f'<div class="lane">{name}{drawn}<span class="value">{escape(told)}</span></div>'
        )
    title = escape(words.axis_of_ratios(comparison))
    return (
        f'<section class="panel ratios">{heading}'
        f'<p class="soft">{escape(words.kind_of_interval(comparison))}</p>{"".join(lanes)}'
        f'<div class="lane axis-lane"><span></span>{svg.log_labels(axis)}<span></span></div>'
        f'<p class="axis-title">{title}</p></section>'
    )


def _brackets(text: str) -> str:
    return f"({text})" if text else ""


def trainings(page: Page) -> str:
    """What training took, as bars and as a table."""
    if not page.trainings:
        return ""
    most = max(count for one in page.trainings for count in (one.peak_bytes, *one.noted.values()))
    end = most * 1.04
    ticks = [tick for tick in scale.linear_ticks(0, end / 1e6) if tick <= end / 1e6]
    places = [(tick * 1e6 / end, scale.shown(tick)) for tick in ticks]
    lanes = "".join(_training(one, end, [at for at, _ in places]) for one in page.trainings)
    rows = "".join(_training_row(one) for one in page.trainings)
    head = "".join(f"<th>{name}<span>noted, MB</span></th>" for name in PROGRAMS)
    where = "".join(f"<li>{escape(line)}</li>" for line in training.where(page.trainings))
    return f"""<h2>Training the digit networks</h2>
<p class="soft">Filled: peak memory as measured here; its pale beginning is what importing
TensorFlow alone takes. Hollow: peak memory of the same network in the {training.NOTED_WHEN}
that this project grew from, on machines they do not name. Trained on:</p>
<ul class="soft">{where}</ul>
<section class="panel bars">{lanes}
<div class="lane axis-lane"><span></span>{svg.labels(places)}<span></span></div>
<p class="axis-title">MB of memory at the peak (1 MB = 1,000,000 bytes), from 0; lower is better</p>
</section>
<table class="stacks"><thead><tr><th class="words">model</th><th>weights</th><th>epochs</th>
<th>time<span>lower is better</span></th><th>peak<span>MB</span></th>
<th>training alone<span>MB</span></th>{head}</tr></thead>
{rows}</table>"""


def _training(one: Training, end: float, ticks: list[float]) -> str:
    told = words.size_of_memory(one.peak_bytes)
    lanes = [
        _bar(
            f"{one.model}, measured",
            svg.amount(one.peak_bytes / end, one.import_bytes / end, ticks, f"{one.model}: {told}"),
            told,
        )
    ]
    for program, count in one.noted.items():
        name, told = f"{one.model}, noted: {program}", words.size_of_memory(count)
        lanes.append(_bar(name, svg.amount(count / end, None, ticks, f"{name}: {told}"), told))
    return "".join(lanes)


def _bar(name: str, drawn: str, told: str) -> str:
    return (
        f'<div class="lane"><span class="name">{escape(name)}</span>{drawn}'
        f'<span class="value">{told}</span></div>'
    )


def _training_row(one: Training) -> str:
    cells = [
        ("weights", f"{one.parameters:,}"),
        ("epochs", str(one.epochs)),
        ("time", words.duration(one.seconds)),
        ("peak, MB", number(one.peak_bytes / 1e6)),
        ("training alone, MB", number(one.own_bytes / 1e6)),
        *(
            (f"{name}, noted, MB", number(one.noted[name] / 1e6) if name in one.noted else "")
            for name in PROGRAMS
        ),
    ]
    figures = "".join(
        f'<td{"" if text else " class=empty"} data-title="{escape(title)}">{escape(text)}</td>'
        for title, text in cells
    )
    return (
        f'<tbody><tr class="figures"><td class="words who">{escape(one.model)}</td>{figures}'
        "</tr></tbody>\n"
    )
