"""`--cluster`: the flags, and a batch dealt out to other machines with its progress told."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any

from pi_edge import terminal
from pi_edge.errors import PiEdgeError, WrongUsage

FLAGS = ("ca", "cert", "key")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(
        "on several machines (extra cluster)",
        "a Dask scheduler's workers, which have pi-edge and the same model, do the work",
    )
    group.add_argument("--cluster", metavar="URL", help="tcp://HOST:8786, or tls://, encrypted")
    for name, what in zip(
        FLAGS, ("who vouches for the scheduler", "who we are", "its private key"), strict=True
    ):
        group.add_argument(f"--cluster-{name}", type=Path, metavar="PEM", help=f"tls: {what}")


def refuse_without(args: argparse.Namespace) -> None:
    """Raises WrongUsage where there are certificates, but no cluster."""
    if not args.cluster and any(getattr(args, f"cluster_{name}") for name in FLAGS):
        raise WrongUsage("--cluster-ca, --cluster-cert and --cluster-key need --cluster")


def dealt(
    args: argparse.Namespace,
    entry: Any,
    variant: str,
    function: str,
    names: Sequence[str],
    load: Callable[[int], tuple[Any, ...]],
    check: Callable[[], None] = lambda: None,
    progress: bool = True,
) -> Generator[tuple[int, Any], None, None]:
    """What the cluster makes of a batch: each piece's number, as they are done, with its result or
    the error that it gave.

    Args:
        function: of ``cluster.worker``.
        names: of the pieces, as they are told.
        load: as in ``cluster.dealing.Work``, and ``check``.
        progress: whether to tell of each piece.

    Raises:
        PiEdgeError: it ends early, and why; what has come by then is whole.
    """
    from pi_edge import config
    from pi_edge.cluster import connection, dealing, wanted, worker

    files = [getattr(args, f"cluster_{name}") for name in FLAGS]
    address = connection.Address(args.cluster, *files)
    threads = config.load({"threads": args.threads}).threads if args.threads else None
    with connection.connected(address) as client, _Progress(names, progress) as bar:
        mine = wanted.here(entry, variant, threads)
        work = dealing.Work(getattr(worker, function), len(names), load, check, bar.say)
        done = 0
        try:
            for number, result in dealing.Dealer(client, mine, work).results():
                done += 1
                bar.clear()
                yield number, result
                bar.told(number, not isinstance(result, Exception))
        except dealing.Ended as error:
            so_far = f"; {done} of {len(names)} were done" if done else ""
            raise PiEdgeError(f"{error}{so_far}") from error


class _Progress:
    """Tells of pieces that are done: a bar on a terminal; elsewhere a line a piece, unless there is
    one only."""

    def __init__(self, names: Sequence[str], shown: bool) -> None:
        self._names, self._done = names, 0
        self._bar = terminal.bar(len(names)) if shown else None
        self._lines = shown and len(names) > 1 and not terminal.silent()

    def clear(self) -> None:
        """Make room for a line of somebody else's."""
        if self._bar is not None:
            self._bar.clear()

    def told(self, number: int, well: bool) -> None:
        self._done += 1
        if self._bar is not None:
            self._bar.n = self._done
            self._bar.refresh()
        elif well and self._lines:
            text = f"{self._done}/{len(self._names)} {self._names[number]}"
            print(text, file=sys.stderr, flush=True)

    def say(self, text: str) -> None:
        """What is out of the ordinary, which everybody is to hear."""
        self.clear()
        print(f"pi-edge: {text}", file=sys.stderr, flush=True)

    def __enter__(self) -> _Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()
