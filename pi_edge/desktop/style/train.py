"""Train the style network, or teach the trained one a further painting.

Everything random in a step is drawn from (seed, step), and weights, moments and average are kept
every hundred steps: so a training that was stopped goes on as if it had not been.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pi_edge import config, files, model_json
from pi_edge.desktop import memory
from pi_edge.desktop.style import data, kept, loop, losses, network, preview
from pi_edge.desktop.style.learner import Learner
from pi_edge.desktop.style.painting import learn_painting
from pi_edge.desktop.style.perceptual import Vgg16, quickest_dtype
from pi_edge.desktop.style.recipe import NETWORK, Recipe
from pi_edge.errors import BadInput, WrongUsage
from pi_edge.learning import checkpoint


def train(
    name: str,
    *,
    state: Path,
    photos: Path | None = None,
    paintings: Path | None = None,
    painting: Path | None = None,
    called: str | None = None,
    steps: int | None = None,
    seed: int | None = None,
    fresh: bool = False,
    say: Callable[[str], None] = print,
) -> kept.Trained:
    """Train the network on paintings, or go on where an earlier call was stopped.

    Args:
        photos: a folder of photos.
        paintings: a folder of paintings instead of the built-in five.
        painting: one picture that the trained network learns as a further style, `called` so.
        steps: stop at this step instead of the recipe's last.
        fresh: forget an earlier training of the same.

    Raises:
        WrongUsage: flags that do not go together.
        NotFound, BadInput: photos or paintings are missing or cannot be read, or an earlier
            training was of other paintings.
    """
    if (painting is None) != (called is None):
        raise WrongUsage("a further painting is learned with both --painting FILE and --name NAME")
    if painting is not None and called is not None:
        if paintings is not None:
            raise WrongUsage("--painting is one more style, --paintings replaces all: choose one")
        return learn_painting(
            painting,
            called,
            state=state,
            models=config.load({"state": state}).models,
            photos=photos,
            seed=seed or 0,
            steps=steps,
            fresh=fresh,
            say=say,
        )
    return train_network(
        name,
        state=state,
        photos=data.find_photos(photos),
        paintings=data.find_paintings(paintings),
        recipe=NETWORK,
        steps=steps,
        seed=seed,
        fresh=fresh,
        say=say,
    )


def train_network(
    name: str,
    *,
    state: Path,
    photos: list[Path],
    paintings: list[data.Painting],
    recipe: Recipe,
    steps: int | None = None,
    seed: int | None = None,
    fresh: bool = False,
    shape: network.Shape | None = None,
    say: Callable[[str], None] = print,
) -> kept.Trained:
    """Train by a recipe. Checkpoint and preview are kept in STATE/training/`name`."""
    names = [painting.name for painting in paintings]
    shape = shape or network.Shape(len(names))
    path = kept.folder(state) / checkpoint.FILE
    if fresh:
        path.unlink(missing_ok=True)
    plan = {
        "paintings": {painting.name: files.sha256(painting.path) for painting in paintings},
        "photos": {"count": len(photos), "sha256": data.digest(photos)},
        "recipe": recipe.told(),
    }
    values, story = _resume(name, path, shape, plan, seed, say)
    end = min(steps or recipe.steps, recipe.steps)
    if story["step"] >= end:
        say(f"{name}: already trained for {story['step']} steps; --fresh starts over")
        return kept.network_of(path, tuple(names))
    features = Vgg16(dtype=quickest_dtype())
    grams = losses.painting_grams([painting.path for painting in paintings], features)
    pictures = data.load_photos(photos)
    middle = data.middle(pictures[0], loop.PREVIEW_SIDE)
    learner = Learner(shape, values or network.init(shape, story["seed"]), features, recipe)
    say(
        f"{name}: {network.count(learner.weights):,} weights, {len(names)} paintings, "
        f"{len(pictures)} photos, from step {story['step']} to {end}; "
        f"{path.with_suffix('.jpg')} shows how it looks"
    )
    story |= {
        "versions": model_json.versions("tensorflow", "numpy"),
        "machine": model_json.machine(),
    }
    loop.run(
        name,
        learner,
        pictures,
        grams,
        names,
        story,
        path=path,
        end=end,
        show=lambda: preview.row(learner.averaged(), shape, middle),
        say=say,
    )
    say(
        f"{name}: {story['timed_steps']} steps in {story['seconds'] / 60:.0f} min, "
        f"peak memory {memory.megabytes(story['peak_bytes'])}; next: pi-edge convert {name}"
    )
    return kept.network_of(path, tuple(names))


def _resume(
    name: str,
    path: Path,
    shape: network.Shape,
    plan: dict[str, Any],
    seed: int | None,
    say: Callable[[str], None],
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What an earlier training left: arrays (none at first) and the story so far."""
    story = loop.beginning(plan, seed or 0)
    if not path.exists():
        return {}, story
    values, found_shape, found = kept.load(path)
    other = [what for what in ("paintings",) if found.get("plan", plan)[what] != plan[what]]
    if found_shape != shape:
        other.append("shape of network")
    if seed not in (None, found["seed"]):
        other.append("seed")
    if other:
        raise BadInput(
            f"{path} holds a training with another {', '.join(other)}: ask for the same, or start "
            "over with --fresh"
        )
    changed = [what for what in ("photos", "recipe") if found.get("plan", plan)[what] != plan[what]]
    if changed:
        say(f"{name}: other {' and '.join(changed)} than last time from here on")
    return values, {**story, **found, "plan": plan}
