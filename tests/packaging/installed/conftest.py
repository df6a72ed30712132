"""Systems with pi-edge's packages installed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from roots import SYSTEMS, Installation, installation, obstacle
from support import missing


@pytest.fixture(scope="session", params=SYSTEMS, ids=lambda recipe: recipe.name)
def bare(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """A system without pi-edge."""
    if reason := obstacle(request.param):
        missing(reason)
    with installation(request.param, tmp_path_factory.mktemp(request.param.name)) as system:
        yield system
