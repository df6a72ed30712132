"""Digit networks learn, and what comes of it is a model like any other."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import hand
import numpy as np
import pytest
from PIL import Image

from pi_edge import catalog
from pi_edge.errors import BadInput, NotFound, PiEdgeError
from pi_edge.examples import Digit, Examples
from pi_edge.learning import digits, loop, measure
from pi_edge.learning import mnist as data
from pi_edge.learning.order import SCRATCH, Order
from pi_edge.verification import verify_files


@pytest.fixture
def order(shipped_models: Path, tmp_path: Path, bars: Path) -> Order:
    """The MLP learns bars from scratch, as ``mine``."""
    entry = catalog.read(shipped_models / "mnist-mlp")
    return Order(entry, "mine", tmp_path, bars, epochs=10, start=SCRATCH)


def told(folder: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((folder / "model.json").read_bytes())
    return document


def quiet(_: str) -> None:
    pass


def weights(folder: Path) -> bytes:
    return (folder / "float32.tflite").read_bytes()


def test_the_result_reads_what_it_learned_and_verifies(order: Order) -> None:
    folder = digits.learn(order, say=quiet)
    assert folder == order.state / "models/mine"
    assert verify_files(folder) == []
    document = told(folder)
    assert document["variants"].keys() == {"float32", "float16"}
    assert document["variants"]["float32"]["accuracy"] > 0.95
    assert document["learned"]["from"] == "mnist-mlp"
    assert [one["epoch"] for one in document["learned"]["epochs"]] == [*range(1, 11)]


def test_the_same_seed_learns_the_same_and_another_one_does_not(order: Order) -> None:
    first = weights(digits.learn(order, say=quiet))
    again = dataclasses.replace(order, name="again")
    assert weights(digits.learn(again, say=quiet)) == first
    other = dataclasses.replace(order, name="other", seed=1)
    assert weights(digits.learn(other, say=quiet)) != first


def test_a_learning_that_was_stopped_ends_as_one_that_was_not(order: Order) -> None:
    whole = weights(digits.learn(dataclasses.replace(order, name="whole"), say=quiet))
    for steps in (3, 17):
        left = iter(range(steps))
        with pytest.raises(loop.Stopped, match="goes on from here"):
            digits.learn(order, say=quiet, stop=lambda left=left: next(left, None) is None)
        assert not (order.state / "models/mine").exists()
    lines: list[str] = []
    assert weights(digits.learn(order, say=lines.append)) == whole
    assert "going on after step 22" in lines[0]


def test_other_settings_start_over(order: Order) -> None:
    with pytest.raises(loop.Stopped):
        digits.learn(order, say=quiet, stop=lambda: True)
    lines: list[str] = []
    other = dataclasses.replace(order, seed=1, epochs=1)
    with pytest.raises(loop.Stopped):
        digits.learn(other, say=lines.append, stop=lambda: True)
    assert "starting over" in lines[0]


def test_a_damaged_checkpoint_starts_over(order: Order) -> None:
    kept = order.state / "learning/mine/checkpoint.npz"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"half of one")
    lines: list[str] = []
    digits.learn(dataclasses.replace(order, epochs=1), say=lines.append)
    assert "starting over" in lines[0]


def test_what_was_learned_can_learn_on(order: Order) -> None:
    folder = digits.learn(order, say=quiet)
    before = told(folder)["variants"]["float32"]["errors"]
    mine = catalog.read(folder)
    onward = dataclasses.replace(order, model=mine, name="more", start="shipped", epochs=1)
    folder = digits.learn(onward, say=quiet)
    assert told(folder)["learned"]["epochs"][0]["accuracy"] > 0.9
    assert told(folder)["variants"]["float32"]["errors"] <= before + 5


def test_what_became_worse_does_not_go_live(order: Order, bars: Path, tmp_path: Path) -> None:
    folder = digits.learn(order, say=quiet)
    kept = weights(folder)
    # The same pictures, half of the labels wrong.
    with np.load(bars) as arrays:
        wrong = dict(arrays)
    wrong["y_train"] = np.random.default_rng(0).permutation(wrong["y_train"])
    np.savez_compressed(tmp_path / "wrong.npz", **wrong)
    worse = dataclasses.replace(order, epochs=1, seed=5, data=bars)
    with pytest.raises(PiEdgeError, match=r"stays what it was.*worse by"):
        digits.learn(dataclasses.replace(worse, model=catalog.read(folder)), say=quiet)
    assert weights(folder) == kept


def test_pictures_in_folders_by_label_are_learned(
    order: Order, tmp_path: Path, mnist: Path
) -> None:
    with np.load(mnist) as arrays:
        images, labels = arrays["x_test"][::83], arrays["y_test"][::83]
    for at, (image, label) in enumerate(zip(images, labels, strict=True)):
        folder = tmp_path / "pictures" / str(label)
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / f"{at}.png")
    order = dataclasses.replace(order, data=tmp_path / "pictures", epochs=30)
    document = told(digits.learn(order, say=quiet))
    assert document["learned"]["examples"] == 111
    assert document["variants"]["float32"]["images"] == 10
    assert document["learned"]["epochs"][-1]["accuracy"] > 0.9


def save(path: Path, count: int = 40, label: int = 3) -> Path:
    images = np.zeros((count, 28, 28), np.uint8)
    labels = np.full(count, label, np.uint8)
    np.savez(path, x_train=images, y_train=labels, x_test=images, y_test=labels)
    return path


def test_bad_data_is_one_line_and_changes_nothing(order: Order, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "named" / "cats").mkdir(parents=True)
    (tmp_path / "text" / "3").mkdir(parents=True)
    (tmp_path / "text" / "3" / "a.png").write_text("no picture")
    (tmp_path / "broken.npz").write_bytes(b"PK")
    cases: list[tuple[Path, type[PiEdgeError], str]] = [
        (tmp_path / "none.npz", NotFound, "no MNIST at"),
        (tmp_path / "broken.npz", BadInput, "damaged"),
        (save(tmp_path / "few.npz", 3), BadInput, "3 examples in all: at least 20"),
        (save(tmp_path / "labels.npz", label=12), BadInput, "labels are 0 to 9"),
        (tmp_path / "empty", BadInput, "has no pictures"),
        (tmp_path / "named", BadInput, "is no label"),
        (tmp_path / "text", BadInput, "a.png"),
    ]
    for path, error, words in cases:
        with pytest.raises(error, match=words) as raised:
            digits.learn(dataclasses.replace(order, data=path), say=quiet)
        assert "\n" not in str(raised.value)
    assert not (order.state / "models").exists()


def test_a_loss_that_diverges_is_refused(order: Order) -> None:
    told = dict(order.model.info["training"], rate=1e30)
    entry = dataclasses.replace(order.model, info={**order.model.info, "training": told})
    with pytest.raises(BadInput, match="the loss became"):
        digits.learn(dataclasses.replace(order, model=entry), say=quiet)
    assert not (order.state / "models").exists()


def test_a_model_without_a_training_graph_says_so(order: Order) -> None:
    info = {key: value for key, value in order.model.info.items() if key != "training"}
    entry = dataclasses.replace(order.model, info=info)
    with pytest.raises(BadInput, match="has no training graph"):
        digits.learn(dataclasses.replace(order, model=entry), say=quiet)


@pytest.fixture(scope="module")
def corrected(tmp_path_factory: pytest.TempPathFactory, shipped_models: Path) -> Path:
    """A state folder with 40 digits of one hand that mnist-cnn misread, put right."""
    state = tmp_path_factory.mktemp("corrected")
    images, labels = hand.write(700, seed=2)
    said = measure.answers(shipped_models / "mnist-cnn/float32.tflite", images).argmax(1)
    wrong = np.flatnonzero(said != labels)[:40]
    digits_ = [Digit(images[at].tobytes(), int(labels[at]), int(said[at])) for at in wrong]
    Examples(state).add("mnist-cnn", digits_)
    return state


def test_a_hand_is_learned_from_corrections_and_others_are_not_forgotten(
    corrected: Path, shipped_models: Path, mnist: Path
) -> None:
    entry = catalog.read(shipped_models / "mnist-cnn")
    other, known = hand.write(300, seed=1), (data.read(mnist, "x_test"), data.read(mnist, "y_test"))
    some = slice(None, None, 5)
    sets = other, (known[0][some], known[1][some])

    def parts(path: Path) -> list[float]:
        return [measure.accuracy(measure.answers(path, x), y).part for x, y in sets]

    before = parts(entry.files["float32"])
    folder = digits.learn(Order(entry, "mnist-cnn", corrected, examples=True), say=quiet)
    after = parts(folder / "float32.tflite")
    assert before[0] < 0.94
    assert after[0] > 0.97
    assert after[1] >= before[1] - 0.001
    assert verify_files(folder) == []
    held_back = told(folder)["learned"]["held_back"]
    assert held_back["rows"] == 200 + 8


def test_without_examples_there_is_nothing_to_learn(shipped_models: Path, tmp_path: Path) -> None:
    entry = catalog.read(shipped_models / "mnist-cnn")
    with pytest.raises(NotFound, match="no examples"):
        digits.learn(Order(entry, "mnist-cnn", tmp_path, examples=True), say=quiet)


def test_a_network_that_has_nothing_to_rehearse_with_learns_no_examples(
    corrected: Path, shipped_models: Path
) -> None:
    entry = catalog.read(shipped_models / "mnist-mlp")
    with pytest.raises(BadInput, match="no pictures to rehearse with"):
        digits.learn(Order(entry, "mnist-mlp", corrected, examples=True), say=quiet)
