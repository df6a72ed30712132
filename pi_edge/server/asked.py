"""A request as it is counted and logged: who it is, which model it is about, what went wrong."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.types import Scope

from pi_edge import trace
from pi_edge.handle import Handle
from pi_edge.model_status import ModelStatus
from pi_edge.repository import Repository


class Asked(trace.Request):
    """What is found out about a request on its way through the routes; in the scope it is
    ``scope["asked"]``.

    ``model`` and ``variant`` are the names of what exists, else "": nobody shall fill the memory
    with made-up ones. ``kind`` is what /metrics counts its error under, "" where there was none.
    ``held`` is what its body takes of the room for bodies, in bytes.
    """

    __slots__ = ("held", "kind", "model", "variant")

    def __init__(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        super().__init__(headers)
        self.held = 0
        self.kind = self.model = self.variant = ""

    def find(
        self, repository: Repository, name: str, version: str = ""
    ) -> tuple[ModelStatus, Handle]:
        """The model that the request is about, and a handle on the variant.

        Raises:
            NotFound, Unavailable: as Repository.model and ModelStatus.handle.
        """
        status = repository.model(name)
        self.model = name
        version = version or status.entry.default
        if version in status.variants:
            self.variant = version
        return status, status.handle(version)


def of(scope: Scope) -> Asked:
    """What is known of the request so far."""
    asked: Asked = scope["asked"]
    return asked
