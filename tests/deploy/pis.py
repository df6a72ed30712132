"""Machines to collect packages for, as an agent on them tells of them."""

from __future__ import annotations

from typing import Any

from pi_edge.deploy.target import Target

# A 32-bit Raspberry Pi OS runs a 64-bit kernel on most boards.
BOOKWORM_32 = {
    "python": [3, 11],
    "bits": 32,
    "machine": "aarch64",
    "libc": "glibc 2.36",
    "runtimes": ["tflite-runtime"],
    "gpio": True,
    "suite": "bookworm",
    "lacking": [],
}
BOOKWORM_64 = {**BOOKWORM_32, "bits": 64, "runtimes": ["litert", "tflite-runtime"]}
TRIXIE_64 = {
    **BOOKWORM_64,
    "python": [3, 13],
    "libc": "glibc 2.41",
    "suite": "trixie",
    "runtimes": ["litert"],
}


def target(facts: dict[str, Any], status: str = "", **changes: Any) -> Target:
    return Target.of({**facts, **changes}, status)
