"""The reference of settings, from the dataclass that holds them and the flags of pi-edge serve."""

from __future__ import annotations

import inspect
import re
import textwrap
from dataclasses import MISSING, fields

from docs_site.commands import parser_of
from pi_edge import config
from pi_edge.config import Config

INTRODUCTION = """# Settings

Made from the code by `scripts/docs --update`. A flag of `pi-edge serve` wins over the environment
(`PI_EDGE_PORT=8081`), which wins over `/etc/pi-edge/config.toml` (`port = 8081`; another file with
`--config FILE`), which wins over the default. An unknown setting, or a value that does not fit,
ends the start with one line.

| in the file | in the environment | flag | values | default |
|---|---|---|---|---|
"""
# What stands for a default that depends on where pi-edge runs.
_DEPENDS = {"models": "the checkout's `models/`", "state": "`~/.local/state/pi-edge`"}
_KINDS = {
    "str": "text",
    "Path": "a path",
    "Path | None": "a path",
    "tuple[str, ...]": "a list of names; elsewhere than in the file with commas between",
}


def page() -> str:
    """All settings as one Markdown page."""
    flags = {
        action.dest: action.option_strings[0]
        for action in parser_of("serve")._actions
        if action.option_strings
    }
    told = descriptions()
    rows, meanings = [], []
    for setting in fields(Config):
        name = setting.name
        flag = f"`{flags[name]}`" if name in flags else "none"
        rows.append(
            f"| [`{name}`](#{name}) | `PI_EDGE_{name.upper()}` | {flag} |"
            f" {_values(name, str(setting.type))} | {_default(setting)} |"
        )
        meanings.append(f"### {name}\n\n{told[name]}\n")
    example = textwrap.dedent(
        """\
        ## A file

        ```toml
        host = "0.0.0.0"
        led_pin = 27
        style_memory = 150
        allowed_hosts = ["raspberrypi.fritz.box"]
        ```

        After a change `sudo systemctl restart pi-edge`. [The service](../service.md) tells more of
        most of them.
        """
    )
    return (
        INTRODUCTION
        + "\n".join(rows)
        + "\n\n## What each means\n\n"
        + "\n".join([*meanings, example])
    )


def descriptions() -> dict[str, str]:
    """What each setting means, as the docstring of Config tells."""
    text = inspect.cleandoc(Config.__doc__ or "").split("Attributes:\n", 1)[1]
    found = {}
    for entry in re.split(r"\n(?=    \w+: )", "\n" + text):
        name, _, told = entry.strip().partition(": ")
        if name:
            sentence = " ".join(told.split())
            found[name] = sentence[:1].upper() + sentence[1:]
    return found


def _values(name: str, kind: str) -> str:
    if name in config._RANGES:
        low, high = config._RANGES[name]
        return f"{low} to {high}"
    if name in config._CHOICES:
        return ", ".join(config._CHOICES[name])
    return _KINDS[kind]


def _default(setting: object) -> str:
    name = getattr(setting, "name", "")
    default = getattr(setting, "default", MISSING)
    if name in _DEPENDS:
        return _DEPENDS[name]
    if default in ("", None, ()):
        return "none"
    return f"`{default}`"
