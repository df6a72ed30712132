"""The servers that are measured."""

from __future__ import annotations

import configparser
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import bench_venv

from bench_serving.dialects import open_inference, plain
from bench_serving.figures import GOAL_PEER
from bench_serving.process import Server, free_port
from pi_edge.errors import PiEdgeError
from pi_edge.files import write_bytes

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

PI_EDGE = str(Path(sys.executable).parent / "pi-edge")

GRANIAN = "granian==2.8.7"

# What each name of --peers stands for. MLServer twice: as fast as it can be made, and as pip
# leaves it. The last two put pi-edge's own application behind another web server.
PEERS = {
    "mlserver": ("MLServer with httptools", GOAL_PEER),
    "bentoml": ("BentoML",),
    "litserve": ("LitServe",),
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
    if name in PEERS["bentoml"]:
        return bentoml(name, file, folder, say)
    if name in PEERS["litserve"]:
        return litserve(name, file, folder, say)
    return other_server(name, models, model, folder, say)


def only(folder: Path, file: Path, models: Path) -> Path:
    """A models folder, ``models``, with the model of ``folder`` and of its variants just the one of
    ``file``: as much as the other servers have."""
    there = models / folder.name
    shutil.copytree(folder, there)
    told = json.loads((folder / "model.json").read_text())
    told["variants"] = {
        name: one for name, one in told["variants"].items() if one["file"] == file.name
    }
    told["default"] = next(iter(told["variants"]))
    (there / "model.json").write_text(json.dumps(told))
    return models


def pi_edge(name: str, models: Path, model: str, folder: Path, disk: Sequence[Path]) -> Server:
    """The real daemon with all models of ``models``, its state in ``folder``, which is made.

    Args:
        disk: the folders with all that it needs.
    """
    folder.mkdir()

    def command(port: int) -> list[str]:
        arguments = [f"--port={port}", f"--models={models}", f"--state={folder / 'state'}"]
        return [PI_EDGE, "serve", *arguments]

    dialect = open_inference(model, binary=True)
    return Server(name, dialect, command, "/v2/health/ready", folder, disk=disk)


def tune(server: Server, models: Path) -> None:
    """Find out how pi-edge's daemon runs its models best here, as its owner would.

    Raises:
        PiEdgeError: that does not work.
    """
    arguments = [f"--models={models}", f"--state={server.folder / 'state'}"]
    done = subprocess.run(
        [PI_EDGE, "tune", *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise PiEdgeError(f"pi-edge tune failed: {done.stderr.strip()[-300:]}")


def installed_alone(say: Callable[[str], None]) -> tuple[Path, ...]:
    """The folders with all that pi-edge needs on a Raspberry Pi and nothing else, its models aside.
    (Its own .venv may hold TensorFlow and what tests need.)

    Raises:
        PiEdgeError: it cannot be installed.
    """
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg")
    needed = settings["options"]["install_requires"]
    needed += "".join(settings["options.extras_require"][extra] for extra in ("litert", "photos"))
    requirements = bench_venv.CACHE / "serving-pi-edge.txt"
    write_bytes(requirements, needed.encode())
    folder = requirements.with_suffix("")
    bench_venv.make("pi-edge", requirements, folder, say)
    return folder, ROOT / "pi_edge"


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
    alone, python = _environment("mlserver", say)
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
        plain = ["--without-httptools"] if name == GOAL_PEER else []
        return [str(python), str(HERE / "mlserver_start.py"), *plain, "start", str(home)]

    ready = f"/v2/models/{model}/ready"
    return Server(name, open_inference(model, binary=False), command, ready, home, disk=(alone,))


def bentoml(name: str, file: Path, folder: Path, say: Callable[[str], None]) -> Server:
    """BentoML with one service and one worker, without metrics and access log; a coroutine, so
    that no thread stands between.

    Raises:
        PiEdgeError: it cannot be installed.
    """
    alone, python = _environment("bentoml", say)
    shutil.copy(HERE / "bentoml_service.py", folder)

    def command(port: int) -> list[str]:
        program = str(python.with_name("bentoml"))
        return [program, "serve", "bentoml_service:Digits", "--host=127.0.0.1", f"--port={port}"]

    environ = {
        "MODEL": str(file),
        "BENTOML_HOME": str(folder / "home"),
        "BENTOML_DO_NOT_TRACK": "True",
        "BENTOML_CONFIG_OPTIONS": "api_server.logging.access.enabled=false",
        "PATH": f"{python.parent}:{os.environ['PATH']}",
    }
    dialect = plain("/predict", "image", lambda answer: answer)
    return Server(name, dialect, command, "/readyz", folder, environ, disk=(alone,))


def litserve(name: str, file: Path, folder: Path, say: Callable[[str], None]) -> Server:
    """LitServe with one worker and one process that answers, without access log.

    Raises:
        PiEdgeError: it cannot be installed.
    """
    alone, python = _environment("litserve", say)

    def command(port: int) -> list[str]:
        return [str(python), str(HERE / "litserve_server.py"), str(port), str(file)]

    dialect = plain("/predict", "image", lambda answer: answer["probabilities"])
    return Server(name, dialect, command, "/health", folder, disk=(alone,))


def other_server(
    name: str, models: Path, model: str, folder: Path, say: Callable[[str], None]
) -> Server:
    """pi-edge's application behind another web server."""
    extra = "" if _KINDS[name] == "h11" else str(bench_venv.beside([GRANIAN], say))

    def command(port: int) -> list[str]:
        program = [sys.executable, str(HERE / "other_server.py"), _KINDS[name]]
        return [*program, str(port), str(models), str(folder / "state")]

    dialect = open_inference(model, binary=True)
    return Server(name, dialect, command, "/v2/health/ready", folder, {"PYTHONPATH": extra})


def _environment(name: str, say: Callable[[str], None]) -> tuple[Path, Path]:
    """The virtual environment with one server and what it needs, and its Python."""
    folder = bench_venv.CACHE / f"serving-{name}"
    return folder, bench_venv.make(name, HERE / f"{name}_requirements.txt", folder, say)
