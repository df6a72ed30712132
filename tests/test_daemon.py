"""The daemon's state, and its probe. Its life as a process: end_to_end/."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from running import install, wait_until

from pi_edge import daemon as module
from pi_edge.catalog import Entry
from pi_edge.config import Config
from pi_edge.daemon import Daemon, state_of
from pi_edge.errors import PiEdgeError
from pi_edge.model_status import ModelStatus, Variant


def model(*states: str, problem: str = "") -> ModelStatus:
    variants = {f"v{number}": Variant(state) for number, state in enumerate(states)}
    return ModelStatus(Entry("m", "tensors", "v0", {}), variants, problem)


@pytest.mark.parametrize(
    ("models", "state"),
    [
        ([], "failed"),
        ([model("ready")], "ready"),
        ([model("ready"), model("unloaded")], "ready"),
        ([model("ready"), model("probing")], "ready"),
        ([model("ready", "quarantined")], "degraded"),
        ([model("ready"), model("quarantined")], "degraded"),
        ([model("ready"), model(problem="no model.json")], "degraded"),
        ([model("quarantined"), model("quarantined")], "failed"),
        ([model("unloaded")], "failed"),
        ([model("loading"), model("quarantined")], "failed"),
    ],
)
def test_the_state_follows_from_the_models(models: list[ModelStatus], state: str) -> None:
    assert state_of(models, settled=True, stopping=False) == state
    assert state_of(models, settled=False, stopping=False) == "starting"
    assert state_of(models, settled=True, stopping=True) == "stopping"
    assert state_of(models, settled=False, stopping=True) == "stopping"


def config(tmp_path: Path) -> Config:
    return Config(models=tmp_path / "shipped", state=tmp_path / "state", port=0)


def settled_daemon(tmp_path: Path) -> Daemon:
    settings = config(tmp_path)
    settings.state.mkdir()
    daemon = Daemon(settings)
    daemon.repository.start()
    wait_until(lambda: daemon.repository.settled)
    daemon.repository.stop()
    return daemon


def test_the_probe_infers_without_being_counted(tmp_path: Path) -> None:
    install("double", tmp_path / "shipped")
    daemon = settled_daemon(tmp_path)
    winks: list[None] = []
    daemon.observe(on_inference=lambda: winks.append(None))
    asyncio.run(daemon.probe())
    (handle,) = daemon.handles()
    assert handle.statistics().success == 0
    assert winks == []


def test_the_probe_passes_with_every_model_quarantined(tmp_path: Path) -> None:
    (tmp_path / "shipped").mkdir()
    (tmp_path / "shipped" / "broken.tflite").write_bytes(b"broken")
    daemon = settled_daemon(tmp_path)
    assert daemon.handles() == []
    asyncio.run(daemon.probe())


def test_the_probe_fails_when_an_inference_is_stuck(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("double", tmp_path / "shipped")
    daemon = settled_daemon(tmp_path)
    (handle,) = daemon.handles()
    monkeypatch.setattr(handle, "busy_seconds", lambda: module.STUCK_SECONDS + 1)
    with pytest.raises(PiEdgeError, match=r"double/v1 has been running for 121 s"):
        asyncio.run(daemon.probe())


def test_observers_hear_the_state_they_come_in_on(tmp_path: Path) -> None:
    heard: list[str] = []
    Daemon(config(tmp_path)).observe(on_state=heard.append)
    assert heard == ["starting"]
