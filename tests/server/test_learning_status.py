"""What the daemon says of a model that is being learned beside it, by another process."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from another_learner import another_learner
from prometheus_client.parser import text_string_to_metric_families
from running import RunningDaemon, install, running_daemon, wait_until
from schemathesis.config import SchemathesisConfig

from pi_edge.cli import main
from pi_edge.server.openapi import document


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    """A daemon with a little model and a light."""
    folder = tmp_path_factory.mktemp("learning")
    install("double", folder / "shipped")
    flags = ("--models", str(folder / "shipped"), "--led", "mock")
    with running_daemon(folder / "state", *flags) as running:
        yield running


def learner(state: Path) -> AbstractContextManager[subprocess.Popen[str]]:
    return another_learner(
        state, "my-mlp", epoch=2, epochs=5, loss=0.125, accuracy=0.96875, seconds_left=65.0
    )


def metrics(daemon: RunningDaemon) -> dict[str, float]:
    """Samples about learning, by name and labels."""
    text = daemon.send("GET", "/metrics").body.decode()
    return {
        " ".join([sample.name, *sample.labels.values()]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.startswith("pi_edge_learning")
    }


def test_status_tells_how_far_it_is_and_null_when_it_is_over(daemon: RunningDaemon) -> None:
    assert daemon.status()["learning"] is None
    with learner(daemon.state) as process:
        told: dict[str, Any] = daemon.status()["learning"]
        assert told.pop("since") >= 0
        assert told == {
            "name": "my-mlp",
            "epoch": 2,
            "epochs": 5,
            "loss": 0.125,
            "accuracy": 0.96875,
            "seconds_left": 65.0,
            "pid": process.pid,
        }
        process.communicate("")
        assert daemon.status()["learning"] is None


def test_one_that_was_killed_is_not_told_of(daemon: RunningDaemon) -> None:
    with learner(daemon.state) as process:
        assert daemon.status()["learning"]
        process.kill()
        process.wait()
        assert daemon.status()["learning"] is None
        assert metrics(daemon) == {"pi_edge_learning": 0}


def test_metrics_tell_it_with_the_models_name(daemon: RunningDaemon) -> None:
    with learner(daemon.state):
        told = metrics(daemon)
    assert told.pop("pi_edge_learning_elapsed_seconds my-mlp") >= 0
    assert told == {
        "pi_edge_learning": 1,
        "pi_edge_learning_epoch my-mlp": 2,
        "pi_edge_learning_epochs my-mlp": 5,
        "pi_edge_learning_loss my-mlp": 0.125,
        "pi_edge_learning_accuracy my-mlp": 0.96875,
        "pi_edge_learning_left_seconds my-mlp": 65,
    }


def test_the_light_shows_it_and_the_daemon_is_ready_all_the_same(daemon: RunningDaemon) -> None:
    with learner(daemon.state):
        wait_until(lambda: daemon.status()["led"]["shows"] == "learning")
        assert daemon.status()["state"] == "ready"
        assert daemon.send("GET", "/v2/health/ready").json()["ready"]
        assert daemon.infer("double", x=[1, 2, 3]) == {"y": [2, 4, 6]}
    wait_until(lambda: daemon.status()["led"]["shows"] == "ready")


def test_the_command_prints_a_line(
    daemon: RunningDaemon, capsys: pytest.CaptureFixture[str]
) -> None:
    line = "learning my-mlp, epoch 2 of 5, loss 0.1250, accuracy 96.88%, 65 s left"
    with learner(daemon.state):
        assert main(["status", "--url", daemon.url]) == 0
        assert line in capsys.readouterr().out.splitlines()
    assert main(["status", "--url", daemon.url]) == 0
    assert "learning" not in capsys.readouterr().out.replace("status light: learning", "")


def test_the_answer_is_as_the_description_of_the_api_says(daemon: RunningDaemon) -> None:
    config = SchemathesisConfig()
    config.projects.default.update(base_url=daemon.url)
    described = schemathesis.openapi.from_dict(document(), config=config)["/status"]["GET"]
    described.validate_response(requests.get(f"{daemon.url}/status", timeout=60))
    with learner(daemon.state):
        answer = requests.get(f"{daemon.url}/status", timeout=60)
        assert answer.json()["learning"]
        described.validate_response(answer)
