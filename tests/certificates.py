"""Certificates as docs/service.md makes them."""

from __future__ import annotations

import subprocess
from pathlib import Path


def make_certificate(folder: Path, name: str = "pi", password: str = "") -> tuple[Path, Path]:
    """A certificate for localhost and its key."""
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-days", "30", "-subj", "/CN=localhost", "-addext"),
            *("subjectAltName=DNS:localhost,IP:127.0.0.1", "-out", str(certificate)),
            *("-keyout", str(key)),
            *(("-passout", f"pass:{password}") if password else ("-noenc",)),
        ],
        check=True,
        capture_output=True,
    )
    return certificate, key
