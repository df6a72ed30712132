"""A push button takes a picture, and a model looks at it, until told to stop."""

from __future__ import annotations

import argparse
import contextlib
import sys
from typing import TYPE_CHECKING

from pi_edge.cli import camera as camera_command
from pi_edge.errors import BadInput, Unavailable, WrongUsage

if TYPE_CHECKING:
    from pi_edge.integrations.button import Button
    from pi_edge.integrations.camera import Source
    from pi_edge.integrations.ending import Ending
    from pi_edge.integrations.frames import Looker

EXAMPLES = """\
pi-edge button
pi-edge button --pin 22 --led 23 --save pictures/
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        "The button goes between the pin and ground: nothing else is needed. Pressed while a "
        "picture is looked at it does nothing. The frames of a folder stand in for a camera's."
    )
    parser.add_argument(
        "--pin", type=int, default=27, metavar="N", help="BCM number of the button's pin (27)"
    )
    parser.add_argument(
        "--led", type=int, metavar="N", help="BCM number of an LED that is lit meanwhile"
    )
    parser.add_argument("--count", type=int, metavar="N", help="stop after so many pictures")
    camera_command.add_source_arguments(parser)


def run(args: argparse.Namespace) -> int:
    for flag, pin in (("--pin", args.pin), ("--led", args.led)):
        if pin is not None and not 0 <= pin <= 53:
            raise WrongUsage(f"{flag} must be a BCM number from 0 to 53, not {pin}")
    if args.led == args.pin:
        raise WrongUsage("the button and the LED need a pin each: --pin and --led")
    from pi_edge.integrations import camera
    from pi_edge.integrations.button import Button
    from pi_edge.integrations.ending import until_told

    with until_told() as ending:
        look = camera_command.looker(args, ending)
        with (
            contextlib.closing(camera.open_source(args.source)) as source,
            contextlib.closing(Button(args.pin, args.led)) as button,
        ):
            print(f"waiting for the button on GPIO{args.pin}", file=sys.stderr, flush=True)
            done = _work(button, source, look, ending, args.count)
            print(
                f"pictures looked at: {done}, presses ignored meanwhile: {button.ignored}",
                file=sys.stderr,
            )
    return 0


def _work(button: Button, source: Source, look: Looker, ending: Ending, count: int | None) -> int:
    """Press after press; how many pictures were looked at."""
    done = 0
    while count is None or done < count:
        if not button.wait(lambda: ending.told):
            break
        with button.busy():
            frame = source.frame(lambda: ending.told, fresh=True)
            if frame is None:
                break
            done += 1
            try:
                print(look.look(frame, source.dropped), flush=True)
            except (BadInput, Unavailable) as error:
                print(f"pi-edge: {frame.name or 'picture'}: {error}", file=sys.stderr, flush=True)
    return done
