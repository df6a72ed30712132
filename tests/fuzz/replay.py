"""Gives a target its corpus, or the files named, without Atheris.

    python tests/fuzz/replay.py TARGET [FILE ...]

Ends with a traceback at the first input that fails or takes longer than SECONDS. Memory is bounded.
"""

from __future__ import annotations

import faulthandler
import importlib
import resource
import sys
from pathlib import Path

import targets

# Address space that is no file's: much more than resident memory, which cannot be bounded.
GIGABYTES = 4


def main(name: str, files: list[str]) -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (GIGABYTES << 30, GIGABYTES << 30))
    target = importlib.import_module(f"fuzz_targets.{name}")
    for path in [Path(file) for file in files] or targets.inputs(name):
        faulthandler.dump_traceback_later(targets.SECONDS, exit=True)
        try:
            target.check(path.read_bytes())
        except BaseException as error:
            error.add_note(f"found by {name} in {path}")
            raise
        print(path)
    faulthandler.cancel_dump_traceback_later()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
