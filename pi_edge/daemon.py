"""The daemon's life: listen, load, serve, drain, stop."""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import logging
import os
import signal
import socket
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from pi_edge import __version__, access_token, catalog, runtime, systemd, tls
from pi_edge.config import Config
from pi_edge.errors import PiEdgeError
from pi_edge.handle import Handle, trivial_inputs
from pi_edge.led import StatusLight
from pi_edge.listening import url_of
from pi_edge.model_status import ModelStatus
from pi_edge.repository import Repository

if TYPE_CHECKING:
    from pi_edge.server.web_server import WebServer

logger = logging.getLogger("pi_edge")

# Seconds that requests under way have to finish when the daemon is told to stop.
DRAIN_SECONDS = 10
# Of these a photo that is being styled has so many; whoever waits is sent away at once.
STYLING_SECONDS = 5
# Seconds after which an inference counts as stuck and the probe fails.
STUCK_SECONDS = 120.0


def state_of(models: Iterable[ModelStatus], settled: bool, stopping: bool) -> str:
    """The daemon's state: stopping, starting, failed, degraded or ready.

    Args:
        models: all models.
        settled: every model there was at the start has been tried.
        stopping: the daemon was told to stop.
    """
    if stopping:
        return "stopping"
    if not settled:
        return "starting"
    states: set[str] = set()
    for model in models:
        states.update(variant.state for variant in model.variants.values())
        if model.problem:
            states.add("quarantined")
    if "ready" not in states:
        return "failed"
    return "degraded" if "quarantined" in states else "ready"


def serve(config: Config, listener: socket.socket) -> None:
    """Run the daemon on a listening socket until it is told to stop.

    Raises:
        PiEdgeError: there is no TFLite runtime, or no token where one is needed.
    """
    runtime.installed()
    # The watchdog ends a stuck daemon by SIGABRT: this says in the log where it was stuck.
    faulthandler.enable()
    daemon = Daemon(config)
    with contextlib.closing(StatusLight(config.led, config.led_pin)) as light:
        daemon.led = light.describe
        daemon.observe(
            on_state=lambda state: light.show("stopped" if state == "stopping" else state),
            on_inference=light.wink,
        )
        daemon.run(listener)


class Daemon:
    """Everything that runs while ``pi-edge serve`` does.

    Others watch it through ``observe``: the status light, systemd.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.state = "starting"
        self.started = time.monotonic()
        self.url = ""
        # What /status says of the status light; whoever drives one replaces this.
        self.led: Callable[[], dict[str, Any]] = lambda: {"light": "none"}
        self.repository = Repository(
            config.models,
            catalog.owned_models(config.state),
            config.threads,
            on_change=self._on_change,
            on_inference=self._on_inference,
        )
        self._stopping = False
        self._end_styling: Callable[[float], None] = lambda seconds: None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._state_observers: list[Callable[[str], None]] = []
        self._inference_observers: list[Callable[[], None]] = []

    def observe(
        self,
        on_state: Callable[[str], None] | None = None,
        on_inference: Callable[[], None] | None = None,
    ) -> None:
        """Be told of things. Call before ``run``.

        Args:
            on_state: called on the event loop with the state, now and whenever it changes; the
                last one is "stopping". Must return at once.
            on_inference: called after each inference, on the thread that ran it, of which there
                are several. Must return at once.
        """
        if on_state:
            self._state_observers.append(on_state)
            on_state(self.state)
        if on_inference:
            self._inference_observers.append(on_inference)

    async def probe(self) -> None:
        """The built-in check that the daemon still does what it is there for: one trivial
        inference through the thread of the quickest ready variant. With all models quarantined
        it shows only that the event loop turns.

        Raises:
            PiEdgeError: an inference has been stuck for too long, or the trivial one failed.
        """
        handles = self.handles()
        for handle in handles:
            if handle.busy_seconds() > STUCK_SECONDS:
                raise PiEdgeError(
                    f"an inference of {handle.name}/{handle.version} has been running for"
                    f" {handle.busy_seconds():.0f} s"
                )
        if handles:
            handle = min(handles, key=lambda h: (h.busy_seconds(), h.name, h.version))
            await handle.infer(trivial_inputs(handle.inputs), counted=False)

    def handles(self) -> list[Handle]:
        """Handles on all variants that are ready."""
        return [
            variant.handle
            for model in self.repository.models().values()
            for variant in model.variants.values()
            if variant.handle
        ]

    def run(self, listener: socket.socket) -> None:
        """Serve on ``listener`` until SIGTERM, SIGINT or SIGHUP.

        Raises:
            PiEdgeError: it listens beyond this machine and cannot have a token.
        """
        # Imported here, with the socket already listening: this takes the most of the start.
        from pi_edge.server import app, style_route, web_server
        from pi_edge.server.clients import Limits
        from pi_edge.server.gate import Gate

        config = self.config
        secure = tls.server_context(config.tls_certificate, config.tls_key)
        self.url = url_of(listener, secure is not None)
        token = access_token.in_force(config.token, config.state, listener.getsockname()[0])
        if token:
            logger.info("clients must show the token that is in %s", token.place)
        application = app.Application(
            self.repository,
            lambda: self.state,
            self.status,
            config.max_body,
            style_route.Settings(config.style_memory, config.style_queue, config.threads),
            self._on_inference,
            token,
            Gate(config.allowed_hosts, config.allowed_origins),
        )
        self._end_styling = application.stop
        server = web_server.create(
            application,
            DRAIN_SECONDS,
            Limits(
                config.max_connections,
                config.client_seconds,
                config.idle_seconds,
                config.client_rate,
            ),
            secure,
        )
        with asyncio.Runner(loop_factory=web_server.loop_factory()) as runner:
            runner.run(self._serve(server, listener))

    async def _serve(self, server: WebServer, listener: socket.socket) -> None:
        self._loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            if signal.getsignal(number) != signal.SIG_IGN:  # nohup
                self._loop.add_signal_handler(number, self._stop, server)
        reporter = systemd.Reporter()
        self.observe(on_state=reporter.state)
        watchdog = asyncio.create_task(reporter.feed_watchdog(self.probe))
        self.repository.start()
        try:
            await server.serve(sockets=[listener])
        finally:
            watchdog.cancel()
            self.repository.stop()
            logger.info("stopped")

    def _stop(self, server: WebServer) -> None:
        self._stopping = True
        self._refresh()
        self._end_styling(STYLING_SECONDS)
        server.should_exit = True

    def status(self) -> dict[str, Any]:
        """What /status says beside the models. May take a moment."""
        from pi_edge.benchmark import machine

        return {
            "state": self.state,
            "led": self.led(),
            "runtime": runtime.describe(),
            "machine": {**machine.describe(), **machine.conditions()},
            "pid": os.getpid(),
            "uptime": round(time.monotonic() - self.started, 1),
            "version": __version__,
        }

    def _on_inference(self) -> None:
        for observer in self._inference_observers:
            observer()

    def _on_change(self) -> None:
        if self._loop and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._refresh)

    def _refresh(self) -> None:
        """Derive the state anew and tell the observers when it changed."""
        state = state_of(self.repository.models().values(), self.repository.settled, self._stopping)
        if state == self.state:
            return
        if self.state == "starting" and state != "stopping":
            logger.info("%s at %s", state, self.url)
        self.state = state
        for observer in self._state_observers:
            observer(state)
