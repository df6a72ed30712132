"""The daemon's state, its folders and its socket. Its life as a process: end_to_end/."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest
from running import install, wait_until

from pi_edge import daemon as module
from pi_edge.catalog import Entry
from pi_edge.config import Config
from pi_edge.daemon import Daemon, check_folders, listen, state_of, url_of
from pi_edge.errors import PiEdgeError
from pi_edge.repository import ModelStatus, Variant


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


def test_the_state_folder_is_made(tmp_path: Path) -> None:
    settings = config(tmp_path)
    settings.models.mkdir()
    check_folders(settings)
    assert (settings.state / "models").is_dir()


def test_a_missing_models_folder_is_said_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(PiEdgeError, match="--models DIR"):
        check_folders(config(tmp_path))


def test_a_state_folder_that_cannot_be_made_is_said_with_what_to_do(tmp_path: Path) -> None:
    settings = config(tmp_path)
    settings.models.mkdir()
    settings.state.write_text("a file in its place")
    with pytest.raises(PiEdgeError, match="--state DIR"):
        check_folders(settings)


def test_a_taken_port_is_said_with_what_to_do() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PiEdgeError, match=rf"port {port} .*--port N"):
            listen("127.0.0.1", port)


def test_an_address_of_another_machine_is_said_with_what_to_do() -> None:
    with pytest.raises(PiEdgeError, match="--host H"):
        listen("192.0.2.1", 0)  # TEST-NET-1, RFC 5737


def test_the_url_is_one_that_a_browser_takes() -> None:
    with listen("0.0.0.0", 0) as listener:
        assert url_of(listener) == f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_the_url_of_an_ipv6_address_has_brackets() -> None:
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    try:
        listener = listen("::1", 0)
    except PiEdgeError as error:
        pytest.skip(str(error))
    with listener:
        assert url_of(listener) == f"http://[::1]:{listener.getsockname()[1]}"


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
