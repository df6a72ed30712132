"""pi-edge's web application over real workers, called as its web server would, without a socket."""

from __future__ import annotations

import asyncio
import atexit
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote

import orjson
from running import install

from pi_edge.errors import NotFound
from pi_edge.examples import Examples
from pi_edge.ledger import Ledger
from pi_edge.proving import Bench
from pi_edge.repository import Repository
from pi_edge.server.app import Application
from pi_edge.server.bodies import Room
from pi_edge.server.gate import Gate
from pi_edge.server.style_route import Settings
from pi_edge.workers.process import Workshop


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[bytes, bytes]
    body: bytes


class _Steady(Repository):
    """Never changes what it serves, whoever asks."""

    def load(self, name: str) -> None:
        self.model(name)

    def unload(self, name: str) -> None:
        raise NotFound(f"{name} stays")


class Served:
    """The application with some of the little models in tests/data.

    Args:
        names: of the models.
        max_body: as the setting.
    """

    def __init__(self, names: tuple[str, ...], max_body: int = 1 << 16) -> None:
        self._loop = asyncio.new_event_loop()
        self._folder = tempfile.TemporaryDirectory()
        folder = Path(self._folder.name)
        for name in names:
            install(name, folder / "models")
        install("prices", folder / "models", "stocks", tickers=["AAA", "BBB", "CCC"], days=5)
        shop = Workshop()
        atexit.register(shop.close)
        bench = Bench(shop, Ledger(folder), memory=1 << 30)
        self._repository = _Steady(folder / "none", folder / "models", bench)
        self._loop.run_until_complete(self._start())
        self._app = Application(
            self._repository,
            lambda: "ready",
            lambda: {"state": "ready"},
            Room(max_body, 4 * max_body),
            Settings(),
            gate=Gate(["pi.example"], ["https://pages.example"]),
            examples=Examples(folder),
        )

    async def _start(self) -> None:
        self._repository.start(asyncio.get_running_loop())
        while not self._repository.settled:
            await asyncio.sleep(0.01)
        self._repository.stop()

    def send(
        self,
        method: str,
        path: bytes,
        query: bytes,
        headers: list[tuple[bytes, bytes]],
        body: bytes,
    ) -> Answer:
        """One request; its answer as it would go out."""
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(path.decode("ascii")),  # as uvicorn does
            "raw_path": path,
            "query_string": query,
            "headers": headers,
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 8080),
            "state": {"connection": SimpleNamespace(bucket=None)},
        }
        messages = self._loop.run_until_complete(self._exchange(scope, body))
        start = messages[0]
        assert start["type"] == "http.response.start"
        assert all(message["type"] == "http.response.body" for message in messages[1:])
        assert not messages[-1].get("more_body")
        text = b"".join(message.get("body", b"") for message in messages[1:])
        return Answer(start["status"], dict(start["headers"]), text)

    async def _exchange(self, scope: dict[str, Any], body: bytes) -> list[dict[str, Any]]:
        sent: list[dict[str, Any]] = []
        given = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def receive() -> dict[str, Any]:
            return next(given, {"type": "http.disconnect"})

        async def send(message: Any) -> None:
            sent.append(message)

        await self._app(scope, receive, send)
        return sent


def well_formed(answer: Answer) -> None:
    """Assert that an answer is one that pi-edge means to give."""
    if answer.status >= 400:
        assert answer.headers[b"content-type"] == b"application/json"
        error = orjson.loads(answer.body)
        assert list(error) == ["error"]
        assert error["error"]
        assert answer.body.count(b"\n") == 1
        assert "made a mistake" not in error["error"], error
    for name, value in answer.headers.items():
        assert b"\n" not in name + value
        assert b"\r" not in name + value
