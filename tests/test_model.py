"""A model takes named arrays and gives named arrays, and says what is wrong with them."""

from pathlib import Path

import numpy as np
import pytest

from pi_edge.errors import BadInput, PiEdgeError
from pi_edge.model import Model


@pytest.fixture(scope="module")
def mlp(shipped_models: Path) -> Model:
    return Model(shipped_models / "mnist-mlp" / "float32.tflite")


def images(count: int) -> np.ndarray:
    return np.random.default_rng(1).uniform(0, 255, (count, 28, 28)).astype(np.float32)


def test_inputs_and_outputs_carry_the_names_of_the_signature(mlp: Model) -> None:
    assert [(s.name, s.shape, s.dtype.name) for s in mlp.inputs] == [
        ("image", (-1, 28, 28), "float32")
    ]
    assert [(s.name, s.shape) for s in mlp.outputs] == [("probabilities", (-1, 10))]


def test_a_batch_gives_the_same_rows_as_one_at_a_time(mlp: Model) -> None:
    batch = images(5)
    together = mlp.run({"image": batch})["probabilities"]
    apart = [mlp.run({"image": batch[i : i + 1]})["probabilities"][0] for i in range(5)]
    assert together.shape == (5, 10)
    np.testing.assert_allclose(together, apart, atol=1e-6)


def test_an_answer_is_not_changed_by_the_next_inference(mlp: Model) -> None:
    first = mlp.run({"image": images(1)})["probabilities"]
    kept = first.copy()
    mlp.run({"image": 255 - images(1)})
    np.testing.assert_array_equal(first, kept)


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({"picture": images(1)}, r"takes the inputs \['image'\], not \['picture'\]"),
        ({"image": images(1).astype(np.float64)}, "must be float32, not float64"),
        ({"image": images(1)[:, :27]}, r"must have shape \[-1, 28, 28\]"),
        ({"image": images(1)[0]}, r"must have shape \[-1, 28, 28\]"),
        ({"image": images(0)}, r"must have shape \[-1, 28, 28\]"),
        ({}, r"takes the inputs \['image'\], not \[\]"),
    ],
)
def test_wrong_input_is_refused_in_words_and_the_model_still_answers(
    mlp: Model, inputs: dict[str, np.ndarray], words: str
) -> None:
    with pytest.raises(BadInput, match=words):
        mlp.run(inputs)
    assert mlp.run({"image": images(1)})["probabilities"].shape == (1, 10)


def test_a_file_that_is_no_model_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "bad.tflite"
    path.write_bytes(b"not a flatbuffer at all")
    with pytest.raises(PiEdgeError, match=r"bad\.tflite is not a TFLite model"):
        Model(path)
