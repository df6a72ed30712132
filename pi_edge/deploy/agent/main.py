"""What the laptop may ask for, and the one who answers it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pi_edge import files, tls
from pi_edge.benchmark import emulation
from pi_edge.deploy.agent import activation, environment, facts, models, network, service
from pi_edge.deploy.agent import release as releases
from pi_edge.deploy.agent.laptop import SILENCE, Gone, Laptop
from pi_edge.deploy.agent.store import Store, lock, missing, prune, receive
from pi_edge.errors import PiEdgeError

Request = dict[str, Any]


class Agent:
    """Answers one laptop."""

    def __init__(self, laptop: Laptop, archive: Path, store: Store) -> None:
        self.laptop, self.archive, self.store = laptop, archive, store
        self._lock = -1

    def facts(self, request: Request) -> Request:
        """What this machine is."""
        return facts.gather()

    def plan(self, request: Request) -> Request:
        """What is missing for a deployment: blobs, environment, release.

        Asked with the contents of setup.cfg, the version, [path, SHA-256, size] of each file of the
        release, and the same for each of the owner's models.
        """
        key = environment.key(request["setup"])
        release = releases.name_of(
            request["version"], [(path, sha256) for path, sha256, _ in request["files"]], key
        )
        there = releases.exists(self.store, release)
        wanted = [] if there else [(sha256, size) for _, sha256, size in request["files"]]
        stale = models.stale(request["models"], models.STATE / "models")
        for name in stale:
            wanted += [(sha256, size) for _, sha256, size in request["models"][name]]
        return {
            "environment": key,
            "make_environment": not environment.exists(self.store, key),
            "release": release,
            "make_release": not there,
            "blobs": missing(self.store, wanted),
            "models": stale,
            "serving": self.store.serving(),
            "ready": service.is_ready(),
            "former_unit": _foreign_unit(self.store),
            "opened": network.opened(_config()) == _config(),
        }

    def begin(self, request: Request) -> Request:
        """Be the only one from now on. Finishes what an earlier deployment left under way."""
        self._lock = lock(self.store, self.laptop.say)
        self.laptop.patience = SILENCE
        earlier = activation.pending(self.store)
        self._install()
        if earlier:
            self.laptop.say("finishing the switch that an earlier deployment began")
            activation.wait(self.store, self.laptop.say)
        return {"earlier": _outcome(self.store) if earlier else None}

    def _install(self) -> None:
        """Leave what systemd runs to switch releases."""
        files.write_bytes(self.store.root / "agent.pyz", self.archive.read_bytes())
        unit = activation.UNITS / activation.ACTIVATE
        text = _resource("systemd/pi-edge-activate.service")
        if not unit.exists() or unit.read_text() != text:
            files.write_bytes(unit, text.encode())
            service.systemctl("daemon-reload")
            service.systemctl("enable", activation.ACTIVATE)

    def receive(self, request: Request) -> Request:
        """Take files: [SHA-256, size] of each, then their bytes."""
        receive(self.store, [(one, size) for one, size in request["blobs"]], self.laptop.read)
        return {}

    def environment(self, request: Request) -> Request:
        """Install the dependencies; from [name, SHA-256] of files that were sent, if any were."""
        brought = _lay_out(self.store, request["brought"]) if request["brought"] else None
        say = self.laptop.say
        environment.make(self.store, request["key"], request["setup"], say, brought)
        return {}

    def missing(self, request: Request) -> Request:
        """Which of these [SHA-256, size] are not there."""
        return {"blobs": missing(self.store, [(one, size) for one, size in request["blobs"]])}

    def release(self, request: Request) -> Request:
        """Make a release of the blobs, and the user and the rights that it needs."""
        listed = [(path, sha256) for path, sha256 in request["files"]]
        release = request["release"]
        releases.assemble(self.store, release, listed, request["environment"])
        return {}

    def prepare(self, request: Request) -> Request:
        """Make the user, the groups and the folders of the service."""
        script = self.store.releases / request["release"] / "scripts/lib/service.sh"
        done = subprocess.run(
            ["/bin/sh", "-ec", '. "$1"; prepare_machine', "service", str(script)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise PiEdgeError((done.stderr.strip() or "it cannot be prepared").splitlines()[-1])
        return {}

    def activate(self, request: Request) -> Request:
        """Switch to a release and wait for the outcome."""
        config = _config()
        if request["lan"]:
            config = network.opened(config)
        activation.begin(self.store, request["id"], request["release"], config)
        activation.wait(self.store, self.laptop.say)
        ended = _outcome(self.store)
        if not ended or ended["id"] != request["id"]:
            raise PiEdgeError("the switch ended without an outcome: deploy again")
        return ended

    def previous(self, request: Request) -> Request:
        """The release that served before the one that serves."""
        others = [one for one in self.store.history() if one != self.store.serving()]
        return {"release": others[-1] if others else "", "serving": self.store.serving()}

    def place(self, request: Request) -> Request:
        """Put the owner's models in their place; the daemon finds them by itself."""
        folder = models.STATE / "models"
        for name, parts in request["models"].items():
            models.place(self.store, name, parts, folder, "pi-edge")
        return {}

    def serves(self, request: Request) -> Request:
        """Wait until the daemon has tried models; the state of each."""
        limit = 300 if emulation.detect() else 60
        deadline = time.monotonic() + limit
        while True:
            told = self._models()
            states = {name: told.get(name, {}) for name in request["models"]}
            settled = all(
                one.get("state") in ("ready", "quarantined", "unloaded") for one in states.values()
            )
            if settled or time.monotonic() > deadline:
                return {
                    "models": {
                        name: [one.get("state", "not found"), one.get("reason") or ""]
                        for name, one in states.items()
                    }
                }
            time.sleep(0.5)

    def _models(self) -> dict[str, Any]:
        """What /status says of the models; {} while it does not."""
        token = network.token(_config(), models.STATE)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        for address in service.addresses(service.State.now().pid):
            try:
                return dict(json.loads(service.ask(address, "/status", headers, 30))["models"])
            except (OSError, ValueError):
                continue
        return {}

    def finish(self, request: Request) -> Request:
        """Remove what is no longer needed; where and with what the daemon can be reached."""
        prune(self.store, lambda release: releases.environment_of(self.store, release))
        listens = service.addresses(service.State.now().pid)
        secure = any(tls.is_spoken(*service.reached(address)) for address in listens[:1])
        token = network.token(_config(), models.STATE)
        return {"listens": listens, "token": token, "secure": secure}


