"""A report as another machine would have written it."""

from __future__ import annotations

from typing import Any


def row(**changes: Any) -> dict[str, Any]:
    """One row; keywords change fields."""
    return {
        "model": "mnist-mlp",
        "variant": "float32",
        "threads": 1,
        "bytes": 103_512,
        "sha256": "aa" * 32,
        "error": None,
        "runs": 1000,
        "p50_ms": 0.5,
        "p95_ms": 0.75,
        "p99_ms": 1.5,
        "throughput": 1900.0,
        "runtime_import_ms": 90.0,
        "load_ms": 12.0,
        "first_ms": 2.0,
        "warm_up_runs": 300,
        "warm_up_seconds": 0.4,
        "stable": True,
        "runtime_bytes": 40_000_000,
        "peak_bytes": 45_500_000,
        "input": "check.npz",
        "throttled": [],
    } | changes


def a_report(*rows: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A Raspberry Pi's report of the rows given; keywords change fields."""
    calm = {"clock_mhz": 1800, "governor": "ondemand", "temperature_c": 51.2, "throttled": 0}
    return {
        "format": "pi-edge benchmark 1",
        "measured": "2026-11-23T18:40:00Z",
        "emulated": False,
        "machine": {
            "board": "Raspberry Pi 4 Model B Rev 1.4",
            "cpu": "Cortex-A72",
            "cores": 4,
            "architecture": "aarch64",
            "pointer_bits": 64,
            "memory_bytes": 3_900_000_000,
            "os": "Raspberry Pi OS on Debian GNU/Linux 12 (bookworm)",
            "kernel": "6.6.31+rpt-rpi-v8",
            "python": "3.11.2",
            "numpy": "1.26.4",
            "pi_edge": "0.1.0",
            "runtime": {"name": "ai-edge-litert", "version": "2.3.0"},
            "emulated": False,
            "emulation": "",
        },
        "before": calm,
        "after": calm,
        "rows": list(rows) or [row()],
    } | changes
