"""Training the style network: resumable to the bit, and carried over from elsewhere."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pi_edge import cli
from pi_edge.errors import BadInput, NotFound, WrongUsage


@pytest.fixture
def recipe(style_trainer: Any) -> Any:
    """Six steps of two small crops; from the third on, steadiness counts."""
    from pi_edge.desktop.style.recipe import Phase, Recipe

    phases = (Phase(0, 32, 2, 1.0, 0.5, 2e-3, 0.0), Phase(2, 32, 2, 2.0, 0.5, 2e-3))
    return Recipe(phases, steps=6, warm_up=2, steady_every=2)


@pytest.fixture
def train(
    style_trainer: Any, recipe: Any, style_pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> Any:
    """Trains a small network on the made-up pictures, keeping it every second step."""
    from pi_edge.desktop.style import data, loop
    from pi_edge.desktop.style.network import Shape

    monkeypatch.setattr(loop.run, "__kwdefaults__", {**loop.run.__kwdefaults__, "every": 2})

    def run(state: Path, **settings: Any) -> tuple[Any, list[str]]:
        said: list[str] = []
        given = {
            "photos": data.find_photos(style_pictures / "photos"),
            "paintings": data.find_paintings(style_pictures / "paintings"),
            "recipe": recipe,
            "shape": Shape(2, half=4, quarter=6, eighth=8, before=0, deep=0, after=0),
            **settings,
        }
        result = style_trainer.train_network("style", state=state, say=said.append, **given)
        return result, said

    return run


def checkpoint_of(state: Path) -> Path:
    return state / "training" / "style" / "checkpoint.npz"


def story_of(state: Path) -> dict[str, Any]:
    with np.load(checkpoint_of(state)) as file:
        return json.loads(str(file["story"]))  # type: ignore[no-any-return]


def assert_same(one: Any, other: Any) -> None:
    assert one.weights.keys() == other.weights.keys()
    for key, value in one.weights.items():
        np.testing.assert_array_equal(value, other.weights[key], err_msg=key)


def test_training_brings_the_loss_down(
    train: Any, recipe: Any, style_pictures: Path, tiny_features: Any, tmp_path: Path
) -> None:
    from made_pictures import made_photo

    from pi_edge.desktop.style import data, losses, preview
    from pi_edge.desktop.style.judge import Judge, Weighting

    paintings = [p.path for p in data.find_paintings(style_pictures / "paintings")]
    grams = losses.painting_grams(paintings, tiny_features)
    judge = Judge(made_photo(9, 64, 64), grams, Weighting(10.0), tiny_features)

    def total(network: Any) -> float:
        _photo, *styled = preview.row(network.weights, network.shape, judge.photo)
        return float(judge(styled)[:, 3].mean())

    phase = replace(recipe.phases[0], style=10.0, rate=5e-3)
    longer = replace(recipe, phases=(phase,), steps=60, averaging=0.9)
    begun, _ = train(tmp_path, recipe=longer, steps=2)
    trained, _ = train(tmp_path, recipe=longer)
    assert total(trained) < 0.8 * total(begun)


def test_a_training_stopped_midway_ends_with_the_same_weights(train: Any, tmp_path: Path) -> None:
    whole, _ = train(tmp_path / "whole")
    train(tmp_path / "parts", steps=3)
    resumed, said = train(tmp_path / "parts")
    assert "from step 3 to 6" in said[0]
    assert_same(whole, resumed)
    assert story_of(tmp_path / "parts")["timed_steps"] == 6


def test_being_asked_to_stop_keeps_the_step_that_was_reached(
    train: Any, style_trainer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, _ = train(tmp_path / "whole")
    progress = style_trainer.loop.Progress
    step = progress.step

    def interrupted(self: Any, **figures: float) -> None:
        step(self, **figures)
        if self.done == 3:
            os.kill(os.getpid(), signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    with monkeypatch.context() as patch:
        patch.setattr(progress, "step", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path / "stopped")
    assert signal.getsignal(signal.SIGTERM) is before
    assert story_of(tmp_path / "stopped")["step"] == 3
    resumed, _ = train(tmp_path / "stopped")
    assert_same(whole, resumed)


def test_another_seed_gives_other_weights(train: Any, tmp_path: Path) -> None:
    one, _ = train(tmp_path / "1", seed=1, steps=2)
    two, _ = train(tmp_path / "2", seed=2, steps=2)
    assert np.abs(one.weights["down/kernel"] - two.weights["down/kernel"]).max() > 0.01


def test_a_finished_training_is_kept_and_fresh_starts_over(train: Any, tmp_path: Path) -> None:
    first, _ = train(tmp_path, seed=1)
    again, said = train(tmp_path)
    assert said == ["style: already trained for 6 steps; --fresh starts over"]
    assert_same(first, again)
    other, _ = train(tmp_path, seed=2, fresh=True)
    assert np.abs(first.weights["down/kernel"] - other.weights["down/kernel"]).max() > 0.01


def test_what_was_learned_is_told_by_painting_with_a_picture(train: Any, tmp_path: Path) -> None:
    result, said = train(tmp_path)
    assert result.styles == ("stripes", "waves")
    story = story_of(tmp_path)
    assert [row["step"] for row in story["history"]] == [2, 4, 6]
    assert set(story["history"][-1]["paintings"]) == {"stripes", "waves"}
    assert "flicker" in story["history"][-1]
    assert {"plan", "seconds", "peak_bytes", "finished", "machine", "versions"} <= set(story)
    assert any(line.startswith("style step 4/6: content ") for line in said)
    with Image.open(checkpoint_of(tmp_path).with_suffix(".jpg")) as preview:
        assert preview.size == (3 * 32, 32)


def test_other_paintings_are_refused_and_other_photos_are_said(
    train: Any, tmp_path: Path, style_pictures: Path
) -> None:
    from pi_edge.desktop.style import data

    train(tmp_path, steps=1)
    swapped = [
        data.Painting("stripes", style_pictures / "paintings" / "waves.png"),
        data.Painting("waves", style_pictures / "paintings" / "stripes.png"),
    ]
    with pytest.raises(BadInput, match=r"another paintings: ask for the same, or .*--fresh"):
        train(tmp_path, paintings=swapped)
    with pytest.raises(BadInput, match="another seed"):
        train(tmp_path, seed=8)
    fewer = data.find_photos(style_pictures / "photos")[:3]
    _, said = train(tmp_path, photos=fewer)
    assert said[0] == "style: other photos than last time from here on"


def test_a_checkpoint_without_a_story_is_taken_up(train: Any, tmp_path: Path) -> None:
    whole, _ = train(tmp_path / "whole", seed=4)
    train(tmp_path / "half", seed=4, steps=3)
    with np.load(checkpoint_of(tmp_path / "half")) as file:
        bare = {key: file[key] for key in file.files if key != "story"}
    path = checkpoint_of(tmp_path / "carried")
    path.parent.mkdir(parents=True)
    np.savez(path, **bare, seed=4)
    resumed, said = train(tmp_path / "carried")
    assert "from step 3 to 6" in said[0]
    assert_same(whole, resumed)
    story = story_of(tmp_path / "carried")
    assert (story["step"], story["timed_steps"]) == (6, 3)


@pytest.mark.parametrize("contents", [b"", b"PK\x03\x04 cut short", b"no zip at all"])
def test_a_damaged_checkpoint_is_one_line(train: Any, tmp_path: Path, contents: bytes) -> None:
    path = checkpoint_of(tmp_path)
    path.parent.mkdir(parents=True)
    path.write_bytes(contents)
    with pytest.raises(BadInput, match=r"checkpoint\.npz is damaged .*--fresh") as caught:
        train(tmp_path)
    assert "\n" not in str(caught.value)


def test_nothing_trained_is_one_line(tmp_path: Path, style_trainer: Any) -> None:
    with pytest.raises(NotFound, match=r"no style network yet .*pi-edge train style"):
        style_trainer.kept.trained("style", tmp_path)


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        (["--painting", "x.png"], "with both --painting FILE and --name NAME"),
        (["--name", "mine"], "with both --painting FILE and --name NAME"),
        (["--painting", "x.png", "--name", "m", "--paintings", "."], "choose one"),
    ],
)
def test_flags_that_do_not_go_together_are_wrong_usage(
    flags: list[str], complaint: str, tmp_path: Path, style_trainer: Any, capsys: Any
) -> None:
    assert cli.main(["train", "style", *flags, "--state", str(tmp_path)]) == 2
    assert complaint in capsys.readouterr().err
    with pytest.raises(WrongUsage):
        style_trainer.train("style", state=tmp_path, called="mine")


def test_a_step_s_crops_depend_on_seed_and_step_alone(recipe: Any) -> None:
    from made_pictures import made_photo

    from pi_edge.desktop.style import crops

    photos = [made_photo(1), made_photo(2)]

    def drawn(seed: int, step: int) -> Any:
        return crops.draw(photos, seed, step, recipe.phases[0], 2, recipe.zoom)

    one, same, other = drawn(1, 5), drawn(1, 5), drawn(1, 6)
    np.testing.assert_array_equal(one.pictures, same.pictures)
    assert one.pictures.shape == (2, 64, 64, 3)
    assert sorted(one.styles) == [0, 1]
    assert one.shift.any()
    assert np.abs(one.pictures - other.pictures).max() > 0


def test_every_crop_has_its_own_piece_of_the_noise(recipe: Any, style_pictures: Path) -> None:
    from made_pictures import made_photo

    from pi_edge.desktop.style import crops

    photos = [made_photo(1)]
    batch = crops.draw(photos, 0, 0, recipe.phases[0], 2, recipe.zoom)
    none = crops.draw(photos, 0, 0, recipe.phases[0], 2, recipe.zoom, 0.0)
    assert batch.noise.shape == (2, 64, 64, 1)
    assert batch.noise.std() > 5
    assert np.abs(batch.noise[0] - batch.noise[1]).mean() > 5
    assert not none.noise.any()
    np.testing.assert_array_equal(none.pictures, batch.pictures)


def test_a_photo_smaller_than_a_crop_is_enlarged(recipe: Any) -> None:
    from made_pictures import made_photo

    from pi_edge.desktop.style import crops

    small = [made_photo(1, 20, 24)]
    batch = crops.draw(small, 0, 0, recipe.phases[0], 2, recipe.zoom)
    assert batch.pictures.shape == (2, 64, 64, 3)
    assert batch.pictures.std() > 1
