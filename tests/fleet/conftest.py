"""Several hosts at once, and what stands between them and their clients. scripts/test-fleet runs
this; scripts/test does not, for it boots hosts and starts servers that not everybody has."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from support import ROOT, missing

sys.path.append(str(ROOT / "tests" / "deploy"))
sys.path.append(str(ROOT / "scripts"))
sys.path.append(str(ROOT / "scripts" / "lib"))

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
