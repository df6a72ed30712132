"""What a photograph may suffer from, alone and all together."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator

INKS = {
    "black": (25, 25, 30),
    "blue": (35, 50, 140),
    "red": (185, 35, 40),
    "green": (30, 110, 60),
    "pencil": (105, 105, 108),
}
RULES = {
    "blue": (150, 180, 220),
    "grey": (175, 175, 178),
    "red": (225, 150, 150),
    "green": (165, 205, 170),
    "dark": (105, 110, 125),
}


@dataclass(frozen=True)
class Trouble:
    """What a photograph suffers from; the defaults are a good picture of a clean page."""

    side: int = 640  # the longer side in pixels
    fill: float = 0.45  # the digits' height over the picture's
    pen: float = 0.0  # stroke width over digit height; 0: as the hand wrote it
    ink: str = "black"
    rules: str = ""  # "", "lines" or "squares"
    rule_ink: str = "blue"
    rule_step: float = 0.09  # distance of the rules over the picture's height
    margin: bool = False  # a red line down the page
    tilt: float = 0.0  # degrees
    perspective: float = 0.0  # how far corners move, over the side
    gradient: float = 0.0  # light lost from one end to the other
    lamp: float = 0.0  # light lost outside a bright spot
    shadow: str = ""  # "", "soft", "hard" or "finger"
    table: bool = False  # the page's edges and a table can be seen
    noise: float = 2.0  # standard deviation, of 255
    blur: float = 0.0006  # radius over the side
    jpeg: int = 90
    board: bool = False  # light chalk on a dark board
    texture: float = 1.5


PLAIN = Trouble()


def random_trouble(kind: str, random: Generator) -> Trouble:
    """One photograph's conditions under the trouble called ``kind`` (a key of KINDS)."""
    t = replace(
        PLAIN,
        fill=float(random.uniform(0.3, 0.6)),
        side=int(random.integers(480, 1200)),
        ink=str(random.choice(["black", "blue", "black"])),
    )
    return KINDS[kind](t, random)


def _combined(t: Trouble, r: Generator) -> Trouble:
    for kind in ("ink", "pen", "ruled", "shadow", "uneven light", "size"):
        if r.random() < 0.65:
            t = KINDS[kind](t, r)
    return replace(
        t,
        tilt=float(r.uniform(-15, 15)),
        perspective=float(r.uniform(0, 0.04)),
        noise=float(r.uniform(2, 10)),
        blur=float(r.uniform(0.0005, 0.0025)),
        jpeg=int(r.choice([30, 30, 50, 80])),
        texture=float(r.uniform(0, 4)),
        table=bool(r.random() < 0.2),
    )


def _ruled(t: Trouble, r: Generator, rules: str) -> Trouble:
    return replace(
        t,
        rules=rules,
        rule_ink=str(r.choice(list(RULES))),
        rule_step=float(r.uniform(0.05, 0.14) if rules == "lines" else r.uniform(0.035, 0.09)),
        margin=bool(r.random() < 0.4),
        tilt=float(r.uniform(-4, 4)),
    )


KINDS = {
    "plain": lambda t, r: t,
    "ink": lambda t, r: replace(t, ink=str(r.choice(list(INKS)))),
    "pen": lambda t, r: replace(t, pen=float(np.exp(r.uniform(np.log(0.022), np.log(0.17))))),
    "uneven light": lambda t, r: replace(
        t, gradient=float(r.uniform(0.3, 0.75)), lamp=float(r.uniform(0, 0.6))
    ),
    "shadow": lambda t, r: replace(t, shadow=str(r.choice(["soft", "hard", "finger"]))),
    "ruled": lambda t, r: _ruled(t, r, "lines"),
    "squared": lambda t, r: _ruled(t, r, "squares"),
    "tilt": lambda t, r: replace(t, tilt=float(r.uniform(-15, 15))),
    "perspective": lambda t, r: replace(t, perspective=0.08),
    "noise": lambda t, r: replace(t, noise=float(r.uniform(8, 25))),
    "blur": lambda t, r: replace(t, blur=float(r.uniform(0.002, 0.006))),
    "jpeg 30": lambda t, r: replace(t, jpeg=30, side=int(r.integers(240, 1000))),
    "size": lambda t, r: replace(
        t,
        side=int(np.exp(r.uniform(np.log(200), np.log(4000)))),
        fill=float(r.uniform(0.15, 0.85)),
    ),
    "table": lambda t, r: replace(t, table=True, tilt=float(r.uniform(-10, 10))),
    "chalkboard": lambda t, r: replace(
        t, board=True, ink="chalk", texture=6.0, gradient=float(r.uniform(0, 0.4))
    ),
    "combined": _combined,
}
