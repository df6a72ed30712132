"""The virtual environment .venv in the checkout: made, completed, repaired.

What was installed, and for which requirements, stands in a stamp inside .venv, so that a second
run has nothing to do. An environment that was left half made has a mark instead of a
stamp and is made anew.
"""

from __future__ import annotations

import configparser
import fcntl
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import interpreter
import pip_install
from interpreter import Refused
from progress import step

ROOT = Path(__file__).resolve().parent.parent.parent
VENV = ROOT / ".venv"
BIN = VENV / "bin"
_STAMP = VENV / "pi-edge.json"
_UNFINISHED = VENV / "pi-edge.unfinished"
_WITHOUT_LIBVIPS = "photos to be styled will be held in memory whole, without libvips"


@dataclass(frozen=True)
class Stamp:
    """What .venv holds.

    Attributes:
        clone: the checkout; the commands in .venv/bin have its path written in.
        python: what ``_probe`` says of its interpreter.
        runtime: the extra that brought the TFLite runtime.
        installed: extra -> what setup.cfg required for it; "" is pi-edge itself.
    """

    clone: str
    python: str
    runtime: str
    installed: dict[str, str]


def ensure(extras: Iterable[str] = ()) -> None:
    """See to it that .venv has pi-edge, a TFLite runtime and ``extras``, and libvips if possible.

    Raises:
        Refused: it cannot be had; the message says what to do.
    """
    with _alone():
        stamp = _read_stamp()
        wanted = {*extras, *(["pi"] if interpreter.has_gpio(interpreter.this()) else [])}
        if stamp and _healthy(stamp):
            required = _required({stamp.runtime, *wanted})
            if not required.items() <= stamp.installed.items():
                stamp = _install((stamp.runtime,), wanted, before=stamp)
        else:
            python = interpreter.this()
            runtimes = interpreter.runtimes(python)
            _check_system_packages(python)
            if stamp or not _adoptable(python):
                _make(python)
            stamp = _install(runtimes, wanted, before=None)
        _install_photos(stamp)


@contextmanager
def _alone() -> Iterator[None]:
    """Let one set-up at a time touch .venv: a second one waits for the first."""
    folder = os.open(ROOT, os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            step("waiting for another set-up of this checkout to end")
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _read_stamp() -> Stamp | None:
    if _UNFINISHED.exists():
        return None
    try:
        return Stamp(**json.loads(_STAMP.read_text()))
    except (OSError, ValueError, TypeError):
        return None


def _required(extras: Iterable[str]) -> dict[str, str]:
    """What setup.cfg requires for pi-edge itself (""), and for each of ``extras``."""
    settings = configparser.ConfigParser(interpolation=None)
    settings.read(ROOT / "setup.cfg")
    commands = settings["options.entry_points"]["console_scripts"]
    required = {"": settings["options"]["install_requires"] + commands}
    return required | {extra: settings["options.extras_require"][extra] for extra in extras}


def _probe(python: str | Path) -> str:
    """Version, pointer size and installation of an interpreter, "" where it does not start."""
    code = "import struct, sys; print(*sys.version_info[:2], struct.calcsize('P'), sys.base_prefix)"
    try:
        return subprocess.run(
            [python, "-c", code], capture_output=True, text=True, check=True, timeout=60
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


def _healthy(stamp: Stamp) -> bool:
    """Whether .venv is as its stamp says, and of the Python that was asked for by PYTHON."""
    asked = _probe(sys.executable) if os.environ.get("PYTHON") else stamp.python
    return (
        stamp.clone == str(ROOT)
        and stamp.python == asked == _probe(BIN / "python")
        and (BIN / "pi-edge").exists()
    )


def _adoptable(python: interpreter.Interpreter) -> bool:
    """Whether .venv, made by hand or long ago, can be completed instead of made anew."""
    if _UNFINISHED.exists():
        return False
    try:
        settings = (VENV / "pyvenv.cfg").read_text()
    except OSError:
        return False
    sees_system = "include-system-site-packages = true" in settings
    return _probe(BIN / "python") == _probe(sys.executable) and (
        sees_system or not interpreter.needs_system_packages(python)
    )


def _check_system_packages(python: interpreter.Interpreter) -> None:
    if python.bits == 32 and not all(map(importlib.util.find_spec, ("numpy", "PIL"))):
        raise Refused(
            "32-bit ARM takes NumPy and Pillow from the system:"
            " sudo apt install python3-numpy python3-pil python3-cffi"
        )
    if not interpreter.can_have_libvips(python):
        step(f"{_WITHOUT_LIBVIPS}: sudo apt install python3-cffi")
    lgpio_from_apt = interpreter.has_gpio(python) and python.version >= (3, 13)
    if lgpio_from_apt and not importlib.util.find_spec("lgpio"):
        step("the status light will stay dark without: sudo apt install python3-lgpio")


def _make(python: interpreter.Interpreter) -> None:
    version = "python{}.{}".format(*python.version)
    if not all(map(importlib.util.find_spec, ("venv", "ensurepip"))):
        raise Refused(
            f"this Python cannot make virtual environments: sudo apt install {version}-venv"
        )
    if VENV.is_symlink():
        VENV.unlink()
    elif VENV.exists():
        step("replacing a .venv that is unfinished, moved or of another Python")
        shutil.rmtree(VENV)
    VENV.mkdir()
    _UNFINISHED.touch()
    step(f"making .venv with {python.name}")
    options = ["--system-site-packages"] if interpreter.needs_system_packages(python) else []
    pip_install.logged([sys.executable, "-m", "venv", *options, str(VENV)], VENV / "setup.log")


def _install(runtimes: tuple[str, ...], extras: set[str], before: Stamp | None) -> Stamp:
    """Install pi-edge with the first runtime that can be had, and ``extras``."""
    _UNFINISHED.touch()
    for runtime in runtimes:
        everything = sorted({runtime, *extras})
        step(f"installing pi-edge with {', '.join(everything)}")
        try:
            pip_install.install(BIN / "python", ROOT, everything, VENV / "setup.log")
        except pip_install.Unreachable:
            if before:  # pip stops before it changes anything: what was there still works
                _UNFINISHED.unlink()
            raise
        except pip_install.NoWheel as missing:
            if runtime == runtimes[-1] or not pip_install.is_runtime(missing.package):
                raise
            continue
        earlier = before.installed if before else {}
        stamp = Stamp(str(ROOT), _probe(BIN / "python"), runtime, earlier | _required(everything))
        _write_stamp(stamp)
        _UNFINISHED.unlink()
        return stamp
    raise AssertionError("there is always a runtime to try")


def _install_photos(stamp: Stamp) -> None:
    """Install extra ``photos`` where it can be had; all else works without it."""
    wanted = _required(["photos"])["photos"]
    if stamp.installed.get("photos") == wanted or not interpreter.can_have_libvips(
        interpreter.this()
    ):
        return
    step("installing libvips, which styles photos in little memory")
    try:
        pip_install.install_photos(BIN / "python", wanted.split(), VENV / "setup.photos.log")
    except pip_install.NoWheel as missing:
        step(f"{_WITHOUT_LIBVIPS}: there is no {missing.package} for this Python")
    except Refused as refusal:  # perhaps the next time
        step(f"{_WITHOUT_LIBVIPS}: {refusal}")
        return
    _write_stamp(replace(stamp, installed={**stamp.installed, "photos": wanted}))


def _write_stamp(stamp: Stamp) -> None:
    _STAMP.write_text(json.dumps(asdict(stamp), indent=2) + "\n")
