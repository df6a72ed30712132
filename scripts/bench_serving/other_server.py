"""The same application behind another web server: ``other_server.py KIND PORT MODELS STATE``.

h11: uvicorn as it runs where httptools and uvloop have no wheels (32-bit ARM); the whole daemon.
granian, granian-embedded: granian with a worker process, or inside this one; the application
and the models only, without light, watchdog and drain.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path
from typing import Any


def main(kind: str, port: int, models: Path, state: Path) -> int:
    if kind == "h11":
        # Whoever looks for them now finds nothing.
        sys.modules["httptools"] = sys.modules["uvloop"] = None  # type: ignore[assignment]
        from pi_edge import cli

        return cli.main(["serve", f"--port={port}", f"--models={models}", f"--state={state}"])
    import uvloop

    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    if kind == "granian":
        from granian import Granian
        from granian.constants import Interfaces, Loops

        # The worker process imports this file and calls app(), which finds sys.argv as it is here.
        server = Granian(
            f"{Path(__file__).stem}:app",
            port=port,
            interface=Interfaces.ASGINL,
            factory=True,
            loop=Loops.uvloop,
            websockets=False,
        )
        server.serve()
    else:
        asyncio.run(_embedded(port))
    return 0


async def _embedded(port: int) -> None:
    from granian.constants import Interfaces
    from granian.server.embed import Server

    server = Server(app(), port=port, interface=Interfaces.ASGINL, websockets=False)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, server.stop)
    await server.serve()


def app() -> Any:
    """The application over the models folders of the command line, loading behind it from the
    first request on: before that nobody tells which event loop it will be."""
    from pi_edge import catalog
    from pi_edge.daemon import state_of
    from pi_edge.ledger import Ledger
    from pi_edge.proving import Bench
    from pi_edge.repository import Repository
    from pi_edge.server.app import Application
    from pi_edge.server.bodies import Room
    from pi_edge.workers.process import Workshop

    models, state = Path(sys.argv[3]), Path(sys.argv[4])
    owned = catalog.owned_models(state)
    owned.mkdir(parents=True, exist_ok=True)
    repository = Repository(models, owned, Bench(Workshop(), Ledger(state)))
    loading: list[asyncio.AbstractEventLoop] = []

    def state_now() -> str:
        return state_of(repository.models().values(), repository.settled, stopping=False)

    application = Application(repository, state_now, dict, Room(64 << 20, 1 << 30))

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        if not loading:
            loading.append(asyncio.get_running_loop())
            repository.start(loading[0])
        await application(scope, receive, send)

    return answer


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4])))
