"""Running this machine's programs: what they say is shown only when they fail."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from pi_edge.errors import Unavailable

# Where Debian keeps what only root used to need; an ordinary user's PATH may lack it.
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def environment() -> dict[str, str]:
    """This process's, with messages in English and the system's folders in PATH."""
    path = os.environ.get("PATH", "")
    return {**os.environ, "LC_ALL": "C.UTF-8", "PATH": f"{path}:{SYSTEM_PATH}"}


def run(command: Sequence[str | Path], cwd: Path | None = None) -> str:
    """Run a command to its end and return what it printed.

    Raises:
        Unavailable: it failed; with the last line it said.
    """
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        lines = [line.strip() for line in (done.stdout + done.stderr).splitlines()]
        said = next((line for line in reversed(lines) if line), f"it ended with {done.returncode}")
        raise Unavailable(f"{Path(str(command[0])).name}: {said}")
    return done.stdout
