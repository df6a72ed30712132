"""Which runtime a Python gets, and what set-up says where it cannot work."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support import ROOT

# The set-up scripts are no package: a fresh clone runs them before anything is installed.
sys.path.append(str(ROOT / "scripts" / "lib"))

import environment
import interpreter
import pip_install

LAPTOP = interpreter.Interpreter((3, 13), 64, "Linux", "x86_64", "glibc")
PI_32 = interpreter.Interpreter((3, 11), 32, "Linux", "armv7l", "glibc")


@pytest.mark.parametrize(
    ("python", "extras"),
    [
        (LAPTOP, ("litert",)),
        (replace(LAPTOP, machine="aarch64"), ("litert",)),
        (replace(LAPTOP, version=(3, 14)), ("litert",)),
        (replace(LAPTOP, version=(3, 11)), ("litert", "tflite-runtime")),
        (replace(LAPTOP, system="Darwin", machine="arm64", libc=""), ("litert",)),
        (PI_32, ("tflite-runtime",)),
        (replace(PI_32, machine="aarch64"), ("tflite-runtime",)),  # 64-bit kernel, 32-bit system
        (replace(PI_32, machine="armv8l"), ("tflite-runtime",)),
    ],
    ids=str,
)
def test_the_runtime_fits_the_pointer_size(
    python: interpreter.Interpreter, extras: tuple[str, ...]
) -> None:
    assert interpreter.runtimes(python) == extras


@pytest.mark.parametrize(
    ("python", "advice"),
    [
        (replace(PI_32, version=(3, 13)), "Python 3.11"),
        (replace(PI_32, version=(3, 13), machine="aarch64"), "64-bit Raspberry Pi OS"),
        (replace(PI_32, machine="armv6l"), "Raspberry Pi 2"),
        (replace(LAPTOP, bits=32, machine="i686"), "64-bit Python 3.11"),
        (replace(LAPTOP, libc=""), "glibc"),
    ],
    ids=str,
)
def test_where_there_is_no_runtime_one_line_says_what_to_use(
    python: interpreter.Interpreter, advice: str
) -> None:
    with pytest.raises(interpreter.Refused) as refusal:
        interpreter.runtimes(python)
    assert advice in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_32_bit_arm_uses_what_apt_installed() -> None:
    assert interpreter.needs_system_packages(PI_32)


def test_a_laptop_keeps_to_itself() -> None:
    assert not interpreter.needs_system_packages(LAPTOP)


@pytest.mark.parametrize(("version", "shared"), [((3, 11), False), ((3, 13), True)])
def test_a_board_whose_lgpio_comes_from_apt_uses_what_apt_installed(
    monkeypatch: pytest.MonkeyPatch, version: tuple[int, int], shared: bool
) -> None:
    monkeypatch.setattr(interpreter, "has_gpio", lambda python: True)
    board = replace(LAPTOP, machine="aarch64", version=version)
    assert interpreter.needs_system_packages(board) is shared


def hide(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Let modules look as if they were not installed."""
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name in names else find(name)
    )


def test_a_python_without_venv_is_told_the_apt_command(monkeypatch: pytest.MonkeyPatch) -> None:
    hide(monkeypatch, "ensurepip")
    with pytest.raises(interpreter.Refused, match=r"sudo apt install python3\.13-venv"):
        environment._make(LAPTOP)


def test_32_bit_arm_without_numpy_is_told_the_apt_command(monkeypatch: pytest.MonkeyPatch) -> None:
    hide(monkeypatch, "numpy")
    with pytest.raises(interpreter.Refused, match="sudo apt install python3-numpy python3-pil"):
        environment._check_system_packages(PI_32)


