"""What scripts/run, test, lint, install-service, ... do. Only the standard library is needed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import environment
import interpreter
from environment import BIN, ROOT
from interpreter import Refused
from progress import step


def run(arguments: list[str]) -> int:
    """Set up, then become the daemon, or the demo."""
    environment.ensure()
    environ = dict(os.environ)
    if not interpreter.has_gpio(interpreter.this()):
        environ.setdefault("PI_EDGE_LED", "mock")  # so that its state can be watched all the same
    if "--demo" in arguments:
        arguments = [argument for argument in arguments if argument != "--demo"]
        demo = Path(__file__).with_name("demo.py")
        _become([str(BIN / "python"), str(demo), *arguments], environ)
    _become([str(BIN / "pi-edge"), "serve", *arguments], environ)
    return 0


def prepare(arguments: list[str]) -> int:
    """Set up and no more: systemd runs the daemon."""
    environment.ensure()
    return 0


def test(arguments: list[str]) -> int:
    """Set up with what the desktop and its tests need, then become pytest."""
    python = interpreter.this()
    if python.bits == 32:
        raise Refused(f"TensorFlow, which the tests need, has no wheel for {python.name}")
    environment.ensure(["desktop", "test"])
    os.chdir(ROOT)
    # Tests wait more than they compute: two at a time, on any machine. (-n0 for a debugger.)
    _become([str(BIN / "python"), "-m", "pytest", "-n2", *arguments], dict(os.environ))
    return 0


def test_deploy(arguments: list[str]) -> int:
    """Set up with what these tests need, which is no TensorFlow, then become pytest."""
    environment.ensure(["test"])
    os.chdir(ROOT)
    tests = ["--timeout=0", *_tests(arguments, "emulated_pi/boards")]
    _become([str(BIN / "python"), "-m", "pytest", *tests, *arguments], dict(os.environ))
    return 0


def test_systemd(arguments: list[str]) -> int:
    """The same for the service on whole machines; --quick and --board choose among them."""
    environment.ensure(["test"])
    os.chdir(ROOT)
    environ, folders = dict(os.environ), ["pc", "board"]
    if "--quick" in arguments:
        environ.setdefault("PI_EDGE_POWER_CUTS", "2")
        folders = ["pc"]
    elif "--board" in arguments:
        folders = ["board"]
    tests = _tests(arguments, *(f"systemd_machine/{folder}" for folder in folders))
    others = [argument for argument in arguments if argument not in ("--quick", "--board")]
    command = [str(BIN / "python"), "-m", "pytest", "-v", "--timeout=0"]
    _become([*command, *tests, *others], environ)
    return 0


def test_browser(arguments: list[str]) -> int:
    """Set up with what drives a browser, then become pytest."""
    environment.ensure(["test", "browser"])
    os.chdir(ROOT)
    tests = _tests(arguments, "browser")
    _become([str(BIN / "python"), "-m", "pytest", *tests, *arguments], dict(os.environ))
    return 0


def test_cluster(arguments: list[str]) -> int:
    """The same for batches on a Dask cluster of this machine, one of a thousand photos."""
    environment.ensure(["test"])
    os.chdir(ROOT)
    tests = ["-o", "norecursedirs=__pycache__", *_tests(arguments, "cluster")]
    _become([str(BIN / "python"), "-m", "pytest", *tests, *arguments], dict(os.environ))
    return 0


def test_packages(arguments: list[str]) -> int:
    """The same for packages in dist/, on whole Debian systems."""
    environment.ensure(["test"])
    os.chdir(ROOT)
    tests = ["-v", "--timeout=0", *_tests(arguments, "packaging/installed")]
    _become([str(BIN / "python"), "-m", "pytest", *tests, *arguments], dict(os.environ))
    return 0


def test_fleet(arguments: list[str]) -> int:
    """The same for several machines at once: rolling out, balancing, clusters, brokers."""
    environment.ensure(["test", "fleet"])
    os.chdir(ROOT)
    paths = _tests(arguments, "fleet", "cluster", "integrations/test_mqtt.py")
    tests = ["-o", "norecursedirs=__pycache__", *paths]
    command = [str(BIN / "python"), "-m", "pytest", "-v", "--timeout=1200"]
    _become([*command, *tests, *arguments], dict(os.environ))
    return 0


def _tests(arguments: Sequence[str], *names: str) -> list[str]:
    """What is tested: ``names`` below tests/, unless the arguments name tests themselves."""
    if any(argument.startswith("tests/") for argument in arguments):
        return []
    return [f"tests/{name}" for name in names]


def deploy(arguments: list[str]) -> int:
    """Become what deploys. It needs nothing but Python, unless it is to bring other packages."""
    python = sys.executable
    if "--offline" in arguments:
        environment.ensure()
        python = str(BIN / "python")
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    _become([python, "-m", "pi_edge.deploy", *arguments], environ)
    return 0


def bench(module: str, arguments: list[str], extras: Sequence[str] = ()) -> int:
    """Set up, then become one of the programs in scripts/ that measure."""
    environment.ensure([*extras])
    # The tests' own pictures are what bench_digits measures with; soak and chaos ask as tests do.
    below = [
        ROOT / "tests" / folder
        for folder in ("", "tasks", "end_to_end", "learning", "emulated_pi", "cluster")
    ]
    folders = [ROOT / "scripts", *below]
    path = os.pathsep.join([*map(str, folders), *filter(None, [os.environ.get("PYTHONPATH")])])
    _become([str(BIN / "python"), "-m", module, *arguments], {**os.environ, "PYTHONPATH": path})
    return 0


def fuzz(arguments: list[str]) -> int:
    """Set up with Atheris, then become what fuzzes."""
    environment.ensure(["test", "fuzz"])
    os.chdir(ROOT)
    # The fuzz targets use what the tests use.
    path = os.pathsep.join(map(str, [ROOT / "tests", ROOT]))
    program = [str(BIN / "python"), "tests/fuzz/fuzz.py", *arguments]
    _become(program, {**os.environ, "PYTHONPATH": path})
    return 0


def docs(arguments: list[str]) -> int:
    """Set up with MkDocs, then become what builds the documentation and runs its commands."""
    environment.ensure(["docs"])
    os.chdir(ROOT)
    path = os.pathsep.join(map(str, [ROOT / "scripts", ROOT]))
    program = [str(BIN / "python"), "-m", "docs_site", *arguments]
    _become(program, {**os.environ, "PYTHONPATH": path})
    return 0


def lint(arguments: list[str]) -> int:
    """Set up with the linters and run them all, even after one complained."""
    if arguments:
        raise Refused("scripts/lint takes no arguments")
    environment.ensure(["test"])
    checks = [
        ["ruff", "check"],
        ["ruff", "format", "--check"],
        ["mypy"],
        ["mypy", "--strict", "scripts/lib"],
        ["bandit", "--quiet", "-c", "pyproject.toml", "-r", "pi_edge", "scripts"],
    ]
    failed = 0
    for check in checks:
        step(" ".join(check))
        command = [str(BIN / "python"), "-m", *check]
        failed += subprocess.run(command, cwd=ROOT, check=False).returncode != 0
    return 1 if failed else 0


def _become(command: list[str], environ: dict[str, str]) -> None:
    """Replace this process, so that signals reach the command itself."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(command[0], command, environ)


