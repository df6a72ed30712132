"""Environments: what pi-edge depends on, installed once for all releases that require the same.

An environment is a virtual environment without pip; pip runs from the wheel that Debian has for
making such environments, and what it downloads is kept until all of it is installed.
"""

from __future__ import annotations

import compileall
import configparser
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import interpreter
import pip_install

from pi_edge.deploy import OPTIONAL
from pi_edge.deploy.agent import facts
from pi_edge.deploy.agent.store import Say, Store
from pi_edge.errors import PiEdgeError

# Nobody runs the tests of packages on a Pi, and they are half of all that could be compiled.
_NOT_COMPILED = re.compile(r"/(tests?|testing|f2py|distutils|setuptools|pkg_resources)/")


def requirements(settings: str, runtime: str) -> list[str]:
    """What setup.cfg requires with one of the TFLite runtimes, photos aside."""
    required = _sections(settings)
    return [*required[""], *required[runtime], *(required["pi"] if _wants_gpio() else [])]


def key(settings: str) -> str:
    """Name of the environment that a setup.cfg asks for on this machine.

    The same requirements have the same name, whichever releases of packages met them: an upgrade
    of pi-edge's own code makes no new environment.
    """
    python = interpreter.this()
    wanted = [
        *(sorted(requirements(settings, runtime)) for runtime in interpreter.runtimes(python)),
        _photos(settings),
        [f"{python.name}, {python.libc}", str(interpreter.needs_system_packages(python))],
    ]
    return hashlib.sha256(json.dumps(wanted).encode()).hexdigest()[:16]


def exists(store: Store, name: str) -> bool:
    """Whether an environment is there, and complete."""
    return (store.environments / name / "pyvenv.cfg").exists()


def site_packages(environment: Path) -> Path:
    """The folder of packages in a virtual environment."""
    return environment / f"lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"


def install_system_packages(say: Say, brought: Path | None) -> None:
    """Have apt install what no wheel brings.

    Args:
        brought: folder with the packages and what they depend on; without one apt downloads them.

    Raises:
        PiEdgeError: it cannot.
    """
    packages = facts.lacking()
    if brought:
        _install_brought(brought, say)
        return
    if not packages:
        return
    say(f"apt installs {', '.join(packages)}")
    if not shutil.which("apt-get"):
        raise PiEdgeError(f"it needs {', '.join(packages)} and has no apt-get to install them")
    # A power cut may have stopped an installation; that costs a moment where there was none.
    _apt(["dpkg", "--configure", "-a"])
    said = _apt_install(packages)
    needed = [package for package in packages if package not in OPTIONAL]
    if said and needed != packages:
        # Debian itself has no python3-lgpio, Raspberry Pi OS has.
        say(f"the status light will stay dark: {said}")
        said = _apt_install(needed) if needed else ""
    if said:
        raise PiEdgeError(
            f"apt cannot install {', '.join(needed)} ({said}): connect it to the network,"
            " or deploy with --offline"
        )


def _apt_install(packages: Sequence[str]) -> str:
    """Why apt cannot install packages; "" where it did."""
    install = ["apt-get", "-qy", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300"]
    if not _apt([*install, "install", *packages]):
        return ""
    # The lists of packages are missing or old. One source that fails is no reason not to install
    # from the others; where that does not help it is what to tell.
    stale = _apt(["apt-get", "-qy", "update"])
    said = _apt([*install, "install", *packages])
    return (stale or said) if said else ""


def _install_brought(folder: Path, say: Say) -> None:
    debs = sorted(map(str, folder.glob("*.deb")))
    if not debs:
        return
    say(f"dpkg installs {len(debs)} packages")
    # What is newer there already stays.
    said = _apt(["dpkg", "--install", "--skip-same-version", "--refuse-downgrade", *debs])
    if said:
        raise PiEdgeError(f"dpkg cannot install what was brought: {said}")


def _apt(command: Sequence[str]) -> str:
    """Run a command of apt's; the line that tells why it failed, "" where it did not."""
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"},
        text=True,
        errors="replace",
    )
    if not done.returncode:
        return ""
    lines = [line.strip() for line in done.stdout.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(("E: ", "dpkg: error"))]
    return (errors or lines or [f"exit code {done.returncode}"])[0].removeprefix("E: ")


