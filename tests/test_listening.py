"""Folders and socket, before the daemon."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from pi_edge.config import Config
from pi_edge.errors import PiEdgeError
from pi_edge.listening import check_folders, listen, url_of


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
