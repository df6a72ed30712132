"""The machine that is looked at, and how what mends it is typed there."""

from __future__ import annotations

import os
import pwd
import re
import shlex
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pi_edge.config import Config

CHECKOUT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Patient:
    """What all checks look at.

    Attributes:
        settings: those of the daemon that should run here: the service's where there is one.
        trouble: why its settings cannot be read, then ``settings`` are the defaults; "" if not.
        file: the TOML file of settings.
        environ: where settings may stand, too.
        status: what the running daemon answers at /status; None where none answers.
        locked: a daemon answers, but demands a token that is not known here.
        unit: the properties of pi-edge.service, {} where no systemd runs.
        root: the machine's file system below /proc, /sys and /dev.
    """

    settings: Config
    trouble: str = ""
    file: Path = Path("/etc/pi-edge/config.toml")
    environ: Mapping[str, str] = field(default_factory=dict)
    status: Mapping[str, Any] | None = None
    locked: bool = False
    unit: Mapping[str, str] = field(default_factory=dict)
    root: Path = Path("/")

    @property
    def is_service(self) -> bool:
        """Whether the daemon is a service here."""
        return self.unit.get("LoadState") in ("loaded", "masked", "bad-setting", "error")

    @property
    def user(self) -> str:
        """Who runs the daemon, or would."""
        if self.is_service and self.unit.get("User"):
            return self.unit["User"]
        return user_name(os.geteuid())

    @property
    def is_it(self) -> bool:
        """Whether who asks is who runs the daemon."""
        return self.user == user_name(os.geteuid())

    def may(self, path: Path, wanted: int) -> bool:
        """Whether who runs the daemon may do with a path what ``wanted`` says, as os.access has it:
        root, who asks for the service, may do everything itself."""
        if os.geteuid() != 0 or self.is_it:
            return os.access(path, wanted)
        about = path.stat()
        ours = about.st_gid in groups_of(self.user)
        shift = 6 if user_name(about.st_uid) == self.user else 3 if ours else 0
        return about.st_mode >> shift & wanted == wanted

    @property
    def restart(self) -> str:
        """The command that starts the service again; "" where there is none."""
        return as_root("systemctl restart pi-edge") if self.is_service else ""

    def restarted(self, command: str) -> str:
        """``command``, and the service started again after it."""
        return f"{command} && {self.restart}" if self.restart else command

    def setting(self, name: str, value: str) -> str:
        """The command that changes a setting: where it stands, else in the file."""
        if f"PI_EDGE_{name.upper()}" in self.environ and not self.is_service:
            return f"export PI_EDGE_{name.upper()}={shlex.quote(value)}"
        line = f"{name} = {value}" if value.isdigit() else f'{name} = "{value}"'
        file = shlex.quote(str(self.file))
        if re.search(rf"^{name} *=", text_of(self.file), re.MULTILINE):
            change = writing(self.file, f"sed -i 's|^{name} *=.*|{line}|' {file}")
        else:
            folder = shlex.quote(str(self.file.parent))
            make = "" if self.file.parent.is_dir() else writing(self.file, f"mkdir -p {folder} && ")
            change = f"{make}echo {shlex.quote(line)} | {writing(self.file, f'tee -a {file}')}"
        return self.restarted(change)

    def pi_edge(self, command: str, where: Path | None = None) -> str:
        """A pi-edge command about the daemon's own folders.

        Args:
            where: what must be written for it.
        """
        program = "pi-edge" if shutil.which("pi-edge") else f"{python()} -m pi_edge"
        line = f"{program} {command} --state {shlex.quote(str(self.settings.state))}"
        return writing(where, line) if where else line


def pi_edge_url(patient: Patient) -> str:
    """Where the daemon is on this machine."""
    scheme = "https" if patient.settings.tls_certificate else "http"
    return f"{scheme}://127.0.0.1:{patient.settings.port}"


def user_name(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def python() -> str:
    """The interpreter that this runs in, for a shell."""
    return shlex.quote(sys.executable)


def as_root(command: str) -> str:
    """``command`` for who may change the machine."""
    return command if os.geteuid() == 0 else f"sudo {command}"


def writing(path: Path, command: str) -> str:
    """``command`` for who may write ``path``, or make it."""
    while not os.path.lexists(path) and path != path.parent:
        path = path.parent
    return command if os.access(path, os.W_OK) else f"sudo {command}"


def unit_of(process: Path) -> str:
    """The system service that a process, named by its folder in /proc, belongs to; "" if none."""
    found = re.search(r"/system\.slice/(?:.*/)?([^/\n]+\.service)", text_of(process / "cgroup"))
    if found is None or found[1].startswith(("systemd-", "dbus", "user@")):
        return ""
    return found[1]


def ending(process: Path) -> str:
    """The command that ends a process, named by its folder in /proc."""
    try:
        mine = process.stat().st_uid == os.geteuid()
    except OSError:
        mine = False
    return f"kill {process.name}" if mine else as_root(f"kill {process.name}")


def stopping(process: Path) -> str:
    """The same, by the service that it belongs to where there is one."""
    unit = unit_of(process)
    return as_root(f"systemctl stop {unit}") if unit else ending(process)


def groups_of(user: str) -> list[int]:
    """The groups that a user is in by the system's files, whatever a session knows of it."""
    try:
        return os.getgrouplist(user, pwd.getpwnam(user).pw_gid)
    except KeyError:
        return []


def owning(path: Path, command: str) -> str:
    """``command`` for who may change the rights to ``path``: its owner."""
    try:
        mine = path.stat().st_uid == os.geteuid()
    except OSError:
        mine = False
    return command if mine else as_root(command)


def text_of(path: Path) -> str:
    """What is in a small file; "" where it cannot be read."""
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def size(count: float) -> str:
    """Bytes for people."""
    for limit, unit in ((1e9, "GB"), (1e6, "MB")):
        if count >= limit:
            return f"{count / limit:.1f} {unit}"
    return f"{count / 1e3:.1f} kB"
