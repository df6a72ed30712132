"""What is wrong with a --cluster is said in one line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support import ROOT


def predict(*flags: str, before: str = "") -> subprocess.CompletedProcess[str]:
    """`pi-edge predict` of one number, after the Python ``before``."""
    code = f"import sys\n{before}\nfrom pi_edge.cli import main\nsys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "predict", "fire-theft", "12.5", *flags]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT)


@pytest.mark.parametrize(
    ("flags", "code", "line"),
    [
        (["--cluster", "192.168.1.2"], 2, "--cluster is tcp://HOST:8786 or tls://HOST:8786"),
        (["--cluster-ca", "ca.pem"], 2, "need --cluster"),
        (["--cluster", "tcp://127.0.0.1:1", "--cluster-ca", "x"], 2, "not for tcp://"),
        (["--cluster", "tls://127.0.0.1:1", "--cluster-ca", "x"], 2, "go together"),
        (["--cluster", "tls://127.0.0.1:1"], 1, "tls:// needs certificates"),
        (["--cluster", "tcp://127.0.0.1:1"], 1, "no Dask scheduler answers at tcp://127.0.0.1:1"),
    ],
)
def test_what_cannot_be_a_cluster_is_one_line(flags: list[str], code: int, line: str) -> None:
    done = predict(*flags)
    assert done.returncode == code
    (told,) = done.stderr.splitlines()
    assert line in told


def test_a_missing_certificate_is_one_line(tmp_path: Path) -> None:
    flags = [f"--cluster-{name}={tmp_path / name}" for name in ("ca", "cert", "key")]
    done = predict("--cluster", "tls://127.0.0.1:1", *flags)
    assert done.returncode == 1
    assert done.stderr == f"pi-edge: there is no file {tmp_path / 'ca'}\n"


def test_without_dask_one_line_says_how_to_get_it() -> None:
    done = predict("--cluster", "tcp://127.0.0.1:1", before="sys.modules['distributed'] = None")
    assert done.returncode == 1
    (told,) = done.stderr.splitlines()
    assert "pi-edge[cluster]" in told
    assert "sudo apt install python3-distributed" in told
