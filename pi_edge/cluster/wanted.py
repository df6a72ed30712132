"""What a worker must have so that its answers are those of the machine that asks."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib import metadata
from typing import Any

from pi_edge import __version__, catalog, config, files
from pi_edge.errors import NotFound, PiEdgeError


@dataclass(frozen=True)
class Wanted:
    """The same software and the same model, wherever its file lies.

    Attributes:
        pi_edge, distributed: releases.
        model, variant: names.
        sha256: of the variant's file, hexadecimal.
        about: SHA-256 of what model.json says, hexadecimal.
        threads: that one inference may use; None for what the worker's own settings say.
    """

    pi_edge: str
    distributed: str
    model: str
    variant: str
    sha256: str
    about: str
    threads: int | None = None

    def told(self) -> dict[str, Any]:
        """The same as it travels: a dict, which every release can read."""
        return asdict(self)


def distributed_version() -> str:
    """The release of Dask's distributed that is installed; Debian's is told as the release that
    it was made from."""
    return re.sub(r"\+.*", "", metadata.version("distributed"))


def here(entry: catalog.Entry, variant: str, threads: int | None = None) -> Wanted:
    """What this machine has."""
    about = json.dumps(entry.info, sort_keys=True).encode()
    return Wanted(
        __version__,
        distributed_version(),
        entry.name,
        variant,
        files.sha256(entry.files[variant]),
        hashlib.sha256(about).hexdigest(),
        threads,
    )


def lacking(told: Mapping[str, Any]) -> str:
    """Why this machine cannot do what is wanted, "" where it can.

    Args:
        told: a ``Wanted`` as it travels, maybe of another release.
    """
    for name, release in (("pi_edge", __version__), ("distributed", distributed_version())):
        if told.get(name) != release:
            called = name.replace("_", "-")
            return f"has {called} {release}, not {told.get(name)}: install the same release on both"
    wanted = Wanted(**told)
    try:
        mine = here(find(wanted), wanted.variant)
    except (PiEdgeError, OSError) as error:
        return f"cannot use {wanted.model}: {error}"
    for what, ours, theirs in (
        ("file", mine.sha256, wanted.sha256),
        ("model.json", mine.about, wanted.about),
    ):
        if ours != theirs:
            return (
                f"has another {wanted.model}/{wanted.variant} ({what} {ours[:12]}, not"
                f" {theirs[:12]}): copy the model's folder there"
            )
    return ""


def find(wanted: Wanted) -> catalog.Entry:
    """The model on this machine, in the folders that its own settings name.

    Raises:
        NotFound: there is none, or not this variant.
        PiEdgeError: it cannot be used.
    """
    settings = config.load({})
    entries, problems = catalog.find(settings.models, catalog.owned_models(settings.state))
    if wanted.model in problems:
        raise PiEdgeError(problems[wanted.model])
    if wanted.model not in entries:
        raise NotFound(f"it is not in {settings.models}")
    entry = entries[wanted.model]
    entry.file(wanted.variant)
    return entry
