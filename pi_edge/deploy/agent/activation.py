"""Switching releases, and going back when the new one does not become ready.

pi-edge-activate.service does it, not the laptop's connection: what is to be done stands in
pending.json before anything is changed, and systemd runs the unit for as long as that file is
there, also at the next start of the machine. So when ssh dies it goes on, and a power cut between
the swap and the judgement leaves neither a daemon that does not start nor a question open: the
machine comes up with the new release, which is then judged as if nothing had happened.

Everything here may be done twice. How it ended stands in outcome.json, for whoever asks later.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from pi_edge import files
from pi_edge.benchmark import emulation
from pi_edge.deploy.agent import release as releases
from pi_edge.deploy.agent import service
from pi_edge.deploy.agent.store import Say, Store
from pi_edge.errors import PiEdgeError

UNITS = Path("/etc/systemd/system")
CONFIG = Path("/etc/pi-edge/config.toml")
COMMAND = Path("/usr/local/bin/pi-edge")
ACTIVATE = "pi-edge-activate.service"
READY_SECONDS = 60.0
EMULATED_READY_SECONDS = 300.0
_CRASHES = 3


@dataclass(frozen=True)
class Side:
    """What serves: all that a switch changes.

    Attributes:
        release: ID; "" for none of ours.
        unit: contents of the unit file; "" for no service.
        config: contents of the settings file; None for no file.
        further: contents by name of those of releases.FURTHER_UNITS that it has.
    """

    release: str
    unit: str
    config: str | None
    further: dict[str, str] = field(default_factory=dict)

    @classmethod
    def now(cls, store: Store) -> Side:
        unit = UNITS / service.NAME
        return cls(
            store.serving(),
            unit.read_text() if unit.exists() else "",
            CONFIG.read_text() if CONFIG.exists() else None,
            releases.read(UNITS, releases.FURTHER_UNITS),
        )

    @classmethod
    def of(cls, store: Store, release: str, config: str | None) -> Side:
        folder = store.releases / release
        unit = (folder / releases.UNIT).read_text()
        return cls(release, unit, config, releases.read(folder, releases.FURTHER_UNITS))


@dataclass(frozen=True)
class Pending:
    """A switch that has begun.

    Attributes:
        why: why it goes back to ``former``; "" while it does not.
    """

    id: str
    wanted: Side
    former: Side
    why: str = ""


@dataclass(frozen=True)
class Outcome:
    """How a switch ended.

    Attributes:
        id: of the switch.
        release: what was to serve.
        serves: what serves instead; the same where all went well.
        why: why not; "" where all went well.
        seconds: from the start of the new release to its being ready, or to the end of all.
        at: seconds since 1970.
    """

    id: str
    release: str
    serves: str
    why: str
    seconds: float
    at: float = field(default_factory=time.time)


def pending(store: Store) -> Pending | None:
    """The switch under way, if there is one."""
    try:
        read = json.loads((store.root / "pending.json").read_bytes())
        return Pending(read["id"], Side(**read["wanted"]), Side(**read["former"]), read["why"])
    except FileNotFoundError:
        return None


def outcome(store: Store) -> Outcome | None:
    """How the last switch ended, if there was one."""
    try:
        return Outcome(**json.loads((store.root / "outcome.json").read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def begin(store: Store, id: str, release: str, config: str | None) -> None:
    """Have systemd switch to a release."""
    wanted = Side.of(store, release, config)
    former = Side.now(store)
    if former.release == release:  # it serves and is not ready: an older one may be
        former = _older(store, release, former)
    _write(store, Pending(id, wanted, former))


def wait(store: Store, say: Say) -> None:
    """Wait until no switch is under way.

    Raises:
        PiEdgeError: systemd does not run it.
    """
    began = told = time.monotonic()
    starts = 0
    while pending(store):
        now = service.State.now(ACTIVATE)
        state = now.active
        if now.restarts >= _CRASHES:
            raise PiEdgeError(f"{ACTIVATE} ends again and again: journalctl -u {ACTIVATE} -n 20")
        if state not in ("active", "activating", "reloading", "deactivating"):
            if starts == 3:
                raise PiEdgeError(f"{ACTIVATE} does not run: journalctl -u {ACTIVATE} -n 20")
            starts += 1
            service.systemctl("start", "--no-block", ACTIVATE)
        time.sleep(0.3)
        if time.monotonic() > told + 5:
            told = time.monotonic()
            under_way = pending(store)
            what = "going back" if under_way and under_way.why else "waiting for it to be ready"
            say(f"{what}, {told - began:.0f} s")


def run(store: Store) -> int:
    """Do what is pending; what pi-edge-activate.service runs."""
    todo = pending(store)
    if not todo:
        return 0
    limit = EMULATED_READY_SECONDS if emulation.detect() else READY_SECONDS
    began = time.monotonic()
    if not todo.why:
        why = _apply(store, todo.wanted, limit)
        if not why:
            store.remember(todo.wanted.release)
            _link_command(store)
            _end(store, todo, todo.wanted.release, "", time.monotonic() - began)
            return 0
        print(f"{todo.wanted.release}: {why}", flush=True)
        todo = replace(todo, why=why)
        _write(store, todo)
    again = _apply(store, todo.former, limit)
    why = todo.why + (f"; nor is {todo.former.release or 'what was before'}: {again}" * bool(again))
    _end(store, todo, todo.former.release, why, time.monotonic() - began)
    return 0


def _apply(store: Store, side: Side, limit: float) -> str:
    """Let a side serve; "" or why it does not."""
    if CONFIG.exists() or side.config is not None:
        _put(CONFIG, side.config)
    unit = UNITS / service.NAME
    _put_further(side)
    if not side.unit:
        service.systemctl("disable", "--now", service.NAME)
        _put(unit, None)
        store.point("")
        service.systemctl("daemon-reload")
        return ""
    before = service.State.now().pid
    _put(unit, side.unit)
    store.point(side.release)
    service.systemctl("daemon-reload")
    service.systemctl("enable", service.NAME)
    service.systemctl("reset-failed", service.NAME)
    service.systemctl("restart", "--no-block", service.NAME)
    return service.wait_until_ready(before, limit)


def _older(store: Store, release: str, side: Side) -> Side:
    others = [one for one in store.history() if one != release]
    if not others:
        return replace(side, release="", unit="", further={})
    return Side.of(store, others[-1], side.config)


def _put_further(side: Side) -> None:
    """Write the units beside the daemon's, or take them away where a side has none.

    Nothing is enabled by it, and what somebody enabled stays so: a link to a unit that is not there
    is nothing to systemd, and counts again when the unit comes back.
    """
    for name in releases.FURTHER_UNITS:
        if name not in side.further and (UNITS / name).exists():
            service.systemctl("stop", name.replace("@", "@*"))
        _put(UNITS / name, side.further.get(name))


def _put(path: Path, text: str | None) -> None:
    if text is None:
        path.unlink(missing_ok=True)
    elif not path.exists() or path.read_text() != text:
        files.write_bytes(path, text.encode())


def _link_command(store: Store) -> None:
    """Let whoever logs in find the command, unless something else has that name."""
    if COMMAND.is_symlink() or not COMMAND.exists():
        COMMAND.parent.mkdir(parents=True, exist_ok=True)
        COMMAND.unlink(missing_ok=True)
        COMMAND.symlink_to(store.current / ".venv/bin/pi-edge")


def _write(store: Store, todo: Pending) -> None:
    document: dict[str, Any] = asdict(todo)
    files.write_json(store.root / "pending.json", document)


def _end(store: Store, todo: Pending, serves: str, why: str, seconds: float) -> None:
    ended = Outcome(todo.id, todo.wanted.release, serves, why, round(seconds, 1))
    files.write_json(store.root / "outcome.json", asdict(ended))
    (store.root / "pending.json").unlink()