def main(archive: str = "") -> int:
    """Answer the laptop on the standard input; without an archive do what is pending."""
    store = Store()
    os.umask(0o022)
    if not archive:
        return activation.run(store)
    laptop = Laptop()
    agent = Agent(laptop, Path(archive), store)
    try:
        for request in laptop.requests():
            ask: Callable[[Request], Request] = getattr(agent, request["do"])
            if failure := _failure(ask, request, laptop):
                laptop.fail(failure)
                if request["do"] == "receive":  # the rest of the files is still on its way
                    return 1
    except Gone:
        return 1
    return 0


def _failure(ask: Callable[[Request], Request], request: Request, laptop: Laptop) -> str:
    """Answer a request; "" or why it failed."""
    try:
        laptop.answer(ask(request))
    except PiEdgeError as error:
        return str(error)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror or error}"
    return ""


def _lay_out(store: Store, brought: list[tuple[str, str]]) -> Path:
    """A folder with files under the names that pip and dpkg know them by."""
    folder = store.scratch / "brought"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, sha256 in brought:
        os.link(store.blobs / sha256, folder / Path(name).name)
    return folder


def _config() -> str | None:
    return activation.CONFIG.read_text() if activation.CONFIG.exists() else None


def _outcome(store: Store) -> Request | None:
    from dataclasses import asdict

    ended = activation.outcome(store)
    return asdict(ended) if ended else None


def _foreign_unit(store: Store) -> str:
    """The command of a service of this name that scripts/deploy did not make; "" without one."""
    unit = activation.UNITS / service.NAME
    if not unit.exists():
        return ""
    starts = [
        line.partition("=")[2]
        for line in unit.read_text().splitlines()
        if line.startswith("ExecStart=")
    ]
    command = starts[0] if starts else ""
    return "" if command.startswith(f"{store.current}/") else command


def _resource(name: str) -> str:
    """A text that travels in the archive."""
    import zipfile

    loader = globals().get("__loader__")
    with zipfile.ZipFile(str(getattr(loader, "archive", ""))) as archive:
        return archive.read(name).decode()
