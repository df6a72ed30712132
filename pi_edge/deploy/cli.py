"""Put pi-edge on Raspberry Pis over ssh, or bring it up to date there, and keep it running."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
import threading
from collections.abc import Sequence
from dataclasses import asdict

from pi_edge import config
from pi_edge.deploy import manifest
from pi_edge.deploy.deployment import Result, Wishes, deploy
from pi_edge.deploy.display import Display, table
from pi_edge.errors import PiEdgeError

Outcome = Result | PiEdgeError


def main(argv: Sequence[str] | None = None) -> int:
    """Returns 0 where all hosts are as asked, 1 where one is not, 2 for wrong usage."""
    parser = _parser()
    args = parser.parse_args(argv)
    hosts = list(dict.fromkeys(args.hosts))
    models = [name for names in args.models for name in names.split(",") if name]
    if args.rollback and (models or args.lan or args.offline or args.dry_run):
        parser.error("--rollback goes with nothing else")
    try:
        state = config.load({}).state
        wishes = Wishes(
            manifest.read(state, models),
            lan=args.lan,
            offline=args.offline,
            dry_run=args.dry_run,
            rollback=args.rollback,
            ask=len(hosts) == 1,
            ssh=args.ssh_args,
        )
        outcomes = _all(hosts, wishes)
    except PiEdgeError as error:
        print(f"deploy: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"deploy: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("deploy: stopped; the same command goes on from here", file=sys.stderr)
        sys.stderr.flush()
        # Threads are in the middle of talking to hosts, which notice that nobody is there.
        os._exit(130)
    if args.json:
        _print_json(hosts, outcomes)
    else:
        _print_summary(hosts, outcomes)
    return 1 if any(isinstance(one, PiEdgeError) for one in outcomes.values()) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/deploy",
        description=__doc__,
        allow_abbrev=False,  # scripts/lib/setup.py looks for --offline, too
        epilog="What was cut off is gone on with by the same command. Exit code: 0 all hosts are as"
        " asked, 1 one is not, 2 wrong usage.",
    )
    parser.add_argument("hosts", nargs="+", metavar="HOST", help="as for ssh")
    parser.add_argument(
        "--models",
        action="append",
        default=[],
        metavar="NAME[,NAME]",
        help="models of your own, as pi-edge convert made them",
    )
    parser.add_argument(
        "--lan", action="store_true", help="serve the local network, to whoever has the token"
    )
    parser.add_argument(
        "--offline", action="store_true", help="bring all that the host would download"
    )
    parser.add_argument("--dry-run", action="store_true", help="check, and say what would be done")
    parser.add_argument(
        "--rollback", action="store_true", help="go back to the release that served before"
    )
    parser.add_argument(
        "--ssh-args",
        type=_arguments,
        default=[],
        metavar="ARGS",
        help="further arguments for ssh, as in --ssh-args='-p 2222 -i key'",
    )
    parser.add_argument("--json", action="store_true", help="the table at the end as JSON")
    return parser


def _arguments(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} has an open quote") from error


def _all(hosts: Sequence[str], wishes: Wishes) -> dict[str, Outcome]:
    """Deploy to all hosts side by side; one that fails does not stop the others."""
    display = Display(hosts)
    outcomes: dict[str, Outcome] = {}

    def one(host: str) -> None:
        try:
            outcome: Outcome = deploy(host, wishes, lambda line: display.say(host, line))
            display.end(host, outcome.done if isinstance(outcome, Result) else "")
        except PiEdgeError as error:
            outcome = PiEdgeError(str(error).removeprefix(f"{host}: "))
            display.end(host, f"FAILED: {outcome}")
        except OSError as error:
            outcome = PiEdgeError(f"{error.filename or 'ssh'}: {error.strerror or error}")
            display.end(host, f"FAILED: {outcome}")
        outcomes[host] = outcome

    threads = [threading.Thread(target=one, args=(host,), daemon=True) for host in hosts]
    for thread in threads:
        thread.start()
    for thread in threads:
        # With a limit, so that Ctrl-C is heard.
        while thread.is_alive():
            thread.join(0.2)
    return outcomes


def _print_json(hosts: Sequence[str], outcomes: dict[str, Outcome]) -> None:
    """One object a host: what Result has, or the error."""
    listed = []
    for host in hosts:
        outcome = outcomes.get(host, PiEdgeError("ended unexpectedly"))
        told = asdict(outcome) if isinstance(outcome, Result) else {"error": str(outcome)}
        listed.append({"host": host, **told})
    print(json.dumps(listed, indent=2))


def _print_summary(hosts: Sequence[str], outcomes: dict[str, Outcome]) -> None:
    rows = []
    for host in hosts:
        outcome = outcomes.get(host, PiEdgeError("ended unexpectedly"))
        if isinstance(outcome, PiEdgeError):
            rows.append([host, "FAILED", "", "", "", str(outcome)])
        else:
            rows.append(
                [
                    *(host, "ok", outcome.release, f"{outcome.seconds:.0f} s"),
                    *(f"{outcome.sent / 1e6:.1f} MB", outcome.done),
                ]
            )
    print(table(["host", "", "release", "took", "sent", ""], rows))
    for host in hosts:
        ended = outcomes.get(host)
        for note in ended.notes if isinstance(ended, Result) else []:
            print(f"{host}: {note}")
