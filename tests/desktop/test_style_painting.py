"""One more painting on a trained network: only its own rows are learned."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pi_edge.errors import BadInput, NotFound, WrongUsage


@pytest.fixture(scope="session")
def trunk_state(tensorflow: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state directory with a small network of two styles, as if trained."""
    from pi_edge.desktop.style import kept, network

    state = tmp_path_factory.mktemp("trunk")
    shape = network.Shape(2, half=4, quarter=6, eighth=8, before=0, deep=0, after=0)
    weights = network.init(shape, 0)
    random = np.random.default_rng(0)
    for name, value in weights.items():
        if network.is_per_style(name):
            weights[name] = value + random.normal(0, 0.1, value.shape).astype(np.float32)
    values = {
        f"{group}:{name}": value * (group in "wa")
        for group in "wmva"
        for name, value in weights.items()
    }
    story = {"step": 9, "seed": 0, "plan": {"paintings": {"stripes": "", "waves": ""}}}
    kept.save(kept.folder(state) / "checkpoint.npz", values, shape, story)
    return state


@pytest.fixture
def state(trunk_state: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trunk_state, tmp_path / "state"))


@pytest.fixture
def learn(style_trainer: Any, style_pictures: Path, state: Path) -> Any:
    """Learns waves.png as the style `mine` in four steps; no other model is anywhere."""
    from pi_edge.desktop.style.painting import learn_painting
    from pi_edge.desktop.style.recipe import PAINTING

    short = replace(
        PAINTING, phases=(replace(PAINTING.phases[0], crop=32, batch=2),), steps=4, warm_up=1
    )

    def run(called: str = "mine", **settings: Any) -> tuple[Any, list[str]]:
        said: list[str] = []
        given = {
            "painting": style_pictures / "paintings" / "waves.png",
            "photos": style_pictures / "photos",
            "models": state / "none",
            "recipe": short,
            **settings,
        }
        painting = given.pop("painting")
        return learn_painting(painting, called, state=state, say=said.append, **given), said

    return run


def test_the_trunk_and_the_other_styles_stay_as_they_were(learn: Any, state: Path) -> None:
    from pi_edge.desktop.style import kept, network

    before = kept.trained("style", state)
    after, _ = learn()
    assert after.styles == ("stripes", "waves", "mine")
    assert after.shape.styles == 3
    for name, value in before.weights.items():
        if network.is_per_style(name):
            np.testing.assert_array_equal(after.weights[name][:2], value, err_msg=name)
            assert after.weights[name].shape == (3, value.shape[1])
        else:
            np.testing.assert_array_equal(after.weights[name], value, err_msg=name)
    assert after.digest() == before.digest()


def test_the_new_rows_were_learned_from_those_of_a_known_style(learn: Any, state: Path) -> None:
    from pi_edge.desktop.style import kept

    before = kept.trained("style", state)
    after, said = learn()
    began = before.styles.index(after.story["own"]["mine"]["began_as"])
    assert said[0] == f"mine: begins as {before.styles[began]}"
    change = np.abs(after.weights["up/scale"][2] - before.weights["up/scale"][began])
    assert 0 < change.max() < 0.2


def test_what_came_of_it_is_told(learn: Any) -> None:
    after, said = learn()
    story = after.story["own"]["mine"]
    assert story["step"] == 4
    assert {"content", "style", "variation", "total", "style_weight"} <= set(story["judged"])
    assert "4 steps in" in said[-1]
    assert said[-1].endswith("next: pi-edge convert style")


def test_one_stopped_midway_ends_with_the_same_rows(learn: Any, state: Path) -> None:
    from pi_edge.desktop.style import kept

    whole, _ = learn("whole")
    learn("parts", steps=2)
    assert kept.trained("style", state).styles == ("stripes", "waves", "whole")
    both, said = learn("parts")
    assert said[0] == "parts: going on after step 2"
    assert both.styles == ("stripes", "waves", "parts", "whole")
    np.testing.assert_array_equal(both.weights["up/scale"][2], both.weights["up/scale"][3])
    np.testing.assert_array_equal(both.weights["tint/matrix"][3], whole.weights["tint/matrix"][2])


def test_a_learned_one_is_kept_as_it_is(learn: Any) -> None:
    learn()
    _, said = learn()
    assert said == ["mine: already learned; --fresh starts over"]


def test_it_ends_when_its_time_is_up(learn: Any) -> None:
    from pi_edge.desktop.style.recipe import PAINTING

    phase = replace(PAINTING.phases[0], crop=32, batch=2)
    after, _ = learn(recipe=replace(PAINTING, phases=(phase,), most_seconds=1e-6))
    assert after.styles[-1] == "mine"
    assert after.story["own"]["mine"]["step"] < PAINTING.steps


def test_another_painting_of_the_same_name_is_refused_unless_fresh(
    learn: Any, style_pictures: Path
) -> None:
    learn()
    other = style_pictures / "paintings" / "stripes.png"
    with pytest.raises(BadInput, match=r"begun with another painting: .*--fresh"):
        learn(painting=other)
    _, said = learn(painting=other, fresh=True)
    assert "begins as" in said[0]


def test_names_that_are_taken_or_cannot_be_and_missing_files_are_refused(
    learn: Any, tmp_path: Path
) -> None:
    with pytest.raises(WrongUsage, match="there is a style called waves already"):
        learn("waves")
    with pytest.raises(WrongUsage, match="cannot be a style's name"):
        learn("a=b")
    with pytest.raises(NotFound, match=r"no picture at .*none\.jpg"):
        learn(painting=tmp_path / "none.jpg")


def test_rows_learned_on_another_network_are_refused_in_one_line(learn: Any, state: Path) -> None:
    from pi_edge.desktop.style import kept

    learn()
    path = kept.folder(state) / "checkpoint.npz"
    values, shape, story = kept.load(path)
    values["a:down/kernel"] = values["a:down/kernel"] + 1
    kept.save(path, values, shape, story)
    with pytest.raises(BadInput, match="mine was learned on another network") as caught:
        kept.trained("style", state)
    assert "\n" not in str(caught.value)


def test_without_a_training_of_one_s_own_the_shipped_network_is_the_trunk(
    learn: Any, state: Path, tmp_path: Path
) -> None:
    from pi_edge import files
    from pi_edge.desktop.style import kept, network

    own = kept.trained("style", state)
    models = tmp_path / "models"
    (models / "style").mkdir(parents=True)
    np.savez(models / "style" / kept.WEIGHTS, **own.weights)
    told = {"steps": 9, "network": network.describe(own.shape)}
    files.write_json(models / "style" / "model.json", {"styles": list(own.styles), "trained": told})
    (kept.folder(state) / "checkpoint.npz").unlink()
    with pytest.raises(NotFound, match="no style network yet"):
        learn()
    after, _ = learn(models=models)
    assert after.styles == ("stripes", "waves", "mine")