def make(store: Store, name: str, settings: str, say: Say, brought: Path | None) -> None:
    """Make an environment. It appears when it is complete.

    Args:
        name: its key.
        settings: contents of setup.cfg.
        brought: folder with wheels and Debian packages; without one they are downloaded.

    Raises:
        PiEdgeError: it cannot be had; the message says what to do.
    """
    install_system_packages(say, brought)
    unfinished = store.environments / f".{name}"
    _fresh(unfinished)
    python = unfinished / "bin/python"
    photos = _photos(settings)
    with _pip(store, brought), _told(say):
        try:
            # Brought, pyvips is a wheel; the package index has its source only.
            more = photos if brought else []
            _install_runtime(python, settings, more, unfinished / "pip.log", say)
            if not brought:
                say("installing libvips, which styles photos in little memory")
                pip_install.install_photos(python, photos, unfinished / "photos.log")
        except pip_install.Unreachable as away:
            raise PiEdgeError(
                "no package index answers it: connect it to the internet (or set its proxy or index"
                " in its /etc/pip.conf), or deploy with --offline"
            ) from away
        except pip_install.NoWheel as lack:
            where = "what was brought" if brought else "no package index"
            has = "has no" if brought else "has"
            raise PiEdgeError(
                f"{where} {has} {lack.package} for {interpreter.this().name}"
            ) from lack
        except interpreter.Refused as refusal:
            raise PiEdgeError(str(refusal)) from refusal
    complete(store, name, unfinished, say)


def complete(store: Store, name: str, unfinished: Path, say: Say) -> None:
    """Compile an environment and give it its name."""
    say("compiling what was installed")
    compileall.compile_dir(
        site_packages(unfinished),
        quiet=2,
        rx=_NOT_COMPILED,
        workers=0,
        stripdir=str(unfinished),
        prependdir=str(store.environments / name),
    )
    os.sync()
    shutil.rmtree(store.environments / name, ignore_errors=True)
    unfinished.rename(store.environments / name)
    os.sync()


def _install_runtime(python: Path, settings: str, more: Sequence[str], log: Path, say: Say) -> None:
    runtimes = interpreter.runtimes(interpreter.this())
    for runtime in runtimes:
        say(f"installing what pi-edge needs, with {runtime}")
        try:
            pip_install.install_wheels(python, [*requirements(settings, runtime), *more], log)
        except pip_install.NoWheel as lack:
            if runtime == runtimes[-1] or not pip_install.is_runtime(lack.package):
                raise
        else:
            return


def _fresh(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    see_system = interpreter.needs_system_packages(interpreter.this())
    venv.create(folder, system_site_packages=see_system, symlinks=True, with_pip=False)


@contextmanager
def _pip(store: Store, brought: Path | None) -> Iterator[None]:
    """Let ``python -m pip`` work in environments that have none, and keep its downloads."""
    folder = store.scratch / "pip"
    folder.mkdir(parents=True, exist_ok=True)
    wheels = sorted((brought or _debians_wheels()).glob("pip-*.whl"))
    if not wheels:
        raise PiEdgeError("its python3-venv has no pip: sudo apt install --reinstall python3-venv")
    with zipfile.ZipFile(wheels[0]) as archive:
        archive.extractall(folder)
    temporary = store.scratch / "tmp"
    temporary.mkdir(exist_ok=True)
    told = {
        "PYTHONPATH": str(folder),
        "PIP_CACHE_DIR": str(store.scratch / "downloads"),
        "PIP_PROGRESS_BAR": "off",
        "PIP_COMPILE": "0",  # what of it is needed is compiled at the end
        "TMPDIR": str(temporary),  # /tmp may be memory
    }
    if brought:
        told |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(brought)}
    before = dict(os.environ)
    os.environ.update(told)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _debians_wheels() -> Path:
    """Where python3-venv keeps the wheel of pip."""
    import ensurepip

    beside = Path(ensurepip.__file__).parent / "_bundled"
    return Path(getattr(ensurepip, "_WHEEL_PKG_DIR", None) or beside)


@contextmanager
def _told(say: Say) -> Iterator[None]:
    """What is printed for whoever sits here goes to the laptop."""

    class Lines:
        def write(self, text: str) -> int:
            for line in filter(None, map(str.strip, text.splitlines())):
                say(line)
            return len(text)

        def flush(self) -> None:
            pass

    before: TextIO = sys.stderr
    sys.stderr = Lines()
    try:
        yield
    finally:
        sys.stderr = before


def _photos(settings: str) -> list[str]:
    """What extra ``photos`` requires where it can be had."""
    # 32-bit ARM has cffi from apt, which is installed before.
    return _sections(settings)["photos"]


def _wants_gpio() -> bool:
    return interpreter.has_gpio(interpreter.this())


def _sections(settings: str) -> dict[str, list[str]]:
    """Requirements of setup.cfg by extra; "" is pi-edge itself."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(settings)
    listed = {"": parser["options"]["install_requires"], **parser["options.extras_require"]}
    return {extra: text.split("\n")[1:] for extra, text in listed.items()}
