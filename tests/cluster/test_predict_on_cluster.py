"""pi-edge predict --cluster answers as pi-edge predict does."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from certificates import make_certificate
from clusters import Cluster, running_cluster
from running import drop_in, wait_until
from support import ROOT

SEVEN = ROOT / "docs" / "pictures" / "seven.jpg"
PRICES = """Date,AAA,BBB
2024-01-01,1,2
"""


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The owner's models: a bare one."""
    folder = tmp_path_factory.mktemp("state")
    drop_in("double", folder / "models")
    return folder


@pytest.fixture(scope="module")
def cluster(state: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("cluster")
    with running_cluster(folder, 2, environ={"PI_EDGE_STATE": str(state)}) as running:
        yield running


def predict(
    state: Path, *arguments: object, stdin: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "pi_edge", "predict", *map(str, arguments)]
    return subprocess.run(
        [*command, "--state", str(state)], input=stdin, capture_output=True, cwd=ROOT
    )


def same(state: Path, cluster: Cluster, *arguments: object, stdin: bytes = b"") -> bytes:
    """What both print; that both print it, and exit alike, for a person and as JSON."""
    for flags in ([], ["--json"]):
        here = predict(state, *arguments, *flags, stdin=stdin)
        there = predict(state, *arguments, *flags, "--cluster", cluster.url, stdin=stdin)
        assert (there.returncode, there.stdout) == (here.returncode, here.stdout), there.stderr
        told = [line for line in there.stderr.splitlines() if line.startswith(b"pi-edge: ")]
        assert told == here.stderr.splitlines()
    return here.stdout + here.stderr


def test_digits_are_answered_in_the_order_they_were_asked(
    state: Path, cluster: Cluster, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    np.save(tmp_path / "zeros.npy", np.zeros((28, 28)))
    names = [SEVEN, tmp_path / "notes.txt", tmp_path / "none.png", tmp_path, *[SEVEN] * 5]
    out = same(state, cluster, "mnist-cnn", *names, tmp_path / "zeros.npy")
    assert out.count(b'"number":"7"') == 6
    assert b"there is no file" in out


def test_standard_input_travels(state: Path, cluster: Cluster) -> None:
    out = same(state, cluster, "mnist-cnn", "-", stdin=SEVEN.read_bytes())
    assert b'"number":"7"' in out


def test_numbers_are_no_files(state: Path, cluster: Cluster, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("fires_per_1000_housing_units\n1\n2.5\n")
    out = same(state, cluster, "fire-theft", "12.5", "none", tmp_path / "rows.csv", "1e9")
    assert out.count(b"predictions") == 3


def test_tables_that_cannot_be_understood_are_named(
    state: Path, cluster: Cluster, tmp_path: Path
) -> None:
    (tmp_path / "prices.csv").write_text(PRICES)
    (tmp_path / "torn.csv.gz").write_bytes(b"\x1f\x8b\x08")
    out = same(state, cluster, "stocks", tmp_path / "prices.csv", tmp_path / "torn.csv.gz")
    assert b"torn.csv.gz is damaged" in out


def test_a_bare_model_takes_arrays(state: Path, cluster: Cluster, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array([[1, 2, 3]], np.float32))
    (tmp_path / "bad.npy").write_bytes(b"nothing")
    out = same(state, cluster, "double", tmp_path / "x.npy", tmp_path / "bad.npy", "missing.npy")
    assert b"[[2.0,4.0,6.0]]" in out
    assert b"there is no such file" in out


def test_tls_both_ways(state: Path, tmp_path: Path) -> None:
    cert, key = make_certificate(tmp_path)
    own = ["--tls-ca-file", str(cert), "--tls-cert", str(cert), "--tls-key", str(key)]
    flags = [f"--cluster-ca={cert}", f"--cluster-cert={cert}", f"--cluster-key={key}"]
    stranger, stranger_key = make_certificate(tmp_path, "stranger")
    others = [
        f"--cluster-ca={cert}",
        f"--cluster-cert={stranger}",
        f"--cluster-key={stranger_key}",
    ]
    with running_cluster(tmp_path / "cluster", 1, flags=[*own, "--protocol", "tls"]) as running:
        assert running.url.startswith("tls://")
        done = predict(state, "fire-theft", "12.5", "--cluster", running.url, *flags)
        assert (done.returncode, done.stderr) == (0, b"")
        assert done.stdout == predict(state, "fire-theft", "12.5").stdout
        done = predict(state, "fire-theft", "12.5", "--cluster", running.url, *others)
        assert done.returncode == 1
        (line,) = done.stderr.splitlines()
        assert line.startswith(b"pi-edge: no Dask scheduler answers at tls://")


def test_a_second_batch_finds_the_cluster_as_it_was(state: Path, cluster: Cluster) -> None:
    for _ in range(2):
        done = predict(state, "mnist-cnn", *[SEVEN] * 20, "--cluster", cluster.url)
        assert done.returncode == 0
        assert done.stdout.count(b"seven.jpg: 7\n") == 20


def test_ctrl_c_ends_the_wait(state: Path, tmp_path: Path) -> None:
    with running_cluster(tmp_path / "cluster", 0) as running:
        command = [sys.executable, "-m", "pi_edge", "predict", "mnist-cnn", str(SEVEN)]
        process = subprocess.Popen(
            [*command, "--cluster", running.url],
            stderr=subprocess.PIPE,
            cwd=ROOT,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
        log = tmp_path / "cluster" / "scheduler.log"
        wait_until(lambda: "Receive client connection" in log.read_text())
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate()
    assert (process.returncode, stderr) == (130, b"pi-edge: stopped\n")
