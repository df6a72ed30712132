"""A process that learns, as far as anybody can see."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support import ROOT

# Says how far it is once, then goes on until its input ends.
_LEARNER = """
import json, sys
from pathlib import Path
from pi_edge.learning import told
with told.learning(Path(sys.argv[1]), sys.argv[2]) as tell:
    tell(**json.loads(sys.argv[3]))
    print("begun", flush=True)
    sys.stdin.read()
"""


@contextmanager
def another_learner(state: Path, name: str, **told: float) -> Iterator[subprocess.Popen[str]]:
    """It learns ``name`` in a state folder and has ``told`` how far it is; killed at the end."""
    process = subprocess.Popen(
        [sys.executable, "-c", _LEARNER, str(state), name, json.dumps(told)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    try:
        assert process.stdout
        assert process.stdout.readline() == "begun\n"
        yield process
    finally:
        process.kill()
        process.communicate()
