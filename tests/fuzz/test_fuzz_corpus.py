"""Every seed, and every input that failed once, is read or refused: no Atheris needed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import targets
from support import ROOT

FUZZ = Path(__file__).resolve().parent


def replay(*arguments: str, also: Path = FUZZ) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(map(str, [also, FUZZ, FUZZ.parent, ROOT]))
    return subprocess.run(
        [sys.executable, FUZZ / "replay.py", *arguments],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.mark.parametrize("target", targets.names())
def test_what_was_found_is_read_or_refused(target: str) -> None:
    files = targets.inputs(target)
    assert files
    done = replay(target)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == len(files)


def test_crashes_are_kept_for_targets_that_there_are() -> None:
    kept = {path.name for path in (FUZZ / "crashes").iterdir()}
    assert kept <= set(targets.names())


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("raise ValueError(data)", "ValueError"),
        ("bytearray(1 << 40)", "MemoryError"),
        ("while True: pass", "Timeout"),
    ],
    ids=["raises", "takes too much memory", "hangs"],
)
def test_an_input_that_fails_is_named(tmp_path: Path, body: str, words: str) -> None:
    (tmp_path / "fuzz_targets").mkdir()
    (tmp_path / "fuzz_targets" / "bad.py").write_text(
        f"import targets\ntargets.SECONDS = 1\ndef check(data):\n    {body}\n"
    )
    file = tmp_path / "input"
    file.write_bytes(b"x")
    done = replay("bad", str(file), also=tmp_path)
    assert done.returncode != 0
    assert words in done.stderr
    assert str(file) in done.stderr or words == "Timeout"
    assert not done.stdout
