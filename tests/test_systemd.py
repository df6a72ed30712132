"""What systemd is told, over a real datagram socket as systemd itself opens it."""

from __future__ import annotations

import asyncio
import itertools
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from loops import FakeProcess, FakeServer
from support import ROOT, missing

from pi_edge import systemd
from pi_edge.config import Config
from pi_edge.daemon import Daemon
from pi_edge.errors import PiEdgeError
from pi_edge.handle import Handle
from pi_edge.workers.process import Workshop

UNIT = ROOT / "systemd" / "pi-edge.service"


class Manager:
    """The service manager's end: an address and what came in, field by field."""

    def __init__(self, address: str) -> None:
        self.environ = {"NOTIFY_SOCKET": address.replace("\0", "@")}
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)

    def receive(self, timeout: float = 30) -> list[str]:
        """The next message's fields; [] where none came in time."""
        self.socket.settimeout(timeout)
        try:
            return self.socket.recv(4096).decode().split("\n")
        except TimeoutError:
            return []

    def receive_until(self, field: str) -> list[str]:
        """All fields up to and with the message that has ``field``."""
        fields: list[str] = []
        while field not in fields:
            message = self.receive()
            assert message, f"{field} did not come within 30 s, only {fields}"
            fields += message
        return fields

    def drain(self) -> None:
        self.socket.setblocking(False)
        try:
            while True:
                self.socket.recv(4096)
        except BlockingIOError:
            pass


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    manager = Manager(str(tmp_path / "notify"))
    yield manager
    manager.socket.close()


def test_fields_arrive_as_lines_of_one_message(manager: Manager) -> None:
    assert systemd.notify("READY=1", "STATUS=two models serve", environ=manager.environ)
    assert manager.receive() == ["READY=1", "STATUS=two models serve"]


def test_a_line_break_in_a_field_does_not_make_another_field(manager: Manager) -> None:
    systemd.notify("STATUS=one\nREADY=1", environ=manager.environ)
    assert manager.receive() == ["STATUS=one READY=1"]


def test_an_abstract_socket_is_reached() -> None:
    manager = Manager(f"\0pi-edge-test-{os.getpid()}")
    assert systemd.notify("READY=1", environ=manager.environ)
    assert manager.receive() == ["READY=1"]
    manager.socket.close()


@pytest.mark.parametrize("environ", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "vsock:2:1"}])
def test_without_a_manager_nothing_is_sent(environ: dict[str, str]) -> None:
    assert not systemd.notify("READY=1", environ=environ)


def test_a_manager_that_does_not_listen_is_survived(tmp_path: Path) -> None:
    assert not systemd.notify("READY=1", environ={"NOTIFY_SOCKET": str(tmp_path / "nobody")})


