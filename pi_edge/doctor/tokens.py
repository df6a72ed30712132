"""The token: there where it is demanded, readable by the daemon, closed to everybody else."""

from __future__ import annotations

import shlex
import stat
from collections.abc import Iterator
from pathlib import Path

from pi_edge import access_token
from pi_edge.doctor.findings import Finding, fail, ok, warn
from pi_edge.doctor.patient import Patient, as_root, owning, text_of, user_name, writing
from pi_edge.errors import PiEdgeError


def check_token(patient: Patient) -> Iterator[Finding]:
    """Whether strangers are kept out, and nobody else reads the token."""
    settings = patient.settings
    if settings.token:
        yield from _in_settings(patient)
        return
    path = access_token.file_of(settings.state)
    quoted = shlex.quote(str(path))
    try:
        value = access_token.read(path)
        mode = stat.S_IMODE(path.stat().st_mode) if value is not None else 0
    except access_token.Unreadable:
        if patient.is_it:
            yield fail(
                f"{path} may not be read by {patient.user}",
                patient.restarted(_giving(patient, path)),
            )
        else:
            yield ok(f"{path} is {patient.user}'s: you may not read it, as it should be")
        return
    except PiEdgeError as error:
        remove = "rm -r" if path.is_dir() else "rm"
        yield fail(str(error).partition(": remove")[0], patient.restarted(
            writing(path.parent, f"{remove} {quoted}")))  # fmt: skip
        return
    if mode & 0o077:
        command = owning(path, f"chmod 600 {quoted}")
        yield fail(f"{path} is open to other users of this machine", command)
    elif access_token.is_loopback(settings.host) or settings.host == "localhost":
        yield ok("none is demanded: the daemon answers this machine only")
    elif value is None:
        yield ok(f"the daemon will make one in {path} when it starts")
    else:
        yield ok(f"in {path}, which {patient.user} alone can read")


def _giving(patient: Patient, path: Path) -> str:
    """The command that lets the daemon's user read its token, and nobody else."""
    quoted = shlex.quote(str(path))
    try:
        if user_name(path.stat().st_uid) == patient.user:
            return f"chmod 600 {quoted}"
    except PermissionError:  # its folder may not be entered
        return f"chmod u+rwx {shlex.quote(str(path.parent))}"
    return as_root(f"chown {shlex.quote(patient.user)} {quoted}")


def _in_settings(patient: Patient) -> Iterator[Finding]:
    if "token" not in text_of(patient.file):
        yield ok("the one that stands in the environment")
        return
    mode = stat.S_IMODE(patient.file.stat().st_mode)
    if not mode & 0o007:
        yield ok(f"the one that stands in {patient.file}")
        return
    quoted = shlex.quote(str(patient.file))
    close = owning(patient.file, f"chmod o= {quoted}")
    if patient.is_service:
        close = (
            f"{as_root(f'chown root:{patient.user} {quoted}')} && {as_root(f'chmod 640 {quoted}')}"
        )
    yield warn(f"{patient.file} holds the token and is open to other users of this machine", close)
