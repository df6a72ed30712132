"""Who has the daemon's port."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from pathlib import Path

from pi_edge.doctor.findings import Finding, fail, ok, warn
from pi_edge.doctor.patient import Patient, as_root, ending, text_of, unit_of

_LISTENS = "0A"  # TCP_LISTEN, include/net/tcp_states.h


def check_port(patient: Patient) -> Iterator[Finding]:
    """Whether the port is free, the daemon's, or somebody else's."""
    host, port = patient.settings.host, patient.settings.port
    if patient.status is not None or patient.locked:
        yield _ours(patient)
        return
    if port == 0:
        yield ok("any free one, as the settings say")
        return
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
    except OSError as error:
        yield _taken(patient, error)
        return
    yield ok(f"{port} is free: no daemon runs")


def _ours(patient: Patient) -> Finding:
    port = patient.settings.port
    if patient.status is None:
        return ok(f"{port} is a pi-edge's, which demands its token")
    pid = patient.status.get("pid")
    main = patient.unit.get("MainPID", "0")
    if patient.is_service and str(pid) != main:
        command = (
            f"{ending(patient.root / 'proc' / str(pid))} && {as_root('systemctl restart pi-edge')}"
        )
        return fail(
            f"{port} is taken by a pi-edge that is not the service (process {pid})", command
        )
    state = patient.status.get("state")
    told = f"{port} is the daemon's (process {pid}, {state})"
    if state == "failed":
        return fail(f"{told}: no model can be served", words="mend the models")
    if state == "degraded":
        return warn(f"{told}: a model is out", words="mend the models")
    return ok(told)


def _taken(patient: Patient, error: OSError) -> Finding:
    host, port = patient.settings.host, patient.settings.port
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return fail(f"this machine has no address {host}", patient.setting("host", "127.0.0.1"))
    if error.errno == errno.EACCES:
        text = f"{port} may be listened on by root alone"
        return fail(text, patient.setting("port", "8080"))
    if error.errno != errno.EADDRINUSE:
        return fail(f"{host} port {port}: {error.strerror}", patient.setting("port", "8081"))
    pid = listener(patient.root / "proc", port)
    if not pid:
        other = patient.setting("port", str(port + 1 if port < 65535 else 8080))
        return fail(f"{port} is taken by somebody else's process: choose another", other)
    process = patient.root / "proc" / str(pid)
    name = text_of(process / "comm").strip()
    text = f"{port} is taken by {name} (process {pid})"
    unit = unit_of(process)
    if unit:
        return fail(f"{text}, of {unit}", as_root(f"systemctl disable --now {unit}"))
    return fail(text, ending(process))


def listener(proc: Path, port: int) -> int:
    """The process that listens on a TCP port; 0 where it is not to be seen by us."""
    sockets = set()
    for table in ("tcp", "tcp6"):
        for line in text_of(proc / "net" / table).splitlines()[1:]:
            words = line.split()
            if len(words) > 9 and words[3] == _LISTENS and words[1].endswith(f":{port:04X}"):
                sockets.add(f"socket:[{words[9]}]")
    for folder in proc.glob("[0-9]*"):
        try:
            if any(str(handle.readlink()) in sockets for handle in (folder / "fd").iterdir()):
                return int(folder.name)
        except OSError:
            continue
    return 0
