"""How many photographed digits are read right, by kind of trouble and by hand.

The photographs are made up (tests/tasks/photos.py) from MNIST's 10,000 test pictures, from
polylines and from a typeface; the same seed makes the same photographs. MNIST's own test pictures
are measured too, each posted as a PNG of 28x28 pixels."""

from __future__ import annotations

import argparse
import io
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import photos
import troubles
from PIL import Image

from pi_edge import catalog, config
from pi_edge.model import Model
from pi_edge.tasks import digits

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "mnist.npz"
HANDS = ("mnist", "polyline", "type")


@dataclass
class Tally:
    """Counts of right answers and of all, single digits and whole numbers apart."""

    right: Counter[str] = field(default_factory=Counter)
    of: Counter[str] = field(default_factory=Counter)

    def add(self, number: str, said: str) -> None:
        what = "digits" if len(number) == 1 else "numbers"
        self.of[what] += 1
        self.right[what] += said == number

    def cell(self, what: str) -> str:
        if not self.of[what]:
            return ""
        return f"{self.right[what]}/{self.of[what]} {self.right[what] / self.of[what]:6.1%}"


def main() -> None:
    args = _arguments()
    entries, _ = catalog.find(config.load({"models": args.models}).models)
    variant, file = catalog.pick(entries, args.model).file(args.variant)
    model = Model(file)
    with np.load(args.data, allow_pickle=False) as data:
        images, labels = data["x_test"], data["y_test"]
    print(
        f"{args.model} {variant}; {args.count} digits and {args.numbers} numbers of 2 to 6 digits"
    )
    print(f"a trouble, seed {args.seed}, hands {', '.join(args.hands)}\n")
    print(f"{'':18}{'single digits':>18}{'whole numbers':>18}{'ms a picture':>15}")
    samples = photos.by_digit(images, labels)
    hands = {hand: Tally() for hand in args.hands}
    for kind in args.kinds:
        tally, seconds = _photographs(kind, args, samples, hands, model)
        print(_row(kind, tally, f"{1000 * seconds:.0f}"), flush=True)
    print()
    for hand, tally in hands.items():
        print(_row(f"written by {hand}", tally))
    if args.own:
        right = sum(
            _number(_png(image), model) == str(label)
            for image, label in zip(images, labels, strict=True)
        )
        print(
            f"\nMNIST's own test pictures as PNG: {right}/{len(images)} {right / len(images):.2%}"
        )


def _photographs(
    kind: str,
    args: argparse.Namespace,
    samples: dict[int, np.ndarray],
    hands: dict[str, Tally],
    model: Model,
) -> tuple[Tally, float]:
    """The tally of one kind of trouble, and the processor time a photograph took."""
    # Each kind has its own stream, so that a kind alone gives what it gives among all.
    random = np.random.default_rng([args.seed, list(troubles.KINDS).index(kind)])
    lengths = [1] * args.count + [int(n) for n in random.integers(2, 7, args.numbers)]
    tally, seconds = Tally(), 0.0
    for index, length in enumerate(lengths):
        number = "".join(str(d) for d in random.integers(0, 10, length))
        hand = args.hands[index % len(args.hands)]
        trouble = troubles.random_trouble(kind, random)
        photo = photos.take(number, trouble, random, samples, hand)
        start = time.process_time()
        said = _number(photo.data, model)
        seconds += time.process_time() - start
        tally.add(number, said)
        hands[hand].add(number, said)
        if said != number and args.keep:
            args.keep.mkdir(parents=True, exist_ok=True)
            name = f"{kind.replace(' ', '-')}-{index}-{number}-read-{said or 'none'}.jpg"
            (args.keep / name).write_bytes(photo.data)
    return tally, seconds / max(1, len(lengths))


def _number(data: bytes, model: Model) -> str:
    return str(digits.answer(digits.from_body(data, ""), model.run)["number"])


def _png(image: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(image).save(out, "PNG", compress_level=0)
    return out.getvalue()


def _row(name: str, tally: Tally, last: str = "") -> str:
    return f"{name:18}{tally.cell('digits'):>18}{tally.cell('numbers'):>18}{last:>15}".rstrip()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench-digits", description=__doc__)
    parser.add_argument("--model", default=digits.DEFAULT_MODEL, metavar="NAME")
    parser.add_argument("--variant", default="", metavar="V", help="the default one unless given")
    parser.add_argument("--models", metavar="DIR", help="the folder of shipped models")
    parser.add_argument("--data", type=Path, default=DATA, metavar="FILE", help="Keras' mnist.npz")
    parser.add_argument("--count", type=int, default=60, help="single digits a trouble")
    parser.add_argument("--numbers", type=int, default=20, help="longer numbers a trouble")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kinds", nargs="+", default=list(troubles.KINDS), metavar="KIND")
    parser.add_argument("--hands", nargs="+", default=HANDS, choices=HANDS, metavar="HAND")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="write what is misread there")
    parser.add_argument("--own", action="store_true", help="measure MNIST's own pictures too")
    return _checked(parser, parser.parse_args())


def _checked(parser: argparse.ArgumentParser, args: argparse.Namespace) -> argparse.Namespace:
    unknown: Sequence[str] = [kind for kind in args.kinds if kind not in troubles.KINDS]
    if unknown:
        parser.error(f"no trouble is called {unknown[0]!r}; there are {', '.join(troubles.KINDS)}")
    if not args.data.is_file():
        parser.error(f"there is no {args.data}: give Keras' mnist.npz with --data")
    return args


if __name__ == "__main__":
    main()
