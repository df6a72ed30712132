"""Style transfer: one feed-forward network, many paintings."""

from pathlib import Path

from pi_edge.desktop.flags import FRESH, NAME, SEED, at_least, flag

NAMES = ("style",)

PHOTOS = flag("--photos", type=Path, metavar="DIR", help="a folder of photos to learn from")
JUDGED_ON = flag("--photos", type=Path, metavar="DIR", help="a folder of photos to judge styles on")
PAINTINGS = flag(
    "--paintings", type=Path, metavar="DIR", help="a folder of paintings instead of the five"
)
PAINTING = flag(
    "--painting", type=Path, metavar="FILE", help="one more painting for the trained network"
)
STEPS = flag("--steps", type=at_least(1), metavar="N", help="stop after this many steps")

FLAGS = {
    "train": {
        "photos": PHOTOS,
        "paintings": PAINTINGS,
        "painting": PAINTING,
        "called": NAME,
        "steps": STEPS,
        "seed": SEED,
        "fresh": FRESH,
    },
    "convert": {"photos": JUDGED_ON},
    "verify": {},
}
