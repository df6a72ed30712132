"""What a program may do in the sandbox of the service, and what its own processes are held by."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from machine import Machine

PROBE = Path(__file__).with_name("sandbox_probe.py")
# What of the unit is about its own program, or would take the service's folder away.
_LEFT_OUT = r"(Type|NotifyAccess|Exec\w+|Restart|RestartSec|WatchdogSec|RuntimeDirectory)="


def probe(machine: Machine) -> dict[str, Any]:
    """What sandbox_probe.py printed, run by a unit with all the limits of the installed one."""
    unit = machine.run("cat /etc/systemd/system/pi-edge.service")
    python = re.search(r"ExecStart=(\S+)/pi-edge ", unit)
    assert python
    kept = [line for line in unit.splitlines() if not re.match(_LEFT_OUT, line)]
    own = (
        "[Service]\nType=oneshot\nStandardOutput=truncate:/run/probe.out\n"
        f"ExecStart={python[1]}/python /usr/local/lib/sandbox_probe.py"
    )
    text = "\n".join(kept).replace("[Service]", own)
    machine.root("cat >/usr/local/lib/sandbox_probe.py", given=PROBE.read_bytes())
    machine.root("cat >/run/systemd/system/probe.service", given=f"{text}\n".encode())
    machine.root("install -m 4755 /usr/bin/id /usr/local/bin/id-of-root")
    try:
        machine.root("systemctl daemon-reload; systemctl start probe")
        told: dict[str, Any] = json.loads(machine.root("cat /run/probe.out"))
    finally:
        machine.root(
            "rm -f /usr/local/bin/id-of-root /usr/local/lib/sandbox_probe.py"
            " /run/systemd/system/probe.service; systemctl daemon-reload"
        )
    return told


def of_process(machine: Machine, pid: int) -> dict[str, str]:
    """/proc/PID/status, by field."""
    text = machine.root(f"cat /proc/{pid}/status")
    return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)
