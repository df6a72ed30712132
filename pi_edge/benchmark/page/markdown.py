"""The report as Markdown tables, for a repository's page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pi_edge.benchmark import training
from pi_edge.benchmark.page import words
from pi_edge.benchmark.page.figures import Comparison, Key, Page
from pi_edge.benchmark.table import number

# What could become markup where it stands. Entities instead of backslashes: they hold in the cells
# of tables, too.
MARKUP = str.maketrans({character: f"&#{ord(character)};" for character in "\\`*_[]<>|~&!$@"})


def document(page: Page) -> str:
    """The whole page."""
    parts = [f"# {escape(words.title(page))}", *_warnings(page), *_machines(page)]
    parts += ["## The figures", _figures(page), *_notes(page), escape(_legend(page))]
    for comparison in page.comparisons:
        parts += _answers(comparison)
    parts += _trainings(page)
    return "\n\n".join(parts) + "\n"


def escape(text: str) -> str:
    """Text that stays text in a paragraph, a heading or a table's cell."""
    # Addresses would become links.
    return text.translate(MARKUP).replace("://", "&#58;//").replace("www.", "www&#46;")


def _warnings(page: Page) -> Iterator[str]:
    for machine in page.machines:
        for warning in machine.warnings:
            yield f"> **{escape(f'{words.machine(machine)}: {warning}')}**"
    for remark in page.remarks:
        yield f"> **{escape(remark)}**"


def _machines(page: Page) -> Iterator[str]:
    yield "## The machines, and their condition"
    titles = list(dict.fromkeys(title for one in page.machines for title, _ in one.facts))
    rows = [
        [title, *(dict(one.facts).get(title, words.NONE) for one in page.machines)]
        for title in titles
    ]
    yield _table(["", *(words.machine(one) for one in page.machines)], rows, left=99)


def _figures(page: Page) -> str:
    columns = words.columns(page)
    heads = [
        f"{column.title}, {column.unit} {'↓' if column.better == words.LOWER else '↑'}"
        for column in columns
    ]
    if page.comparisons:
        heads.append("times as long, p50 ÷ p50")
    rows = []
    numbers = _numbers(page)
    for key, machines in page.lines.items():
        for machine in page.machines:
            measured = machines.get(machine.letter)
            letter = f"{machine.letter}{', emulated' if machine.emulated else ''}"
            if measured is None or measured.error:
                figures = ["did not work" if measured else "not measured"]
                figures += [""] * (len(heads) - 1)
            else:
                figures = [column.cell(measured) for column in columns]
                if page.comparisons:
                    figures.append(_ratios(page, key, machine.letter))
            mark = numbers.get((key, machine.letter))
            rows.append([words.line(key), letter, *figures, f"({mark})" if mark else ""])
    return _table(["model, variant", "machine", *heads, "note"], rows, left=2)


def _ratios(page: Page, key: Key, letter: str) -> str:
    told = []
    for comparison, beside in words.versus(page, key, letter):
        interval = words.interval(beside)
        told.append(words.ratio(comparison, beside) + (f" ({interval})" if interval else ""))
    return "; ".join(told)


def _numbers(page: Page) -> dict[tuple[Key, str], int]:
    noted = [
        (key, letter)
        for key, machines in page.lines.items()
        for letter in machines
        if words.notes(page, key, letter)
    ]
    return {one: index + 1 for index, one in enumerate(noted)}


def _notes(page: Page) -> Iterator[str]:
    lines = [
        f"{index}. {escape(words.line(key))}, {letter}:"
        f" {escape('; '.join(words.notes(page, key, letter)))}"
        for (key, letter), index in _numbers(page).items()
    ]
    if lines:
        yield "\n".join(lines)


def _legend(page: Page) -> str:
    said = [words.LEGEND, *words.absent(page), "↓ lower is better, ↑ higher is better."]
    return " ".join(said)


def _answers(comparison: Comparison) -> Iterator[str]:
    here, there = words.machine(comparison.here), words.machine(comparison.there)
    yield f"## {escape(there)} beside {escape(here)}: the same answers?"
    if not any(one.compared for one in comparison.lines.values()):
        yield "Not compared: pi-edge bench measures each machine alone."
        return
    rows = [[words.line(key), words.answers(one)] for key, one in comparison.lines.items()]
    yield _table(["model, variant", "answers"], rows, left=2)


def _trainings(page: Page) -> Iterator[str]:
    if not page.trainings:
        return
    yield "## Training the digit networks"
    yield escape("; ".join(training.where(page.trainings)))
    heads = ["model", "weights", "epochs", "time ↓", "peak, MB ↓", "training alone, MB ↓"]
    heads += [f"noted: {program}, MB" for program in training.PROGRAMS]
    rows = [
        [
            one.model,
            f"{one.parameters:,}",
            str(one.epochs),
            words.duration(one.seconds),
            number(one.peak_bytes / 1e6),
            number(one.own_bytes / 1e6),
            *(
                number(one.noted[name] / 1e6) if name in one.noted else words.NONE
                for name in training.PROGRAMS
            ),
        ]
        for one in page.trainings
    ]
    yield _table(heads, rows, left=1)
    yield escape(training.LEGEND.replace("\n", " "))


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], left: int) -> str:
    """A table, its first ``left`` columns aligned to the left."""
    lines = [heads, [":--" if i < left else "--:" for i in range(len(heads))], *rows]
    return "\n".join(
        "| " + " | ".join(cell if i == 1 else escape(cell) for cell in line) + " |"
        for i, line in enumerate(lines)
    )
