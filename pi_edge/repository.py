"""The models folders at run time: find, load, swap, unload, quarantine.

A thread of the repository watches both folders by looking every second, or at once when asked
to: what is dropped in gets served, what changes is loaded beside what is served and then takes
its place, what is removed goes away, and what fails is quarantined with the reason. Others ask
for a handle to run, by name and version.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from pi_edge import catalog, model_files, nearest, proving
from pi_edge.errors import NotFound, PiEdgeError, Unavailable
from pi_edge.handle import Handle
from pi_edge.model_status import Fingerprint, ModelStatus, Variant, fingerprint
from pi_edge.proving import Bench
from pi_edge.serving import Serving, Tally
from pi_edge.worker_line import Limits

logger = logging.getLogger("pi_edge")

POLL_SECONDS = 1.0
# Loading waits for the disk and for slow first inferences: more at once than there are cores.
_AT_ONCE = 4

_DEFAULTS = Limits()


class Repository:
    """The models of two folders, by name. Safe to use from any thread.

    Args:
        shipped: models that came with the package.
        owned: the owner's models, which win over shipped ones of the same name.
        bench: where their workers are started.
        limits: what a variant may take whose model.json says nothing else.
        on_change: called after a state changed, on whatever thread changed it.
        on_inference: called after each inference, on the event loop.
    """

    def __init__(
        self,
        shipped: Path,
        owned: Path,
        bench: Bench,
        limits: Limits = _DEFAULTS,
        on_change: Callable[[], None] = lambda: None,
        on_inference: Callable[[], None] = lambda: None,
    ) -> None:
        self._folders = (shipped, owned)
        self._bench, self._limits = bench, limits
        self._on_change = on_change
        self.tally = Tally(on_inference)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._models: Mapping[str, ModelStatus] = {}
        # How often what got into which state: model, variant ("" for the whole model), state.
        self.entered: Counter[tuple[str, str, str]] = Counter()
        self._writing = threading.Lock()  # held for an instant, to replace self._models
        self._loading = threading.Lock()  # held while models are loaded
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="loading")
        self._unloaded: set[str] = set()
        self._seen: dict[str, Fingerprint] = {}
        # What both folders looked like when all in them was dealt with: while they do, it still is.
        self._dealt_with: list[dict[str, tuple[int, ...]]] = []
        self._settled = False
        self._stop = threading.Event()
        self._look = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="models", daemon=True)

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start loading and watching, in the background; handles live on ``loop``."""
        self._loop = loop
        self._watcher.start()

    def stop(self) -> None:
        """Stop watching; what is loaded stays loaded."""
        self._stop.set()
        self._look.set()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def look(self) -> None:
        """Look through the folders now."""
        self._look.set()

    @property
    def settled(self) -> bool:
        """Whether every model there was at the start is ready or quarantined."""
        return self._settled

    def models(self) -> Mapping[str, ModelStatus]:
        """All models as they are now; the mapping does not change any more."""
        return MappingProxyType(self._models)

    def model(self, name: str) -> ModelStatus:
        """The model called ``name``.

        Raises:
            NotFound: there is none.
        """
        status = self._models.get(name)
        if status is None:
            raise NotFound(nearest.unknown("model", name, self._models))
        return status

    def handle(self, name: str, version: str = "") -> Handle:
        """A handle on a variant, the default one where none is named.

        Raises:
            NotFound: no such model or variant.
            Unavailable: it is not ready.
        """
        return self.model(name).handle(version)

    def load(self, name: str) -> None:
        """Load a model, or what of it is unloaded, quarantined or changed. Waits until done.

        Raises:
            NotFound: no such model in the folders.
            Unavailable: nothing of it can be served, or what lies in the folder was refused.
        """
        with self._loading:
            entries, problems = catalog.find(*self._folders)
            if name in problems:
                raise Unavailable(f"{name} is quarantined: {problems[name]}")
            entry = catalog.pick(entries, name)
            self._unloaded.discard(name)
            self._load([entry], again=True)
        status = self.model(name)
        if status.state != "ready" or status.refused:
            state = "not replaced" if status.refused else status.state
            raise Unavailable(f"{name} is {state}: {status.reason}")

    def unload(self, name: str) -> None:
        """Stop serving a model until it is loaded explicitly. Requests under way are finished.

        Raises:
            NotFound: there is no such model.
        """
        with self._loading:
            status = self.model(name)
            self._unloaded.add(name)
            variants = dict.fromkeys(status.variants, _UNLOADED)
            self._set(name, replace(status, variants=variants, refused=""))
        logger.info("%s unloaded", name)

    def _watch(self) -> None:
        trouble = ""
        while not self._stop.is_set():
            try:
                self._scan()
                trouble = ""
            except Exception as error:  # a folder that cannot be read now may be readable later
                if str(error) != trouble and not self._stop.is_set():
                    trouble = str(error)
                    logger.error("cannot look through the models folders: %s", trouble)
            if not self._settled:
                self._settled = True
                self._on_change()
            self._look.wait(POLL_SECONDS)
            self._look.clear()

    def _scan(self) -> None:
        with self._loading:
            sights = [model_files.sight(folder) for folder in self._folders]
            if sights == self._dealt_with:
                return
            self._dealt_with = []
            entries, problems = catalog.find(*self._folders)
            for name in self._models.keys() - entries.keys() - problems.keys():
                self._set(name, None)
                self._unloaded.discard(name)
                logger.info("%s was removed", name)
            for name, problem in problems.items():
                self._note_problem(name, problem)
            if not self._settled:
                for name, entry in entries.items():
                    self._set(name, ModelStatus(entry, dict.fromkeys(entry.files, _LOADING)))
            seen: dict[str, Fingerprint] = {}
            resting, moving = [], False
            for name, entry in entries.items():
                prints = {str(file): fingerprint(file) for file in entry.files.values()}
                # A file that still changes is being copied: leave it alone until it rests.
                rests = all(self._seen.get(key) == value for key, value in prints.items())
                seen.update(prints)
                moving |= not rests
                if name not in self._unloaded and (rests or not self._settled):
                    resting.append(entry)
            self._seen = seen
            self._load(resting)
            if not moving:
                self._dealt_with = sights

    def _note_problem(self, name: str, problem: str) -> None:
        """Quarantine a model that the catalogue cannot read; what it served until now goes on."""
        status = self._models.get(name)
        if status is not None and status.problem == problem:
            return
        logger.error("%s is quarantined: %s", name, problem)
        if status is None or not any(v.handle for v in status.variants.values()):
            status = ModelStatus(catalog.Entry(name, "tensors", "", {}))
        self._set(name, replace(status, problem=problem, refused=""))
        self.entered[name, "", "quarantined"] += 1

    def _load(self, entries: Iterable[catalog.Entry], again: bool = False) -> None:
        """Load what is new or changed of ``entries``, side by side; with ``again`` also what is
        out of service. Each model changes at once, when all of it has been tried."""
        under_way = []
        for entry in sorted(entries, key=_size, reverse=True):  # what takes longest, first
            old = self._models.get(entry.name)
            kept = old.variants if old else {}
            variants = {name: kept.get(name, _LOADING) for name in entry.files}
            changed = [
                name
                for name, variant in variants.items()
                if variant.origin != _origin(entry, name) or (again and variant.handle is None)
            ]
            if not changed and old and old.entry == entry and not old.problem:
                continue
            if not any(variant.handle for variant in variants.values()):
                waiting = {name: Variant(self._waiting(entry, name)) for name in changed}
                self._set(entry.name, ModelStatus(entry, {**variants, **waiting}))
            tried = {name: self._pool.submit(self._open, entry, name, again) for name in changed}
            under_way.append((entry, old, variants, tried))
        for entry, old, variants, tried in under_way:
            outcomes = {name: future.result() for name, future in tried.items()}
            for name, variant in outcomes.items():
                self.entered[entry.name, name, variant.state] += 1
            self._swap(entry, old, {**variants, **outcomes})

    def _swap(
        self, entry: catalog.Entry, old: ModelStatus | None, loaded: dict[str, Variant]
    ) -> None:
        """Let a model as it was loaded take the place of the one before, unless it is worse:
        then that one goes on."""
        before = old.variants if old else {}
        worse = {
            name: variant
            for name, variant in loaded.items()
            if variant.handle is None and name in before and before[name].handle
        }
        if not worse or old is None:
            self._set(entry.name, ModelStatus(entry, loaded))
            return
        # Their origins are kept, so that the same files are not tried again at each look.
        kept = {
            name: replace(variant, origin=loaded[name].origin if name in loaded else None)
            for name, variant in before.items()
        }
        reasons = "; ".join(f"{name}: {variant.reason}" for name, variant in worse.items())
        self._set(entry.name, ModelStatus(old.entry, kept, refused=_refusal(reasons)))

    def _waiting(self, entry: catalog.Entry, variant: str) -> str:
        """What a variant is in while it is tried: probing, for the first time here, or loading."""
        if proving.told_sha256(entry, variant):
            return "loading"
        try:
            return "loading" if proving.known(self._bench, entry, variant) else "probing"
        except PiEdgeError:
            return "probing"

    def _open(self, entry: catalog.Entry, version: str, again: bool) -> Variant:
        origin = _origin(entry, version)
        try:
            if self._stop.is_set():
                raise Unavailable("the daemon is stopping")
            process, sha256 = proving.start(self._bench, entry, version, again)
        except Exception as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            if not isinstance(error, PiEdgeError):
                logger.exception("%s/%s cannot be tried", entry.name, version)
            if not self._stop.is_set():
                logger.error("%s/%s is quarantined: %s", entry.name, version, reason)
            return Variant("quarantined", reason, None, origin)
        assert self._loop
        server = Serving(
            self._bench,
            entry,
            version,
            sha256,
            self.tally.of(entry.name, version),
            self.tally.done,
            lambda reason: self._quarantine(entry.name, version, origin, reason),
        )
        limits = replace(self._limits, deadline=_deadline(entry, self._limits.deadline))
        handle = Handle(process, self._loop, entry.name, version, server, limits)
        logger.debug("%s/%s is ready", entry.name, version)
        return Variant("ready", "", handle, origin)

    def _quarantine(self, name: str, version: str, origin: object, reason: str) -> None:
        """Take a variant that broke while serving out of service."""
        reason = " ".join(reason.split())
        with self._writing:
            status = self._models.get(name)
            old = status.variants.get(version) if status else None
            if status is None or old is None or old.handle is None or old.origin != origin:
                return
            broken = Variant("quarantined", reason, None, old.origin)
            status = replace(status, variants={**status.variants, version: broken})
            self._models = {**self._models, name: status}
        self.entered[name, version, "quarantined"] += 1
        logger.error("%s/%s is quarantined: %s", name, version, reason)
        self._on_change()

    def _set(self, name: str, status: ModelStatus | None) -> None:
        """Replace or, with None, remove a model."""
        with self._writing:
            models = {key: value for key, value in self._models.items() if key != name}
            if status is not None:
                models[name] = status
            self._models = dict(sorted(models.items()))
        self._on_change()


_LOADING = Variant("loading")
_UNLOADED = Variant("unloaded")


def _size(entry: catalog.Entry) -> int:
    """Of its largest file, in bytes; 0 where they cannot be seen now."""
    try:
        return max(file.stat().st_size for file in entry.files.values())
    except (OSError, ValueError):
        return 0


def _origin(entry: catalog.Entry, variant: str) -> tuple[object, ...]:
    """What a variant is loaded from: another origin, another variant."""
    check = entry.info.get("check")
    checked = str(check) if isinstance(check, dict) else ""
    told = proving.told_sha256(entry, variant)
    return fingerprint(entry.files[variant]), told, checked, entry.info.get("deadline")


def _deadline(entry: catalog.Entry, usual: float) -> float:
    """Seconds for one inference: model.json's "deadline" where it has a sensible one."""
    told = entry.info.get("deadline")
    return float(told) if isinstance(told, int | float) and 0 < told <= 86400 else usual


def _refusal(reason: str) -> str:
    return f"what now lies in its folder is refused and the one before serves on: {reason}"
