"""The report as one HTML page that asks for nothing else: no script, no font, no picture."""

from __future__ import annotations

from html import escape
from importlib.resources import files

from pi_edge.benchmark.page import plots, svg, words
from pi_edge.benchmark.page.figures import Beside, Comparison, Key, Machine, Page

POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def document(page: Page) -> str:
    """The whole page."""
    style = (files("pi_edge.benchmark.page") / "page.css").read_text()
    heading = escape(words.title(page))
    body = "\n".join(
        filter(
            None,
            [
                svg.definitions(),
                f"<h1>{heading}</h1>",
                _warnings(page),
                _machines(page),
                _table(page),
                plots.distributions(page),
                plots.ratios(page),
                _answers(page),
                plots.trainings(page),
            ],
        )
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{heading}</title>
<style>
{style}</style>
</head>
<body>
{body}
</body>
</html>
"""


def _warnings(page: Page) -> str:
    said = [f"{words.machine(one)}: {text}" for one in page.machines for text in one.warnings]
    return "\n".join(f'<p class="warning">{escape(text)}</p>' for text in [*said, *page.remarks])


def _machines(page: Page) -> str:
    cards = "\n".join(_machine(page, one) for one in page.machines)
    return f'<h2>The machines, and their condition</h2>\n<div class="machines">\n{cards}\n</div>'


def _machine(page: Page, machine: Machine) -> str:
    index = page.machines.index(machine)
    facts = "".join(
        f"<dt>{escape(title)}</dt><dd>{escape(value)}</dd>" for title, value in machine.facts
    )
    kind = " emulated" if machine.emulated else ""
    return (
        f'<section class="machine m{index % svg.COLOURS}{kind}"><h3>{svg.mark(index)}'
        f" {escape(words.machine(machine))}</h3><dl>{facts}</dl></section>"
    )


def _table(page: Page) -> str:
    columns = words.columns(page)
    head = "".join(
        f"<th>{column.title}<span>{column.unit}</span><span>{column.better}</span></th>"
        for column in columns
    )
    beside = ""
    if page.comparisons:
        beside = "<th>times as long<span>p50 ÷ p50</span><span>95 % interval</span></th>"
    notes = _notes(page)
    if notes:
        beside += "<th>note</th>"
    body = "\n".join(_group(page, key, notes) for key in page.lines)
    told = "".join(f"<li>{escape(text)}</li>" for text in notes.values())
    legend = " ".join([words.LEGEND, *words.absent(page)])
    return f"""<h2>The figures</h2>
<table class="stacks">
<thead><tr><th class="words">machine</th>{head}{beside}</tr></thead>
{body}
</table>
{f'<ol class="soft">{told}</ol>' if told else ""}
<p class="soft">{escape(legend)}</p>"""


def _notes(page: Page) -> dict[tuple[Key, str], str]:
    """The numbered notes under the table, by line and machine, in the order of the table."""
    found = {}
    for key, machines in page.lines.items():
        for letter in machines:
            told = words.notes(page, key, letter)
            if told:
                found[key, letter] = f"{words.line(key)}, {letter}: {'; '.join(told)}"
    return found


def _group(page: Page, key: Key, notes: dict[tuple[Key, str], str]) -> str:
    width = len(words.columns(page)) + 1 + bool(page.comparisons) + bool(notes)
    size = words.size(page, key)
    heading = escape(f"{words.line(key)}{f' · {size}' if size else ''}")
    rows = "\n".join(_row(page, key, machine, notes) for machine in page.machines)
    return f'<tbody><tr><th colspan="{width}" scope="rowgroup">{heading}</th></tr>\n{rows}</tbody>'


def _row(page: Page, key: Key, machine: Machine, notes: dict[tuple[Key, str], str]) -> str:
    measured = page.lines[key].get(machine.letter)
    index = page.machines.index(machine)
    kind = f"figures m{index % svg.COLOURS}{' emulated' if machine.emulated else ''}"
    cells = [f'<td class="words who">{svg.mark(index)} {escape(words.machine(machine))}</td>']
    columns = words.columns(page)
    if measured is None or measured.error:
        span = len(columns) + bool(page.comparisons)
        text = "did not work" if measured else "not measured"
        cells.append(f'<td class="failed" colspan="{span}" data-title="figures">{text}</td>')
    else:
        for column in columns:
            title = f"{column.title}, {column.unit}"
            cells.append(_cell(f"{title} ({column.better})", column.cell(measured)))
        if page.comparisons:
            told = "".join(map(_ratio, words.versus(page, key, machine.letter)))
            empty = "" if told else ' class="empty"'
            cells.append(f'<td{empty} data-title="times as long">{told}</td>')
    number = [str(i + 1) for i, one in enumerate(notes) if one == (key, machine.letter)]
    if notes:
        cells.append(_cell("note", f"[{number[0]}]" if number else ""))
    return f'<tr class="{kind}">{"".join(cells)}</tr>'


def _ratio(told: tuple[Comparison, Beside]) -> str:
    interval = words.interval(told[1])
    between = f" <small>({interval})</small>" if interval else ""
    return f"<div>{escape(words.ratio(*told))}{between}</div>"


def _cell(title: str, text: str) -> str:
    empty = "" if text else ' class="empty"'
    return f'<td{empty} data-title="{escape(title)}">{escape(text)}</td>'


def _answers(page: Page) -> str:
    if not page.comparisons:
        return ""
    parts = ["<h2>The same answers?</h2>"]
    for comparison in page.comparisons:
        names = f"{words.machine(comparison.there)} beside {words.machine(comparison.here)}"
        if not any(one.compared for one in comparison.lines.values()):
            parts.append(
                f"<p>{escape(names)}: not compared. pi-edge bench measures each machine alone;"
                " scripts/bench-over-ssh asks both the same and compares their outputs.</p>"
            )
            continue
        rows = "".join(
            f'<tbody><tr class="figures"><td class="words who">{escape(words.line(key))}</td>'
            f'<td class="words{" differs" if beside.problem else ""}" data-title="answers">'
            f"{escape(words.answers(beside))}</td></tr></tbody>"
            for key, beside in comparison.lines.items()
        )
        parts.append(
            f'<table class="stacks"><caption>{escape(names)}: largest difference between their'
            " outputs, given the same inputs</caption><thead><tr>"
            '<th class="words">model, variant</th><th class="words">answers</th></tr></thead>'
            f"{rows}</table>"
        )
    return "\n".join(parts)