def test_32_bit_arm_takes_cffi_from_apt_for_libvips(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hide(monkeypatch, "cffi")
    environment._check_system_packages(PI_32)
    assert capsys.readouterr().err.endswith("without libvips: sudo apt install python3-cffi\n")
    environment._check_system_packages(LAPTOP)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("refusal", "told", "tried_again"),
    [
        (pip_install.NoWheel("pyvips-binary"), "there is no pyvips-binary", False),
        (pip_install.Unreachable("connect this machine"), "connect this machine", True),
    ],
    ids=["no wheel", "offline"],
)
def test_set_up_goes_on_without_libvips_and_says_so_in_one_line(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    refusal: interpreter.Refused,
    told: str,
    tried_again: bool,
) -> None:
    tries = []

    def fail(python: Path, requirements: list[str], log: Path) -> None:
        tries.append(requirements)
        raise refusal

    monkeypatch.setattr(interpreter, "this", lambda: LAPTOP)
    monkeypatch.setattr(pip_install, "install_photos", fail)
    monkeypatch.setattr(environment, "_STAMP", tmp_path / "stamp.json")
    stamp = environment.Stamp("", "", "litert", {})
    environment._write_stamp(stamp)
    for _ in range(2):
        environment._install_photos(environment._read_stamp() or stamp)
    assert [len(requirements) for requirements in tries] == [2, 2][: 1 + tried_again]
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2 * len(tries)
    assert f"without libvips: {told}" in lines[1]


OFFLINE = """
WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError('<pip._vendor.
urllib3.connection.HTTPSConnection object>: Failed to establish a new connection')': /simple/numpy/
ERROR: Could not find a version that satisfies the requirement numpy (from versions: none)
ERROR: No matching distribution found for numpy>=1.24
"""
NO_RUNTIME = """
ERROR: Could not find a version that satisfies the requirement ai-edge-litert (from versions: none)
ERROR: No matching distribution found for ai-edge-litert>=2.0; extra == "litert"
"""
# With no retries pip does not name the cause; but the index has always had a setuptools.
OFFLINE_AT_ONCE = "ERROR: No matching distribution found for setuptools>=61"
DISK_FULL = (
    "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device"
)


@pytest.mark.parametrize(
    ("output", "kind", "told"),
    [
        (OFFLINE, pip_install.Unreachable, "connect this machine to the network"),
        (OFFLINE_AT_ONCE, pip_install.Unreachable, "connect this machine to the network"),
        (NO_RUNTIME, pip_install.NoWheel, "there is no ai-edge-litert for Python"),
        (DISK_FULL, interpreter.Refused, "the disk is full"),
        ("Segmentation fault", interpreter.Refused, "setup.log"),
    ],
    ids=["offline", "offline at once", "no wheel", "disk full", "anything else"],
)
def test_what_pip_says_becomes_one_line(output: str, kind: type, told: str) -> None:
    refusal = pip_install.explain(output, Path("setup.log"))
    assert type(refusal) is kind
    assert told in str(refusal)
    assert "\n" not in str(refusal)


def old_python(folder: Path) -> Path:
    """A stand-in for an interpreter that is too old: whatever it is asked, it says no."""
    path = folder / "python3"
    path.write_text("#!/bin/sh\n[ \"$1\" = --version ] && echo 'Python 3.9.2' && exit\nexit 1\n")
    path.chmod(0o755)
    return path


def start(script: str, **environ: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", ROOT / "scripts" / script], env=environ, capture_output=True, text=True
    )


def test_a_python_that_is_too_old_is_told_in_one_line(tmp_path: Path) -> None:
    old_python(tmp_path)
    (tmp_path / "dirname").symlink_to(str(shutil.which("dirname")))
    done = start("run", PATH=str(tmp_path))
    assert done.returncode == 1
    assert done.stderr.startswith("pi-edge: needs Python 3.11 or newer and found Python 3.9.2")
    assert done.stderr.count("\n") == 1


def test_a_machine_without_python_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "dirname").symlink_to(str(shutil.which("dirname")))
    done = start("test", PATH=str(tmp_path))
    assert done.returncode == 1
    assert "found no python3" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_python_named_in_PYTHON_is_not_passed_over(tmp_path: Path) -> None:
    done = start("run", PATH="/usr/bin:/bin", PYTHON=str(old_python(tmp_path)))
    assert done.returncode == 1
    assert f"PYTHON={tmp_path}/python3 is no Python 3.11 or newer" in done.stderr
