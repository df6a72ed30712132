from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pi_edge import cli
from pi_edge.errors import BadInput, NotFound


def train(trainer: Any, state: Path, data: Path, **settings: Any) -> tuple[Any, list[str]]:
    said: list[str] = []
    settings = {"name": "mnist-flux-cnn", "epochs": 3} | settings
    name = settings.pop("name")
    return trainer.train(name, state=state, given=data, say=said.append, **settings), said


def assert_same(one: Any, other: Any) -> None:
    assert one.weights.keys() == other.weights.keys()
    for key, value in one.weights.items():
        np.testing.assert_array_equal(value, other.weights[key], err_msg=key)


@pytest.mark.parametrize("name", ["mnist-flux-cnn", "mnist-cnn"])
def test_the_same_seed_gives_the_same_weights(
    trainer: Any, tiny_mnist: Path, tmp_path: Path, name: str
) -> None:
    first, _ = train(trainer, tmp_path / "1", tiny_mnist, name=name, epochs=1, seed=5)
    second, _ = train(trainer, tmp_path / "2", tiny_mnist, name=name, epochs=1, seed=5)
    assert_same(first, second)


def test_another_seed_gives_other_weights(trainer: Any, tiny_mnist: Path, tmp_path: Path) -> None:
    first, _ = train(trainer, tmp_path / "1", tiny_mnist, epochs=1, seed=5)
    second, _ = train(trainer, tmp_path / "2", tiny_mnist, epochs=1, seed=6)
    assert np.abs(first.weights["conv1/kernel"] - second.weights["conv1/kernel"]).max() > 0


def test_a_training_killed_amid_an_epoch_ends_with_the_same_weights(
    trainer: Any, tiny_mnist: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, _ = train(trainer, tmp_path / "whole", tiny_mnist)

    step, done = trainer.Progress.step, 0

    def killed(progress: Any, **figures: float) -> None:
        nonlocal done
        done += 1
        if done == 20:  # 13 batches an epoch
            raise KeyboardInterrupt
        step(progress, **figures)

    with monkeypatch.context() as patch:
        patch.setattr(trainer.Progress, "step", killed)
        with pytest.raises(KeyboardInterrupt):
            train(trainer, tmp_path / "killed", tiny_mnist)
    resumed, said = train(trainer, tmp_path / "killed", tiny_mnist)

    assert said[0] == "mnist-flux-cnn: going on after epoch 1 of 3"
    assert_same(whole, resumed)


def test_a_finished_training_is_kept(trainer: Any, tiny_mnist: Path, tmp_path: Path) -> None:
    first, _ = train(trainer, tmp_path, tiny_mnist, epochs=1)
    second, said = train(trainer, tmp_path, tiny_mnist, epochs=1)
    assert said == ["mnist-flux-cnn: already trained (1 epochs, seed 0); --fresh starts over"]
    assert_same(first, second)


def test_fresh_starts_over(trainer: Any, tiny_mnist: Path, tmp_path: Path) -> None:
    train(trainer, tmp_path, tiny_mnist, epochs=1, seed=1)
    result, said = train(trainer, tmp_path, tiny_mnist, epochs=1, seed=2, fresh=True)
    assert "epoch 1/1" in said[0]
    assert result.story["plan"]["seed"] == 2


def test_a_training_with_other_settings_is_not_mixed_in(
    trainer: Any, tiny_mnist: Path, tmp_path: Path
) -> None:
    train(trainer, tmp_path, tiny_mnist, epochs=1, seed=1)
    with pytest.raises(BadInput, match=r"other settings \(seed 1, not 2\).*--fresh"):
        train(trainer, tmp_path, tiny_mnist, epochs=1, seed=2)


def test_a_checkpoint_that_is_damaged_is_said_so(
    trainer: Any, tiny_mnist: Path, tmp_path: Path
) -> None:
    checkpoint = tmp_path / "training" / "mnist-flux-cnn" / "checkpoint.npz"
    checkpoint.parent.mkdir(parents=True)
    checkpoint.write_bytes(b"PK half of it")
    with pytest.raises(BadInput, match=r"checkpoint\.npz is damaged.*--fresh"):
        train(trainer, tmp_path, tiny_mnist)


def test_too_few_images_for_a_batch_are_refused(trainer: Any, tmp_path: Path) -> None:
    path = tmp_path / "mnist.npz"
    np.savez(path, x_train=np.zeros((24, 28, 28), np.uint8), y_train=np.zeros(24, np.uint8))
    with pytest.raises(BadInput, match="22 training images are fewer than a batch of 64"):
        train(trainer, tmp_path, path)


def test_what_is_learned_is_seen_on_the_held_out_images(trainer: Any, trained_state: Path) -> None:
    story = trainer.trained("mnist-mlp", trained_state).story
    assert story["history"][-1]["held_out_accuracy"] > 0.9
    assert story["history"][-1]["held_out_loss"] < story["history"][0]["held_out_loss"]


def test_the_story_tells_peak_memory_beside_the_imports(trainer: Any, trained_state: Path) -> None:
    story = trainer.trained("mnist-mlp", trained_state).story
    assert story["peak_bytes"] > 100_000_000
    assert story["tensorflow_import_bytes"] > 0


def test_an_untrained_network_is_said_so(trainer: Any, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="mnist-mlp is not trained yet: run pi-edge train mnist-mlp"):
        trainer.trained("mnist-mlp", tmp_path)


def test_an_unfinished_training_is_not_taken_for_a_finished_one(
    trainer: Any, tiny_mnist: Path, tmp_path: Path
) -> None:
    def killed(line: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trainer.train("mnist-flux-cnn", state=tmp_path, given=tiny_mnist, epochs=2, say=killed)
    with pytest.raises(NotFound, match="trained for 1 of 2 epochs"):
        trainer.trained("mnist-flux-cnn", tmp_path)


def test_training_the_tutorial_cnn_stays_within_60_mb_of_importing_tensorflow(
    tensorflow: Any, tiny_mnist: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "pi_edge", "train", "mnist-flux-cnn", "--epochs", "5"]
    command += ["--data", str(tiny_mnist), "--state", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with np.load(tmp_path / "training" / "mnist-flux-cnn" / "checkpoint.npz") as checkpoint:
        story = json.loads(str(checkpoint["story"]))
    assert story["peak_bytes"] - story["tensorflow_import_bytes"] <= 60_000_000
    assert "peak memory" in done.stdout.splitlines()[-1]


def test_the_command_keeps_tensorflows_chatter_off_the_terminal(
    tensorflow: Any, trained_state: Path, tiny_mnist: Path
) -> None:
    command = [sys.executable, "-m", "pi_edge", "train", "mnist-mlp", "--epochs", "30"]
    command += ["--data", str(tiny_mnist), "--state", str(trained_state)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout == "mnist-mlp: already trained (30 epochs, seed 0); --fresh starts over\n"
    assert done.stderr == ""


@pytest.mark.parametrize("flags", [["--epochs", "0"], ["--seed", "-1"], ["--seed", "many"]])
def test_settings_that_make_no_sense_are_refused(
    flags: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        cli.main(["train", "mnist-linear", *flags])
    assert stopped.value.code == 2
    assert f"argument {flags[0]}: " in capsys.readouterr().err.splitlines()[-1]
