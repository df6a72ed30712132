"""What comes before the daemon: folders that can be used, and a socket that listens.

Small, so that the daemon listens within a fraction of a second of its start; whoever connects
is answered as soon as the rest has been imported.
"""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path

from pi_edge import catalog
from pi_edge.config import Config
from pi_edge.errors import PiEdgeError


def check_folders(config: Config) -> None:
    """Make the state folder where there is none, and see that both folders can be used.

    Raises:
        PiEdgeError: what cannot be used, and what to do.
    """
    if not _is_readable(config.models):
        raise PiEdgeError(
            f"there is no readable models folder {config.models}: name one with --models DIR"
        )
    owned = catalog.owned_models(config.state)
    try:
        owned.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PiEdgeError(
            f"cannot use the state folder {config.state} ({error.strerror}): name one that can be"
            " written to with --state DIR"
        ) from error
    if not os.access(config.state, os.W_OK | os.X_OK) or not _is_readable(owned):
        raise PiEdgeError(
            f"the state folder {config.state} cannot be written to: mend its permissions or name"
            " another with --state DIR"
        )


def listen(host: str, port: int) -> socket.socket:
    """A listening TCP socket; port 0 takes a free one.

    Raises:
        PiEdgeError: the address cannot be listened on.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(2048)
    except OSError as error:
        advice = "is another daemon running? Stop it, or choose another with --port N"
        if error.errno == errno.EACCES:
            advice = "ports below 1024 need privileges: choose another with --port N"
        elif isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
            advice = "this machine has no such address: choose another with --host H"
        raise PiEdgeError(
            f"cannot listen on {host} port {port} ({error.strerror}): {advice}"
        ) from error
    return listener


def url_of(listener: socket.socket, secure: bool = False) -> str:
    """Where a browser on this machine finds the daemon, which speaks HTTPS where ``secure``."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    scheme = "https" if secure else "http"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def _is_readable(folder: Path) -> bool:
    try:
        return folder.is_dir() and os.access(folder, os.R_OK | os.X_OK)
    except OSError:  # one of the folders above it may not be entered
        return False
