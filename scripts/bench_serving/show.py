"""The report for a person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench_serving import figures
from pi_edge.benchmark.table import number, table

LOAD_COLUMNS = (
    ("", "server"),
    ("", "load"),
    ("requests/s", "median"),
    ("", "min"),
    ("", "max"),
    ("p50", "ms"),
    ("p99", "ms"),
    ("CPU", "us"),
    ("pi-edge", "is"),
)
LIFE_COLUMNS = (
    ("", "server"),
    ("listening", "s"),
    ("ready", "s"),
    ("memory", "MB"),
    ("disk", "MB"),
    ("stop", "s"),
    ("", "how"),
)


def to_text(report: Mapping[str, Any]) -> str:
    """Machine, loads, lives, the model alone."""
    about = report["machine"]
    emulated = f"EMULATED ({about['emulation']}): " if about["emulated"] else ""
    heading = (
        f"{report['model']} float32 over the Open Inference Protocol, measured"
        f" {report['measured']}\n{emulated}{about['board'] or about['cpu']},"
        f" {about['cores']} usable cores, {about['architecture']}, Python {about['python']},"
        f" {about['runtime']['name']} {about['runtime']['version']}"
    )
    bare = report["bare"]
    alone = (
        f"the model itself, in a process of its own: did not work: {bare['error']}"
        if bare["error"]
        else f"the model itself, without a server: p50 {number(bare['p50_ms'])} ms"
    )
    return "\n\n".join([heading, _loads(report), _lives(report), _goals(report), alone])


def _loads(report: Mapping[str, Any]) -> str:
    rows = []
    for server, kinds in report["loads"].items():
        for kind, found in kinds.items():
            ratio = report["ratios"].get(server, {}).get(kind)
            rows.append(
                [
                    server,
                    kind,
                    *(f"{found[key]:.0f}" for key in ("rate", "rate_min", "rate_max")),
                    *(number(found[key]) for key in ("p50_ms", "p99_ms", "cpu_us")),
                    "" if ratio is None else f"{ratio:.2f}x",
                ]
            )
    return table(LOAD_COLUMNS, rows)


def _lives(report: Mapping[str, Any]) -> str:
    rows = [
        [
            server,
            f"{life['listening_seconds']:.2f}",
            f"{life['ready_seconds']:.2f}",
            f"{life['pss_bytes'] / 1e6:.1f}",
            f"{life['disk_bytes'] / 1e6:.0f}" if life.get("disk_bytes") else "-",
            f"{life['stop_seconds']:.2f}",
            life["stop"],
        ]
        for server, life in report["lives"].items()
    ]
    return table(LIFE_COLUMNS, rows)


def _goals(report: Mapping[str, Any]) -> str:
    """What was wished for, and whether it came."""
    peer, lives = figures.GOAL_PEER, report["lives"]
    if peer not in lives:
        return "without MLServer nothing to be beside"
    ours, theirs = next(iter(lives.values())), lives[peer]
    lines = [f"beside {peer} pi-edge has"]
    for kind, goal in figures.GOALS.items():
        ratio = report["ratios"][peer][kind]
        lines.append(
            f"  {ratio:.2f} times its requests, {kind}: >= {goal:.1f}"
            f" {figures.verdict(ratio, goal)}"
        )
    for key, goal in figures.GOAL_PARTS.items():
        part = ours[key] / theirs[key]
        what = {"pss_bytes": "memory", "disk_bytes": "disk"}[key]
        lines.append(
            f"  {part:.2f} of its {what}: <= {goal:.2f} {figures.verdict(part, goal, most=True)}"
        )
    return "\n".join(lines)
