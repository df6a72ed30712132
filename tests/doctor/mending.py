"""pi-edge doctor in a process of its own, and what it prints, run by a shell as a person would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support import ROOT

Row = dict[str, str]


@dataclass
class Doctor:
    """pi-edge doctor with its flags.

    Attributes:
        environ: added to the environment.
        before: words before the command, as in unshare.
        python: the interpreter that it runs in.
    """

    flags: Sequence[str] = ()
    environ: Mapping[str, str] = field(default_factory=dict)
    before: Sequence[str] = ()
    python: str | Path = sys.executable

    def rows(self, check: str = "", shell: str = "") -> list[Row]:
        """The lines of a check, or all.

        Args:
            shell: commands typed into the same shell before.
        """
        asked = f'"{self.python}" -m pi_edge doctor --json "$@"'
        script = f"{shell}\n{asked}" if shell else f"exec {asked}"
        done = subprocess.run(
            [*self.before, "bash", "-c", script, "bash", *filter(None, [check]), *self.flags],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), **self.environ},
            capture_output=True,
            text=True,
        )
        start = done.stdout.index("{\n")  # behind what the commands printed
        document: dict[str, Any] = json.loads(done.stdout[start:])
        rows: list[Row] = document["checks"]
        assert done.returncode == (document["level"] == "fail"), done.stderr
        assert not check or {row["check"] for row in rows} == {check}
        return rows

    def row(self, check: str, found: str = "", level: str = "fail") -> Row:
        """The one line of a check at this level, which has ``found`` in it."""
        rows = [row for row in self.rows(check) if row["level"] == level and found in row["found"]]
        assert len(rows) == 1, self.rows(check)
        return rows[0]

    def mend(self, row: Row) -> None:
        """Run what a line says, and see that of its check no line but ok is left."""
        assert row["command"], row
        after = self.rows(row["check"], shell=row["command"])
        assert {one["level"] for one in after} == {"ok"}, (row, after)
