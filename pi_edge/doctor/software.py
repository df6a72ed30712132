"""Python, the TFLite runtime, NumPy and the other packages. Nothing of them is imported here: a
library that does not fit may take its process down, so that a child tries."""

from __future__ import annotations

import importlib.util
import os
import platform
import struct
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path

from pi_edge.doctor.findings import FAIL, Finding, fail, ok, warn
from pi_edge.doctor.patient import CHECKOUT, Patient, as_root, python

# Import name -> distribution, as setup.cfg has them; a test compares.
PACKAGES = {
    "PIL": "pillow>=9.4",
    "gpiozero": "gpiozero>=1.6.2",
    "orjson": "orjson>=3.9",
    "starlette": "starlette>=0.40",
    "uvicorn": "uvicorn>=0.30",
    "multipart": "python-multipart>=0.0.18",
    "prometheus_client": "prometheus_client>=0.20",
    "tqdm": "tqdm>=4.60",
    "paho": "paho-mqtt>=2.0",
}
LITERT, TFLITE = "ai-edge-litert>=2.0", "tflite-runtime==2.14.0"
NUMPY, NUMPY_1 = "numpy>=1.24", "numpy>=1.24,<2"

# Seconds that importing a library may take: a Raspberry Pi with a slow card needs some.
_PATIENCE = 120


@dataclass(frozen=True)
class Interpreter:
    """The Python that runs this.

    Attributes:
        version: major and minor.
        bits: of a pointer. They decide what can be installed, not ``machine``: a 32-bit
            Raspberry Pi OS on a 64-bit kernel calls itself aarch64.
        machine: the kernel's name of the processor.
        libc: "glibc", or anything else.
    """

    version: tuple[int, int]
    bits: int
    machine: str
    libc: str


