"""HTTPS: the daemon's certificate and key, and how this machine asks its own daemon."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from pi_edge.errors import PiEdgeError

if TYPE_CHECKING:  # with OpenSSL, which takes long to load
    import ssl


def check(certificate: Path | None, key: Path | None) -> bool:
    """Whether the daemon is to speak HTTPS.

    Raises:
        PiEdgeError: it is, and what of its files cannot be used.
    """
    return server_context(certificate, key) is not None


def server_context(certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    """What the daemon's side of TLS 1.2 (RFC 5246) or later needs; None without a certificate.

    Args:
        certificate: PEM file of the certificate, then those that vouch for it.
        key: PEM file of its private key; None where the certificate's own file holds it.

    Raises:
        PiEdgeError: a file is missing, unreadable, or does not fit; and what to do.
    """
    if certificate is None:
        if key is not None:
            raise PiEdgeError(f"there is a TLS key {key} but no certificate: set tls_certificate")
        return None
    import ssl

    for path, setting in ((certificate, "tls_certificate"), (key, "tls_key")):
        if path is not None:
            _check_file(path, setting)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    place = key or certificate
    try:
        # A password would be asked for on the terminal, where nobody sits.
        context.load_cert_chain(certificate, key, password=lambda: b"")
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise PiEdgeError(
                f"the TLS key {place} is not that of the certificate {certificate}: set tls_key"
                " to the one that it was made with"
            ) from None
        why = (error.reason or str(error)).lower().replace("_", " ")
        raise PiEdgeError(
            f"{certificate} and {place} are no certificate and unencrypted key in PEM ({why}):"
            " mend the settings tls_certificate and tls_key"
        ) from None
    except OSError as error:
        raise PiEdgeError(f"cannot read the TLS files ({error.strerror})") from None
    return context


def _check_file(path: Path, setting: str) -> None:
    try:
        # Without waiting, should it be a pipe.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        try:
            kind = os.fstat(handle).st_mode
        finally:
            os.close(handle)
    except OSError as error:
        raise PiEdgeError(
            f"cannot read {path} ({error.strerror}): mend the file or the setting {setting}"
        ) from None
    if not stat.S_ISREG(kind):
        raise PiEdgeError(f"{path} is no file: mend the setting {setting}")


def own_context() -> ssl.SSLContext:
    """For asking a daemon at an address of this very machine: who answers there was let in by
    this machine, whatever name its certificate has."""
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def default_context() -> ssl.SSLContext:
    """For asking whoever has a certificate that this system trusts, in the name that is asked."""
    import ssl

    return ssl.create_default_context()


def is_spoken(host: str, port: int) -> bool:
    """Whether what listens at a port of this machine speaks TLS."""
    import socket

    try:
        with (
            socket.create_connection((host, port), timeout=5) as connection,
            own_context().wrap_socket(connection),
        ):
            return True
    except OSError:
        return False
