"""One board's counts."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

import bench_board

from bench_instructions import on_board


def count(tree: Path, models: Iterable[str] = ()) -> tuple[dict[str, int], dict[str, str]]:
    """Instructions by row, and the versions of what they were counted with.

    Args:
        tree: the board's userland, with pi-edge installed.
        models: of these only; of all where it is empty.

    Raises:
        Unavailable: the board did not get to the end.
    """
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        program = scratch / "on_board.py"
        shutil.copy(on_board.__file__, program)
        command = f".venv/bin/python /on_board.py {' '.join(models)}"
        said = bench_board.run(tree, command, {"/on_board.py": program}, scratch, counting=True)
    versions, *rows = (json.loads(line) for line in said)
    return dict(rows), dict(versions)
