"""How a style network came about, as its model.json tells it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from pi_edge.desktop.style import backbone, data, kept, network

MOST_ROWS = 6


def told(trained: kept.Trained) -> dict[str, Any]:
    """The training of the network, and under `own` of every painting learned on it since.

    One that was read from a model folder tells what was told there.
    """
    story = trained.story
    own = {name: _own(told) for name, told in story.get("own", {}).items()}
    if "steps" in story:
        base = {key: value for key, value in story.items() if key not in ("step", "own")}
    else:
        base = _network(trained, story, len(trained.styles) - len(own))
    return {**base, "own": own} if own else base


def _network(trained: kept.Trained, story: dict[str, Any], styles: int) -> dict[str, Any]:
    plan = story.get("plan", {})
    return {
        "steps": story["step"],
        "network": network.describe(replace(trained.shape, styles=styles)),
        "parameters": sum(
            int(value.size) // (len(value) if network.is_per_style(name) else 1) * times
            for name, value in trained.weights.items()
            for times in [styles if network.is_per_style(name) else 1]
        ),
        "data": _data(plan),
        "backbone": {"source": backbone.SOURCE, "terms": backbone.TERMS, "sha256": backbone.SHA256},
        **{key: plan[key] for key in ("recipe",) if key in plan},
        **_learning(story),
    }


def _own(story: dict[str, Any]) -> dict[str, Any]:
    plan = story["plan"]
    return {
        "steps": story["step"],
        "painting_sha256": plan["painting"],
        "trunk_sha256": plan["trunk_sha256"],
        "began_as": story["began_as"],
        "data": _data({"photos": plan["photos"]}),
        **{key: story[key] for key in ("judged",) if key in story},
        **_learning(story),
    }


def _data(plan: dict[str, Any]) -> dict[str, Any]:
    """What was learned from, with source and terms where they are known by the files' hashes."""
    found: dict[str, Any] = {}
    if "photos" in plan:
        found["photos"] = dict(plan["photos"])
        if plan["photos"]["sha256"] == data.SHA256:
            found["photos"] |= {"source": data.SOURCE, "terms": data.TERMS}
        else:
            found["photos"]["source"] = "photos of whoever trained it"
    if "paintings" in plan:
        found["paintings"] = {
            name: {"sha256": sha256}
            | ({"about": data.PAINTED[name]} if name in data.PAINTED else {})
            for name, sha256 in plan["paintings"].items()
        }
    return found


def _learning(story: dict[str, Any]) -> dict[str, Any]:
    """Seed, time, losses on the way, when and where; what is not known is left out."""
    found: dict[str, Any] = {key: story[key] for key in ("seed", "notes") if key in story}
    if history := story.get("history"):
        rows = np.linspace(0, len(history) - 1, min(MOST_ROWS, len(history))).round().astype(int)
        found["history"] = [history[row] for row in sorted(set(rows))]
    if "seconds" in story:
        found["seconds"] = round(story["seconds"])
        found["timed_steps"] = story["timed_steps"]
    if kept.FINISHED in story:
        found["date"] = story[kept.FINISHED]
    keys = ("versions", "machine", "peak_bytes")
    return found | {key: story[key] for key in keys if key in story}
