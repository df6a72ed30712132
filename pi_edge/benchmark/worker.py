"""Measures what it is told to on stdin: ``python -m pi_edge.benchmark.worker``, here or over ssh.

One JSON document a line, a request in, an answer out; the first line out is the greeting. Files
are named by their SHA-256 and kept in a folder between sessions, so that what is measured is the
very file that the asking machine has, and comes once. Every measurement is made in a process of
its own (pi_edge.benchmark.child).

    {"do": "lacks", "files": [SHA256, ...]}     -> {"lacks": [SHA256, ...]}
    {"do": "put", "file": SHA256, "bytes": N}   then N bytes -> {}
    {"do": "conditions"}                        -> machine.conditions and load_average
    {"do": "measure", "model": {...}, "limits": {...}, "samples": N, "energy_seconds": S}
                                                -> {"row": what suite.measure returns}
    {"do": "answers", "model": {...}[, "images": SHA256]} -> {"npz": base64 of answers.run}

A model is {"model", "variant", "file": SHA256, "check": SHA256 or null, "threads"}. What failed is
{"error": one line}.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from pi_edge import files
from pi_edge.benchmark import machine, suite
from pi_edge.errors import BadInput, PiEdgeError

PROTOCOL = 1

# Files that nobody has measured for so long make room.
KEPT_SECONDS = 90 * 24 * 3600

ANSWERS = (sys.executable, "-P", "-m", "pi_edge.benchmark.answers")
ANSWERS_SECONDS = 600.0


class Worker:
    """Does what is asked.

    Args:
        cache: folder of files named by their SHA-256; made at need.
        folder: an empty one, for this session.
    """

    def __init__(self, cache: Path, folder: Path) -> None:
        self.cache, self.folder = cache, folder
        self.throttled = machine.throttled()

    def answer(self, ask: Mapping[str, Any], stream: BinaryIO) -> dict[str, Any]:
        """One request's answer; ``stream`` is where a file's bytes come from.

        Raises:
            PiEdgeError, OSError: it did not work.
        """
        match ask["do"]:
            case "lacks":
                return {"lacks": [sha256 for sha256 in ask["files"] if not self._has(sha256)]}
            case "put":
                return self._put(ask["file"], stream.read(ask["bytes"]))
            case "conditions":
                return {**machine.conditions(), "load_average": os.getloadavg()[0]}
            case "measure":
                return self._measure(ask)
            case "answers":
                return self._answers(ask)
        raise BadInput(f"nobody here knows how to do {ask['do']!r}")

    def _has(self, sha256: str) -> bool:
        """Whether it is there, undamaged: SD cards forget."""
        path = self._cached(sha256)
        return path.is_file() and files.sha256(path) == sha256

    def _put(self, sha256: str, contents: bytes) -> dict[str, Any]:
        if hashlib.sha256(contents).hexdigest() != sha256:
            raise BadInput(f"{sha256[:12]} arrived damaged: try again")
        _forget(self.cache)
        files.write_bytes(self._cached(sha256), contents)
        return {}

    def _measure(self, ask: Mapping[str, Any]) -> dict[str, Any]:
        job = self._job(ask["model"])
        wanted = {key: ask[key] for key in ("samples", "energy_seconds") if key in ask}
        row = suite.measure(job, ask["limits"], **wanted)
        before, self.throttled = self.throttled, machine.throttled()
        words = machine.throttling_between(before, self.throttled)
        return {"row": row | {"throttled": words}}

    def _answers(self, ask: Mapping[str, Any]) -> dict[str, Any]:
        job = self._job(ask["model"])
        told = {"file": str(job.file), "folder": str(job.file.parent), "threads": job.threads}
        if ask.get("images"):
            told["images"] = str(self._cached(ask["images"]))
        npz = suite.ask_child(ANSWERS, told, ANSWERS_SECONDS)
        return {"npz": base64.b64encode(npz).decode()}

    def _job(self, model: Mapping[str, Any]) -> suite.Job:
        """The model's files by the names that they have in a models folder."""
        folder = self.folder / f"{model['file'][:16]}-{str(model['check'])[:16]}"
        file = folder / (re.sub(r"[^\w.-]", "_", model["variant"]) + ".tflite")
        if not file.is_symlink():
            folder.mkdir(exist_ok=True)
            file.symlink_to(self._cached(model["file"]))
            if model["check"] and not (folder / "check.npz").is_symlink():
                (folder / "check.npz").symlink_to(self._cached(model["check"]))
        return suite.Job(model["model"], model["variant"], file, model["threads"])

    def _cached(self, sha256: str) -> Path:
        if not re.fullmatch("[0-9a-f]{64}", sha256):
            raise BadInput(f"{sha256!r} is no SHA-256")
        path = self.cache / sha256
        if path.is_file():
            os.utime(path)
        return path


def default_cache() -> Path:
    """Where files are kept between sessions (XDG base directory specification)."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pi-edge" / "bench"


def main() -> int:
    """Answer until stdin ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, default=default_cache())
    args = parser.parse_args()
    # What anything else prints must not print into the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    stream = sys.stdin.buffer
    with tempfile.TemporaryDirectory(prefix="pi-edge-bench-") as folder:
        try:
            worker = Worker(args.cache, Path(folder))
            _say(answers, {"protocol": PROTOCOL, "machine": machine.describe()})
            while line := stream.readline():
                _say(answers, _answer(worker, json.loads(line), stream))
        except BrokenPipeError:
            return 1  # who asked is gone
        except PiEdgeError as error:
            _say(answers, {"protocol": PROTOCOL, "error": str(error)})
            return 1
    return 0


def _answer(worker: Worker, ask: Mapping[str, Any], stream: BinaryIO) -> dict[str, Any]:
    try:
        return worker.answer(ask, stream)
    except PiEdgeError as error:
        return {"error": str(error)}
    except OSError as error:
        return {"error": f"{error.filename or 'there'}: {error.strerror}"}


def _say(answers: BinaryIO, document: Mapping[str, Any]) -> None:
    answers.write(json.dumps(document).encode() + b"\n")
    answers.flush()


def _forget(cache: Path) -> None:
    for path in cache.iterdir() if cache.is_dir() else []:
        if path.is_file() and time.time() - path.stat().st_mtime > KEPT_SECONDS:
            path.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main())
