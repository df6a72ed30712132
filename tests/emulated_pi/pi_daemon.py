"""pi-edge on an emulated Raspberry Pi: installed as the README tells its owner to, and run."""

from __future__ import annotations

import json
import re
import subprocess
import time
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from debian_trees import Recipe, tree
from raspberry_pi import Pi
from support import end

from pi_edge import catalog

# An emulated processor on a busy machine; nothing here waits this long unless it hangs.
PATIENCE_SECONDS = 600.0


@dataclass(frozen=True)
class Daemon:
    """A daemon running on an emulated Pi.

    Attributes:
        url: where this machine reaches it.
        process: its process; signals reach the daemon itself.
        log: what it and scripts/run said.
        first_light: what /status said of the LED as soon as the daemon was ready.
    """

    url: str
    process: subprocess.Popen[str]
    log: Path
    first_light: dict[str, Any]

    def status(self) -> dict[str, Any]:
        """What /status says."""
        return _get_json(f"{self.url}/status")


StartDaemon = Callable[..., Daemon]


def install(recipe: Recipe, stack: ExitStack) -> Pi:
    """What the README says: clone, then scripts/run; --help ends it once all is installed."""
    pi = Pi(recipe, stack.enter_context(tree(recipe)))
    pi.update_clone()
    done = pi.run("scripts/run", "--help")
    if done.returncode or "usage: pi-edge serve" not in done.stdout:
        raise RuntimeError(f"scripts/run failed on {recipe.name}:\n{done.stdout}{done.stderr}")
    return pi


def start(pi: Pi, folder: Path, stack: ExitStack, *flags: str) -> Daemon:
    """The daemon, once it is ready; ``flags`` are scripts/run's."""
    log = folder / "log"
    output = stack.enter_context(log.open("w"))
    command = ("scripts/run", "--port", "0", "--log-level", "info", *flags)
    process = pi.start(*command, stdout=output, stderr=output)
    stack.callback(end, process)
    url = _wait_for(lambda: re.search(r"ready at (http://\S+)", log.read_text()), process, log)[1]
    return Daemon(url, process, log, _get_json(f"{url}/status")["led"])


def _wait_for(look: Callable[[], Any], process: subprocess.Popen[str], log: Path) -> Any:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := look()):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the daemon did not get ready:\n{log.read_text()}")
        time.sleep(0.2)
    return found


def _get_json(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(url, timeout=PATIENCE_SECONDS) as response:
        answer: dict[str, Any] = json.load(response)
        return answer


def shipped(pi: Pi) -> dict[str, catalog.Entry]:
    """The models in the Pi's clone, which this machine can read, too."""
    entries, problems = catalog.find(pi.clone / "models")
    assert not problems
    return entries
