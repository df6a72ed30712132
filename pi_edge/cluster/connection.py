"""The way to a Dask scheduler."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pi_edge.cluster.wanted import distributed_version
from pi_edge.errors import NotFound, PiEdgeError, WrongUsage

PATIENCE = 10
"""Seconds in which a scheduler has to answer."""


@dataclass(frozen=True)
class Address:
    """Where the scheduler is.

    Attributes:
        url: tcp://HOST:PORT, or tls:// with certificates both ways.
        ca, cert, key: PEM files: who vouches for the others, and who we are. Without them tls://
            takes those of Dask's own configuration.

    Raises:
        WrongUsage: these do not go together.
        NotFound: a file is missing.
    """

    url: str
    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None

    def __post_init__(self) -> None:
        scheme = self.url.partition("://")[0]
        if scheme not in ("tcp", "tls") or not self.url.partition("://")[2]:
            raise WrongUsage(f"--cluster is tcp://HOST:8786 or tls://HOST:8786, not {self.url}")
        given = [file for file in (self.ca, self.cert, self.key) if file]
        if given and scheme == "tcp":
            raise WrongUsage("certificates are for --cluster tls://HOST:8786, not for tcp://")
        if given and len(given) < 3:
            raise WrongUsage("--cluster-ca, --cluster-cert and --cluster-key go together")
        for file in given:
            if not file.is_file():
                raise NotFound(f"there is no file {file}")


@contextmanager
def connected(address: Address) -> Iterator[Any]:
    """A ``distributed.Client`` of the scheduler, closed in the end.

    Raises:
        PiEdgeError: there is no distributed, nobody answers, or another release does.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise PiEdgeError(
            f"--cluster needs Dask ({error}): .venv/bin/pip install 'pi-edge[cluster]', or on"
            " Raspberry Pi OS sudo apt install python3-distributed"
        ) from None
    _hush()
    security = _security(address)
    _check_release(address, security)
    try:
        client = Client(
            address.url, timeout=PATIENCE, security=security, set_as_default=False, name="pi-edge"
        )
    except (OSError, ValueError, TypeError, RuntimeError) as error:
        raise _silent(address, error) from error
    try:
        yield client
    finally:
        # Whatever state it is in: closing must not take longer than the user will wait.
        closing = threading.Thread(target=_close, args=(client,), daemon=True)
        closing.start()
        closing.join(5)


def _close(client: Any) -> None:
    with contextlib.suppress(Exception):
        client.close(timeout=3)


def _security(address: Address) -> Any:
    from distributed.security import Security

    if not address.url.startswith("tls://"):
        return None
    if address.ca:
        security = Security(
            require_encryption=True,
            tls_ca_file=str(address.ca),
            tls_client_cert=str(address.cert),
            tls_client_key=str(address.key),
        )
    else:
        security = Security(require_encryption=True)
    try:
        context = security.get_connection_args("client").get("ssl_context")
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise PiEdgeError(f"the certificates cannot be used: {_line(error)}") from error
    if context is None:
        raise PiEdgeError(
            "tls:// needs certificates: name them with --cluster-ca, --cluster-cert and"
            " --cluster-key, or in Dask's configuration (distributed.comm.tls)"
        )
    return security


def _check_release(address: Address, security: Any) -> None:
    """Dask's releases do not understand each other: say so before it shows as something else."""
    from distributed import rpc

    arguments = security.get_connection_args("client") if security else {}

    async def versions() -> Any:
        async with rpc(address.url, timeout=PATIENCE, connection_args=arguments) as scheduler:
            return await scheduler.versions()

    async def within() -> Any:
        return await asyncio.wait_for(versions(), PATIENCE + 2)

    try:
        told = asyncio.run(within())
        theirs = str(told["packages"]["distributed"]).partition("+")[0]
    except (OSError, ValueError, TypeError, KeyError, RuntimeError, TimeoutError) as error:
        raise _silent(address, error) from error
    if theirs != distributed_version():
        raise PiEdgeError(
            f"the scheduler at {address.url} has distributed {theirs}, this machine"
            f" {distributed_version()}: install the same release on both"
        )


def _silent(address: Address, error: Exception) -> PiEdgeError:
    return PiEdgeError(
        f"no Dask scheduler answers at {address.url} ({_line(error)}): start one with"
        " `dask scheduler`, or mend the address"
    )


def _hush() -> None:
    """What goes wrong is told in our own words, not in distributed's as well."""
    tops = ("distributed", "tornado", "asyncio")
    below = [name for name in logging.root.manager.loggerDict if name.startswith(tops)]
    for name in {*tops, *below}:
        logger = logging.getLogger(name)
        logger.handlers = [logging.NullHandler()]
        logger.propagate = False
    for about in ("Large object", "Sending large graph", "(?s).*[Mm]ismatched versions"):
        warnings.filterwarnings("ignore", message=about)


def _line(error: BaseException) -> str:
    cause = error.__cause__ or error
    reason = cause if isinstance(cause, ssl.SSLError) else error
    return (str(reason).strip().splitlines() or [type(error).__name__])[0]
