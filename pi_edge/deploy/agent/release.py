"""Releases: folders of hard links to blobs, each with a .venv of its own.

That .venv has no packages; it names the release and the environment that the release runs in. So a
daemon of an older release keeps importing from its own files after ``current`` went on.
"""

from __future__ import annotations

import hashlib
import json
import os
import py_compile
import shutil
import sys
import venv
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import interpreter

from pi_edge.deploy.agent.environment import site_packages
from pi_edge.deploy.agent.store import Store
from pi_edge.errors import BadInput

UNIT = "pi-edge.service"
# What stands beside it, started by its owner or by nobody. Older releases have none of it.
FURTHER_UNITS = ("pi-edge-learn@.service", "pi-edge-learn@.timer")
_ABOUT = "release.json"
_FEW = 8  # files that are compiled sooner than other processes are started

# Path within the release, SHA-256 in hexadecimal.
File = tuple[str, str]


def name_of(version: str, files: Sequence[File], environment: str) -> str:
    """ID of a release: the same for the same files in the same environment."""
    contents = json.dumps([sorted(files), environment])
    return f"{version}-{hashlib.sha256(contents.encode()).hexdigest()[:12]}"


def exists(store: Store, release: str) -> bool:
    """Whether a release is there, and complete."""
    return (store.releases / release / _ABOUT).exists()


def environment_of(store: Store, release: str) -> str:
    """Key of a release's environment; "" where it cannot be told."""
    try:
        about = json.loads((store.releases / release / _ABOUT).read_bytes())
    except (OSError, ValueError):
        return ""
    return str(about["environment"])


def assemble(store: Store, release: str, files: Sequence[File], environment: str) -> None:
    """Make a release of blobs that are there. It appears when it is complete.

    Raises:
        BadInput: a path leads out of the release.
    """
    folder = store.releases / f".{release}"
    shutil.rmtree(folder, ignore_errors=True)
    _compile(store, [sha256 for path, sha256 in files if path.endswith(".py")])
    for path, sha256 in files:
        if path.startswith("/") or ".." in Path(path).parts:
            raise BadInput(f"{path} leads out of the release")
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        os.link(store.blobs / sha256, target)
        compiled = _compiled(store, sha256)
        if path.endswith(".py") and compiled.exists():
            cached = target.parent / "__pycache__" / f"{target.stem}.{_TAG}.pyc"
            cached.parent.mkdir(exist_ok=True)
            os.link(compiled, cached)
    _make_venv(store, folder, store.releases / release, environment)
    for name, text in read(folder / "systemd", (UNIT, *FURTHER_UNITS)).items():
        (folder / name).write_text(text.replace("/opt/pi-edge", str(store.current)))
    (folder / _ABOUT).write_text(json.dumps({"environment": environment}))
    os.sync()
    shutil.rmtree(store.releases / release, ignore_errors=True)
    folder.rename(store.releases / release)
    os.sync()


def read(folder: Path, names: Sequence[str]) -> dict[str, str]:
    """Contents by name of those of these files that are there."""
    return {name: (folder / name).read_text() for name in names if (folder / name).exists()}


_TAG = sys.implementation.cache_tag


def _compiled(store: Store, sha256: str) -> Path:
    return store.blobs / f"{sha256}.{_TAG}.pyc"


def _compile(store: Store, sources: Sequence[str]) -> None:
    """Compile blobs; the service cannot write beside the code."""
    new = [sha256 for sha256 in dict.fromkeys(sources) if not _compiled(store, sha256).exists()]
    pairs = [(str(store.blobs / sha256), str(_compiled(store, sha256))) for sha256 in new]
    if len(pairs) <= _FEW:
        for pair in pairs:
            _compile_one(pair)
    else:
        with ProcessPoolExecutor(mp_context=get_context("fork")) as workers:
            list(workers.map(_compile_one, pairs, chunksize=_FEW))


def _compile_one(pair: tuple[str, str]) -> None:
    source, target = pair
    # By its contents, not by its time: a blob never changes. A file that does not compile is what
    # the daemon may say when it starts.
    py_compile.compile(
        source, target, quiet=2, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH
    )


def _make_venv(store: Store, folder: Path, final: Path, environment: str) -> None:
    see_system = interpreter.needs_system_packages(interpreter.this())
    home = folder / ".venv"
    venv.create(home, system_site_packages=see_system, symlinks=True, with_pip=False)
    for script in (home / "bin").glob("[aA]ctivate*"):  # they name the folder it was made in
        script.unlink()
    packages = site_packages(home)
    packages.joinpath("pi-edge.pth").write_text(
        f"{final}\n{site_packages(store.environments / environment)}\n"
    )
    command = home / "bin/pi-edge"
    command.write_text(
        f"#!{final}/.venv/bin/python\nimport sys\nfrom pi_edge.cli import main\nsys.exit(main())\n"
    )
    command.chmod(0o755)
