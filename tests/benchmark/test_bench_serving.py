"""The parts of scripts/bench-serving that need no other server."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from support import missing

from pi_edge import catalog
from pi_edge.errors import PiEdgeError

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

from bench_serving import comparison, dialects, figures, load, other_server, peers, process, show

SCRIPTS = Path(__file__).parents[2] / "scripts"


def told(requests: int = 4000, status: int = 0) -> str:
    return (
        "Running 2s test\n  4000 requests in 2.00s\n"
        f'{{"requests": {requests}, "duration_us": 2000000, "p50_us": 450, "p99_us": 1250, '
        f'"errors": {{"connect": 0, "read": 0, "write": 0, "status": {status}, "timeout": 0}}}}\n'
    )


def test_wrks_figures_are_read() -> None:
    assert load.parse(told()) == load.Load(4000, 2000, 0.45, 1.25)


def test_answers_that_are_errors_do_not_count_as_speed() -> None:
    with pytest.raises(PiEdgeError, match="answers there were errors"):
        load.parse(told(status=7))


def test_no_answer_at_all_is_said() -> None:
    with pytest.raises(PiEdgeError, match="answered no request"):
        load.parse(told(requests=0))


@pytest.mark.parametrize("output", ["", "unable to connect", "{}"])
def test_output_without_figures_is_said(output: str) -> None:
    with pytest.raises(PiEdgeError, match="no figures"):
        load.parse(output)


def runs(*rates: float) -> list[load.Load]:
    return [load.Load(100, rate, 1, 2, 50) for rate in rates]


def test_the_ratio_is_taken_round_by_round() -> None:
    """In a slow round both were slow: it must not distort the ratio."""
    assert figures.ratio(runs(200, 20, 210), runs(100, 10, 100)) == 2


def test_rounds_are_summed_up_by_their_median() -> None:
    summary = figures.summarize(runs(100, 300, 200))
    assert (summary["rate"], summary["rate_min"], summary["rate_max"]) == (200, 100, 300)


def test_one_unclean_stop_is_not_outvoted() -> None:
    clean = {"listening_seconds": 1, "ready_seconds": 1, "pss_bytes": 1, "stop_seconds": 1}
    lives = [{**clean, "stop": how} for how in ("clean", "exit status 3", "clean")]
    assert figures.life(lives)["stop"] == "exit status 3"


def test_goals_may_be_lower_or_upper_bounds() -> None:
    assert figures.verdict(1.5, 1.5) == "met"
    assert figures.verdict(1.49, 1.5) == "NOT met"
    assert figures.verdict(61, 60, most=True) == "NOT met"


def test_memory_is_that_of_the_whole_family() -> None:
    nap = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'input()'])"
    parent = subprocess.Popen([sys.executable, "-c", nap], stdin=subprocess.PIPE)
    try:
        deadline = time.monotonic() + 20
        while len(process.family(parent.pid)) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        members = process.family(parent.pid)
        assert members[0] == parent.pid
        assert len(members) == 2
        assert all(process.pss_bytes(pid) > 0 for pid in members)
        assert all(process.cpu_seconds(pid) >= 0 for pid in members)
    finally:
        parent.communicate()


def server(tmp_path: Path, code: str) -> process.Server:
    command = [sys.executable, "-c", code]
    ask = dialects.open_inference("a-model", binary=False)
    return process.Server("a server", ask, lambda port: [*command, str(port)], "/", tmp_path)


LISTEN = """
import http.server, signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit({status}))
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


@pytest.mark.parametrize(("status", "how"), [(0, "clean"), (3, "exit status 3")])
def test_a_server_is_started_watched_and_stopped(tmp_path: Path, status: int, how: str) -> None:
    running = server(tmp_path, LISTEN.format(status=status)).start()
    assert 0 < running.listening_seconds <= running.ready_seconds
    assert running.memory_bytes() > 1_000_000
    assert running.stop()[1] == how
    with pytest.raises(ProcessLookupError):
        os.kill(running.process.pid, 0)


def test_a_server_that_does_not_start_is_quoted(tmp_path: Path) -> None:
    with pytest.raises(PiEdgeError, match="a server ended at its start: no luck"):
        server(tmp_path, "import sys; sys.exit('no luck')").start()


def test_everyone_gets_the_same_numbers(shipped_models: Path) -> None:
    question = comparison.Question(shipped_models / "mnist-mlp" / "float32.tflite")
    ours = dialects.open_inference("mnist-mlp", binary=True)
    theirs = dialects.plain("/predict", "picture", lambda answer: answer)
    (tensor,) = json.loads(question.json(ours))["inputs"]
    nested = json.loads(question.json(theirs))["picture"]
    assert tensor["shape"] == [1, 28, 28]
    assert tensor["data"] == [number for row in nested[0] for number in row]
    assert ours.binary
    headers, body = ours.binary(question.name, question.array)
    raw = body[int(headers["inference-header-content-length"]) :]
    assert np.frombuffer(raw, np.float32).tolist() == tensor["data"]


