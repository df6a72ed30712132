"""POST /tasks/style as a stream and in line: who waits, who leaves, what dies, what stops."""

from __future__ import annotations

import http.client
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from running import WITHOUT_ACCELERATORS, RunningDaemon, wait_until
from style_client import (
    PATH,
    Client,
    children,
    counts,
    encoded,
    noise_png,
    style_daemon,
    wait_for,
    waves,
)

SMALL = encoded(waves(120, 160), "JPEG")


@pytest.fixture(scope="module")
def large() -> bytes:
    return noise_png()


@pytest.fixture(scope="module", params=[(), WITHOUT_ACCELERATORS], ids=["fast", "plain"])
def daemon(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, shipped_models: Path
) -> Iterator[RunningDaemon]:
    folder = tmp_path_factory.mktemp("style")
    flags = ("--style-queue", "2")
    with style_daemon(folder, shipped_models, *flags, command=request.param) as running:
        yield running
        assert counts(running) == (0, 0)
        assert children(running) == []
        assert running.status()["state"] == "ready"
        assert "Traceback" not in running.log.read_text()
        assert "ASGI" not in running.log.read_text()


def half_read(daemon: RunningDaemon, photo: bytes) -> tuple[Client, http.client.HTTPResponse]:
    """A client that has read the first bytes of its picture, and no more."""
    client = Client(daemon, f"{PATH}&strength=0", photo)
    client.send_rest()
    response = client.response()
    assert response.status == 200
    assert response.read(8) == b"\x89PNG\r\n\x1a\n"
    return client, response


def test_the_picture_begins_before_it_is_done(daemon: RunningDaemon, large: bytes) -> None:
    _, response = half_read(daemon, large)
    assert counts(daemon) == (1, 0)
    assert len(response.read()) > 14_000_000
    wait_for(daemon, 0, 0)


def test_photos_wait_in_line(daemon: RunningDaemon) -> None:
    first = Client(daemon, PATH, SMALL)
    wait_for(daemon, 1, 0)
    second = Client(daemon, PATH, SMALL)
    wait_for(daemon, 1, 1)
    assert len(children(daemon)) == 1
    assert first.finish().status == 200
    assert second.finish().status == 200


def test_past_the_line_is_told_when_to_come_again(daemon: RunningDaemon) -> None:
    clients = [Client(daemon, PATH, SMALL)]
    wait_for(daemon, 1, 0)
    clients += [Client(daemon, PATH, SMALL) for _ in range(2)]
    wait_for(daemon, 1, 2)
    answer = daemon.send("POST", PATH, SMALL)
    assert answer.status == 503
    assert int(answer.headers["retry-after"]) >= 1
    assert "in line" in answer.json()["error"]
    assert [client.finish().status for client in clients] == [200, 200, 200]


def test_who_leaves_while_waiting_frees_the_place(daemon: RunningDaemon) -> None:
    first = Client(daemon, PATH, SMALL)
    wait_for(daemon, 1, 0)
    second = Client(daemon, PATH, SMALL)
    second.send_rest()
    wait_for(daemon, 1, 1)
    second.leave()
    wait_for(daemon, 1, 0)
    assert first.finish().status == 200


def test_who_leaves_while_sending_ends_the_process(daemon: RunningDaemon) -> None:
    client = Client(daemon, PATH, SMALL)
    wait_for(daemon, 1, 0)
    client.leave()
    wait_for(daemon, 0, 0)
    assert children(daemon) == []


def test_who_leaves_while_reading_ends_the_process(daemon: RunningDaemon, large: bytes) -> None:
    client, response = half_read(daemon, large)
    response.close()
    client.leave()
    wait_for(daemon, 0, 0)
    assert children(daemon) == []


def test_a_process_that_dies_at_first_is_one_line(daemon: RunningDaemon) -> None:
    client = Client(daemon, PATH, SMALL)
    (child,) = wait_until(lambda: children(daemon))
    os.kill(child, signal.SIGKILL)
    answer = client.finish()
    assert answer.status == 500
    assert "SIGKILL" in answer.json()["error"]
    assert daemon.send("POST", PATH, SMALL).status == 200


def test_a_process_that_dies_later_cuts_the_answer_off(daemon: RunningDaemon, large: bytes) -> None:
    _, response = half_read(daemon, large)
    (child,) = children(daemon)
    os.kill(child, signal.SIGKILL)
    with pytest.raises(http.client.IncompleteRead):
        response.read()
    wait_for(daemon, 0, 0)
    assert "cut short: styling was ended by SIGKILL" in daemon.log.read_text()
    assert daemon.send("POST", PATH, SMALL).status == 200


def test_digits_are_read_meanwhile(daemon: RunningDaemon, large: bytes) -> None:
    _, response = half_read(daemon, large)
    digits = daemon.send("POST", "/tasks/digits?model=mnist-mlp", {"pixels": [0] * 784})
    assert digits.status == 200
    assert counts(daemon) == (1, 0)
    response.read()
    wait_for(daemon, 0, 0)


@pytest.mark.parametrize("command", [(), WITHOUT_ACCELERATORS], ids=["fast", "plain"])
def test_a_stop_sends_those_who_wait_away_and_ends_the_process(
    command: tuple[str, ...], tmp_path: Path, shipped_models: Path
) -> None:
    with style_daemon(tmp_path, shipped_models, command=command) as daemon:
        first = Client(daemon, PATH, SMALL)
        wait_for(daemon, 1, 0)
        second = Client(daemon, PATH, SMALL)
        wait_for(daemon, 1, 1)
        (child,) = children(daemon)
        daemon.process.send_signal(signal.SIGTERM)
        for client in (second, first):
            response = client.response()
            assert response.status == 503
            assert b"stopping" in response.read()
            client.leave()
        assert daemon.process.wait(60) == 0
        assert not Path(f"/proc/{child}").exists()
        assert "Traceback" not in daemon.log.read_text()


def test_a_photo_under_way_is_finished_before_the_stop(
    tmp_path: Path, shipped_models: Path
) -> None:
    with style_daemon(tmp_path, shipped_models) as daemon:
        client = Client(daemon, PATH, SMALL)
        wait_for(daemon, 1, 0)
        daemon.process.send_signal(signal.SIGTERM)
        assert client.finish().status == 200
        assert daemon.process.wait(60) == 0
