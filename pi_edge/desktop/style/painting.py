"""Teach the trained network one more painting, in minutes.

The trunk stays as it is; learned are the new style's rows only: scale and offset of every
normalised channel, and its colours (conditional instance normalisation makes that enough:
Dumoulin, Shlens, Kudlur 2017). They begin as those of the known style that suits best.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from pi_edge import files, model_json
from pi_edge.desktop import memory
from pi_edge.desktop.style import data, kept, loop, losses, network, preview
from pi_edge.desktop.style.judge import COLUMNS, Judge, Weighting
from pi_edge.desktop.style.learner import Learner
from pi_edge.desktop.style.perceptual import STYLE, Vgg16, quickest_dtype
from pi_edge.desktop.style.recipe import NETWORK, PAINTING, Recipe
from pi_edge.errors import BadInput, NotFound

JUDGED_SIDE = 256
JUDGED_PHOTOS = 6
KEEP_EVERY = 25


def learn_painting(
    painting: Path,
    called: str,
    *,
    state: Path,
    models: Path,
    photos: Path | None = None,
    seed: int = 0,
    steps: int | None = None,
    fresh: bool = False,
    recipe: Recipe = PAINTING,
    say: Callable[[str], None] = print,
) -> kept.Trained:
    """Learn a painting as the style `called`, or go on where an earlier call was stopped.

    Kept in STATE/training/style/own. The photos it is judged on are not learned from.

    Args:
        models: the folder of shipped models, whose network is taken if `state` has none.

    Returns:
        The network with all its styles.

    Raises:
        WrongUsage: the name is taken, or cannot be a style's.
        NotFound, BadInput: a file is missing or cannot be read, or another painting was being
            learned by that name.
    """
    trunk = kept.trunk(state, models)
    data.check_style_name(called, trunk.styles)
    path = kept.own(state, called)
    if fresh:
        path.unlink(missing_ok=True)
    found = data.find_photos(photos)
    picture = data.load(painting, losses.PAINTING_SIDE)
    pictures = data.load_photos(found)
    held_out = np.linspace(0, len(pictures) - 1, min(JUDGED_PHOTOS, max(1, len(pictures) // 4)))
    judged = [pictures[index] for index in held_out.astype(int)]
    learned = [p for i, p in enumerate(pictures) if i not in set(held_out.astype(int))] or pictures
    weight = NETWORK.phase_at(trunk.story["step"]).style
    recipe = replace(recipe, phases=tuple(replace(p, style=weight) for p in recipe.phases))
    plan = {
        "painting": files.sha256(painting),
        "trunk_sha256": trunk.digest(),
        "photos": {"count": len(found), "sha256": data.digest(found)},
        "recipe": recipe.told(),
    }
    features = Vgg16(dtype=quickest_dtype())
    grams = losses.grams_of([picture], features)
    shape = replace(trunk.shape, styles=1)
    story = loop.beginning(plan, seed)
    frozen = {n: value for n, value in trunk.weights.items() if not network.is_per_style(n)}
    if path.exists():
        values, _, story = kept.load(path)
        other = [what for what in plan if story["plan"][what] != plan[what]]
        if other:
            raise BadInput(
                f"{called} was begun with another {', '.join(other)}: choose another --name, or "
                "--fresh to start over"
            )
        if kept.FINISHED in story:
            say(f"{called}: already learned; --fresh starts over")
            return kept.trained("style", state, models)
        say(f"{called}: going on after step {story['step']}")
    else:
        best = closest(trunk, judged, grams, features, weight)
        say(f"{called}: begins as {trunk.styles[best]}")
        story["began_as"] = trunk.styles[best]
        values = {
            n: value[best : best + 1]
            for n, value in trunk.weights.items()
            if network.is_per_style(n)
        }
    learner = Learner(
        shape, {**frozen, **values}, features, recipe, lambda name: not network.is_per_style(name)
    )
    story |= {
        "versions": model_json.versions("tensorflow", "numpy"),
        "machine": model_json.machine(),
    }
    middle = data.middle(judged[0], loop.PREVIEW_SIDE)
    thumbnail = data.middle(picture, loop.PREVIEW_SIDE)
    say(f"{called}: {path.with_suffix('.jpg')} shows how it looks")
    loop.run(
        called,
        learner,
        learned,
        grams,
        [called],
        story,
        path=path,
        end=min(steps or recipe.steps, recipe.steps),
        show=lambda: [thumbnail, *preview.row(learner.averaged(), shape, middle)],
        every=KEEP_EVERY,
        say=say,
    )
    story["judged"] = told = compare(trunk, learner, judged, grams, features, weight)
    kept.save(path, learner.values(), shape, story)
    beside = f", {told['ratio_to_others']:.2f} of the others' mean" if "others" in told else ""
    say(
        f"{called}: {story['step']} steps in {story['seconds']:.0f} s, peak memory "
        f"{memory.megabytes(story['peak_bytes'])}; loss {told['total']:.3f}{beside}; "
        "next: pi-edge convert style"
    )
    return kept.trained("style", state, models)


def closest(
    trunk: kept.Trained,
    photos: Sequence[NDArray[np.uint8]],
    grams: losses.Grams,
    features: Vgg16,
    weight: float,
) -> int:
    """Which known style comes nearest to a painting, judged by pictures in each."""
    totals = np.zeros(trunk.shape.styles)
    every = {layer: np.repeat(grams[layer], trunk.shape.styles, 0) for layer in STYLE}
    for photo in photos[:2]:
        square = data.middle(photo, JUDGED_SIDE)
        judge = Judge(square, every, Weighting(weight), features)
        totals += judge(_styled(trunk.weights, trunk.shape, square))[:, COLUMNS.index("total")]
    return int(totals.argmin())


def compare(
    trunk: kept.Trained,
    learner: Learner,
    photos: Sequence[NDArray[np.uint8]],
    grams: losses.Grams,
    features: Vgg16,
    weight: float,
) -> dict[str, Any]:
    """Losses of the new style on photos, and of the known styles where their paintings are."""
    known = _known_grams(trunk, features)
    own, others = [], []
    for photo in photos:
        square = data.middle(photo, JUDGED_SIDE)
        judge = Judge(square, grams, Weighting(weight), features)
        own.append(judge(_styled(learner.averaged(), learner.shape, square)))
        if known is not None:
            judge = Judge(square, known, Weighting(weight), features)
            others.append(judge(_styled(trunk.weights, trunk.shape, square)))
    told: dict[str, Any] = {
        name: round(float(value), 4)
        for name, value in zip(COLUMNS, np.mean(own, (0, 1)), strict=True)
    }
    told |= {"style_weight": weight, "photos": len(photos), "side": JUDGED_SIDE}
    if others:
        each = np.mean(others, 0)[:, COLUMNS.index("total")]
        told["others"] = {
            name: round(float(value), 4) for name, value in zip(trunk.styles, each, strict=True)
        }
        told["ratio_to_others"] = round(told["total"] / float(each.mean()), 4)
    return told


def _known_grams(trunk: kept.Trained, features: Vgg16) -> losses.Grams | None:
    try:
        known = {painting.name: painting.path for painting in data.find_paintings()}
    except NotFound:
        return None
    if not set(trunk.styles) <= set(known):
        return None
    return losses.painting_grams([known[name] for name in trunk.styles], features)


def _styled(weights: network.Weights, shape: network.Shape, photo: NDArray[np.uint8]) -> tf.Tensor:
    each = np.eye(shape.styles, dtype=np.float32)
    return tf.stack([network.stylise(weights, shape, photo, style) for style in each])
