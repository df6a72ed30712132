"""Fuzzes one target with Atheris, which is guided by what code each input reaches.

    scripts/fuzz TARGET [--runs N] [libFuzzer's flags]
    scripts/fuzz                    # names the targets

Stops at the first input that fails, and writes it to .fuzz/TARGET/. What it learns between runs
stays there, too; what is worth keeping for everybody goes to corpus/TARGET (seeds) or
crashes/TARGET (what failed once), which replay.py runs without Atheris.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import tempfile
from pathlib import Path

import json_mutator
import targets

FUZZ = Path(__file__).resolve().parent
WORK = FUZZ.parent.parent / ".fuzz"

# Our own code, and what of others' in Python looks at what clients send.
INSTRUMENTED = ["pi_edge", "starlette", "python_multipart", "tomllib", "csv", "json"]


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="scripts/fuzz", description="Fuzz one target.")
    parser.add_argument("target", choices=targets.names())
    parser.add_argument("--runs", type=int, default=100_000, help="inputs to try (100000)")
    options, flags = parser.parse_known_args(arguments)

    import atheris

    with atheris.instrument_imports(include=INSTRUMENTED):
        target = importlib.import_module(f"fuzz_targets.{options.target}")
    work = WORK / options.target
    work.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", suffix=".dict") as words:
        words.write("".join(f"{_quoted(word)}\n" for word in target.WORDS))
        words.flush()
        command = [
            f"scripts/fuzz {options.target}",
            f"-runs={options.runs}",
            f"-timeout={targets.SECONDS}",
            f"-rss_limit_mb={target.MEGABYTES}",
            f"-max_len={target.LENGTH}",
            f"-dict={words.name}",
            f"-artifact_prefix={work}/",
            "-print_final_stats=1",
            *flags,
            str(work),
            *(str(folder) for folder in targets.folders(options.target)),
        ]
        # Inputs that hold no JSON are changed as bytes.
        mutator = getattr(target, "MUTATOR", json_mutator.mutator)
        mutate = mutator(target.WORDS, _changed_bytes)
        atheris.Setup(command, target.check, custom_mutator=mutate)
        atheris.Fuzz()  # does not return


def _changed_bytes(data: bytes, size: int) -> bytes:
    # atheris.Mutate itself (3.0.0) says that fuzzing has not begun.
    from atheris.core_with_libfuzzer import Mutate

    changed: bytes = Mutate(data, size)
    return changed


def _quoted(word: bytes) -> str:
    return '"' + "".join(f"\\x{byte:02x}" for byte in word) + '"'


if __name__ == "__main__":
    main(sys.argv[1:])
