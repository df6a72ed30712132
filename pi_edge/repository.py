"""The models folders at run time: find, load, reload, unload, quarantine.

A thread of the repository watches both folders by looking every second: what is dropped in gets
served, what changes is loaded again, what is removed goes away, and what fails is quarantined
with the reason. Others ask for a handle to run, by name and version.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from pi_edge import catalog, proving
from pi_edge.errors import NotFound, PiEdgeError, Unavailable
from pi_edge.handle import Handle
from pi_edge.model_status import Fingerprint, ModelStatus, Variant, fingerprint

logger = logging.getLogger("pi_edge")

POLL_SECONDS = 1.0


class Repository:
    """The models of two folders, by name. Safe to use from any thread.

    Args:
        shipped: models that came with the package.
        owned: the owner's models, which win over shipped ones of the same name.
        threads: threads one inference may use.
        on_change: called after a state changed, on whatever thread changed it.
        on_inference: called after each inference, on the variant's thread.
    """

    def __init__(
        self,
        shipped: Path,
        owned: Path,
        threads: int = 1,
        on_change: Callable[[], None] = lambda: None,
        on_inference: Callable[[], None] = lambda: None,
    ) -> None:
        self._folders = (shipped, owned)
        self._threads = threads
        self._on_change, self._on_inference = on_change, on_inference
        self._models: Mapping[str, ModelStatus] = {}
        # How often what got into which state: model, variant ("" for the whole model), state.
        self.entered: Counter[tuple[str, str, str]] = Counter()
        self._writing = threading.Lock()  # held for an instant, to replace self._models
        self._loading = threading.Lock()  # held while models are loaded, one at a time
        self._unloaded: set[str] = set()
        self._seen: dict[str, Fingerprint] = {}
        self._settled = False
        self._stop = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="models", daemon=True)

    def start(self) -> None:
        """Start loading and watching, in the background."""
        self._watcher.start()

    def stop(self) -> None:
        """Stop watching; what is loaded stays loaded."""
        self._stop.set()

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
            raise NotFound(f"there is no model {name!r}; there are {_listed(self._models)}")
        return status

    def handle(self, name: str, version: str = "") -> Handle:
        """A handle on a variant, the default one where none is named.

        Raises:
            NotFound: no such model or variant.
            Unavailable: it is not ready.
        """
        status = self.model(name)
        version = version or status.entry.default
        variant = status.variants.get(version)
        if variant is None:
            if status.problem:
                raise Unavailable(f"{name} is quarantined: {status.problem}")
            raise NotFound(f"{name} has no variant {version!r}; it has {_listed(status.variants)}")
        if variant.handle is None:
            reason = f": {variant.reason}" if variant.reason else ""
            raise Unavailable(f"{name}/{version} is {variant.state}{reason}")
        return variant.handle

    def load(self, name: str) -> None:
        """Load a model, or what of it is unloaded, quarantined or changed. Waits until done.

        Raises:
            NotFound: no such model in the folders.
            Unavailable: nothing of it can be served.
        """
        with self._loading:
            entries, problems = catalog.find(*self._folders)
            if name in problems:
                raise Unavailable(f"{name} is quarantined: {problems[name]}")
            entry = catalog.pick(entries, name)
            self._unloaded.discard(name)
            self._load(entry, again=True)
        status = self.model(name)
        if status.state != "ready":
            raise Unavailable(f"{name} is {status.state}: {status.reason}")

    def unload(self, name: str) -> None:
        """Stop serving a model until it is loaded explicitly. Requests under way are finished.

        Raises:
            NotFound: there is no such model.
        """
        with self._loading:
            status = self.model(name)
            self._unloaded.add(name)
            self._set(name, replace(status, variants=dict.fromkeys(status.variants, _UNLOADED)))
        logger.info("%s unloaded", name)

    def _watch(self) -> None:
        trouble = ""
        while not self._stop.is_set():
            try:
                self._scan()
                trouble = ""
            except Exception as error:  # a folder that cannot be read now may be readable later
                if str(error) != trouble:
                    trouble = str(error)
                    logger.error("cannot look through the models folders: %s", trouble)
            if not self._settled:
                self._settled = True
                self._on_change()
            self._stop.wait(POLL_SECONDS)

    def _scan(self) -> None:
        with self._loading:
            entries, problems = catalog.find(*self._folders)
            for name in self._models.keys() - entries.keys() - problems.keys():
                self._set(name, None)
                self._unloaded.discard(name)
                logger.info("%s was removed", name)
            for name, problem in problems.items():
                if name not in self._models or self._models[name].problem != problem:
                    logger.error("%s is quarantined: %s", name, problem)
                    entry = catalog.Entry(name, "tensors", "", {})
                    self._set(name, ModelStatus(entry, problem=problem))
                    self.entered[name, "", "quarantined"] += 1
            if not self._settled:
                for name, entry in entries.items():
                    self._set(name, ModelStatus(entry, dict.fromkeys(entry.files, _LOADING)))
            seen: dict[str, Fingerprint] = {}
            for name, entry in entries.items():
                prints = {str(file): fingerprint(file) for file in entry.files.values()}
                # A file that still changes is being copied: leave it alone until it rests.
                resting = all(self._seen.get(key) == value for key, value in prints.items())
                seen.update(prints)
                if name not in self._unloaded and (resting or not self._settled):
                    self._load(entry)
            self._seen = seen

    def _load(self, entry: catalog.Entry, again: bool = False) -> None:
        """Load what is new or changed of ``entry``; with ``again`` also what is out of service."""
        status = self._models.get(entry.name)
        if status is None or status.entry != entry or status.problem:
            old = status.variants if status else {}
            variants = {name: old.get(name, _LOADING) for name in entry.files}
            self._set(entry.name, ModelStatus(entry, variants))
        for name, file in entry.files.items():
            if self._stop.is_set():
                return
            variant, mark = self._models[entry.name].variants[name], fingerprint(file)
            if variant.fingerprint == mark and not (again and variant.handle is None):
                continue
            sha256 = _sha256_told(entry, name)
            if variant.handle is None:
                waiting = Variant("loading" if sha256 else "probing")
                self._set_variant(entry.name, name, waiting)
            loaded = self._open(entry.name, name, file, sha256, mark)
            self._set_variant(entry.name, name, loaded)

    def _open(
        self, name: str, version: str, file: Path, sha256: str | None, mark: Fingerprint
    ) -> Variant:
        try:
            model = proving.load(file, self._threads, sha256)
        except PiEdgeError as error:
            reason = " ".join(str(error).split())
            logger.error("%s/%s is quarantined: %s", name, version, reason)
            return Variant("quarantined", reason, None, mark)
        handle = Handle(
            model,
            name,
            version,
            self._on_inference,
            lambda reason: self._quarantine(name, version, mark, reason),
        )
        logger.debug("%s/%s is ready", name, version)
        return Variant("ready", "", handle, mark)

    def _quarantine(self, name: str, version: str, mark: Fingerprint, reason: str) -> None:
        """Take a variant that broke while serving out of service."""
        reason = " ".join(reason.split())
        broken = Variant("quarantined", reason, None, mark)
        if self._set_variant(name, version, broken, only_if=mark):
            logger.error("%s/%s is quarantined: %s", name, version, reason)

    def _set_variant(
        self, name: str, version: str, variant: Variant, only_if: Fingerprint | None = None
    ) -> bool:
        """Replace a variant, with ``only_if`` only while it is still that file and serving."""
        with self._writing:
            status = self._models.get(name)
            old = status.variants.get(version) if status else None
            if status is None or old is None:
                return False
            if only_if is not None and (old.fingerprint != only_if or old.handle is None):
                return False
            status = replace(status, variants={**status.variants, version: variant})
            self._models = {**self._models, name: status}
            self.entered[name, version, variant.state] += 1
        self._on_change()
        return True

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


def _sha256_told(entry: catalog.Entry, variant: str) -> str | None:
    told = entry.info.get("variants", {}).get(variant, {}).get("sha256")
    return told if isinstance(told, str) else None


def _listed(names: Mapping[str, object]) -> str:
    return ", ".join(names) or "none"
