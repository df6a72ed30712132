"""scripts/run in a clone that has nothing yet, as a new user meets it: really installing."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import pytest
from PIL import Image
from support import ROOT

# A clean environment: what pip needs to reach this machine's package index, and no more.
CLEAN = {
    "PATH": f"{sys.base_prefix}/bin:/usr/bin:/bin",
    **{name: value for name, value in os.environ.items() if name == "HOME" or "PIP_" in name},
}


def clone_to(folder: Path) -> Path:
    """A copy of what git would clone, with the changes not yet committed."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def run(
    clone: Path, *arguments: str, environ: Mapping[str, str] = CLEAN
) -> subprocess.CompletedProcess[str]:
    """scripts/run, called from another folder."""
    return subprocess.run(
        [clone / "scripts/run", *arguments],
        cwd="/",
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def run_help(clone: Path) -> str:
    """Set up and print the daemon's help instead of running it. Returns what set-up said."""
    done = run(clone, "--help")
    assert done.returncode == 0, done.stderr
    assert "usage: pi-edge serve" in done.stdout
    return done.stderr


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A clone in a folder with a space in its name, set up, and what set-up said."""
    clone = clone_to(tmp_path_factory.mktemp("fresh") / "pi edge")
    return clone, run_help(clone)


@pytest.fixture
def clone(fresh: tuple[Path, str]) -> Path:
    return fresh[0]


def installed(clone: Path) -> set[str]:
    listed = subprocess.run(
        [clone / ".venv/bin/python", "-m", "pip", "list", "--format=json"],
        check=True,
        capture_output=True,
        text=True,
        env=CLEAN,
    )
    return {package["name"].lower() for package in json.loads(listed.stdout)}


def test_progress_is_told(fresh: tuple[Path, str]) -> None:
    assert "making .venv" in fresh[1]
    assert "installing pi-edge" in fresh[1]


def test_the_runtime_is_installed_and_tensorflow_is_not(clone: Path) -> None:
    packages = installed(clone)
    assert packages & {"ai-edge-litert", "tflite-runtime"}
    assert not packages & {"tensorflow", "keras", "pytest"}


def test_photos_are_read_by_libvips(clone: Path) -> None:
    assert {"pyvips", "pyvips-binary"} <= installed(clone)
    subprocess.run([clone / ".venv/bin/python", "-c", "import pyvips"], check=True)


def test_the_second_run_has_nothing_to_do(clone: Path) -> None:
    assert run_help(clone) == ""


def test_the_demo_shows_every_model_s_answer(clone: Path, tmp_path: Path) -> None:
    done = run(clone, "--demo", environ={**CLEAN, "TMPDIR": str(tmp_path)})
    assert done.returncode == 0, done.stdout + done.stderr
    answers = {
        "digits": "7, ",
        "stocks": r"\w+ [\d.]+ -> [\d.]+ ",
        "regression": r"33\.41 thefts",
        "style": rf"451 x 300 pixels in [\d.]+ s, see {tmp_path}/\S+\.jpg",
    }
    models = list((clone / "models").glob("*/model.json"))
    for model in models:
        answer = answers[json.loads(model.read_bytes())["task"]]
        assert re.search(rf"^{model.parent.name} .*: {answer}", done.stdout, re.MULTILINE)
    assert "runs" in done.stdout  # the benchmark's table
    assert done.stdout.endswith(f"\nAll {len(models)} models answered as they should.\n")


def test_the_demo_fails_where_a_model_is_wrong(clone: Path) -> None:
    picture = clone / "docs/pictures/seven.jpg"
    original = picture.read_bytes()
    Image.new("L", (100, 100), "white").save(picture)
    done = run(clone, "--demo")
    picture.write_bytes(original)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("pi-edge: the demo failed: mnist-")


def test_the_daemon_runs_with_a_light_to_watch_until_it_is_stopped(
    clone: Path, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    command = [clone / "scripts/run", "--port", "0", "--state", tmp_path]
    with log.open("w") as output:
        process = subprocess.Popen(command, env=CLEAN, stdout=output, stderr=output)
    try:
        while not (ready := re.search(r"ready at (http://\S+)", log.read_text())):
            assert process.poll() is None, log.read_text()
            time.sleep(0.1)
        with urllib.request.urlopen(f"{ready[1]}/status") as response:
            assert json.load(response)["led"]["mode"] == "mock"
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 0
    finally:
        process.kill()


def test_an_environment_left_half_made_is_made_anew(clone: Path) -> None:
    shutil.rmtree(next((clone / ".venv/lib").glob("python*")) / "site-packages/starlette")
    (clone / ".venv/pi-edge.unfinished").touch()
    assert "unfinished" in run_help(clone)
    assert "starlette" in installed(clone)


def test_a_wrong_setting_is_the_daemon_s_own_one_line(clone: Path) -> None:
    done = run(clone, "--port", "99999999")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1


def test_without_a_network_one_line_says_so_and_what_worked_still_works(clone: Path) -> None:
    settings = clone / "setup.cfg"
    original = settings.read_text()
    settings.write_text(original.replace("gpiozero>=1.6.2", "gpiozero>=1.6.2\n    tqdm"))
    offline = {
        "PATH": CLEAN["PATH"],
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "PIP_RETRIES": "0",
    }
    done = run(clone, "--help", environ=offline)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("pi-edge: no package index answers")
    assert "Traceback" not in done.stderr
    settings.write_text(original)
    assert run_help(clone) == ""
