"""Kill the daemon, its workers, and whoever adds models, at random moments, again and again, and
look each time whether anything was lost. Each kill is SIGKILL. A daemon that was killed is started
again, as systemd would; then every model has to be served whole, as it was or as it was becoming,
and the ledger has to be readable. Exit 0 only if nothing was ever lost."""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from running import DATA, RunningDaemon, children, running_daemon

PATIENCE = 120.0
FACTORS = (2.0, 3.0)


@dataclass
class Tally:
    """By what was killed: how often, what was lost, seconds until it served again."""

    losses: list[str] = field(default_factory=list)
    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=200, metavar="N", help="how many (200)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of the moments (1)")
    args = parser.parse_args()
    if not 1 <= args.kills <= 100_000:
        parser.error("--kills must be from 1 to 100000")
    tally = Tally()
    try:
        with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
            _chaos(Path(folder), args.kills, random.Random(args.seed), tally)
    except KeyboardInterrupt:
        print("chaos: stopped", file=sys.stderr)
        return 130
    print(f"{'killed':34} {'times':>5} {'back after, s: median':>22} {'longest':>8}")
    for what, seconds in sorted(tally.seconds.items()):
        middle = sorted(seconds)[len(seconds) // 2]
        print(f"{what:34} {len(seconds):5} {middle:22.2f} {max(seconds):8.2f}")
    print(f"lost: {len(tally.losses) or 'nothing'}")
    for loss in tally.losses:
        print(f"chaos: {loss}", file=sys.stderr)
    return 1 if tally.losses else 0


def _chaos(folder: Path, kills: int, rng: random.Random, tally: Tally) -> None:
    (folder / "shipped").mkdir()
    for factor, name in zip(FACTORS, ("double", "triple"), strict=True):
        _made(folder / f"of{factor:g}", name)
    state = folder / "state"
    (state / "models").mkdir(parents=True)
    shutil.copytree(folder / "of2" / "times", state / "models" / "times")
    done = 0
    while done < kills:
        with running_daemon(state, "--models", str(folder / "shipped")) as daemon:
            while done < kills:
                what = rng.choice(("daemon", "model", "zygote", "adding", "removing", "dropping"))
                done += 1
                begin = _KILLS[what](daemon, folder, rng)
                if what == "daemon":
                    break
                _judge(what, daemon, begin, tally)
            died = time.monotonic()
            killed = daemon.process.poll() is not None
        if killed:
            with running_daemon(state, "--models", str(folder / "shipped"), wait=False) as daemon:
                _judge("daemon, while models are added", daemon, died, tally)
        _look_into_ledger(state, tally)


def _made(folder: Path, name: str) -> None:
    """A folder that ``pi-edge models add`` takes: "times", which multiplies."""
    import hashlib

    import numpy as np

    target = folder / "times"
    target.mkdir(parents=True)
    shutil.copy(DATA / f"{name}.tflite", target / "v1.tflite")
    x = np.array([[1, 2, 3]], np.float32)
    factor = {"double": 2, "triple": 3}[name]
    np.savez(target / "check.npz", **{"inputs/x": x, "v1/y": x * factor})

    def told(path: Path) -> dict[str, object]:
        content = path.read_bytes()
        sha256 = hashlib.sha256(content).hexdigest()
        return {"file": path.name, "sha256": sha256, "bytes": len(content)}

    document = {
        "name": "times",
        "task": "tensors",
        "default": "v1",
        "variants": {"v1": told(target / "v1.tflite")},
        "check": told(target / "check.npz"),
    }
    (target / "model.json").write_text(json.dumps(document))


def _command(daemon: RunningDaemon, *words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "pi_edge", "models", *words, "--state", str(daemon.state)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _kill_command(process: subprocess.Popen[bytes], seconds: float) -> None:
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(seconds)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _kill_adding(daemon: RunningDaemon, folder: Path, rng: random.Random) -> float:
    source = folder / f"of{rng.choice(FACTORS):g}" / "times"
    _kill_command(_command(daemon, "add", str(source)), rng.uniform(0, 2.0))
    return time.monotonic()


def _kill_removing(daemon: RunningDaemon, folder: Path, rng: random.Random) -> float:
    _kill_command(_command(daemon, "remove", "times"), rng.uniform(0, 0.5))
    if not (daemon.models / "times").exists():  # it was quicker: bring it back, unkilled
        assert _command(daemon, "rollback", "times").wait(PATIENCE) == 0
    return time.monotonic()


def _kill_dropping(daemon: RunningDaemon, folder: Path, rng: random.Random) -> float:
    """A copy that somebody makes by hand is cut off, and then made again."""
    content = (folder / f"of{rng.choice(FACTORS):g}" / "times" / "v1.tflite").read_bytes()
    bare = daemon.models / "dropped.tflite"
    bare.write_bytes(content[: rng.randrange(len(content))])
    time.sleep(rng.uniform(0, 1.5))
    bare.unlink()
    return time.monotonic()


def _kill_model(daemon: RunningDaemon, folder: Path, rng: random.Random) -> float:
    time.sleep(rng.uniform(0, 0.3))
    for zygote in children(daemon.process.pid):
        for pid in children(zygote):
            os.kill(pid, signal.SIGKILL)
    return time.monotonic()


def _kill_zygote(daemon: RunningDaemon, folder: Path, rng: random.Random) -> float:
    time.sleep(rng.uniform(0, 0.3))
    for zygote in children(daemon.process.pid):
        os.kill(zygote, signal.SIGKILL)
    return time.monotonic()


def _kill_daemon(daemon: RunningDaemon, folder: Path, rng: random.Random) -> float:
    """Beside a command that adds a model, which goes on."""
    source = folder / f"of{rng.choice(FACTORS):g}" / "times"
    adding = _command(daemon, "add", str(source))
    with contextlib.suppress(subprocess.TimeoutExpired):
        adding.wait(rng.uniform(0, 2.5))
    daemon.process.kill()
    daemon.process.wait()
    adding.wait(PATIENCE)
    return time.monotonic()


_KILLS: dict[str, Callable[[RunningDaemon, Path, random.Random], float]] = {
    "daemon": _kill_daemon,
    "model": _kill_model,
    "zygote": _kill_zygote,
    "adding": _kill_adding,
    "removing": _kill_removing,
    "dropping": _kill_dropping,
}
_NAMES = {
    "model": "the model's process",
    "zygote": "the process that forks",
    "adding": "pi-edge models add",
    "removing": "pi-edge models remove",
    "dropping": "a copy by hand",
}


def _judge(what: str, daemon: RunningDaemon, begin: float, tally: Tally) -> None:
    """Ask until the model answers; whatever it answers must be right."""
    name = _NAMES.get(what, what)
    while time.monotonic() - begin < PATIENCE:
        answer = _answer(daemon)
        if answer is None:
            time.sleep(0.02)
            continue
        if answer not in FACTORS:
            tally.losses.append(f"{name}: it multiplies by {answer}")
        tally.seconds[name].append(time.monotonic() - begin)
        return
    tally.losses.append(f"{name}: no answer for {PATIENCE:g} s: {daemon.log.read_text()[-500:]}")


def _answer(daemon: RunningDaemon) -> float | None:
    """What the model multiplies with; None while it is refused; NaN where an answer is wrong."""
    x = {"name": "x", "shape": [1, 3], "datatype": "FP32", "data": [1, 2, 3]}
    try:
        answer = daemon.send("POST", "/v2/models/times/infer", {"inputs": [x]})
    except (OSError, http.client.HTTPException):
        return None
    if answer.status != 200:
        # Between its removal and its return there is no such model.
        return None if answer.status in (404, 503) else float("nan")
    y = answer.json()["outputs"][0]["data"]
    return float(y[0]) if y == [y[0], y[0] * 2, y[0] * 3] else float("nan")


def _look_into_ledger(state: Path, tally: Tally) -> None:
    with contextlib.closing(sqlite3.connect(state / "pi-edge.db")) as ledger:
        if ledger.execute("PRAGMA integrity_check").fetchone() != ("ok",):
            tally.losses.append("the ledger is damaged")
    if (state / "pi-edge.damaged").exists():
        tally.losses.append("the ledger was found damaged")


if __name__ == "__main__":
    sys.exit(main())
