"""The report for a person, and whether our goals are met."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench_style.comparison import PEER
from pi_edge.benchmark.table import table

COLUMNS = (
    ("", "picture"),
    ("", "program"),
    ("time s", "median"),
    ("", "min"),
    ("", "max"),
    ("processor", "s"),
    ("peak", "MB"),
    ("pi-edge", "is"),
    ("processor", "is"),
    ("", "goal"),
)
GOALS = {512: 0.5, 1024: 0.5, 4000: 0.4}  # of the peer's time, by width
GOAL_ALONE = 0.3
GOAL_PSNR = 40.0
GOAL_MEGABYTES = {"pi-edge": 200, "pi-edge, 150 MB": 150}


def to_text(report: Mapping[str, Any]) -> str:
    """Machine, whole commands, the networks alone, seams."""
    about = report["machine"]
    emulated = f"EMULATED ({about['emulation']}): " if about["emulated"] else ""
    heading = (
        f"pi-edge stylize, a {report['photo']} photo, style {report['style']},"
        f" {report['threads']} threads each, measured {report['measured']}\n"
        f"{emulated}{about['board'] or about['cpu']}, {about['cores']} usable cores,"
        f" {about['architecture']}, Python {about['python']},"
        f" {about['runtime']['name']} {about['runtime']['version']}"
    )
    failures = [
        f"{size['width']}x{size['height']}: {name} did not work: {reason}"
        for size in report["commands"]
        for name, reason in size["failed"].items()
    ]
    parts = [heading, _commands(report), *failures, _alone(report), _seams(report)]
    return "\n\n".join(parts)


def verdict(met: bool) -> str:
    """In a word."""
    return "met" if met else "NOT met"


def _commands(report: Mapping[str, Any]) -> str:
    rows = []
    for size in report["commands"]:
        for name, found in size["programs"].items():
            goals = []
            if name in GOAL_MEGABYTES and size["width"] >= 4000:
                most = GOAL_MEGABYTES[name]
                goals.append(f"<= {most} MB {verdict(found['peak_bytes'] <= most * 1e6)}")
            compared = name == PEER and "ratio_wall" in size
            if compared and size["width"] in GOALS:
                goal = GOALS[size["width"]]
                goals.append(f"<= {goal:.2f}x {verdict(size['ratio_wall'] <= goal)}")
            rows.append(
                [
                    f"{size['width']}x{size['height']}",
                    name,
                    *(f"{found[key]:.2f}" for key in ("wall_seconds", "wall_min", "wall_max")),
                    f"{found['processor_seconds']:.2f}",
                    f"{found['peak_bytes'] / 1e6:.0f}",
                    f"{size['ratio_wall']:.2f}x" if compared else "",
                    f"{size['ratio_processor']:.2f}x" if compared else "",
                    ", ".join(goals),
                ]
            )
    return table(COLUMNS, rows)


def _alone(report: Mapping[str, Any]) -> str:
    lines = []
    for one in report["alone"]:
        times = ", ".join(f"{name} {1e3 * s:.0f} ms" for name, s in one["seconds"].items())
        line = f"the network alone at {one['side']} x {one['side']}: {times}"
        if "ratio" in one:
            met = verdict(one["ratio"] <= GOAL_ALONE)
            line += f", pi-edge is {one['ratio']:.2f}x: <= {GOAL_ALONE:.2f}x {met}"
        lines.append(line)
    return "\n".join(lines)


def _seams(report: Mapping[str, Any]) -> str:
    seams = report["seams"]
    found = seams["styles"]
    told = ", ".join(
        f"{name} {one['psnr_db']:.0f} dB (at most {one['largest']})" for name, one in found.items()
    )
    least = min(one["psnr_db"] for one in found.values())
    size = f"{seams['width']} x {seams['height']}"
    met = verdict(least >= GOAL_PSNR)
    return f"tiled against untiled at {size}: {told}; >= {GOAL_PSNR:.0f} dB {met}"
