"""The steps of one deployment to one host. Each may be cut off anywhere and done again."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pi_edge.deploy import checks
from pi_edge.deploy.conversation import Agent, agent
from pi_edge.deploy.manifest import File, Manifest
from pi_edge.deploy.ssh import Host, connect, forwarded
from pi_edge.errors import PiEdgeError

Say = Callable[[str], None]


@dataclass(frozen=True)
class Wishes:
    """What the user asked for.

    Attributes:
        manifest: what is to be there.
        lan: open the daemon to the local network.
        offline: bring what would be downloaded.
        dry_run: only see what would be done.
        rollback: go back to the release before, and no more.
        ask: whether ssh may ask the user for something.
        ssh: further arguments for ssh.
    """

    manifest: Manifest
    lan: bool = False
    offline: bool = False
    dry_run: bool = False
    rollback: bool = False
    ask: bool = True
    ssh: Sequence[str] = ()


@dataclass(frozen=True)
class Result:
    """How a deployment ended.

    Attributes:
        done: what was done, in a few words.
        release: what serves now; "" for nothing.
        former: what served before; "" for nothing.
        changed: whether anything was changed or, in a dry run, would be.
        machine: what the host is.
        sent: bytes that were sent.
        seconds: it took.
        notes: further lines for the user.
    """

    done: str
    release: str = ""
    former: str = ""
    changed: bool = False
    machine: str = ""
    sent: int = 0
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)


def deploy(name: str, wishes: Wishes, say: Say) -> Result:
    """Bring a host to what the user asked for.

    Raises:
        PiEdgeError: it did not work; one line says why.
    """
    began = time.monotonic()
    say("connecting")
    with connect(name, ask=wishes.ask, further=wishes.ssh) as host:
        say("looking at the machine")
        address = checks.probe(host)
        with agent(host, say) as there:
            result = _Deployment(host, there, wishes, say, address).run()
    return replace(result, seconds=round(time.monotonic() - began, 1))


class _Deployment:
    """One deployment under way."""

    def __init__(self, host: Host, there: Agent, wishes: Wishes, say: Say, address: str) -> None:
        self.host, self.there, self.wishes, self.say = host, there, wishes, say
        self.address = address
        self.notes: list[str] = []
        self.sent = 0
        self.machine = ""

    def run(self) -> Result:
        if self.wishes.rollback:
            return self._roll_back()
        facts = self.there.ask("facts")
        self.machine = checks.describe(facts)
        if reason := checks.refusal(facts):
            raise PiEdgeError(reason)
        plan = self._plan()
        if reason := checks.obstacle(
            facts,
            self.host.name,
            make_environment=plan["make_environment"],
            offline=self.wishes.offline,
        ):
            raise PiEdgeError(reason)
        if plan["former_unit"]:
            self.notes.append(
                "takes over from the service that was installed there by hand"
                f" ({plan['former_unit']}); its files stay"
            )
        if self.wishes.dry_run:
            return self._intentions(plan, facts)
        brought = (
            self._wheelhouse(facts) if self.wishes.offline and plan["make_environment"] else []
        )
        self._begin()
        plan = self._plan()  # what is true now that nobody else changes it
        self._send([self.wishes.manifest.source(blob) for blob in plan["blobs"]])
        if plan["make_environment"]:
            self._make_environment(plan["environment"], brought)
        return self._switch(plan)

    def _plan(self) -> dict[str, Any]:
        manifest = self.wishes.manifest
        return self.there.ask(
            "plan",
            setup=manifest.setup,
            version=manifest.version,
            files=[_row(file) for file in manifest.release],
            models={
                name: [_row(file) for file in parts] for name, parts in manifest.models.items()
            },
        )

    def _intentions(self, plan: dict[str, Any], facts: dict[str, Any]) -> Result:
        files = [self.wishes.manifest.source(blob) for blob in plan["blobs"]]
        todo = [f"send {_amount(files)}"] if files else []
        if plan["make_environment"]:
            todo += [f"install {', '.join(facts['lacking'])} with apt"] if facts["lacking"] else []
            todo.append("install the dependencies")
        if plan["serving"] != plan["release"]:
            todo.append(f"switch from {plan['serving'] or 'nothing'} to {plan['release']}")
        for model in plan["models"]:
            todo.append(f"put the model {model} there")
        done = f"would {', '.join(todo)}" if todo else "nothing to do"
        serving = plan["serving"]
        return Result(done, serving, serving, bool(todo), self.machine, notes=self.notes)

    def _begin(self) -> None:
        earlier = self.there.ask("begin")["earlier"]
        if earlier and earlier["why"]:
            self.notes.append(
                f"an earlier deployment, of {earlier['release']}, was taken back: {earlier['why']}"
            )
        elif earlier:
            self.notes.append(f"an earlier deployment, of {earlier['release']}, was finished first")

    def _wheelhouse(self, facts: dict[str, Any]) -> list[File]:
        """What the host would download, from here."""
        from pi_edge.deploy import offline

        return offline.collect(self.host, facts, self.say)

    def _make_environment(self, key: str, brought: list[File]) -> None:
        if brought:
            blobs = [(file.sha256, file.size) for file in brought]
            lacking = set(self.there.ask("missing", blobs=blobs)["blobs"])
            self._send([file for file in brought if file.sha256 in lacking])
        self.there.ask(
            "environment",
            key=key,
            setup=self.wishes.manifest.setup,
            brought=[(file.path, file.sha256) for file in brought],
        )

    def _send(self, files: list[File]) -> None:
        if files:
            self.say(f"sending {_amount(files)}")
            self.there.give(files)
            self.sent += sum(file.size for file in files)

    def _switch(self, plan: dict[str, Any]) -> Result:
        release = plan["release"]
        if plan["make_release"]:
            self.say(f"making the release {release}")
            self.there.ask(
                "release",
                release=release,
                environment=plan["environment"],
                files=[_row(file)[:2] for file in self.wishes.manifest.release],
            )
        self.there.ask("prepare", release=release)
        open_it = self.wishes.lan and not plan["opened"]
        if plan["serving"] == release and plan["ready"] and not open_it:
            done, changed = "up to date", bool(plan["models"])
        else:
            done, changed = self._activate(release, plan["serving"]), True
        if plan["models"]:
            self.say(f"placing {', '.join(plan['models'])}")
            self.there.ask(
                "place",
                models={
                    name: [_row(file) for file in self.wishes.manifest.models[name]]
                    for name in plan["models"]
                },
            )
            done += f", with {', '.join(plan['models'])}"
        self._see_models()
        self._finish()
        return Result(
            done, release, plan["serving"], changed, self.machine, self.sent, notes=self.notes
        )

    def _activate(self, release: str, before: str) -> str:
        self.say(f"switching to {release}")
        ended = self.there.ask(
            "activate", id=secrets.token_hex(8), release=release, lan=self.wishes.lan
        )
        if not ended["why"]:
            return f"ready after {ended['seconds']:.0f} s"
        if ended["serves"]:
            raise PiEdgeError(f"{release} was taken back, {ended['serves']} serves: {ended['why']}")
        raise PiEdgeError(
            f"{release} does not serve and there is none before it to go back to: {ended['why']}"
        )

    def _see_models(self) -> None:
        """Tell what became of the owner's models."""
        names = list(self.wishes.manifest.models)
        if not names:
            return
        self.say(f"waiting for {', '.join(names)} to be ready")
        told = self.there.ask("serves", models=names)["models"]
        out = {name: why for name, (state, why) in told.items() if state != "ready"}
        if out:
            name, why = next(iter(out.items()))
            raise PiEdgeError(f"the model {name} is not served: {why or told[name][0]}")

    def _finish(self) -> None:
        ended = self.there.ask("finish")
        if not self.wishes.lan:
            return
        for _, port in ended["listens"][:1]:
            address = self.address or self.host.name.rpartition("@")[2]
            address, port = forwarded(self.host.name) or (address, port)
            address = f"[{address}]" if ":" in address else address
            token = f"#token={ended['token']}" if ended["token"] else ""
            scheme = "https" if ended.get("secure") else "http"
            self.notes.append(f"open on a phone: {scheme}://{address}:{port}/{token}")

    def _roll_back(self) -> Result:
        self._begin()
        told = self.there.ask("previous")
        if not told["release"]:
            raise PiEdgeError("there is no earlier release to go back to")
        self.there.ask("prepare", release=told["release"])
        done = self._activate(told["release"], told["serving"])
        return Result(
            f"back, {done}", told["release"], told["serving"], True, self.machine, notes=self.notes
        )


def _row(file: File) -> tuple[str, str, int]:
    return file.path, file.sha256, file.size


def _amount(files: list[File]) -> str:
    size = sum(file.size for file in files) / 1e6
    return f"{len(files)} file{'s' * (len(files) != 1)}, {size:.1f} MB"
