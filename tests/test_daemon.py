"""The daemon's state, and its probe. Its life as a process: end_to_end/."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from running import PATIENCE, install

from pi_edge.blinker import uppermost
from pi_edge.catalog import Entry
from pi_edge.config import Config
from pi_edge.daemon import Daemon, lit_for, state_of
from pi_edge.handle import Handle
from pi_edge.learning import told, watching
from pi_edge.model import trivial_inputs
from pi_edge.model_status import ModelStatus, Variant
from pi_edge.workers.process import Workshop


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
        ([model("ready", problem="no model.json")], "degraded"),
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


def on_settled_daemon(tmp_path: Path, test: Callable[[Daemon], Awaitable[None]]) -> None:
    """Run ``test`` with a daemon that has tried all its models, on its event loop."""
    settings = config(tmp_path)
    settings.state.mkdir()
    daemon = Daemon(settings, Workshop())

    async def run() -> None:
        daemon.repository.start(asyncio.get_running_loop())
        async with asyncio.timeout(PATIENCE):
            while not daemon.repository.settled:
                await asyncio.sleep(0.01)
            await test(daemon)

    try:
        asyncio.run(run())
    finally:
        daemon.repository.stop()
        daemon.close()


def test_the_probe_infers_without_being_counted(tmp_path: Path) -> None:
    install("double", tmp_path / "shipped")
    winks: list[None] = []

    async def probe(daemon: Daemon) -> None:
        daemon.observe(on_inference=lambda: winks.append(None))
        await daemon.probe()
        (handle,) = daemon.handles()
        assert handle.statistics().success == 0

    on_settled_daemon(tmp_path, probe)
    assert winks == []


def test_the_probe_passes_with_every_model_quarantined(tmp_path: Path) -> None:
    (tmp_path / "shipped").mkdir()
    (tmp_path / "shipped" / "broken.tflite").write_bytes(b"broken")

    async def probe(daemon: Daemon) -> None:
        assert daemon.handles() == []
        await daemon.probe()

    on_settled_daemon(tmp_path, probe)


def test_a_stopped_worker_fails_no_probe_and_is_replaced_though_no_client_asks(
    tmp_path: Path,
) -> None:
    install("double", tmp_path / "shipped", deadline=0.2)

    async def probe(daemon: Daemon) -> None:
        (handle,) = daemon.handles()
        os.kill(handle.pids[0], signal.SIGSTOP)
        while not handle.statistics().lost:
            await daemon.probe()
        while handle.lost:
            await asyncio.sleep(0.01)
        await handle.infer(trivial_inputs(handle.inputs))

    on_settled_daemon(tmp_path, probe)


def test_every_idle_worker_has_its_turn_to_be_probed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("double", tmp_path / "shipped", variants=3)
    asked: list[str] = []
    real = Handle.infer

    async def noting(self: Handle, inputs: Any, counted: bool = True) -> Any:
        asked.append(self.version)
        return await real(self, inputs, counted)

    monkeypatch.setattr(Handle, "infer", noting)

    async def probe(daemon: Daemon) -> None:
        for _ in range(3):
            await daemon.probe()

    on_settled_daemon(tmp_path, probe)
    assert sorted(asked) == ["v1", "v2", "v3"]


@pytest.mark.parametrize(
    ("state", "shown"),
    [
        ("starting", "starting"),
        ("failed", "failed"),
        ("degraded", "degraded"),
        ("ready", "learning"),
        ("stopping", "stopped"),
    ],
)
def test_the_light_shows_that_somebody_learns_unless_there_is_trouble(
    state: str, shown: str
) -> None:
    assert uppermost(lit_for(state, learns=True)) == shown


def test_without_a_learner_the_light_shows_the_daemons_state() -> None:
    shown = [uppermost(lit_for(state, learns=False)) for state in ("ready", "failed", "stopping")]
    assert shown == ["ready", "failed", "stopped"]


def test_observers_hear_when_learning_begins_and_when_it_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "LOOK_SECONDS", 0.01)
    heard: list[bool] = []

    async def run() -> None:
        watch = asyncio.create_task(watching.watch(tmp_path, heard.append))
        async with asyncio.timeout(PATIENCE):
            for _ in range(2):
                with told.learning(tmp_path, "mine"):
                    while heard[-1:] != [True]:
                        await asyncio.sleep(0.01)
                while heard[-1:] != [False]:
                    await asyncio.sleep(0.01)
        watch.cancel()

    asyncio.run(run())
    assert heard == [True, False, True, False]


def test_observers_hear_the_state_they_come_in_on(tmp_path: Path) -> None:
    heard: list[str] = []
    Daemon(config(tmp_path), Workshop()).observe(on_state=heard.append)
    assert heard == ["starting"]