def test_a_server_that_takes_no_raw_bytes_is_sent_none(
    tmp_path: Path, shipped_models: Path
) -> None:
    question = comparison.Question(shipped_models / "mnist-mlp" / "float32.tflite")
    assert set(question.requests(server(tmp_path, ""))) == {"JSON"}


def test_pi_edge_serves_just_what_the_others_do(tmp_path: Path, shipped_models: Path) -> None:
    folder = shipped_models / "mnist-mlp"
    models = peers.only(folder, folder / "int8.tflite", tmp_path / "models")
    entries, problems = catalog.find(models)
    assert (list(entries), problems) == (["mnist-mlp"], {})
    assert list(entries["mnist-mlp"].files) == ["int8"]


def test_disk_is_that_of_all_files_below(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    before = process.disk_bytes([tmp_path])
    (tmp_path / "a/b/file").write_bytes(bytes(1_000_000))
    assert 1_000_000 <= process.disk_bytes([tmp_path]) - before < 1_100_000


def test_raw_bytes_are_set_beside_json_where_a_server_takes_no_bytes() -> None:
    ours = {"JSON, 8 connections": runs(200), "binary, 8 connections": runs(400)}
    assert figures.ratios(ours, {"JSON, 8 connections": runs(100)}) == {
        "JSON, 8 connections": 2,
        "binary, 8 connections": 4,
    }


def test_the_report_shows_loads_lives_and_goals() -> None:
    kind, peer = "JSON, 1 connection", figures.GOAL_PEER
    life = {"listening_seconds": 0.3, "ready_seconds": 0.5, "pss_bytes": 61e6,
            "disk_bytes": 200e6, "stop_seconds": 0.1, "stop": "clean"}  # fmt: skip
    report = {
        "measured": "2026-11-23T19:00:00Z",
        "model": "mnist-mlp",
        "machine": {"emulated": False, "board": None, "cpu": "AMD EPYC", "cores": 2,
                    "architecture": "x86_64", "python": "3.11.7",
                    "runtime": {"name": "ai-edge-litert", "version": "2.3.0"}},
        "loads": {"pi-edge": {kind: figures.summarize(runs(3000))},
                  peer: {kind: figures.summarize(runs(1500))}},
        "ratios": {peer: dict.fromkeys(figures.GOALS, 2.0)},
        "lives": {"pi-edge": life, peer: {**life, "pss_bytes": 140e6, "disk_bytes": 400e6}},
        "bare": {"error": None, "p50_ms": 0.005},
    }  # fmt: skip
    text = show.to_text(report)
    assert "2.00x" in text
    assert "2.00 times its requests, JSON, 1 connection: >= 1.8 met" in text
    assert "2.00 times its requests, JSON, 8 connections: >= 2.7 NOT met" in text
    assert "0.44 of its memory: <= 0.50 met" in text
    assert "0.50 of its disk: <= 0.33 NOT met" in text
    assert "p50 0.0050 ms" in text


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (
            ["--peers", "nobody"],
            "--peers knows mlserver, bentoml, litserve, h11, granian, not 'nobody'",
        ),
        (["--seconds", "0"], "--seconds must be from"),
        (["--rounds", "0"], "--rounds must be from"),
    ],
)
def test_wrong_usage(flags: list[str], says: str) -> None:
    done = subprocess.run([SCRIPTS / "bench-serving", *flags], capture_output=True, text=True)
    assert done.returncode == 2
    assert says in done.stderr


def test_our_application_can_be_put_behind_another_web_server(
    tmp_path: Path, shipped_models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ["other_server.py", "granian", "1", str(shipped_models), str(tmp_path)]
    monkeypatch.setattr(sys, "argv", arguments)
    assert callable(other_server.app())


def test_told_to_stop_it_stops_its_server_too(shipped_models: Path) -> None:
    if not shutil.which("wrk"):
        missing("wrk is not installed")
    environ = {**os.environ, "PYTHONPATH": str(SCRIPTS)}
    bench = subprocess.Popen(
        [sys.executable, "-m", "bench_serving", "--models", str(shipped_models)],
        env=environ,
        stderr=subprocess.PIPE,
        text=True,
    )
    server = None
    deadline = time.monotonic() + 60
    while server is None and bench.poll() is None and time.monotonic() < deadline:
        server = next((pid for pid in process.family(bench.pid)[1:] if _serves(pid)), None)
    assert server is not None
    bench.terminate()
    assert bench.wait(60) == 130
    assert bench.stderr.read().splitlines()[-1] == "bench-serving: stopped"
    while _serves(server) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _serves(server)


def _serves(pid: int) -> bool:
    """Whether a process is a daemon that has started, and is not merely waiting to be reaped."""
    try:
        return b"serve" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False


def test_a_missing_wrk_is_one_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench_serving"],
        cwd=SCRIPTS,
        env={**os.environ, "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr == "bench-serving: wrk is not installed: apt-get install wrk\n"
