"""Photographed digits: so many of a fixed set are read right under each kind of trouble.

scripts/bench-digits measures the same with far more photographs.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import photos
import pytest
from troubles import KINDS, PLAIN, random_trouble

from pi_edge.model import Model
from pi_edge.tasks import digits

COUNT = 8


@pytest.fixture(scope="module")
def model(shipped_models: Path) -> Model:
    return Model(shipped_models / "mnist-cnn" / "float32.tflite")


@pytest.fixture(scope="module")
def samples(mnist: Path) -> dict[int, np.ndarray]:
    with np.load(mnist) as data:
        return photos.by_digit(data["x_test"], data["y_test"])


def read(model: Model, photo: photos.Photo) -> dict:
    return digits.answer(digits.from_body(photo.data, "image/jpeg"), model.run)


@pytest.mark.parametrize("kind", KINDS)
def test_photographed_digits_are_read(kind: str, model: Model, samples: dict) -> None:
    random = np.random.default_rng([11, list(KINDS).index(kind)])
    right = 0
    for index in range(COUNT):
        digit = str(random.integers(10))
        trouble = random_trouble(kind, random)
        trouble = replace(trouble, side=min(trouble.side, 1000))  # larger ones only take longer
        hand = ("mnist", "polyline")[index % 2]
        photo = photos.take(digit, trouble, random, samples, hand)
        right += read(model, photo)["number"] == digit
    assert right >= COUNT - (2 if kind == "combined" else 1)


@pytest.mark.parametrize("number", ["42", "1907", "853264"])
def test_a_number_is_read_on_tilted_lined_paper(number: str, model: Model, samples: dict) -> None:
    random = np.random.default_rng(4)
    trouble = replace(PLAIN, rules="lines", tilt=6.0, fill=0.3, side=900, gradient=0.4)
    photo = photos.take(number, trouble, random, samples, "polyline")
    answer = read(model, photo)
    assert answer["number"] == number
    for digit, box in zip(answer["digits"], photo.boxes, strict=True):
        assert digit["box"] == pytest.approx(box, abs=0.015 * 900)


def test_a_rule_through_a_seven_leaves_its_bar(model: Model, samples: dict) -> None:
    random = np.random.default_rng(9)
    trouble = replace(PLAIN, rules="lines", rule_ink="dark", rule_step=0.05, fill=0.4)
    assert read(model, photos.take("7", trouble, random, samples, "polyline"))["number"] == "7"


def test_a_tall_one_is_not_taken_for_a_rule(model: Model, samples: dict) -> None:
    random = np.random.default_rng(10)
    page = replace(PLAIN, fill=0.85, pen=0.03)
    straight = {1: samples[1][:1]}
    assert read(model, photos.take("1", page, random, straight))["digit"] == 1
