"""Run the daemon: serve the models over HTTP until told to stop."""

from __future__ import annotations

import argparse
import logging
import os
import resource
import signal
import sys
from pathlib import Path

from pi_edge import access_token, config, listening, logs, tls
from pi_edge.errors import PiEdgeError
from pi_edge.workers import ONE_THREAD

logger = logging.getLogger("pi_edge")


EXAMPLES = """\
pi-edge serve                                  # http://127.0.0.1:8080, for this machine
pi-edge serve --port 8081 --led mock           # another port; the light in the terminal
pi-edge serve --host 0.0.0.0                   # for the network, with a token
pi-edge serve --models my-models --threads 2
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", help="address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=int, help="TCP port, 0 for any free one (8080)")
    parser.add_argument("--tls-certificate", metavar="FILE", help="serve HTTPS with this (PEM)")
    parser.add_argument("--tls-key", metavar="FILE", help="its private key (PEM)")
    parser.add_argument(
        "--allowed-hosts", metavar="NAMES", help="further names it is called by, as a proxy's"
    )
    parser.add_argument(
        "--allowed-origins", metavar="URLS", help="origins whose pages may ask this daemon"
    )
    parser.add_argument("--models", metavar="DIR", help="folder of shipped models")
    parser.add_argument("--state", metavar="DIR", help="folder for what must outlive a restart")
    parser.add_argument("--config", metavar="FILE", type=Path, help="a TOML file with settings")
    parser.add_argument("--led", help="status light: auto, gpio, mock or off")
    parser.add_argument("--led-pin", type=int, metavar="N", help="its BCM number (17)")
    parser.add_argument("--threads", type=int, metavar="N", help="threads one inference uses (1)")
    parser.add_argument("--workers", type=int, metavar="N", help="processes for each variant (1)")
    parser.add_argument("--max-body", type=int, metavar="BYTES", help="largest request body")
    parser.add_argument(
        "--body-memory", type=int, metavar="MB", help="for all bodies (a quarter of the memory)"
    )
    parser.add_argument(
        "--deadline", type=int, metavar="S", help="seconds one inference may take (30)"
    )
    parser.add_argument(
        "--patience", type=int, metavar="S", help="seconds a request may have to wait (5)"
    )
    parser.add_argument(
        "--queue", type=int, metavar="N", help="requests that may wait for one variant (512)"
    )
    parser.add_argument(
        "--max-connections", type=int, metavar="N", help="connections at the same time (512)"
    )
    parser.add_argument(
        "--client-rate", type=int, metavar="N", help="requests a second from one address (200)"
    )
    parser.add_argument(
        "--client-seconds", type=int, metavar="S", help="patience with a slow client (30)"
    )
    parser.add_argument(
        "--idle-seconds", type=int, metavar="S", help="to keep an idle connection (75)"
    )
    parser.add_argument(
        "--style-memory", type=int, metavar="MB", help="most memory to style a photo in (200)"
    )
    parser.add_argument(
        "--style-queue", type=int, metavar="N", help="photos that may wait to be styled (4)"
    )
    parser.add_argument(
        "--examples", type=int, metavar="N", help="digits put right that are kept (10000)"
    )
    parser.add_argument(
        "--examples-bytes", type=int, metavar="BYTES", help="that they may have together (16 MiB)"
    )
    parser.add_argument("--mqtt", metavar="HOST:PORT", help="a broker to tell of results")
    parser.add_argument(
        "--mqtt-topic", metavar="TOPIC", help="that its topics begin with (pi-edge/HOSTNAME)"
    )
    parser.add_argument("--mqtt-user", metavar="NAME", help="who to be to the broker")
    parser.add_argument(
        "--mqtt-password", metavar="FILE", help="a file whose first line is the password"
    )
    parser.add_argument(
        "--mqtt-discovery",
        metavar="TOPIC",
        help='where Home Assistant looks for devices, "" for none (homeassistant)',
    )
    parser.add_argument(
        "--mqtt-queue", type=int, metavar="N", help="results kept while it is away (1000)"
    )
    parser.add_argument("--log-level", help="debug, info, warning or error")
    parser.add_argument("--log-format", help="text, or json for one JSON object a line")


def run(args: argparse.Namespace) -> int:
    flags = {name: value for name, value in vars(args).items() if name != "config"}
    settings = config.load(flags, file=args.config)
    logs.set_up(settings.log_format, settings.log_level)
    # Until the event loop takes signals over: stop tidily, the light included.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        _serve(settings)
    except PiEdgeError as error:
        if settings.log_format != "json":
            raise
        logger.error("%s", error)
        return 1
    return 0


def _serve(settings: config.Config) -> None:
    listening.check_folders(settings)
    secure = tls.check(settings.tls_certificate, settings.tls_key)
    # Each model takes half a dozen descriptors, and 1,024 is what a process gets unless it asks.
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with listening.listen(settings.host, settings.port) as listener:
        logger.info("listening at %s", listening.url_of(listener, secure))
        if not secure and not access_token.is_loopback(listener.getsockname()[0]):
            logger.info(
                "what is said here can be listened in on: set tls_certificate and tls_key, or come"
                " through ssh"
            )
        # Imported with the socket already listening: this takes most of the start. Meanwhile the
        # fork imports the runtime.
        os.environ |= ONE_THREAD
        from pi_edge.workers.process import Workshop

        workshop = Workshop()
        workshop.fork()
        from pi_edge import daemon

        daemon.serve(settings, listener, workshop)
