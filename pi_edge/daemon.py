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
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from pi_edge import __version__, access_token, catalog, malloc, runtime, systemd, tls
from pi_edge.config import Config
from pi_edge.errors import PiEdgeError
from pi_edge.examples import Examples
from pi_edge.handle import Handle
from pi_edge.learning import told, watching
from pi_edge.led import StatusLight
from pi_edge.ledger import Counts, Ledger
from pi_edge.listening import url_of
from pi_edge.model import trivial_inputs
from pi_edge.model_status import ModelStatus
from pi_edge.processes import memory
from pi_edge.proving import Bench
from pi_edge.repository import Repository
from pi_edge.server import event_loop
from pi_edge.worker_line import Limits
from pi_edge.workers.process import Workshop

if TYPE_CHECKING:
    import ssl

    from pi_edge.server.answers import OnResult
    from pi_edge.server.web_server import WebServer

logger = logging.getLogger("pi_edge")

# Seconds that requests under way have to finish when the daemon is told to stop.
DRAIN_SECONDS = 10
# Of these a photo that is being styled has so many; whoever waits is sent away at once.
STYLING_SECONDS = 5
# Seconds that the self-test waits for the inference it asked for.
PROBE_SECONDS = 1.0
# Counters reach the SD card so often and no oftener, which would wear it out.
SAVE_SECONDS = 60.0


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
    models = list(models)
    if not any(model.state == "ready" for model in models):
        return "failed"
    return "degraded" if any(model.faulty for model in models) else "ready"


def lit_for(state: str, learns: bool) -> tuple[str, ...]:
    """What the status light is told, which shows the uppermost.

    Args:
        state: the daemon's.
        learns: a model is being learned on this machine.
    """
    if state == "stopping":
        return ("stopped",)
    return (state, "learning") if learns else (state,)


def serve(config: Config, listener: socket.socket, workshop: Workshop) -> None:
    """Run the daemon on a listening socket until it is told to stop.

    Args:
        workshop: where models are started.

    Raises:
        PiEdgeError: there is no TFLite runtime, or no token where one is needed.
    """
    runtime.installed()
    # The watchdog ends a stuck daemon by SIGABRT: this says in the log where it was stuck.
    faulthandler.enable()
    malloc.keep_freed()
    daemon = Daemon(config, workshop)
    with (
        contextlib.closing(StatusLight(config.led, config.led_pin)) as light,
        _publishing(daemon),
    ):
        daemon.led = light.describe
        daemon.observe(
            on_state=lambda state: light.show(*lit_for(state, daemon.learns)),
            on_learning=lambda learns: light.show(*lit_for(daemon.state, learns)),
            on_inference=light.wink,
        )
        daemon.run(listener)


@contextlib.contextmanager
def _publishing(daemon: Daemon) -> Iterator[None]:
    """Tell the MQTT broker of the settings, where there is one, of results and state."""
    if not daemon.config.mqtt:
        yield
        return
    from pi_edge.integrations.mqtt import Publisher  # here: few have a broker

    with contextlib.closing(Publisher(daemon.config, daemon.brief)) as publisher:
        daemon.mqtt = publisher.describe
        daemon.observe(
            on_state=lambda state: publisher.changed(),
            on_learning=lambda learns: publisher.changed(),
            on_result=publisher.result,
        )
        yield


