"""Comparisons as scripts/bench-over-ssh would have written them, and how to put them into files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from samples import a_report, row


def side(*p50s: float, **changes: Any) -> dict[str, Any]:
    """One machine's figures of a row, a round for each median; keywords change fields."""
    rounds = [
        row(p50_ms=p50, samples_ns=[int(p50 * 1e6 * k / 100) for k in range(95, 120)])
        for p50 in p50s or (0.5, 0.51, 0.49, 0.5, 0.5)
    ]
    return {
        **row(p50_ms=sorted(one["p50_ms"] for one in rounds)[len(rounds) // 2]),
        "accuracy": 0.968,
        "joules": None,
        "energy_source": None,
        "rounds": rounds,
    } | changes


def a_row(**changes: Any) -> dict[str, Any]:
    """A row of a comparison; keywords change fields."""
    return {
        "model": "mnist-mlp",
        "task": "digits",
        "variant": "float32",
        "threads": 1,
        "bytes": 103_512,
        "sha256": "aa" * 32,
        "answers": {"difference": 3e-7, "output": "probabilities", "tolerance": 1e-4,
                    "problem": ""},
        "images": {"disagreeing": 0, "difference": 3e-7},
        "ratio": {"value": 6.0, "low": 5.5, "high": 6.5},
        "here": side(0.25, 0.25, 0.26, 0.24, 0.25),
        "there": side(1.5, 1.5, 1.6, 1.4, 1.5),
    } | changes  # fmt: skip


def a_comparison(*rows: dict[str, Any], emulated: bool = False, **changes: Any) -> dict[str, Any]:
    """A laptop beside a Raspberry Pi called pi-kitchen; keywords change fields."""
    sides = {}
    for name in ("here", "there"):
        report = a_report()
        sides[name] = {key: report[key] for key in ("machine", "before", "after")}
    sides["here"]["machine"] |= {"board": None, "cpu": "AMD EPYC", "architecture": "x86_64"}
    sides["there"]["machine"] |= {"emulated": emulated, "emulation": "QEMU" if emulated else ""}
    host = {
        "host": "pi-kitchen",
        "failed": None,
        "measured": "2026-11-24T04:15:02Z",
        "emulated": emulated,
        **sides,
        "rows": list(rows) or [a_row()],
    }
    return {
        "format": "pi-edge comparison 1",
        "measured": "2026-11-24T04:15:00Z",
        "stopped": False,
        "emulated": emulated,
        "threads": 1,
        "rounds": 5,
        "limits": {"runs": 20},
        "images": {"count": 1000, "which": "every tenth", "sha256": "bb" * 32},
        "confidence": 0.95,
        "hosts": [host],
    } | changes


def written(path: Path, document: Any) -> Path:
    """The document in a file."""
    path.write_text(json.dumps(document))
    return path
