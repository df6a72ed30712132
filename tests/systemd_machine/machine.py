"""A whole machine with systemd, reached over ssh, and the pi-edge service on it."""

from __future__ import annotations

import contextlib
import http.client
import json
import shlex
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emulated_pi.qemu import free_ports
from support import ROOT

from pi_edge.deploy import ssh
from pi_edge.errors import Unavailable

# An emulated processor on a busy machine; nothing here waits this long unless it hangs.
PATIENCE = 900.0
STATE = "/var/lib/pi-edge"
MODELS = f"{STATE}/models"
# By whoever is in the group pi-edge.
ADD = f"$(command -v pi-edge || echo /opt/pi-edge/.venv/bin/pi-edge) models add --state {STATE}"


@dataclass(frozen=True)
class Answer:
    """What came back over HTTP; status 0 where nothing did."""

    status: int
    body: bytes = b""

    def json(self) -> Any:
        return json.loads(self.body)


class Machine:
    """A machine that answers over ssh.

    Args:
        name: what ``config`` calls it.
        config: a file for ssh.
    """

    def __init__(self, name: str, config: Path) -> None:
        self.name, self._config = name, config
        self._folder = Path(tempfile.mkdtemp(prefix="pi-edge-"))
        self._master: subprocess.Popen[bytes] | None = None
        self.http = 0

    @property
    def _host(self) -> ssh.Host:
        control = f"ControlPath={self._folder}/ssh"
        return ssh.Host(self.name, ("-F", str(self._config), "-o", control))

    def connect(self) -> None:
        """Log in: all commands, and HTTP as if from the machine itself, go that way.

        Raises:
            Unavailable: it does not let one in.
        """
        self.disconnect()
        self.http = free_ports(1)[0]
        host = self._host
        self._master = subprocess.Popen(
            [
                *("ssh", *host.options, "-o", "ControlMaster=yes", "-o", "BatchMode=yes"),
                *("-L", f"127.0.0.1:{self.http}:127.0.0.1:8080", "-o", "ExitOnForwardFailure=yes"),
                *(self.name, "echo open; cat >/dev/null"),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=(self._folder / "ssh.log").open("wb"),
        )
        assert self._master.stdout
        if b"open" not in self._master.stdout.readline():
            raise Unavailable((self._folder / "ssh.log").read_text())

    def disconnect(self) -> None:
        """Log out, also from a machine that is gone."""
        if self._master:
            self._master.kill()
            self._master.communicate()
            self._master = None
        (self._folder / "ssh").unlink(missing_ok=True)

    def close(self) -> None:
        self.disconnect()
        shutil.rmtree(self._folder)

    def run(self, script: str, given: bytes = b"", timeout: float = PATIENCE) -> str:
        """What a shell script printed, run by user pi. Raises CommandFailed where it failed."""
        return self._host.run("sh", "-ec", script, given=given, timeout=timeout).decode()

    def root(self, script: str, given: bytes = b"", timeout: float = PATIENCE) -> str:
        """The same, run by root."""
        return self.run(f"sudo sh -ec {shlex.quote(script)}", given, timeout)

    def start(self, script: str) -> subprocess.Popen[bytes]:
        """Start a shell script as user pi; its output is a pipe."""
        return self._host.start(
            "sh", "-ec", script, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )

    def send_checkout(self) -> None:
        """Put this checkout in the home of user pi, as git clone would."""
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT, check=True, capture_output=True,
        ).stdout  # fmt: skip
        names = [name for name in listed.split(b"\0") if name and (ROOT / name.decode()).exists()]
        archive = subprocess.run(
            ["tar", "-C", ROOT, "--null", "-T", "-", "-czf", "-"],
            input=b"\0".join(names), check=True, capture_output=True,
        ).stdout  # fmt: skip
        self.run("mkdir -p pi-edge && tar -C pi-edge -xzf -", given=archive)

    def boot_id(self) -> str:
        """Another one after each boot."""
        return self.run("cat /proc/sys/kernel/random/boot_id").strip()

    def show(self, name: str) -> str:
        """One of the service's properties, as systemctl(1) shows it."""
        return self.run(f"systemctl show -P {name} pi-edge").strip()

    @property
    def pid(self) -> int:
        """The daemon's process; 0 where there is none."""
        return int(self.show("MainPID"))

    def processes(self) -> list[int]:
        """All processes in the service's control group."""
        path = "/sys/fs/cgroup/system.slice/pi-edge.service/cgroup.procs"
        return [int(pid) for pid in self.run(f"cat {path} 2>/dev/null || true").split()]

    def workers(self, model: str) -> list[int]:
        """The processes that run a model."""
        title = f"model {model}"[:15]  # of proc(5)'s comm
        script = 'for p in $(cat "$0"); do echo "$p $(cat /proc/$p/comm)"; done 2>/dev/null || true'
        path = "/sys/fs/cgroup/system.slice/pi-edge.service/cgroup.procs"
        lines = self.root(f"set -- {path}; " + script.replace("$0", "$1")).splitlines()
        return [int(line.split()[0]) for line in lines if line.partition(" ")[2] == title]

    def journal(self, since: str = "") -> list[str]:
        """The service's lines in the journal, of this boot or since a ``now``."""
        which = f"--since={since}" if since else "-b"
        return self.root(f"journalctl -u pi-edge -o cat -q --no-pager {which}").splitlines()

    def now(self) -> str:
        """What time it is there, for ``journal``."""
        return self.run("date +@%s.%6N").strip()

    def ask(self, path: str, body: Any = None, timeout: float = PATIENCE) -> Answer:
        """One request to the daemon, as from the machine itself; POST where there is a body."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        kind = {"Content-Type": "application/json"} if data is not body else {}
        connection = http.client.HTTPConnection("127.0.0.1", self.http, timeout=timeout)
        with contextlib.closing(connection):
            try:
                connection.request("POST" if data is not None else "GET", path, data, kind)
                answer = connection.getresponse()
                return Answer(answer.status, answer.read())
            except (OSError, http.client.HTTPException):
                return Answer(0)

    def infer(self, model: str, x: list[float], shape: list[int], **more: Any) -> Answer:
        """One inference of a model that takes floats called x."""
        tensor = {"name": "x", "datatype": "FP32", "shape": shape, "data": x}
        return self.ask(f"/v2/models/{model}/infer", {"inputs": [tensor]}, **more)

    def state(self, model: str) -> str:
        """The state of a model by /status, its reason behind it where there is one; "" where it is
        not known, or nobody answers."""
        answer = self.ask("/status")
        told = answer.json()["models"].get(model) if answer.status == 200 else None
        return f"{told['state']} {told.get('reason', '')}".strip() if told else ""

    def serves(self) -> bool:
        """Whether the daemon says that it is ready."""
        return self.ask("/v2/health/ready").status == 200

    def wait(self, what: Callable[[], Any], told: Callable[[], object] = str) -> Any:
        """Wait until something is so; what it then was."""
        deadline = time.monotonic() + PATIENCE
        while not (value := what()):
            assert time.monotonic() < deadline, told()
            time.sleep(0.5)
        return value

    def wait_ready(self) -> None:
        """Wait until the service is up and serves."""
        self.wait(self.serves, lambda: self.journal()[-30:])
        assert self.wait(lambda: self.show("ActiveState") == "active")

    def add(self, name: str, called: str = "") -> str:
        """Have a model of tests/data served, perhaps under another name, and wait until it is."""
        called = called or name
        self.run(
            f"cp pi-edge/tests/data/{name}.tflite /tmp/{called}.tflite; {ADD} /tmp/{called}.tflite"
        )
        self.wait(lambda: self.state(called) == "ready", lambda: self.state(called))
        return called
