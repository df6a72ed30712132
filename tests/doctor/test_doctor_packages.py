"""Pythons in which packages are missing or do not fit: pi-edge doctor works there all the same, and
what it prints installs them, really."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from mending import Doctor
from support import ROOT

from pi_edge.doctor.findings import Finding


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Doctor:
    """A Python with pip and nothing else."""
    folder = tmp_path_factory.mktemp("bare")
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    return Doctor(
        ["--state", str(folder / "state")],
        {"PYTHONNOUSERSITE": "1"},
        python=folder / "venv" / "bin" / "python",
    )


def pip(doctor: Doctor, *arguments: str) -> None:
    subprocess.run(
        [doctor.python, "-m", "pip", "--quiet", "install", *arguments], check=True, timeout=600
    )


def test_without_anything_all_lines_come(bare: Doctor) -> None:
    levels: dict[str, set[str]] = {}
    for row in bare.rows():
        levels.setdefault(row["check"], set()).add(row["level"])
        assert "cannot be looked at" not in row["found"]
    assert {name for name in levels if "fail" in levels[name]} >= {"numpy", "runtime", "packages"}
    assert levels["models"] == {"ok"}


def test_numpy_is_installed(bare: Doctor) -> None:
    bare.mend(bare.row("numpy", "NumPy is missing"))


def test_the_runtime_that_fits_is_installed(bare: Doctor) -> None:
    row = bare.row("runtime", "no TFLite runtime is installed")
    bare.mend(row)
    assert bare.row("runtime", "LiteRT", level="ok")


def test_other_packages_are_installed(bare: Doctor) -> None:
    row = bare.row("packages", "missing: pillow, gpiozero, orjson")
    bare.mend(row)


def test_a_runtime_that_is_damaged_is_installed_again(bare: Doctor) -> None:
    packages = Path(bare.python).parent.parent.glob("lib/*/site-packages")
    library = next(packages) / "ai_edge_litert" / "_pywrap_litert_interpreter_wrapper.so"
    library.write_bytes(library.read_bytes()[:1000])
    bare.mend(bare.row("runtime", "does not work"))


def test_a_numpy_that_does_not_import_is_installed_again_before_the_runtime(bare: Doctor) -> None:
    (package,) = Path(bare.python).parent.parent.glob("lib/*/site-packages/numpy/__init__.py")
    package.write_text("import no_such_library\n")
    assert "mend numpy first" in bare.row("runtime", "cannot be tried", level="warn")["advice"]
    bare.mend(bare.row("numpy", "does not import: ModuleNotFoundError"))


def gpio(doctor: Doctor, root: Path) -> list[Finding]:
    """What this Python finds on a machine with a chip that anybody may open."""
    code = (
        "import json, pathlib; from dataclasses import asdict; from pi_edge.config import Config;"
        "from pi_edge.doctor import pins; from pi_edge.doctor.patient import Patient;"
        f"patient = Patient(Config(), root=pathlib.Path({str(root)!r}));"
        "print(json.dumps([asdict(one) for one in pins.check_gpio(patient)]))"
    )
    command = [doctor.python, "-c", code]
    said = subprocess.check_output(command, env={"PYTHONPATH": str(ROOT)}, text=True)
    return [Finding(**one) for one in json.loads(said)]


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="lgpio comes from apt there")
def test_what_drives_the_pins_is_installed(bare: Doctor, tmp_path: Path) -> None:
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev" / "gpiochip0").touch(0o666)
    (tmp_path / "dev" / "gpiochip0").chmod(0o666)
    *_, missing = gpio(bare, tmp_path)
    assert missing.text == "lgpio is missing, which drives the pins"
    subprocess.run(["sh", "-c", missing.command], check=True)
    assert "lgpio" not in gpio(bare, tmp_path)[-1].text


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="tflite-runtime has wheels up to 3.11")
def test_the_older_runtime_gets_the_numpy_it_was_built_against_and_is_told_of_the_newer(
    tmp_path: Path,
) -> None:
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    doctor = Doctor(python=tmp_path / "venv" / "bin" / "python")
    pip(doctor, "tflite-runtime==2.14.0", "numpy>=2")
    doctor.mend(doctor.row("numpy", "tflite-runtime was built against NumPy 1"))
    row = doctor.row("runtime", "slower than LiteRT, which this Python can have", level="warn")
    doctor.mend(row)
