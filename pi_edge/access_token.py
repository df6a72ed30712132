"""The token that clients show where the daemon listens beyond this machine.

It is the setting ``token``, else what stands in STATE/token: made by the daemon at its first
start that needs it, readable by its own user alone. It is no flag: all users of a machine see
each other's command lines.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from pi_edge import files
from pi_edge.errors import BadInput, PiEdgeError

# 256 bits, which nobody guesses however often they ask.
_BYTES = 32
# What a header carries unchanged, and a person copies whole.
_VALID = re.compile(r"[!-~]+")


class Unreadable(PiEdgeError):
    """There is a token, but another user's."""


@dataclass(frozen=True)
class Token:
    """What clients must show.

    Attributes:
        value: the token itself.
        place: where it stands, in words; never the token.
    """

    value: str = field(repr=False)
    place: str


def file_of(state: Path) -> Path:
    """Where the daemon with this state folder keeps the token it made."""
    return state / "token"


def is_loopback(address: str) -> bool:
    """Whether only this machine reaches a numeric address (RFC 1122, 3.2.1.3; RFC 4291, 2.5.3)."""
    import ipaddress

    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return (mapped or parsed).is_loopback


def in_force(setting: str, state: Path, address: str) -> Token | None:
    """The token that a daemon demands, made where there is none; None where it demands none.

    Args:
        setting: the setting ``token``.
        state: the state folder.
        address: what the daemon's socket is bound to.

    Raises:
        PiEdgeError: the file of the token cannot be used, or not be written.
    """
    if setting:
        return Token(setting, "the setting token")
    if is_loopback(address):
        return None
    path = file_of(state)
    value = read(path)
    if value is not None:
        _close_to_others(path)
    else:
        import secrets  # with OpenSSL, which takes long to load

        value = secrets.token_urlsafe(_BYTES)
        try:
            files.write_bytes(path, value.encode() + b"\n", mode=0o600)
        except OSError as error:
            raise PiEdgeError(
                f"cannot make the token {path} ({error.strerror}): mend its folder, or listen on"
                " 127.0.0.1 only"
            ) from error
    return Token(value, str(path))


def _close_to_others(path: Path) -> None:
    """See to it that only the daemon's own user reads the token, whoever put it there."""
    try:
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
            import logging  # here: commands that only ask do not log

            logging.getLogger("pi_edge").warning(
                "the token %s was open to other users and is not any more: remove it for another"
                " one if they may have read it",
                path,
            )
    except OSError as error:
        raise PiEdgeError(
            f"the token {path} is open to other users ({error.strerror}): sudo chmod 600 {path}"
        ) from error


def read(path: Path) -> str | None:
    """The token in a file, None where there is no file.

    Raises:
        Unreadable: another user's.
        PiEdgeError: there is something else in its place.
    """
    try:
        # Without waiting, should it be a pipe.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
            value = file.read(4096).decode("latin-1").strip()
    except FileNotFoundError:
        return None
    except PermissionError as error:
        raise Unreadable(f"the token {path} may not be read ({error.strerror})") from error
    except OSError as error:
        raise PiEdgeError(f"cannot read the token {path} ({error.strerror}): {_REMEDY}") from error
    if not _VALID.fullmatch(value):
        raise PiEdgeError(f"there is no token in {path}: {_REMEDY}")
    return value


def check(value: str, source: str) -> str:
    """A token given as a setting, as it is; "" stands for none.

    Raises:
        BadInput: no header could carry it.
    """
    if value and not _VALID.fullmatch(value):
        raise BadInput(f"{source} must be letters, digits and signs without spaces")
    return value


_REMEDY = "remove it, and the daemon makes another at its next start"
