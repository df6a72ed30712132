"""The systemd service and its watchdogs."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from pi_edge.benchmark import machine
from pi_edge.doctor.findings import Finding, fail, ok, warn
from pi_edge.doctor.patient import CHECKOUT, Patient, as_root

NAME = "pi-edge.service"
_ASKED = (
    "LoadState,ActiveState,SubState,UnitFileState,Result,NRestarts,StatusText,MainPID,User,"
    "Environment,WatchdogUSec,NeedDaemonReload,SupplementaryGroups"
)
# Seconds of silence after which the machine itself is started again.
_HARDWARE = 15


def read(root: Path = Path("/")) -> dict[str, str]:
    """The unit's properties (systemctl(1), "show"); {} where no systemd runs."""
    if not (root / "run/systemd/system").is_dir() or not shutil.which("systemctl"):
        return {}
    return _properties("show", NAME, f"--property={_ASKED}")


def environ_of(unit: Mapping[str, str]) -> dict[str, str]:
    """The environment that the unit gives its process."""
    words = shlex.split(unit.get("Environment", ""))
    return dict(word.split("=", 1) for word in words if "=" in word)


def check_unit(patient: Patient) -> Iterator[Finding]:
    """Whether the service is there, enabled and active."""
    unit = patient.unit
    if not unit:
        yield ok("no service: the daemon is started by hand")
        return
    load = unit.get("LoadState", "")
    if load == "not-found":
        yield _not_installed(patient)
        return
    if load == "masked":
        command = f"{as_root(f'systemctl unmask {NAME}')} && {_now('enable --now')}"
        yield fail(f"{NAME} is masked: nothing can start it", command)
        return
    if load != "loaded":
        command = f"{as_root('systemctl daemon-reload')} && {_now('restart')}"
        yield fail(f"systemd cannot use {NAME} ({load})", command)
        return
    yield _activity(unit)
    if unit.get("UnitFileState") == "disabled":
        yield warn("it does not start with the machine", _now("enable"))
    if unit.get("NeedDaemonReload") == "yes":
        yield warn(
            "its unit file is newer than what systemd knows",
            f"{as_root('systemctl daemon-reload')} && {_now('restart')}",
        )


def check_watchdog(patient: Patient) -> Iterator[Finding]:
    """Whether a daemon that hangs is ended, and a machine that hangs started again."""
    unit = patient.unit
    if patient.is_service:
        told = unit.get("WatchdogUSec", "")
        if told in ("0", "infinity"):
            yield warn("a daemon that hangs is not ended: the unit has no WatchdogSec", _feeding())
        else:
            yield ok(f"a daemon that hangs is ended after {told}")
    else:
        yield ok("none: no service is watched")
    if not unit or not (patient.root / "dev/watchdog0").exists():
        return
    of_machine = _properties("show", "--property=RuntimeWatchdogUSec")
    if of_machine.get("RuntimeWatchdogUSec") in ("0", "infinity"):
        text = f"[Manager]\\nRuntimeWatchdogSec={_HARDWARE}\\n"
        command = _drop_in("/etc/systemd/system.conf.d", text)
        yield warn(
            "a machine that hangs stays so: its watchdog is not used",
            f"{command} && {as_root('systemctl daemon-reexec')}",
        )
    else:
        yield ok(f"a machine that hangs starts again after {of_machine['RuntimeWatchdogUSec']}")


def _not_installed(patient: Patient) -> Finding:
    board = machine.board(patient.root)
    if board is None or "Raspberry Pi" not in board:
        return ok("not installed as a service: the daemon is started by hand")
    script = CHECKOUT / "scripts/install-service"
    text = "not installed as a service: nothing starts the daemon with the machine"
    if script.exists():
        return warn(text, as_root(shlex.quote(str(script))))
    return warn(text, words="from the laptop: scripts/deploy HOST")


def _activity(unit: Mapping[str, str]) -> Finding:
    state, sub = unit.get("ActiveState", ""), unit.get("SubState", "")
    restarts = int(unit.get("NRestarts") or 0)
    again = f", started again {restarts} times" if restarts else ""
    if state in ("active", "reloading"):
        said = f": {unit['StatusText']}" if unit.get("StatusText") else ""
        return ok(f"{NAME} is active{said}{again}")
    if state == "activating" and sub != "auto-restart":
        return warn(f"{NAME} is starting{again}", words="wait until all models have been tried")
    if state == "deactivating":
        return warn(f"{NAME} is stopping", words="wait until it has")
    reason = _last_words()
    if state == "inactive" and unit.get("Result") == "success":
        return fail(f"{NAME} was stopped", _now("start"))
    ended = f"{NAME} does not stay up ({unit.get('Result')}){again}"
    return fail(f"{ended}{f': {reason}' if reason else ''}", _now("restart"))


def _last_words() -> str:
    """The last error in the daemon's log."""
    command = ["journalctl", "--unit", NAME, "--lines=50", "--output=cat", "--quiet"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    lines = [line for line in done.stdout.splitlines() if line.startswith(("pi-edge:", "ERROR"))]
    return lines[-1].removeprefix("pi-edge: ") if lines else ""


def _now(verb: str) -> str:
    return as_root(f"systemctl {verb} {NAME.removesuffix('.service')}")


def _feeding() -> str:
    command = _drop_in(f"/etc/systemd/system/{NAME}.d", "[Service]\\nWatchdogSec=30\\n")
    return f"{command} && {as_root('systemctl daemon-reload')} && {_now('restart')}"


def _drop_in(folder: str, text: str) -> str:
    """The command that adds settings to a unit or to systemd; the last name of a folder wins."""
    file = f"{folder}/zz-watchdog.conf"
    return f"{as_root(f'mkdir -p {folder}')} && printf '{text}' | {as_root(f'tee {file}')}"


def _properties(*arguments: str) -> dict[str, str]:
    environ = {**os.environ, "LC_ALL": "C.UTF-8"}
    try:
        done = subprocess.run(
            ["systemctl", *arguments], capture_output=True, text=True, timeout=30, env=environ
        )
    except (OSError, subprocess.TimeoutExpired):
        return {}
    return dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
