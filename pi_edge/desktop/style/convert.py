"""Turn the trained style network into a model folder, and measure every file of it."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from pi_edge import config, files, model_json
from pi_edge.desktop.style import data, fidelity, kept, losses, measure, network, story, tflite
from pi_edge.desktop.style.judge import COLUMNS, Judge, Weighting
from pi_edge.desktop.style.perceptual import Vgg16
from pi_edge.errors import NotFound
from pi_edge.model import Model
from pi_edge.quiet import quiet

DEFAULT = "float32"
TOLERANCE = 1.0
"""Levels of 255 that a picture may be from the one in check.npz, which are whole."""
JUDGED_PHOTOS, JUDGED_SIDE = 4, 256
RUNS = 7


def convert(
    name: str,
    *,
    state: Path,
    output: Path,
    photos: Path | None = None,
    say: Callable[[str], None] = print,
) -> Path:
    """Convert the network trained in `state`, with its owner's paintings, into `output`/`name`.

    Where the owner has learned paintings on the shipped network only, it is that one with them.

    Args:
        photos: a folder to judge the styles on; without it photos/val of the data folder, and
            where there is none they are not judged.

    Raises:
        NotFound: there is no network, or not what was asked for.
        BadInput: a file is damaged.
    """
    trained = kept.trained(name, state, config.load({"state": state}).models)
    return write(trained, output / name, _judged_on(name, photos, say), say=say)


def write(
    trained: kept.Trained,
    folder: Path,
    photos: Sequence[Path] = (),
    *,
    say: Callable[[str], None] = print,
) -> Path:
    """Write .tflite files, weights.npz, check.npz and model.json of a network into `folder`.

    Args:
        photos: to judge the styles on.
    """
    name, styles = folder.name, trained.styles
    photo, each = fidelity.made_photo()[None], fidelity.each_style(len(styles))
    mix = each.mean(0, keepdims=True)
    photos_each = np.repeat(photo, len(styles), 0)
    checks: dict[str, NDArray[Any]] = {
        "inputs/photo": photo.astype(np.float32),
        "inputs/style": mix,
        fidelity.GRAPH: fidelity.thinned(_whole(_plain(trained, photos_each, each))),
        fidelity.ENGINE: fidelity.thinned(_whole(_styled(trained, photos_each, each))),
    }
    judged = _Judged(trained, photos) if photos else None
    told: dict[str, Any] = {}
    with model_json.scratch(folder) as made:
        for variant in tflite.VARIANTS:
            path = made / f"{variant}.tflite"
            path.write_bytes(tflite.convert(trained.weights, trained.shape, variant))
            plan = tflite.plan(path.read_bytes(), trained.weights, trained.shape, variant)
            with quiet():  # the runtime greets whoever opens the first model
                found: dict[str, Any] = fidelity.measured(path, {"folding": plan}, styles, checks)
            checks[f"{variant}/picture"] = _whole(fidelity.by_graph(path, photo, mix))
            if judged:
                found["losses"] = judged(lambda *p, at=path, f=plan: _engine(at, f, *p))
            found["milliseconds"] = _fastest(path, each[:1])
            told[variant] = model_json.variant(
                path, f"pi-edge convert {name}", **found, tolerance=TOLERANCE, folding=plan
            )
            say(f"{name} {variant:8} {path.stat().st_size:,} bytes, {_line(found)}")
        contents = io.BytesIO()
        np.savez_compressed(contents, **_trunk(trained))  # type: ignore[arg-type]
        (made / kept.WEIGHTS).write_bytes(contents.getvalue())
        document = {
            "name": name,
            "task": "style",
            "deadline": 300,  # seconds for one inference: a large picture is slow, not hung
            "family": "style",
            "default": DEFAULT,
            "styles": list(styles),
            "variants": told,
            "check": model_json.write_check(made, checks),
            "weights": {
                "file": kept.WEIGHTS,
                "sha256": files.sha256(made / kept.WEIGHTS),
                "bytes": (made / kept.WEIGHTS).stat().st_size,
            },
            "measured": model_json.measured_on() | ({"losses": judged.told()} if judged else {}),
            "trained": story.told(trained),
        }
        model_json.publish(made, folder, document)
    return folder


class _Judged:
    """Losses on photos, of the styles whose paintings are at hand."""

    def __init__(self, trained: kept.Trained, photos: Sequence[Path]) -> None:
        features = Vgg16()
        known, grams = measure.known_grams(trained, data.find_paintings(), features)
        self.rows = [trained.styles.index(name) for name in known.styles]
        self.names = known.styles
        self.styles = fidelity.each_style(len(trained.styles))[self.rows]
        self.paths = photos
        self.squares = [data.middle(photo, JUDGED_SIDE) for photo in data.load_photos(photos)]
        self.judges = [Judge(square, grams, Weighting(), features) for square in self.squares]
        self.network = self(lambda photos, styles: _styled(trained, photos, styles))
        self.bare = self(lambda photos, styles: photos)

    def __call__(self, made: Callable[..., Any]) -> dict[str, dict[str, float]]:
        """Mean losses by style of what `made` makes of photos [N, h, w, 3] in styles [N]."""
        found = []
        for square, judge in zip(self.squares, self.judges, strict=True):
            photos = np.repeat(square[None], len(self.rows), 0)
            found.append(judge(np.asarray(made(photos, self.styles), np.float32)))
        mean = np.stack(found).mean(0, np.float64)
        return {
            name: {c: round(float(v), 4) for c, v in zip(COLUMNS, row, strict=True)}
            for name, row in zip(self.names, mean, strict=True)
        }

    def told(self) -> dict[str, Any]:
        """What they were taken on, and the same of TensorFlow's pictures and bare photos."""
        weighting = Weighting()
        return {
            "photos": [path.name for path in self.paths],
            "sha256": data.digest(self.paths),
            "side": JUDGED_SIDE,
            "style_weight": weighting.style,
            "variation_weight": weighting.variation,
            "painting_side": losses.PAINTING_SIDE,
            "tensorflow": self.network,
            "photo": self.bare,
        }


