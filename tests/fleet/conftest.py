"""Several hosts at once, and what stands between them and their clients. scripts/test-fleet runs this;
scripts/test does not, for it boots hosts and starts servers that not everybody has."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import ROOT, missing

for folder in ("tests/deploy", "scripts", "scripts/lib"):
    sys.path.append(str(ROOT / folder))

from fleet_of_three import Fleet
from standin import obstacle


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Three hosts with nothing on them but Debian, and a checkout to roll out from."""
    if reason := obstacle():
        missing(reason)
    made = Fleet(tmp_path_factory.mktemp("fleet"))
    try:
        yield made
    finally:
        made.close()
