"""A small made-up MNIST, small made-up prices, and TensorFlow where a test needs it."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_pictures import write_paintings, write_photos, write_vgg
from made_prices import made_prices, write_prices
from support import missing

from pi_edge.quiet import quiet

IMPORT_BYTES = 500_000_000


@pytest.fixture(scope="session")
def tensorflow() -> Any:
    if importlib.util.find_spec("tensorflow") is None:
        missing("TensorFlow is not installed (extra desktop)")
    with quiet():
        import tensorflow

    return tensorflow


@pytest.fixture(scope="session")
def tiny_mnist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keras' file in small: 960 and 200 images of ten blurred patterns under noise."""
    random = np.random.default_rng(7)
    patterns = np.kron(random.integers(0, 200, (10, 7, 7)), np.ones((4, 4), np.int64))

    def part(count: int) -> tuple[np.ndarray, np.ndarray]:
        labels = np.sort(np.arange(count) % 10).astype(np.uint8)
        noise = random.integers(0, 55, (count, 28, 28))
        return (patterns[labels] + noise).astype(np.uint8), labels

    x_train, y_train = part(960)
    x_test, y_test = part(200)
    path = tmp_path_factory.mktemp("data") / "mnist.npz"
    np.savez_compressed(path, x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
    return path


@pytest.fixture(scope="session")
def trainer(tensorflow: Any) -> Any:
    """The training module, without its five seconds of weighing TensorFlow's import."""
    with quiet():
        from pi_edge.desktop.mnist import train
    train.memory.tensorflow_import_bytes = lambda: IMPORT_BYTES
    return train


@pytest.fixture(scope="session")
def trained_state(trainer: Any, tiny_mnist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state directory with the Flux MLP trained on the small data."""
    state = tmp_path_factory.mktemp("state")
    trainer.train("mnist-mlp", state=state, given=tiny_mnist, epochs=30, say=lambda _: None)
    return state


@pytest.fixture(scope="session")
def converted(
    trained_state: Path, tiny_mnist: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The folder that convert wrote for it. Tests that change it take a copy."""
    with quiet():
        from pi_edge.desktop.mnist.convert import convert
    output = tmp_path_factory.mktemp("models")
    return convert(
        "mnist-mlp", state=trained_state, output=output, given=tiny_mnist, say=lambda _: None
    )


@pytest.fixture(scope="session")
def small_prices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CSV of three tickers and 420 days."""
    return write_prices(tmp_path_factory.mktemp("prices") / "prices.csv", made_prices(420, 3))


@contextmanager
def short_training() -> Iterator[Any]:
    """The training module of stocks, with a tenth of its steps. Not for longer than it is used:
    other tests train the same networks to their end."""
    with quiet():
        from pi_edge.desktop.stocks import layers, levels, train
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train.memory, "tensorflow_import_bytes", lambda: IMPORT_BYTES)
        patch.setattr(layers, "STEPS", 100)
        patch.setattr(levels, "MOST_ROUNDS", 2)
        layers._trainer.cache_clear()
        yield train
    layers._trainer.cache_clear()


@pytest.fixture(scope="module")
def stocks_trainer(tensorflow: Any) -> Iterator[Any]:
    """The training module of stocks, with a tenth of its steps."""
    with short_training() as train:
        yield train


@pytest.fixture(scope="session")
def trained_stocks(
    tensorflow: Any, small_prices: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A state directory with both models of stocks trained on the small prices."""
    state = tmp_path_factory.mktemp("state")
    with short_training() as train:
        for name in ("stocks", "stocks-levels"):
            train.train(name, state=state, prices=small_prices, say=lambda _: None)
    return state


@pytest.fixture(scope="session")
def converted_stocks(
    trained_stocks: Path, small_prices: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The folder in which convert made both models. Tests that change one take a copy."""
    with quiet():
        from pi_edge.desktop.stocks.convert import convert
    output = tmp_path_factory.mktemp("models")
    for name in ("stocks", "stocks-levels"):
        convert(name, state=trained_stocks, output=output, prices=small_prices, say=lambda _: None)
    return output


@pytest.fixture(scope="session")
def tiny_vgg(tensorflow: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """VGG16 with a few random channels, as a file laid out like the real one."""
    return write_vgg(tmp_path_factory.mktemp("vgg") / "vgg.h5")


@pytest.fixture(scope="session")
def tiny_features(tiny_vgg: Path) -> Any:
    """The function that it is."""
    with quiet():
        from pi_edge.desktop.style.perceptual import Vgg16
    return Vgg16(tiny_vgg)


@pytest.fixture(scope="session")
def style_pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with made-up photos and two paintings, stripes and waves."""
    folder = tmp_path_factory.mktemp("pictures")
    write_photos(folder / "photos")
    write_paintings(folder / "paintings", "stripes", "waves")
    return folder


@pytest.fixture
def style_trainer(tiny_vgg: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The training module of style, which looks through the tiny VGG16 and judges small."""
    with quiet():
        from pi_edge.desktop.style import backbone, loop, losses, painting, train
    monkeypatch.setattr(backbone, "find", lambda: tiny_vgg)
    monkeypatch.setattr(losses, "PAINTING_SIDE", 64)
    monkeypatch.setattr(loop, "PREVIEW_SIDE", 32)
    monkeypatch.setattr(painting, "JUDGED_SIDE", 64)
    return train
