"""How good the style network is: losses on photos it has not seen, beside the optimiser's.

    python -m pi_edge.desktop.style.measure --photos 4 --sheet sheet.jpg --json losses.json

Beside the network stand the untouched photo, and Adam on the photo's own pixels after so many
steps at a constant rate. What the optimiser came to depends on no network and is kept.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pi_edge import config, files
from pi_edge.desktop.style import data, kept, losses, network, preview
from pi_edge.desktop.style.judge import COLUMNS, Judge, Weighting
from pi_edge.desktop.style.optimise import RATE, descend
from pi_edge.desktop.style.perceptual import Vgg16, quickest_dtype
from pi_edge.learning import checkpoint
from pi_edge.learning.progress import Progress

SIDE = 256
MARKS = (10, 25, 50, 100, 300)
BARE, NETWORK, OPTIMISER = "photo", "network", "optimiser after"

Table = dict[str, NDArray[np.float64]]
"""What was judged -> losses [N, 4] of N paintings, by COLUMNS, averaged over photos."""


def measure(
    trained: kept.Trained,
    grams: losses.Grams,
    photos: Sequence[NDArray[np.uint8]],
    *,
    weighting: Weighting | None = None,
    side: int = SIDE,
    marks: Sequence[int] = MARKS,
    cache: Path | None = None,
) -> Table:
    """Judge the network, the bare photos, and the optimiser at `marks` (none: leave it out).

    Args:
        grams: of the network's paintings, in its order.
        photos: [H, W, 3] each; their middle is judged, `side` pixels square.
        cache: a folder to keep the optimiser's losses in.
    """
    features = Vgg16()
    weighting = weighting or Weighting()
    found: dict[str, list[NDArray[np.float32]]] = {}
    for photo in photos:
        square = data.middle(photo, side)
        judge = Judge(square, grams, weighting, features)
        _bare, *styled = preview.row(trained.weights, trained.shape, square)
        rows = {BARE: judge(np.repeat(square[None], judge.count, 0)), NETWORK: judge(styled)}
        if marks:
            rows |= _optimised(square, grams, judge, marks, cache)
        for name, row in rows.items():
            found.setdefault(name, []).append(row)
    return {name: np.mean(rows, 0, np.float64) for name, rows in found.items()}


def optimised(
    photo: NDArray[np.uint8], grams: losses.Grams, judge: Judge, marks: Sequence[int]
) -> dict[int, NDArray[np.float32]]:
    """Losses [N, 4] after so many steps of Adam on the pixels, all paintings at once."""
    quick = Vgg16(dtype=quickest_dtype())
    hasty = Judge(photo, grams, judge.weighting, quick)
    found = {}
    with Progress("optimiser", max(marks)) as progress:
        for number, step in enumerate(descend(hasty, photo, max(marks), RATE, last=1.0), 1):
            progress.step(total=float(step.judged[:, 3].numpy().mean()))
            if number in marks:
                found[number] = judge(step.pictures)
    return found


def _optimised(
    photo: NDArray[np.uint8],
    grams: losses.Grams,
    judge: Judge,
    marks: Sequence[int],
    cache: Path | None,
) -> dict[str, NDArray[np.float32]]:
    if cache is None:
        found = optimised(photo, grams, judge, marks)
    else:
        told = repr((judge.weighting, RATE, sorted(marks))).encode()
        every = [np.ascontiguousarray(photo).tobytes(), *(g.tobytes() for g in grams.values())]
        name = hashlib.sha256(b"".join([told, *every])).hexdigest()[:16]
        path = cache / f"optimiser-{name}.npz"
        if not path.exists():
            fresh = optimised(photo, grams, judge, marks)
            checkpoint.save(path, {str(mark): row for mark, row in fresh.items()}, {})
        found = {int(mark): row for mark, row in checkpoint.load(path)[0].items()}
    return {f"{OPTIMISER} {mark}": found[mark] for mark in marks}


def lines(table: Table, names: Sequence[str]) -> list[str]:
    """The table for people: content+style (total) of each painting, and the mean total."""
    width = max(map(len, table))
    told = [f"{'':{width}}" + "".join(f"{name:>22}" for name in names) + f"{'mean total':>13}"]
    for what, rows in table.items():
        cells = "".join(f"{c:>9.3f}+{s:.3f} ({t:.3f})" for c, s, _, t in rows)
        told.append(f"{what:{width}}{cells}{rows[:, 3].mean():>13.3f}")
    return told


def steps_worth(table: Table) -> float | None:
    """How many of the optimiser's steps the network is worth: where its mean total lies among
    the marks', linearly in between; None without an optimiser, 0 if the bare photo is as good,
    and the last mark if it is better than all."""
    marks = {int(what.rsplit(" ", 1)[1]): rows for what, rows in table.items() if OPTIMISER in what}
    if not marks:
        return None
    totals = [table[BARE][:, 3].mean(), *(rows[:, 3].mean() for rows in marks.values())]
    # Falling, as np.interp wants rising: on the negative.
    own = -table[NETWORK][:, 3].mean()
    return float(np.interp(own, -np.minimum.accumulate(totals), [0, *marks]))


def told(table: Table, names: Sequence[str]) -> dict[str, dict[str, Mapping[str, float]]]:
    """The table as JSON has it."""
    return {
        what: {
            name: {c: round(float(v), 4) for c, v in zip(COLUMNS, row, strict=True)}
            for name, row in zip(names, rows, strict=True)
        }
        for what, rows in table.items()
    }


def sheet(
    path: Path, trained: kept.Trained, photos: Sequence[NDArray[np.uint8]], side: int = SIDE
) -> None:
    """Write a contact sheet: a row for each photo's middle, as it is and in every style."""
    squares = [data.middle(photo, side) for photo in photos]
    preview.write(path, [preview.row(trained.weights, trained.shape, one) for one in squares])