def main() -> int:
    commands: dict[str, Callable[[list[str]], int]] = {
        "run": run,
        "prepare": prepare,
        "test": test,
        "deploy": deploy,
        "test-deploy": test_deploy,
        "fuzz": fuzz,
        "test-systemd": test_systemd,
        "docs": docs,
        "lint": lint,
        **{
            f"bench-{what.replace('_', '-')}": partial(bench, f"bench_{what}")
            for what in ("digits", "over_ssh", "serving", "start", "style")
        },
        "bench-examples": partial(bench, "bench_examples"),
        "bench-growth": partial(bench, "bench_growth", extras=["desktop"]),
        "bench-instructions": partial(bench, "bench_instructions", extras=["test"]),
        "bench-learning-board": partial(bench, "bench_learning_board", extras=["test"]),
        "bench-runtime": partial(bench, "bench_runtime", extras=["desktop"]),
        "bench-training": partial(bench, "bench_training", extras=["desktop"]),
        "soak": partial(bench, "soak"),
        "chaos": partial(bench, "chaos"),
        "test-browser": test_browser,
        "test-cluster": test_cluster,
        "bench-cluster": partial(bench, "bench_cluster", extras=["test", "cluster"]),
        "test-packages": test_packages,
        "test-fleet": test_fleet,
        "bench-haproxy": partial(bench, "bench_haproxy"),
        "make-manual": partial(bench, "make_manual", extras=["test"]),
    }
    try:
        return commands[sys.argv[1]](sys.argv[2:])
    except Refused as refusal:
        step(str(refusal))
        return 1
    except KeyboardInterrupt:
        step("stopped; the same command goes on from here")
        return 130
    except OSError as error:
        step(f"the set-up failed: {error}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
