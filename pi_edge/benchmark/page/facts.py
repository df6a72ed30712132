"""A machine and its condition, from what machine.describe and machine.conditions wrote."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from pi_edge.benchmark import report as reports
from pi_edge.benchmark.page.figures import Machine
from pi_edge.benchmark.values import positive, text

CONDITIONS = ("clock_mhz", "governor", "temperature_c", "throttled")
NOT_TOLD = "not told by this machine"
NOT_A_PI = "these times are not those of a Raspberry Pi"

Told = Mapping[str, Any]


def letter(index: int) -> str:
    """What a machine is called in tables and plots.

    >>> [letter(i) for i in (0, 1, 25, 26, 27)]
    ['A', 'B', 'Z', 'AA', 'AB']
    """
    return (letter(index // 26 - 1) if index >= 26 else "") + chr(ord("A") + index % 26)


def machine(
    index: int, told: Told, *, host: str = "", meters: Collection[str | None] = ()
) -> Machine:
    """The machine of a document with the keys ``machine``, ``emulated``, ``before``, ``after``,
    ``measured`` and ``rows``, as ``pi-edge bench --json`` writes it.

    Args:
        host: what ssh calls it, where it has such a name.
        meters: what told the joules.
    """
    about, before, after = told["machine"], told["before"], told["after"]
    # Either mark is enough: better an honest machine called emulated than the other way round.
    emulated = bool(told["emulated"] or about["emulated"])
    name = text(reports.label({**told, "emulated": emulated}))
    throttling = text(reports.throttling(before, after))
    warnings = []
    if emulated:
        how = text(about["emulation"])
        warnings.append(f"EMULATED{f' ({how})' if how else ''}: {NOT_A_PI}")
    if throttling.startswith("THROTTLED"):
        warnings.append(throttling)
    energy = [("Energy", f"of {text(source)}") for source in sorted(filter(None, meters))]
    if host:
        name = f"{name}, {text(host)}"
    return Machine(
        letter=letter(index),
        name=name,
        emulated=emulated,
        measured=text(told["measured"]),
        facts=(("Measured", text(told["measured"])), *_facts(about, before, after), *energy),
        warnings=tuple(warnings),
    )


def _facts(about: Told, before: Told, after: Told) -> Iterator[tuple[str, str]]:
    memory = about["memory_bytes"]
    runtime = about["runtime"]
    yield "Processor", text(about["cpu"] or NOT_TOLD)
    yield "Usable cores", text(about["cores"])
    yield "Architecture", text(f"{about['architecture']}, {about['pointer_bits']}-bit Python")
    yield "Memory", f"{positive(memory) / 1e9:.1f} GB" if memory else NOT_TOLD
    yield "System", text(about["os"])
    yield "Kernel", text(about["kernel"])
    yield "Runtime", text(f"{runtime['name']} {runtime['version']}")
    yield "pi-edge", text(about["pi_edge"])
    yield "Python, NumPy", text(f"{about['python']}, {about['numpy']}")
    yield "Temperature", _change(before["temperature_c"], after["temperature_c"], "{:.1f} °C")
    yield "Clock", _change(before["clock_mhz"], after["clock_mhz"], "{:.0f} MHz")
    if "load_average" in before:
        yield "Load average", _change(before["load_average"], after.get("load_average"), "{:.2f}")
    yield "Governor", text(after["governor"] or NOT_TOLD)
    yield "Throttled", text(reports.throttling(before, after) or NOT_TOLD)


def _change(before: float | None, after: float | None, shape: str) -> str:
    ends = [shape.format(float(one)) if one is not None else "?" for one in (before, after)]
    return f"{ends[0]} before, {ends[1]} after" if ends != ["?", "?"] else NOT_TOLD
