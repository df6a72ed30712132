"""Ends a process at a random moment of what it does again and again."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path


def killed_at_random(code: str, times: int, longest: float, folder: Path) -> Iterator[None]:
    """Run Python ``code`` in a process of its own, which is to make the file ``begun`` and then
    change what it changes for ever; kill it after up to ``longest`` seconds; then yield."""
    moment = random.Random(7)
    for _ in range(times):
        begun = folder / "begun"
        begun.unlink(missing_ok=True)
        child = subprocess.Popen([sys.executable, "-c", code], cwd=folder, env=_environ())
        while not begun.exists():
            assert child.poll() is None, "it ended by itself"
            time.sleep(0.005)
        time.sleep(moment.uniform(0, longest))
        child.send_signal(signal.SIGKILL)
        child.wait()
        yield


def _environ() -> dict[str, str]:
    root = str(Path(__file__).resolve().parent.parent)
    return {**os.environ, "PYTHONPATH": os.pathsep.join([root, f"{root}/tests"])}