class Daemon:
    """Everything that runs while ``pi-edge serve`` does.

    Others watch it through ``observe``: the status light, systemd.
    """

    def __init__(self, config: Config, workshop: Workshop) -> None:
        self.config = config
        self.state = "starting"
        self.learns = False
        self.started = time.monotonic()
        self.url = ""
        # What /status says of the status light; whoever drives one replaces this.
        self.led: Callable[[], dict[str, Any]] = lambda: {"light": "none"}
        # The same of the MQTT broker; None where there is none.
        self.mqtt: Callable[[], dict[str, Any]] | None = None
        self._workshop, self._ledger = workshop, Ledger(config.state)
        self._examples = Examples(config.state, config.examples, config.examples_bytes)
        bench = Bench(self._workshop, self._ledger, config.threads, memory() // 2)
        self.repository = Repository(
            config.models,
            catalog.owned_models(config.state),
            bench,
            Limits(config.deadline, config.queue, config.patience, config.workers),
            on_change=self._on_change,
            on_inference=self._on_inference,
        )
        self._saved: Counts = {}
        self._probes: set[asyncio.Task[object]] = set()
        self._next_probe = 0
        self._stopping = False
        self._end_styling: Callable[[float], None] = lambda seconds: None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._state_observers: list[Callable[[str], None]] = []
        self._inference_observers: list[Callable[[], None]] = []
        self._learning_observers: list[Callable[[bool], None]] = []
        self._result_observers: list[OnResult] = []

    def observe(
        self,
        on_state: Callable[[str], None] | None = None,
        on_inference: Callable[[], None] | None = None,
        on_learning: Callable[[bool], None] | None = None,
        on_result: OnResult | None = None,
    ) -> None:
        """Be told of things. Call before ``run``.

        Args:
            on_state: called on the event loop with the state, now and whenever it changes; the
                last one is "stopping". Must return at once.
            on_inference: called on the event loop after each inference. Must return at once.
            on_learning: called on the event loop when somebody begins to learn a model on this
                machine (True), and when that is over (False). Must return at once.
            on_result: called on the event loop with a task and its answer. Must return at once.
        """
        if on_state:
            self._state_observers.append(on_state)
            on_state(self.state)
        if on_inference:
            self._inference_observers.append(on_inference)
        if on_learning:
            self._learning_observers.append(on_learning)
        if on_result:
            self._result_observers.append(on_result)

    async def probe(self) -> None:
        """The built-in check that the daemon still does what it is there for: its event loop
        turns, and a worker is asked for a trivial inference, each idle one in its turn.

        A worker that does not answer is no reason to end the daemon: its handle's deadline
        replaces it, which this sees to even when no client asks.
        """
        idle = [handle for handle in self.handles() if not handle.busy_seconds()]
        if not idle:
            return
        self._next_probe += 1
        handle = idle[self._next_probe % len(idle)]
        inference = asyncio.ensure_future(
            handle.infer(trivial_inputs(handle.inputs), counted=False)
        )
        self._probes.add(inference)
        inference.add_done_callback(self._probed)
        await asyncio.wait({inference}, timeout=PROBE_SECONDS)

    def _probed(self, inference: asyncio.Task[object]) -> None:
        self._probes.discard(inference)
        if not inference.cancelled() and (error := inference.exception()):
            logger.debug("a self-test's inference failed: %s", error)

    def handles(self) -> list[Handle]:
        """Handles on all variants that are ready."""
        return [
            variant.handle
            for model in self.repository.models().values()
            for variant in model.variants.values()
            if variant.handle
        ]

    def run(self, listener: socket.socket) -> None:
        """Serve on ``listener`` until SIGTERM or SIGINT. SIGHUP has the models folders looked
        through, and ends a daemon whose terminal was closed.

        Raises:
            PiEdgeError: it listens beyond this machine and cannot have a token.
        """
        config = self.config
        secure = tls.server_context(config.tls_certificate, config.tls_key)
        self.url = url_of(listener, secure is not None)
        token = access_token.in_force(config.token, config.state, listener.getsockname()[0])
        if token:
            logger.info("clients must show the token that is in %s", token.place)
        reporter = systemd.Reporter()
        self.observe(on_state=reporter.state)
        try:
            with asyncio.Runner(loop_factory=event_loop.factory()) as runner:
                # Models are loaded while the rest is imported, which takes as long.
                self._loop = runner.get_loop()
                self.repository.start(self._loop)
                runner.run(self._serve(self._web_server(token, secure), listener, reporter))
        finally:
            self.close()

    def _web_server(
        self, token: access_token.Token | None, secure: ssl.SSLContext | None
    ) -> WebServer:
        from pi_edge.server import app, bodies, clients, style_route, web_server
        from pi_edge.server.gate import Gate

        config = self.config
        application = app.Application(
            self.repository,
            lambda: self.state,
            self.status,
            bodies.Room(config.max_body, config.body_memory << 20 or memory() // 4),
            style_route.Settings(config.style_memory, config.style_queue, config.threads),
            self._on_inference,
            token,
            Gate(config.allowed_hosts, config.allowed_origins),
            self._examples,
            self._on_result,
        )
        self._end_styling = application.stop
        return web_server.create(
            application,
            DRAIN_SECONDS,
            clients.Limits(
                config.max_connections,
                config.client_seconds,
                config.idle_seconds,
                config.client_rate,
            ),
            secure,
        )

    def close(self) -> None:
        """End the workers and let go of the ledger."""
        self.repository.stop()
        self._workshop.close()
        self._ledger.close()

    async def _serve(
        self, server: WebServer, listener: socket.socket, reporter: systemd.Reporter
    ) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            if signal.getsignal(number) == signal.SIG_IGN:  # nohup
                continue
            if number == signal.SIGHUP and not os.isatty(2):
                loop.add_signal_handler(number, self.repository.look)
            else:
                loop.add_signal_handler(number, self._stop, server)
        watchdog = asyncio.create_task(reporter.feed_watchdog(self.probe))
        saving = asyncio.create_task(self._save_counts())
        learning = asyncio.create_task(watching.watch(self.config.state, self._on_learning))
        try:
            await server.serve(sockets=[listener])
        finally:
            watchdog.cancel()
            saving.cancel()
            learning.cancel()
            self.repository.stop()
            self._save()
            logger.info("stopped")

    async def _save_counts(self) -> None:
        while True:
            await asyncio.sleep(SAVE_SECONDS)
            await asyncio.to_thread(self._save)

    def _save(self) -> None:
        """Add to the ledger what was counted since the last time."""
        counts = self.repository.tally.counts()
        added = {}
        for key, (done, failed) in counts.items():
            before = self._saved.get(key, (0, 0))
            added[key] = (done - before[0], failed - before[1])
        if self._ledger.add(added):
            self._saved = counts

    def _stop(self, server: WebServer) -> None:
        self._stopping = True
        self._refresh()
        self._end_styling(STYLING_SECONDS)
        server.should_exit = True

    def status(self) -> dict[str, Any]:
        """What /status says beside the models. May take a moment."""
        from pi_edge.benchmark import machine

        learning = told.read(self.config.state)
        return {
            "state": self.state,
            "learning": asdict(learning) if learning else None,
            "led": self.led(),
            "mqtt": self.mqtt() if self.mqtt else None,
            "runtime": runtime.describe(),
            "machine": {**machine.describe(), **machine.conditions()},
            "pid": os.getpid(),
            "inferences": self._lifetime(),
            "examples": self._held(),
            "uptime": round(time.monotonic() - self.started, 1),
            "version": __version__,
        }

    def brief(self) -> dict[str, Any]:
        """The same in short, for who is told of it again and again: the state, that of each model,
        what the models are for ("tasks"), inferences, temperature. May take a moment."""
        from pi_edge.benchmark import machine

        models = self.repository.models()
        done = self._lifetime()
        return {
            "state": self.state,
            "learning": self.learns,
            "models": {name: model.state for name, model in models.items()},
            "tasks": sorted({model.entry.task for model in models.values()}),
            "inferences": done["done"],
            "failures": done["failed"],
            "temperature_c": machine.temperature_c(),
            "uptime": round(time.monotonic() - self.started, 1),
            "version": __version__,
        }

    def _held(self) -> dict[str, Any]:
        """How many examples are kept, or why that is not known."""
        try:
            return asdict(self._examples.held())
        except PiEdgeError as error:
            return {"error": str(error)}

    def _lifetime(self) -> dict[str, int]:
        """Inferences done and failed by all models, over all starts."""
        everything = [*self._ledger.counts().values(), *self.repository.tally.counts().values()]
        saved = list(self._saved.values())  # those are in the ledger already
        return {
            what: sum(pair[i] for pair in everything) - sum(pair[i] for pair in saved)
            for i, what in enumerate(("done", "failed"))
        }

    def _on_inference(self) -> None:
        for observer in self._inference_observers:
            observer()

    def _on_result(self, task: str, answer: Mapping[str, Any]) -> None:
        for observer in self._result_observers:
            observer(task, answer)

    def _on_learning(self, learns: bool) -> None:
        self.learns = learns
        for observer in self._learning_observers:
            observer(learns)

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
