"""What is deployed to, and from."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import ROOT, missing

# On a Pi these modules are in the agent's archive.
sys.path.append(str(ROOT / "scripts" / "lib"))

from standin import Laptop, Standin, obstacle


@pytest.fixture(scope="module")
def standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standin]:
    """A host with nothing on it but Debian, for the tests of one module."""
    if reason := obstacle():
        missing(reason)
    host = Standin(tmp_path_factory.mktemp("standin"))
    try:
        yield host
    finally:
        host.close()


@pytest.fixture(scope="module")
def laptop(standin: Standin, tmp_path_factory: pytest.TempPathFactory) -> Laptop:
    """A checkout that deploys to the stand-in."""
    return Laptop(tmp_path_factory.mktemp("laptop"), standin.folder)


@pytest.fixture
def wheelhouse() -> Path:
    """Where scripts/deploy keeps what it collected; tests share it with whoever uses it here."""
    from pi_edge.deploy import offline

    return offline.cache()