def this() -> Interpreter:
    """The interpreter that is running."""
    try:
        libc = (os.confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")[0]
    except (ValueError, OSError):
        libc = ""
    if sys.platform != "linux":
        libc = "glibc"  # wheels for other systems do not ask for it
    bits = 8 * struct.calcsize("P")
    return Interpreter(sys.version_info[:2], bits, platform.machine(), libc)


def check_python(patient: Patient) -> Iterator[Finding]:
    yield judge(this())


def judge(interpreter: Interpreter) -> Finding:
    """Whether a TFLite runtime is built for this Python."""
    version = "{}.{}".format(*interpreter.version)
    told = f"{interpreter.bits}-bit Python {version} on {interpreter.machine} ({sys.executable})"
    if interpreter.version < (3, 11):
        return fail(told, words="pi-edge needs Python 3.11 or later: PYTHON=python3.11 scripts/run")
    if interpreter.libc != "glibc":
        return fail(
            f"{told}, whose C library is not glibc: no TFLite runtime is built for that",
            words="use Debian, Raspberry Pi OS or another Linux with glibc",
        )
    if interpreter.bits == 32:
        if interpreter.machine == "armv6l":
            return fail(
                f"{told}: no TFLite runtime is built for ARMv6",
                words="use a Raspberry Pi 2, Zero 2 or newer",
            )
        arm = interpreter.machine.startswith(("arm", "aarch64"))
        if not arm or interpreter.version > (3, 11):
            return fail(
                f"{told}: no TFLite runtime is built for that",
                words="use a 64-bit Raspberry Pi OS, or the 32-bit Bookworm with its Python 3.11",
            )
        if interpreter.machine == "aarch64":
            return ok(f"{told}: 32 bits though the kernel has 64")
    return ok(told)


def check_runtime(patient: Patient) -> Iterator[Finding]:
    """Which runtime there is, why this one, and whether it opens a model."""
    interpreter, litert, tflite = this(), has("ai_edge_litert"), has("tflite_runtime")
    best = LITERT if interpreter.bits == 64 else TFLITE
    if not litert and not tflite:
        text = "no TFLite runtime is installed: no model can run"
        yield fail(text, *installing(patient, best))
        return
    name = f"LiteRT {version('ai-edge-litert')}" if litert else (
        f"tflite-runtime {version('tflite-runtime')}"
    )  # fmt: skip
    if litert:
        why = f"the faster of the two there are; {interpreter.bits}-bit Python can have it"
    elif interpreter.bits == 32:
        why = "the last that was built for 32-bit ARM"
    else:
        why = "slower than LiteRT, which this Python can have"
    if any(found.level == FAIL for found in check_numpy(patient)):
        yield warn(f"{name} ({why}) cannot be tried without NumPy", words="mend numpy first")
    elif told := _trial(patient.settings.models):
        yield fail(f"{name} does not work: {told}", *installing(patient, best, again=True))
    elif interpreter.bits == 64 and not litert:
        yield warn(f"{name}: {why}", *installing(patient, LITERT))
    else:
        yield ok(f"{name}: {why}")


def check_numpy(patient: Patient) -> Iterator[Finding]:
    """Whether NumPy is there, works, and is one that the runtime was built against."""
    old = not has("ai_edge_litert") and has("tflite_runtime")
    wanted = NUMPY_1 if old else NUMPY
    if not has("numpy"):
        yield fail("NumPy is missing: no model can run", *installing(patient, wanted))
        return
    number = version("numpy")
    if old and number.partition(".")[0] not in ("0", "1", ""):
        yield fail(
            f"NumPy {number}, and tflite-runtime was built against NumPy 1",
            *installing(patient, wanted),
        )
    elif told := _try("import numpy"):
        yield fail(
            f"NumPy {number} does not import: {told}", *installing(patient, wanted, again=True)
        )
    else:
        yield ok(f"NumPy {number}")


def check_packages(patient: Patient) -> Iterator[Finding]:
    """The other packages that the daemon imports."""
    missing = [wanted for module, wanted in PACKAGES.items() if not has(module)]
    if not missing:
        yield ok(
            f"all {len(PACKAGES)} others are there: {', '.join(map(_bare, PACKAGES.values()))}"
        )
        return
    names = ", ".join(map(_bare, missing))
    yield fail(f"missing: {names}; the daemon cannot start", *installing(patient, *missing))


def installing(patient: Patient, *wanted: str, again: bool = False) -> tuple[str, str]:
    """The command that installs distributions into this environment, or words where none can.

    Args:
        again: though they are installed.
    """
    if sys.prefix == sys.base_prefix:  # Debian's own Python, into which pip installs nothing
        if (script := CHECKOUT / "scripts" / "run").exists():
            return "", f"make an environment and run pi-edge from it: {script}"
        return "", f"install with the system's own tools: {', '.join(wanted)}"
    on_32_bits = [name for name in wanted if name.startswith(("numpy", "pillow"))]
    if this().bits == 32 and on_32_bits:
        return patient.restarted(as_root("apt install python3-numpy python3-pil")), ""
    options = "--force-reinstall --no-deps " if again else ""
    quoted = " ".join(f"'{name}'" for name in wanted)
    command = f"{python()} -m pip install {options}{quoted}"
    if not has("pip"):
        command = f"{python()} -m ensurepip && {command}"
    if not os.access(sys.prefix, os.W_OK):
        command = command.replace(python(), f"sudo {python()}")
    return patient.restarted(command), ""


def has(module: str) -> bool:
    """Whether there is such a module, without importing it."""
    return importlib.util.find_spec(module) is not None


def version(distribution: str) -> str:
    """Its version, "" where nothing tells."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ""


def _bare(wanted: str) -> str:
    return wanted.partition(">")[0]


@cache
def _trial(models: Path) -> str:
    """What goes wrong when a model is opened; "" if nothing."""
    files = sorted(models.glob("*/*.tflite"), key=lambda file: file.stat().st_size)
    if not files:
        return _try("from pi_edge import runtime; runtime.preload()")
    return _try(
        "import pathlib; from pi_edge import runtime;"
        "runtime.interpreter(pathlib.Path(sys.argv[1])).allocate_tensors()",
        str(files[0]),
    )


@cache
def _try(code: str, *arguments: str) -> str:
    """The last line of what a child complains of, "" where it ends well."""
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", f"import sys; {code}", *arguments]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", env=environ,
            timeout=_PATIENCE,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"it took longer than {_PATIENCE} s"
    if done.returncode < 0:
        return f"its process was ended by signal {-done.returncode}"
    lines = done.stderr.strip().splitlines()
    return "" if not done.returncode else (lines[-1] if lines else f"exit code {done.returncode}")
