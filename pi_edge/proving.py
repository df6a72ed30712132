"""Starting a worker for a model file, and finding out first whether that is wise.

About one file in a hundred from the wild aborts the process that loads it, or never returns from
its first inference. All of them run in worker processes; what the first try of a file came to
is kept in the ledger, by the file's SHA-256 and the runtime, so that a file found unfit is not
tried again at each start. A model may bring a check, inputs and the outputs expected: then a
variant that gives others is unfit.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pi_edge import catalog, files, runtime, tuning
from pi_edge.errors import PiEdgeError, Unavailable
from pi_edge.ledger import Ledger, Verdict
from pi_edge.processes import memory
from pi_edge.tuning import Tuning
from pi_edge.verification import differences, expectations, tolerance
from pi_edge.workers.process import Ended, Process, Workshop
from pi_edge.workers.worker import Order

# Seconds for loading and the first inference of a file that nothing is known of.
TIME_LIMIT = 15.0
# The same for one that ran when it was measured, or that is tried because somebody asked.
LONG_TIME_LIMIT = 120.0


@dataclass(frozen=True)
class Bench:
    """Where and how variants are started.

    Attributes:
        threads: threads one inference may use, unless `pi-edge tune` found others.
        memory: most bytes of data a worker may have; 0 for no bound.
    """

    workshop: Workshop
    ledger: Ledger
    threads: int = 1
    memory: int = 0


def told_sha256(entry: catalog.Entry, variant: str) -> str | None:
    """The SHA-256 that model.json tells of a variant's file; None where nothing does."""
    told = _told(entry, variant).get("sha256")
    return told if isinstance(told, str) else None


def start(
    bench: Bench, entry: catalog.Entry, variant: str, again: bool = False
) -> tuple[Process, str]:
    """A worker that serves ``variant``, which was tried on this machine, now or earlier, and the
    SHA-256 of the file.

    Args:
        again: try a file again that was found unfit, and give it more time.

    Raises:
        PiEdgeError: why this file cannot be served.
    """
    file, told = entry.files[variant], told_sha256(entry, variant)
    sha256 = _sha256(file)
    if told is not None and told != sha256:
        raise PiEdgeError(f"{file.name} is not the file that model.json tells of: copy it again")
    key = _key(sha256, entry, variant)
    verdict = bench.ledger.verdict(key)
    if verdict and verdict.reason and not again:
        raise PiEdgeError(verdict.reason)
    long = told is not None or again or verdict is not None
    limit = LONG_TIME_LIMIT if long else TIME_LIMIT
    try:
        trial = verdict is None or bool(verdict.reason)
        process = _start(bench, entry, variant, sha256, limit, trial)
        if trial and _checked(process, entry, variant, limit):
            # What the check's inputs made it allocate, it would keep.
            process.close()
            process = _start(bench, entry, variant, sha256, limit, trial=False)
    except Unavailable:  # the daemon stops, say: nothing was learnt of the file
        raise
    except PiEdgeError as error:
        reason = " ".join(str(error).split())
        # The kernel kills with SIGKILL, for want of memory: that may be otherwise another time.
        if "SIGKILL" not in reason and _sha256(file) == sha256:
            bench.ledger.judge(key, reason)
        raise PiEdgeError(reason) from error
    if trial:
        bench.ledger.judge(key)
    return process, sha256


def restart(bench: Bench, entry: catalog.Entry, variant: str, sha256: str) -> Process:
    """A new worker for a variant whose worker was lost.

    Args:
        sha256: of the file that the lost one served.

    Raises:
        PiEdgeError: the file is another one by now, or cannot be served any more.
    """
    file = entry.files[variant]
    if _sha256(file) != sha256:
        raise PiEdgeError(f"{file.name} has been replaced meanwhile")
    return _start(bench, entry, variant, sha256, LONG_TIME_LIMIT, trial=False)


def known(bench: Bench, entry: catalog.Entry, variant: str) -> bool:
    """Whether the variant's file was tried on this machine before.

    Raises:
        PiEdgeError: it cannot be read.
    """
    return verdict_of(bench.ledger, entry, variant) is not None


def verdict_of(ledger: Ledger, entry: catalog.Entry, variant: str) -> Verdict | None:
    """What is known of the variant's file from earlier trials on this machine, None if nothing.

    Raises:
        PiEdgeError: it cannot be read.
    """
    return ledger.verdict(_key(_sha256(entry.files[variant]), entry, variant))


def try_in_child(path: Path, threads: int, time_limit: float) -> None:
    """Load and run the file at ``path`` in a process of its own.

    Raises:
        PiEdgeError: it is unfit, takes its process down, or is not done in time.
    """
    workshop = Workshop()
    try:
        order = Order(str(path), f"trial {path.stem}", threads, True, memory() // 2)
        workshop.start(order, time_limit).close()
    finally:
        workshop.close()


def _start(
    bench: Bench, entry: catalog.Entry, variant: str, sha256: str, limit: float, trial: bool
) -> Process:
    tuned = tuning.known(bench.ledger, sha256, Tuning(bench.threads))
    order = Order(
        str(entry.files[variant]),
        f"model {entry.name}",
        tuned.threads,
        # What can be overwritten in place must not change under a worker that has it mapped.
        copy=told_sha256(entry, variant) is None or os.access(entry.files[variant], os.W_OK),
        memory=bench.memory,
        xnnpack=tuned.xnnpack,
        batch=tuned.batch,
        trial=trial,
    )
    return bench.workshop.start(order, limit)


def _checked(process: Process, entry: catalog.Entry, variant: str, limit: float) -> bool:
    """Have the variant pass its check; False where it has none.

    Raises:
        PiEdgeError: it gives other outputs, or none.
        Unavailable: it is not the file's fault that it gives none.
    """
    try:
        check = expectations(entry, variant, process.inputs)
        if check is None:
            return False
        inputs, expected = check
        problems = differences(
            process.run(inputs, limit), expected, tolerance(_told(entry, variant))
        )
    except TimeoutError:
        process.close()
        raise PiEdgeError(f"its check took longer than {limit:g} s") from None
    except Ended as error:
        cause = process.cause()
        process.close()
        if not cause:  # all workers ended, as they do when the daemon stops
            raise Unavailable(f"its check was cut short: {error}") from error
        raise PiEdgeError(f"its check failed: {error} ({cause})") from error
    except PiEdgeError as error:
        process.close()
        raise PiEdgeError(f"its check failed: {error}") from error
    if problems:
        process.close()
        raise PiEdgeError(f"its check failed: {problems[0]}")
    return True


def _key(sha256: str, entry: catalog.Entry, variant: str) -> str:
    """What a verdict is about: the file, what it is checked with, and the runtime."""
    check = entry.info.get("check")
    checked = check.get("sha256", check) if isinstance(check, dict) else ""
    return f"{sha256} {variant if checked else ''} {checked} {_runtime()}"


def _runtime() -> str:
    return " ".join(runtime.describe().values())


def _told(entry: catalog.Entry, variant: str) -> dict[str, Any]:
    variants = entry.info.get("variants", {})
    told = variants.get(variant, {}) if isinstance(variants, dict) else {}
    return told if isinstance(told, dict) else {}


def _sha256(file: Path) -> str:
    try:
        return files.sha256(file)
    except OSError as error:
        raise PiEdgeError(f"{file.name} cannot be read: {error.strerror}") from error
