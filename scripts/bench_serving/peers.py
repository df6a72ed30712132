"""The servers that are measured."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import bench_venv

from bench_http.figures import GOAL_PEERS
from bench_http.process import Server, free_port

HERE = Path(__file__).resolve().parent
REQUIREMENTS = HERE / "mlserver_requirements.txt"
VENV = bench_venv.CACHE / "bench-venv"

GRANIAN = "granian==2.8.7"

# What each name of --peers stands for. MLServer twice: as fast as it can be made, and as pip
# leaves it. The others put pi-edge's own application behind another web server.
PEERS = {
    "mlserver": GOAL_PEERS,
    "h11": ("uvicorn, h11 and asyncio",),
    "granian": ("granian", "granian, embedded"),
}
_KINDS = {
    "uvicorn, h11 and asyncio": "h11",
    "granian": "granian",
    "granian, embedded": "granian-embedded",
}


def make(
    name: str, models: Path, model: str, file: Path, folder: Path, say: Callable[[str], None]
) -> Server:
    """The server that one of the values of PEERS names.

    Args:
        name: what the table calls it.
        models: the models folder.
        model: the model that is measured.
        file: its .tflite file.
        folder: an empty folder of its own.
        say: told what takes long.

    Raises:
        PiEdgeError: it cannot be installed.
    """
    if name in PEERS["mlserver"]:
        return mlserver(name, model, file, folder, say)
    return other_server(name, models, folder, say)


def pi_edge(models: Path, folder: Path) -> Server:
    """The real daemon with all models of ``models``, its state in ``folder``."""

    def command(port: int) -> list[str]:
        return [
            str(Path(sys.executable).parent / "pi-edge"),
            "serve",
            f"--port={port}",
            f"--models={models}",
            f"--state={folder / 'state'}",
        ]

    return Server("pi-edge", command, "/v2/health/ready", folder)


def mlserver(name: str, model: str, file: Path, folder: Path, say: Callable[[str], None]) -> Server:
    """MLServer with one model and all that costs time switched off: worker processes (they
    only add a hop for a model this small), access log, metrics, compression.

    Args:
        name: one of PEERS["mlserver"].
        model: what it calls the model.
        file: the .tflite file.
        folder: an empty folder for its settings.
        say: told what takes long.

    Raises:
        PiEdgeError: it cannot be installed.
    """
    python = bench_venv.make("MLServer", REQUIREMENTS, VENV, say)
    home = folder / model
    home.mkdir()
    shutil.copy(HERE / "mlserver_runtime.py", home)
    settings = {
        "name": model,
        "implementation": "mlserver_runtime.TFLite",
        "parameters": {"uri": str(file)},
    }
    (home / "model-settings.json").write_text(json.dumps(settings))

    def command(port: int) -> list[str]:
        settings = {
            "debug": False,
            "parallel_workers": 0,
            "host": "127.0.0.1",
            "http_port": port,
            "grpc_port": free_port(),
            "metrics_endpoint": None,
            "gzip_enabled": False,
        }
        (home / "settings.json").write_text(json.dumps(settings))
        plain = ["--without-httptools"] if name == PEERS["mlserver"][1] else []
        return [str(python), str(HERE / "mlserver_start.py"), *plain, "start", str(home)]

    return Server(name, command, f"/v2/models/{model}/ready", home)


def other_server(name: str, models: Path, folder: Path, say: Callable[[str], None]) -> Server:
    """pi-edge's application behind another web server."""
    extra = "" if _KINDS[name] == "h11" else str(granian(say))

    def command(port: int) -> list[str]:
        program = [sys.executable, str(HERE / "other_server.py"), _KINDS[name]]
        return [*program, str(port), str(models), str(folder / "state")]

    return Server(name, command, "/v2/health/ready", folder, {"PYTHONPATH": extra})


def granian(say: Callable[[str], None]) -> Path:
    """A folder with granian in it, for PYTHONPATH: .venv itself stays as it is."""
    target = bench_venv.CACHE / GRANIAN
    if not target.exists():
        say(f"installing {GRANIAN} into {target}, once")
        beside = target.with_name(f"{target.name}.new")
        bench_venv.pip([sys.executable], "--target", str(beside), "--upgrade", GRANIAN)
        beside.rename(target)
    return target
