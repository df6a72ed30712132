"""scripts/deploy as a task: it runs on the controller, with what Ansible knows of the host's ssh.

How a host is brought to a release, proven and taken back is told once, in pi_edge/deploy; this only
passes on what was asked for and what came of it.
"""

from __future__ import annotations

import json
import shlex
import subprocess
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

_ARGUMENTS = {
    "checkout": {"type": "path"},
    "models": {"type": "list", "elements": "str", "default": []},
    "lan": {"type": "bool", "default": False},
    "offline": {"type": "bool", "default": False},
    "rollback": {"type": "bool", "default": False},
}


class ActionModule(ActionBase):
    """One host to the checkout's release, or to the one before."""

    _supports_check_mode = True
    _supports_async = False

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _, asked = self.validate_argument_spec(argument_spec=_ARGUMENTS)
        program = _checkout(asked["checkout"]) / "scripts" / "deploy"
        if asked["rollback"]:
            if self._task.check_mode:
                return {**result, "skipped": True, "msg": "going back is not tried in check mode"}
            wishes = ["--rollback"]
        else:
            wishes = [f"--{name}" for name in ("lan", "offline") if asked[name]]
            wishes += [f"--models={name}" for name in asked["models"]]
            wishes += ["--dry-run"] if self._task.check_mode else []
        host, ssh = self._ssh()
        command = [str(program), "--json", f"--ssh-args={shlex.join(ssh)}", *wishes, "--", host]
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace"
        )
        self._display.vv(done.stderr.rstrip(), host=host)
        return {**result, **_told(done)}

    def _ssh(self) -> tuple[str, list[str]]:
        """The host as ssh calls it, and what else ssh must be told, by the connection's options."""
        connection = self._connection
        if connection.transport != "ssh":
            raise AnsibleActionFail(
                f"deploying goes over ssh, and the connection is {connection.transport}: set"
                " ansible_connection to ssh"
            )
        arguments = []
        if connection.get_option("port"):
            arguments += ["-p", str(connection.get_option("port"))]
        if connection.get_option("remote_user"):
            arguments += ["-l", connection.get_option("remote_user")]
        if connection.get_option("private_key_file"):
            arguments += ["-i", str(Path(connection.get_option("private_key_file")).expanduser())]
        if not connection.get_option("host_key_checking"):
            arguments += ["-o", "StrictHostKeyChecking=no"]
        for name in ("ssh_common_args", "ssh_extra_args", "ssh_args"):
            arguments += shlex.split(connection.get_option(name) or "")
        return str(connection.get_option("host")), arguments


def _checkout(asked: str | None) -> Path:
    """The checkout that is deployed."""
    folders = [Path(asked)] if asked else Path(__file__).resolve().parents
    for folder in folders:
        if (folder / "scripts" / "deploy").exists() and (folder / "setup.cfg").exists():
            return folder
    raise AnsibleActionFail(
        f"{asked} is no checkout of pi-edge"
        if asked
        else "this collection stands in no checkout of pi-edge: name one with 'checkout'"
    )


def _told(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """What the task answers."""
    try:
        (outcome,) = json.loads(done.stdout)
    except ValueError:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        return {"failed": True, "msg": lines[-1] if lines else f"exit code {done.returncode}"}
    if "error" in outcome:
        return {"failed": True, "msg": outcome["error"]}
    return {**outcome, "msg": outcome["done"]}
