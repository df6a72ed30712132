"""Nothing here runs what a file or a request says: read off the code itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import ROOT

SOURCES = [
    path
    for folder in ("pi_edge", "scripts")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix == ".py"
    or (path.is_file() and not path.suffix and path.read_bytes().startswith(b"#!/usr/bin/env py"))
]
RUN_CODE = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "yaml"}


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def keyword(call: ast.Call, name: str) -> str:
    return next((ast.unparse(word.value) for word in call.keywords if word.arg == name), "")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_source_runs_what_it_reads(path: Path) -> None:
    for name, call in calls(path):
        where = f"{path}:{call.lineno}"
        assert name not in ("eval", "exec", "os.system", "os.popen"), where
        assert keyword(call, "shell") in ("", "False"), where
        if name in ("np.load", "numpy.load"):
            assert keyword(call, "allow_pickle") == "False", where
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            imported = {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported = {(node.module or "").split(".")[0]}
        else:
            continue
        assert not imported & RUN_CODE, path


def test_sources_are_found() -> None:
    names = {path.name for path in SOURCES}
    assert {"daemon.py", "setup.py", "bench-responsiveness"} <= names