@pytest.mark.parametrize(
    ("environ", "interval"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_signs_of_life_are_due_every_half_of_what_the_watchdog_allows(
    environ: dict[str, str], interval: float | None
) -> None:
    assert systemd.watchdog_interval(environ) == interval


def test_ready_is_reported_once_with_the_first_state_after_starting(manager: Manager) -> None:
    reporter = systemd.Reporter(manager.environ)
    for state in ("starting", "degraded", "ready", "stopping"):
        reporter.state(state)
    assert [manager.receive() for _ in range(4)] == [
        ["STATUS=starting"],
        ["READY=1", "STATUS=degraded"],
        ["STATUS=ready"],
        ["STOPPING=1", "STATUS=stopping"],
    ]


def test_a_daemon_whose_models_all_failed_is_ready(manager: Manager) -> None:
    systemd.Reporter(manager.environ).state("failed")
    assert manager.receive() == ["READY=1", "STATUS=failed"]


def feeding(
    manager: Manager,
    probe: Callable[[], Awaitable[object]],
    meanwhile: Callable[[], None],
    state: str = "ready",
) -> None:
    """Run ``meanwhile`` in a thread while the watchdog of 0.2 s is fed through ``probe``."""
    environ = {**manager.environ, "WATCHDOG_USEC": "200000"}

    async def run() -> None:
        reporter = systemd.Reporter(environ)
        reporter.state(state)
        task = asyncio.create_task(reporter.feed_watchdog(probe))
        try:
            await asyncio.to_thread(meanwhile)
        finally:
            task.cancel()

    asyncio.run(run())


async def answering() -> None:
    """A probe of a healthy daemon."""


def test_the_watchdog_is_fed_as_long_as_the_probe_answers(manager: Manager) -> None:
    def meanwhile() -> None:
        manager.receive_until("READY=1")
        assert [manager.receive() for _ in range(3)] == [["WATCHDOG=1"]] * 3

    feeding(manager, answering, meanwhile)


def test_a_daemon_still_starting_asks_for_more_time_to_do_so(manager: Manager) -> None:
    def meanwhile() -> None:
        assert manager.receive() == ["STATUS=starting"]
        assert manager.receive() == ["WATCHDOG=1", "EXTEND_TIMEOUT_USEC=200000"]

    feeding(manager, answering, meanwhile, state="starting")


def test_the_watchdog_is_not_fed_while_the_probe_fails(manager: Manager) -> None:
    failing, failed = threading.Event(), threading.Event()

    async def probe() -> None:
        if failing.is_set():
            failed.set()
            raise PiEdgeError("the model is gone")

    def meanwhile() -> None:
        manager.receive_until("WATCHDOG=1")
        failing.set()
        assert failed.wait(30)
        manager.drain()  # signs of life from before
        assert manager.receive(timeout=0.5) == []
        failing.clear()
        assert manager.receive() == ["WATCHDOG=1"]

    feeding(manager, probe, meanwhile)


def test_the_watchdog_is_fed_while_a_model_hangs_which_its_deadline_ends(
    manager: Manager, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hang = threading.Event()
    process = FakeProcess(lambda inputs: hang.wait(30))
    daemon = Daemon(Config(models=tmp_path, state=tmp_path), Workshop())
    handles: list[Handle] = []
    monkeypatch.setattr(daemon, "handles", lambda: handles)

    async def probe() -> None:
        if not handles:
            loop = asyncio.get_running_loop()
            handles.append(Handle(process, loop, "m", "v", FakeServer()))
            await asyncio.sleep(0)
        await daemon.probe()

    def meanwhile() -> None:
        manager.receive_until("READY=1")
        assert [manager.receive(timeout=30) for _ in range(3)] == [["WATCHDOG=1"]] * 3
        assert process.runs == 1  # a hung model is not asked again and again
        hang.set()

    feeding(manager, probe, meanwhile)


def test_the_watchdog_of_a_daemon_without_any_ready_model_is_fed(
    manager: Manager, tmp_path: Path
) -> None:
    daemon = Daemon(Config(models=tmp_path, state=tmp_path), Workshop())

    def meanwhile() -> None:
        manager.receive_until("WATCHDOG=1")

    feeding(manager, daemon.probe, meanwhile)


@pytest.fixture
def daemon_process(manager: Manager, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """The real daemon over one file that is no model, with a watchdog of 2 s."""
    models = tmp_path / "models"
    models.mkdir()
    (models / "broken.tflite").write_bytes(b"no model")
    command = [sys.executable, "-m", "pi_edge", "serve", "--port", "0", "--led", "off"]
    command += ["--models", str(models), "--state", str(tmp_path / "state")]
    process = subprocess.Popen(
        command,
        env={**os.environ, **manager.environ, "WATCHDOG_USEC": "2000000"},
        stderr=subprocess.PIPE,
        text=True,
    )
    yield process
    process.kill()
    process.communicate()


def test_the_daemon_reports_ready_only_when_every_model_has_been_tried(
    manager: Manager, daemon_process: subprocess.Popen[str]
) -> None:
    before = manager.receive_until("READY=1")
    assert before[0] == "STATUS=starting"
    assert before[-1] == "STATUS=failed"
    assert daemon_process.stderr
    log = itertools.takewhile(lambda line: "failed at" not in line, daemon_process.stderr)
    assert "broken/default is quarantined" in "".join(log)


def test_the_daemon_gives_signs_of_life_and_says_when_it_stops(
    manager: Manager, daemon_process: subprocess.Popen[str]
) -> None:
    manager.receive_until("READY=1")
    assert manager.receive_until("WATCHDOG=1") == ["WATCHDOG=1"]
    assert manager.receive_until("WATCHDOG=1") == ["WATCHDOG=1"]
    daemon_process.send_signal(signal.SIGTERM)
    assert "STOPPING=1" in manager.receive_until("STATUS=stopping")
    assert daemon_process.wait(30) == 0


@pytest.fixture
def installed_unit(tmp_path: Path) -> Path:
    """The unit as install-service writes it for this checkout."""
    if not shutil.which("systemd-analyze"):
        missing("no systemd-analyze (package systemd)")
    unit = tmp_path / "pi-edge.service"
    virtual_environment = Path(sys.prefix)
    unit.write_text(UNIT.read_text().replace("/opt/pi-edge/.venv", str(virtual_environment)))
    return unit


def test_the_unit_has_no_fault_that_systemd_knows_of(installed_unit: Path) -> None:
    done = subprocess.run(
        ["systemd-analyze", "verify", str(installed_unit)], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_sandbox_leaves_an_exposure_of_at_most_2_5(installed_unit: Path) -> None:
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", str(installed_unit)],
        capture_output=True,
        text=True,
        check=True,
    )
    level = re.search(r"Overall exposure level for pi-edge.service: ([0-9.]+)", done.stdout)
    assert level
    assert float(level[1]) <= 2.5
    assert level[0] in (ROOT / "docs" / "service.md").read_text(), "docs/service.md is out of date"
