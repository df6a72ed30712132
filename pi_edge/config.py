"""Settings: defaults < TOML file < environment (PI_EDGE_...) < flags."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from pi_edge import access_token, nearest
from pi_edge.errors import BadInput, NotFound

SYSTEM_FILE = Path("/etc/pi-edge/config.toml")
# Where systemd/pi-edge.service keeps its state.
SERVICE_STATE = Path("/var/lib/pi-edge")


def shipped_models() -> Path:
    """The models that came with the package: inside it where it was installed from a wheel, beside
    it in a checkout, in a release from scripts/deploy and in the Debian package."""
    package = Path(__file__).resolve().parent
    inside = package / "models"
    return inside if inside.is_dir() else package.parent / "models"


def user_state() -> Path:
    """Where a user's own state lives (XDG base directory specification)."""
    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(base) / "pi-edge"


@dataclass(frozen=True)
class Config:
    """All settings. Every field can stand in the TOML file, and in the environment as
    PI_EDGE_FIELD.

    Attributes:
        host: address to listen on.
        port: TCP port to listen on; 0 takes a free one.
        token: what every client must show; without one the daemon demands a token of its own
            making where it listens beyond this machine, and none elsewhere.
        tls_certificate: PEM file of the certificate, then those that vouch for it; with one the
            daemon speaks HTTPS only.
        tls_key: PEM file of its private key; without one the certificate's own file holds it.
        allowed_hosts: further names that clients may call this daemon by, as a reverse proxy's;
            "*" for any.
        allowed_origins: origins whose pages may ask this daemon, as in https://pages.example.
        max_connections: connections at the same time.
        client_seconds: that a client has to send a request's head, and each 64 KiB of its body,
            and to take what it is sent.
        idle_seconds: that a connection is kept between two requests.
        client_rate: requests a second from one address beyond this machine; 0 for any number.
        models: folder of shipped models, read only.
        state: folder for what must outlive a restart; STATE/models holds the owner's models.
        threads: threads one inference may use.
        workers: processes that serve one variant side by side.
        max_body: largest request body in bytes.
        body_memory: megabytes that all request bodies may take together, 0 for a quarter of the
            machine's memory; one of max_body is always taken.
        deadline: seconds that one inference may take before its worker is replaced; a model.json
            may say otherwise for its model.
        patience: seconds that a request may have to wait for earlier ones; others are sent away.
        queue: requests that may wait for one variant; more are sent away.
        style_memory: megabytes that styling a photo may take, beside the daemon.
        style_queue: photos that may wait to be styled while one is; more are sent away.
        examples: digits put right that are kept to learn from; another one is refused then.
        examples_bytes: bytes that they may have together.
        led: auto (GPIO where there is one), gpio, mock or off.
        led_pin: BCM number of the status light's pin.
        mqtt: a broker that is told of results and state, as in broker.local:1883, or
            mqtts://broker.local:8883 for TLS; none without.
        mqtt_topic: what its topics begin with; pi-edge/HOSTNAME where it is empty.
        mqtt_user: who the daemon is to the broker.
        mqtt_password: file whose first line is the password.
        mqtt_discovery: where Home Assistant looks for devices; empty for no discovery.
        mqtt_queue: results kept while the broker is away; the oldest go first.
        log_level: debug, info, warning or error.
        log_format: text, or json for one JSON object a line.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    token: str = field(default="", repr=False)
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    allowed_hosts: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    max_connections: int = 512
    client_seconds: int = 30
    idle_seconds: int = 75
    client_rate: int = 200
    models: Path = Path()
    state: Path = Path()
    threads: int = 1
    workers: int = 1
    max_body: int = 64 * 1024 * 1024
    body_memory: int = 0
    deadline: int = 30
    patience: int = 5
    queue: int = 512
    style_memory: int = 200
    style_queue: int = 4
    examples: int = 10_000
    examples_bytes: int = 16 * 1024 * 1024
    led: str = "auto"
    led_pin: int = 17
    mqtt: str = ""
    mqtt_topic: str = ""
    mqtt_user: str = ""
    mqtt_password: Path | None = None
    mqtt_discovery: str = "homeassistant"
    mqtt_queue: int = 1000
    log_level: str = "info"
    log_format: str = "text"


_CHOICES = {
    "led": ("auto", "gpio", "mock", "off"),
    "log_level": ("debug", "info", "warning", "error"),
    "log_format": ("text", "json"),
}
_RANGES = {
    "port": (0, 65535),
    "threads": (1, 256),
    "workers": (1, 64),
    "led_pin": (0, 53),
    "max_body": (1024, 2**40),
    "body_memory": (0, 2**20),
    "deadline": (1, 86400),
    "patience": (1, 3600),
    "queue": (1, 100_000),
    "max_connections": (8, 2**16),
    "client_seconds": (1, 3600),
    "idle_seconds": (1, 3600),
    "client_rate": (0, 2**20),
    "style_memory": (100, 2**20),
    "style_queue": (0, 1000),
    "examples": (0, 1_000_000),
    "examples_bytes": (0, 2**30),
    "mqtt_queue": (1, 1_000_000),
}
_BROKER = re.compile(r"(mqtts?://)?(\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z_.-]+)(:[0-9]{1,5})?")
# MQTT 3.1.1, 4.7: no wildcards; the $ is the broker's own.
_TOPIC = re.compile(r"[^$/+#\s\x00-\x1f\x7f][^+#\x00-\x1f\x7f]{0,199}")
_TEXTS = {
    "mqtt": (_BROKER, "name a broker as in broker.local:1883 or mqtts://broker.local:8883"),
    "mqtt_topic": (_TOPIC, "be a topic as in pi-edge/kitchen, without + and #"),
    "mqtt_discovery": (_TOPIC, "be a topic as in homeassistant, without + and #"),
}


def load(
    flags: Mapping[str, Any],
    environ: Mapping[str, str] = os.environ,
    file: Path | None = None,
) -> Config:
    """The settings in force.

    Args:
        flags: field -> value from the command line; None means not given.
        environ: the environment.
        file: a TOML file; without one SYSTEM_FILE is read where it exists.

    Raises:
        NotFound: ``file`` does not exist.
        BadInput: an unknown setting, or a value that does not fit.
    """
    values: dict[str, Any] = {"models": shipped_models(), "state": user_state()}
    for name, value, source in [
        *_from_file(file),
        *(
            (f.name, environ[f"PI_EDGE_{f.name.upper()}"], f"PI_EDGE_{f.name.upper()}")
            for f in fields(Config)
            if f"PI_EDGE_{f.name.upper()}" in environ
        ),
        *((name, value, f"--{name}") for name, value in flags.items() if value is not None),
    ]:
        values[name] = _convert(name, value, source)
    return Config(**values)


def _from_file(file: Path | None) -> list[tuple[str, Any, str]]:
    path = file or SYSTEM_FILE
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        if file is None:
            return []
        raise NotFound(f"there is no settings file {path}") from None
    except OSError as error:
        raise BadInput(f"cannot read the settings file {path}: {error.strerror}") from error
    import tomllib  # here: most have no such file

    try:
        table = tomllib.loads(text.decode())
    except (ValueError, RecursionError) as error:  # also a number of too many digits
        raise BadInput(f"{path} is not TOML: {error}") from error
    return [(name, value, f"{path}: {name}") for name, value in table.items()]


def _convert(name: str, value: Any, source: str) -> Any:
    types = {f.name: f.type for f in fields(Config)}
    if name not in types:
        raise BadInput(f"{source} is no setting{nearest.instead(name, types, 'the settings are')}")
    if types[name] == "int":
        low, high = _RANGES[name]
        try:
            number = int(str(value))
        except ValueError:
            if isinstance(value, int):  # of more digits than Python writes
                raise BadInput(f"{source} must be from {low} to {high}") from None
            raise BadInput(f"{source} must be a whole number, not {value!r}") from None
        if not low <= number <= high:
            raise BadInput(f"{source} must be from {low} to {high}, not {number}")
        return number
    if types[name] == "tuple[str, ...]":
        return _names(name, value, source)
    if not isinstance(value, str | Path):
        shown = "" if name == "token" else f", not {value!r}"
        raise BadInput(f"{source} must be text{shown}")
    if name == "token":
        return access_token.check(str(value), source)
    if types[name] == "Path | None" and not str(value):
        return None
    if types[name] in ("Path", "Path | None"):
        try:
            return Path(value).expanduser()
        except RuntimeError:
            raise BadInput(f"{source} is in the home of nobody known here: {value}") from None
    if name in _CHOICES and value not in _CHOICES[name]:
        raise BadInput(f"{source} must be one of {', '.join(_CHOICES[name])}, not {value!r}")
    if name in _TEXTS and value:
        pattern, example = _TEXTS[name]
        found = pattern.fullmatch(str(value))
        if not found or (name == "mqtt" and not 0 < int((found[3] or ":1")[1:]) < 2**16):
            raise BadInput(f"{source} must {example}, not {value!r}")
    return value


# RFC 3986, 3.2.2, and RFC 6454, 6.2: letters stand for their lower case.
_HOST = re.compile(r"\*|[a-z0-9_.-]+(:[0-9]+)?|\[[0-9a-f:.]+\](:[0-9]+)?")
_ORIGIN = re.compile(r"https?://[a-z0-9_.:\[\]-]+")


def _names(name: str, value: Any, source: str) -> tuple[str, ...]:
    """Names in a TOML array, or as text with commas between them."""
    if isinstance(value, str):
        value = [part for part in value.replace(",", " ").split() if part]
    if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
        raise BadInput(f"{source} must be a list of names, not {value!r}")
    names = tuple(one.strip().lower().rstrip("/") for one in value)
    pattern, example = {
        "allowed_hosts": (_HOST, "pi.example"),
        "allowed_origins": (_ORIGIN, "https://pages.example"),
    }[name]
    for one in names:
        if not pattern.fullmatch(one):
            raise BadInput(f"{source} must hold names as in {example}, not {one!r}")
    return names
