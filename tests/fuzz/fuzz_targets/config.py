"""Settings: a TOML file, and behind a line of dashes the environment, NAME=VALUE a line."""

from __future__ import annotations

import os
import tempfile
from dataclasses import fields
from pathlib import Path

from targets import refusals

from pi_edge import access_token
from pi_edge.config import Config, load

LENGTH, MEGABYTES = 4096, 512
WORDS = (
    *(field.name.encode() for field in fields(Config)),
    *(b"PI_EDGE_" + field.name.upper().encode() for field in fields(Config)),
    *(b"\n---\n", b" = ", b'"""', b"'''", b"0x", b"1_0", b"[table]", b"[[table]]", b"inf", b"nan"),
    *(b"2024-01-31T00:00:00Z", b"true", b"~", b"~/x", b"~nobody", b"~nosuchuser/x", b"\\u0000"),
    *(b'"auto"', b'"off"', b'"0.0.0.0"', b'"::1"', b"{a = 1}", b"[1, 2]", b"1e5", b"\xff", b"\0"),
)

_file = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None)) / "c.toml"


def check(data: bytes) -> None:
    toml, _, environment = data.partition(b"\n---\n")
    _file.write_bytes(toml)
    # An environment has neither NULs nor values that are no bytes (environ(7)).
    lines = os.fsdecode(environment.replace(b"\0", b"")).split("\n")
    environ = dict(line.partition("=")[::2] for line in lines)
    with refusals():
        config = load({}, environ, _file)
        repr(config)
        access_token.is_loopback(config.host)
        (config.models / "x").is_dir()
        config.state.is_dir()
    _file.unlink()