def known_grams(
    trained: kept.Trained, paintings: Sequence[data.Painting], features: Vgg16
) -> tuple[kept.Trained, losses.Grams]:
    """The network with only those styles whose paintings are at hand, and their Gram matrices."""
    paths = {painting.name: painting.path for painting in paintings}
    rows = [index for index, name in enumerate(trained.styles) if name in paths]
    names = tuple(trained.styles[index] for index in rows)
    weights = {
        name: value[rows] if network.is_per_style(name) else value
        for name, value in trained.weights.items()
    }
    shape = network.Shape(**{**network.describe(trained.shape), "styles": len(rows)})
    grams = losses.painting_grams([paths[name] for name in names], features)
    return kept.Trained(weights, shape, names, trained.story), grams


def main(say: Callable[[str], None] = print) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--state", type=Path, help="where the training was kept")
    parser.add_argument("--folder", type=Path, help="photos (photos/val of the data folder)")
    parser.add_argument("--paintings", type=Path, help="paintings (the built-in five)")
    parser.add_argument("--photos", type=int, default=4, help="how many, evenly chosen (4)")
    parser.add_argument("--side", type=int, default=SIDE, help=f"pixels ({SIDE})")
    parser.add_argument("--weight", type=float, default=5.0, help="of style in the total (5)")
    parser.add_argument("--marks", default=",".join(map(str, MARKS)), help="optimiser's steps; ''")
    parser.add_argument("--sheet", type=Path, help="write a contact sheet there")
    parser.add_argument("--json", type=Path, help="write the losses there")
    options = parser.parse_args()
    settings = config.load({"state": options.state})
    trained = kept.trained("style", settings.state, settings.models)
    trained, grams = known_grams(trained, data.find_paintings(options.paintings), Vgg16())
    paths = data.find_photos(options.folder, data.HELD_OUT)
    chosen = np.linspace(0, len(paths) - 1, min(len(paths), options.photos)).round().astype(int)
    photos = data.load_photos([paths[index] for index in chosen])
    marks = [int(mark) for mark in options.marks.split(",") if mark]
    cache = kept.folder(settings.state) / "optimiser"
    table = measure(
        trained,
        grams,
        photos,
        weighting=Weighting(options.weight),
        side=options.side,
        marks=marks,
        cache=cache,
    )
    say(
        f"step {trained.story.get('step')}, style weight {options.weight:g}, {len(photos)} photos "
        f"at {options.side} pixels: content+style (total)"
    )
    for line in lines(table, trained.styles):
        say(line)
    worth = steps_worth(table)
    if worth is not None:
        say(f"the network is worth {worth:.0f} steps of the optimiser")
    if options.sheet:
        sheet(options.sheet, trained, photos, options.side)
    if options.json:
        files.write_json(
            options.json,
            {
                "step": trained.story.get("step"),
                "style_weight": options.weight,
                "side": options.side,
                "photos": [paths[index].name for index in chosen],
                "worth_steps": None if worth is None else round(worth, 1),
                "losses": told(table, trained.styles),
            },
        )


if __name__ == "__main__":
    main()
