"""Opening the daemon to the local network."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from pi_edge.errors import BadInput

_HOST = re.compile(r"^[ \t]*host[ \t]*=.*$", re.MULTILINE)
EVERYWHERE = "0.0.0.0"


def opened(config: str | None) -> str:
    """Settings that let the daemon listen on all addresses; all else stays as it stands.

    Args:
        config: contents of the settings file; None without one.

    Raises:
        BadInput: they are not TOML.
    """
    text = config or ""
    try:
        settings = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"/etc/pi-edge/config.toml is not TOML ({error}): mend it first") from error
    if settings.get("host") in (EVERYWHERE, "::"):
        return text
    line = f'host = "{EVERYWHERE}"'
    if "host" in settings:
        return _HOST.sub(line, text, count=1)
    return f"{line}\n{text}"


def token(config: str | None, state: Path) -> str:
    """What callers from the network must show: as set, else what the daemon made; "" for none."""
    settings = tomllib.loads(config or "")
    if settings.get("token"):
        return str(settings["token"])
    try:
        return (state / "token").read_text().strip()
    except OSError:
        return ""