def _judged_on(name: str, given: Path | None, say: Callable[[str], None]) -> list[Path]:
    try:
        found = data.find_photos(given, data.HELD_OUT)
        data.find_paintings()
    except NotFound:
        if given is not None:
            raise
        say(f"{name}: the styles are not judged: no photos or paintings here (see --photos)")
        return []
    chosen = np.linspace(0, len(found) - 1, min(len(found), JUDGED_PHOTOS)).round().astype(int)
    return [found[index] for index in chosen]


def _trunk(trained: kept.Trained) -> dict[str, NDArray[np.float16]]:
    """The weights to learn further paintings on: the network's own, without its owner's rows."""
    count = len(trained.styles) - len(trained.story.get("own", {}))
    return {
        name: (value[:count] if network.is_per_style(name) else value).astype(np.float16)
        for name, value in trained.weights.items()
    }


def _plain(
    trained: kept.Trained, photos: NDArray[Any], styles: NDArray[np.float32]
) -> NDArray[np.float32]:
    """TensorFlow's pictures of photos [N, h, w, 3] as they are, without noise."""
    margin, (height, width) = network.MARGIN, photos.shape[1:3]
    padded = np.stack([network.reflected(photo) for photo in photos]).astype(np.float32)
    made = network.forward(trained.weights, trained.shape, tf.constant(padded), tf.constant(styles))
    return np.asarray(made[:, margin : margin + height, margin : margin + width])


def _styled(
    trained: kept.Trained, photos: NDArray[Any], styles: NDArray[np.float32]
) -> NDArray[np.float32]:
    """TensorFlow's pictures of them under noise."""
    pairs = zip(photos, styles, strict=True)
    return np.stack([network.stylise(trained.weights, trained.shape, *pair) for pair in pairs])


def _engine(path: Path, plan: dict[str, Any], *given: NDArray[Any]) -> NDArray[np.uint8]:
    return fidelity.by_engine(path, {"folding": plan}, *given)


def _whole(pictures: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.round(pictures).astype(np.uint8)


def _fastest(path: Path, style: NDArray[np.float32]) -> float:
    """Milliseconds of the graph for the photo of 256 x 256 pixels, one thread, the best of some."""
    model = Model(path)
    inputs = {"photo": fidelity.made_photo()[None].astype(np.float32), "style": style}
    taken = []
    for _ in range(RUNS):
        begun = time.perf_counter()
        model.run(inputs)
        taken.append(time.perf_counter() - begun)
    return round(1e3 * min(taken), 1)


def _line(found: dict[str, Any]) -> str:
    each = ", ".join(f"{what} {min(found[what].values()):.1f} dB" for what in fidelity.WAYS)
    said = f"at least {each} from TensorFlow's pictures, {found['milliseconds']:.0f} ms"
    if "losses" in found:
        totals = [row["total"] for row in found["losses"].values()]
        said += f", loss {np.mean(totals):.3f}"
    return said
