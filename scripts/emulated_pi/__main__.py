"""The command line of scripts/emulated-pi."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from emulated_pi import board, boards, lamp
from emulated_pi.boards import Board
from emulated_pi.progress import say
from emulated_pi.recipe import RECIPES
from pi_edge.errors import PiEdgeError


def main(argv: Sequence[str] | None = None) -> int:
    """0 when done, 1 and one line when it did not work, 130 when interrupted."""
    args = _parser().parse_args(argv)
    try:
        status: int = args.do(args)
        return status
    except (PiEdgeError, OSError) as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        say("stopped")
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/emulated-pi",
        description="A whole Raspberry Pi 3 Model B in QEMU: for whoever has none on the desk yet.",
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    which = argparse.ArgumentParser(add_help=False)
    which.add_argument(
        "--bits", type=int, choices=sorted(RECIPES), default=64, help="which of two boards (64)"
    )
    one = commands.add_parser(
        "start", parents=[which], help="switch it on; the first time, make it"
    )
    one.add_argument("--fresh", action="store_true", help="with a new SD card")
    one.set_defaults(do=_start)
    one = commands.add_parser("ssh", parents=[which], help="log in, or run a command there")
    one.add_argument(
        "command", nargs=argparse.REMAINDER, metavar="COMMAND", help="what to run there"
    )
    one.set_defaults(do=_ssh)
    one = commands.add_parser("led", parents=[which], help="watch the LED on GPIO 17")
    one.add_argument(
        "--pin", type=int, choices=range(28), default=17, metavar="N", help="BCM number (17)"
    )
    one.add_argument("--seconds", type=float, metavar="S", help="stop by itself after so long")
    one.set_defaults(do=_led)
    one = commands.add_parser("stop", parents=[which], help="shut it down")
    one.set_defaults(do=_stop)
    one = commands.add_parser("status", help="which boards are on, and their ports")
    one.set_defaults(do=_status)
    return parser


def _start(args: argparse.Namespace) -> int:
    print(_next_steps(board.start(args.bits, args.fresh)))
    return 0


def _next_steps(pi: Board) -> str:
    flag = "" if pi.bits == 64 else f" --bits {pi.bits}"
    return "\n".join(
        (
            f"{pi.name} is on, user pi, until scripts/emulated-pi stop{flag}",
            f"  scripts/deploy {pi.name}                 put pi-edge on it",
            f"  scripts/emulated-pi ssh{flag} [COMMAND]       log in, or run a command",
            f"  scripts/emulated-pi led{flag}                 watch the LED on GPIO 17",
            f"  http://127.0.0.1:{pi.http_port}/                what it serves on port 8080 to its"
            " network (scripts/deploy --lan)",
        )
    )


def _ssh(args: argparse.Namespace) -> int:
    pi = boards.running(args.bits)
    command = args.command[1:] if args.command[:1] == ["--"] else args.command
    sys.stdout.flush()
    os.execvp("ssh", board.ssh(pi, *command))


def _led(args: argparse.Namespace) -> int:
    return lamp.follow(boards.running(args.bits), args.pin, args.seconds)


def _stop(args: argparse.Namespace) -> int:
    if not board.stop(args.bits):
        say(f"{RECIPES[args.bits].host} was off already")
    return 0


def _status(args: argparse.Namespace) -> int:
    for bits, which in RECIPES.items():
        pi = boards.known(bits)
        if pi is None:
            print(f"{which.host}  off")
        elif not pi.alive:
            print(f"{which.host}  dead: its QEMU ended by itself; see {pi.folder}/qemu.log")
        else:
            print(
                f"{which.host}  on, ssh at port {pi.ssh_port}, its port 8080 at"
                f" http://127.0.0.1:{pi.http_port}/"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
