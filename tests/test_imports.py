"""Imports go one way, and nothing heavy is imported before it is needed."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import ROOT

# Lowest first. A room (a module, or a folder with all in it) imports from lower floors and its
# own floor, never from a higher one. Modules that serve one room stand on the floor below it.
FLOORS = (
    {"errors"},
    {"access_token", "config", "files", "datatypes", "blinker", "gpio", "lamp", "systemd"}
    | {
        "histogram",
        "processes",
        "trace",
        "tls",
        "model_files",
        "quiet",
        "malloc",
        "terminal",
        "nearest",
    },
    {"runtime", "catalog", "led", "logs", "database"},
    {"model", "listening", "model_json"},
    {"workers", "ledger", "examples", "verification"},
    {"tuning", "batching", "worker_line"},
    {"handle", "proving"},
    {"model_status", "serving"},
    {"tasks", "repository", "adding", "asking"},
    {"daemon", "server", "benchmark", "learning", "integrations", "deploy", "desktop"}
    | {"cluster", "doctor"},
    {"cli"},
    {"__main__"},
)
FLOOR_OF = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}

MODULES = sorted((ROOT / "pi_edge").rglob("*.py"))
RUNTIMES = {"ai_edge_litert", "tflite_runtime"}


def room_of(path: Path) -> str:
    first = path.relative_to(ROOT / "pi_edge").parts[0]
    return first.removesuffix(".py")


def imports_of(path: Path) -> Iterator[str]:
    """Dotted names of all that a file imports, wherever in it the import stands."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the direction"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def rooms_imported(path: Path) -> set[str]:
    names = (name.split(".") for name in imports_of(path))
    rooms = {parts[1] for parts in names if parts[0] == "pi_edge" and len(parts) > 1}
    return rooms - {"__version__"}


def modules_after(statement: str) -> set[str]:
    """Top-level names of all modules in a fresh interpreter after ``statement``."""
    code = f"import json, sys\n{statement}\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=ROOT
    )
    return set(json.loads(done.stdout))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_room_imports_from_no_higher_floor(path: Path) -> None:
    room = room_of(path)
    if room == "__init__":
        assert not rooms_imported(path)
        return
    assert room in FLOOR_OF, f"give pi_edge/{room} its floor in {Path(__file__).name}"
    higher = {
        other
        for other in rooms_imported(path)
        if other != room and FLOOR_OF[other] > FLOOR_OF[room]
    }
    assert not higher


def test_only_runtime_imports_a_tflite_runtime() -> None:
    importers = {
        path.name
        for path in MODULES
        if RUNTIMES & {name.split(".")[0] for name in imports_of(path)}
    }
    assert importers <= {"runtime.py"}


def test_only_the_desktop_step_imports_tensorflow() -> None:
    importers = {
        room_of(path)
        for path in MODULES
        if "tensorflow" in {name.split(".")[0] for name in imports_of(path)}
    }
    assert importers == {"desktop"}


def test_only_the_command_line_reaches_the_desktop_step() -> None:
    importers = {room_of(path) for path in MODULES if "desktop" in rooms_imported(path)}
    assert importers <= {"desktop", "cli"}


def test_importing_the_daemon_pulls_in_neither_tensorflow_nor_the_desktop_step() -> None:
    modules = modules_after("import pi_edge.daemon")
    assert "pi_edge.daemon" in modules
    assert not {name for name in modules if name.split(".")[0] in {"tensorflow", "keras"}}
    assert not {name for name in modules if name.startswith("pi_edge.desktop")}


def test_the_command_line_starts_with_nothing_heavy() -> None:
    modules = modules_after("import pi_edge.cli")
    assert not modules & {"numpy", "PIL", "starlette", "uvicorn", "gpiozero", *RUNTIMES}


def test_styling_pulls_in_neither_tensorflow_nor_libvips_before_there_is_a_photo() -> None:
    rooms = "render, sheet, video, photo, stylist, jobs, worker"
    modules = modules_after(f"from pi_edge.tasks.style import {rooms}")
    assert "numpy" in modules
    assert not modules & {"tensorflow", "keras", "pyvips", "PIL", "scipy", *RUNTIMES}


def test_stylize_says_how_it_is_used_without_anything_heavy() -> None:
    modules = modules_after("import pi_edge.cli.stylize")
    assert not modules & {"numpy", "pyvips", "PIL", "tensorflow", *RUNTIMES}


def test_the_daemon_listens_before_anything_heavy_is_imported() -> None:
    modules = modules_after("import pi_edge.cli.serve")
    assert "pi_edge.listening" in modules
    assert not modules & {"numpy", "asyncio", "starlette", "uvicorn", *RUNTIMES}


def test_the_server_imports_prometheus_client_only_for_who_asks_for_metrics() -> None:
    modules = modules_after("import pi_edge.server.app")
    assert "pi_edge.server.metrics" in modules
    assert "prometheus_client" not in modules
