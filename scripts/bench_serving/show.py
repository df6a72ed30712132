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
    ("", "goal"),
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
            goal = figures.GOALS.get(kind) if server in figures.GOAL_PEERS else None
            rows.append(
                [
                    server,
                    kind,
                    *(f"{found[key]:.0f}" for key in ("rate", "rate_min", "rate_max")),
                    *(number(found[key]) for key in ("p50_ms", "p99_ms", "cpu_us")),
                    "" if ratio is None else f"{ratio:.2f}x",
                    ""
                    if ratio is None or goal is None
                    else f">= {goal:.1f}x {figures.verdict(ratio, goal)}",
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
    life = next(iter(report["lives"].values()))
    listening, pss = life["listening_seconds"], life["pss_bytes"]
    limit, most = figures.GOAL_LISTENING_SECONDS, figures.GOAL_PSS_BYTES
    return (
        f"pi-edge listens {listening:.2f} s after exec: <= {limit:.1f} s"
        f" {figures.verdict(listening, limit, most=True)}; proportional memory"
        f" {pss / 1e6:.1f} MB: <= {most / 1e6:.0f} MB {figures.verdict(pss, most, most=True)}"
    )
