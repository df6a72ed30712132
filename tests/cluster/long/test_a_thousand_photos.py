"""A whole night's batch; scripts/test-cluster runs it."""

from __future__ import annotations

from pathlib import Path

from batches import done_though_a_worker_dies


def test_a_worker_killed_midway_costs_no_photo_of_a_thousand(models: Path, tmp_path: Path) -> None:
    done_though_a_worker_dies(models, tmp_path, count=1000, dies_after=400)
