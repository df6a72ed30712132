"""All checks, in the order in which their lines come: what others stand on first."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pi_edge import config, nearest
from pi_edge.doctor import machine_state, models, pins, port, software, tokens, unit
from pi_edge.doctor.findings import FAIL, OK, WARN, Finding, fail, ok, warn
from pi_edge.doctor.patient import Patient, text_of, writing
from pi_edge.errors import PiEdgeError, WrongUsage

Ask = Callable[[config.Config], tuple[Mapping[str, Any] | None, bool]]
"""From settings to what the running daemon says of itself, and whether it demands a token that is
not known here."""


@dataclass(frozen=True)
class Check:
    """One check.

    Attributes:
        name: how its lines begin.
        run: finds.
        asks: what it wants to know, for docs/doctor.md.
        mends: what its commands do, for the same.
    """

    name: str
    run: Callable[[Patient], Iterator[Finding]]
    asks: str
    mends: str


def _settings(patient: Patient) -> Iterator[Finding]:
    if not patient.trouble:
        told = str(patient.file) if patient.file.exists() else "the defaults"
        yield ok(f"{told} and the environment can be read")
    elif patient.file.exists() and not os.access(patient.file, os.R_OK):
        yield warn(f"{patient.file} is not to be read by you", "sudo pi-edge doctor")
    else:
        yield fail(patient.trouble, *_mending(patient))


def _mending(patient: Patient) -> tuple[str, str]:
    """What names a setting as it was meant, or takes it away, so that its default holds."""
    place, _, rest = patient.trouble.partition(": ")
    name = (rest or place).split()[0]
    if place == str(patient.file) and name.isidentifier():
        quoted = shlex.quote(str(patient.file))
        meant = re.search(r"did you mean '(\w+)'", patient.trouble)
        change = f"sed -i '/^ *{name} *=/d' {quoted}"
        if meant and not re.search(rf"^ *{meant[1]} *=", text_of(patient.file), re.MULTILINE):
            change = f"sed -i 's/^ *{name} *=/{meant[1]} =/' {quoted}"
        change = writing(patient.file, change)
        return patient.restarted(change), ""
    variable = patient.trouble.split()[0]
    if variable.startswith("PI_EDGE_") and not patient.is_service:
        return f"unset {variable}", ""
    return "", f"mend it: {writing(patient.file, f'nano {shlex.quote(str(patient.file))}')}"


CHECKS = (
    Check(
        "python",
        software.check_python,
        "Is a TFLite runtime built for this Python? Its version and the size of a pointer decide:"
        " a 32-bit Raspberry Pi OS may run a 64-bit kernel.",
        "Words: which Python or system to use instead.",
    ),
    Check(
        "numpy",
        software.check_numpy,
        "Is NumPy there, does it import, and is it one that the runtime was built against"
        " (tflite-runtime wants NumPy 1)?",
        "Installs one that fits, with pip, or on 32-bit ARM with apt.",
    ),
    Check(
        "runtime",
        software.check_runtime,
        "Which TFLite runtime is there and why this one; does it open a model? A child process"
        " tries, for a library that does not fit may crash.",
        "Installs the one that fits, or the same again.",
    ),
    Check(
        "packages",
        software.check_packages,
        "Are the other packages there that the daemon imports?",
        "Installs what is missing.",
    ),
    Check(
        "settings",
        _settings,
        "Can the settings be read, in the file and in the environment?",
        "Corrects the name of one, or takes it away, so that its default holds.",
    ),
    Check(
        "models",
        models.check_models,
        "Can both models folders be read, is every file the one that model.json tells of (SHA-256),"
        " and was none set aside?",
        "Brings back the one before, takes away one of your own that cannot be used, gets a"
        " shipped one from git, or has it tried again.",
    ),
    Check(
        "unit",
        unit.check_unit,
        "Is the service installed, enabled and active? If it does not stay up: the last error in"
        " its log.",
        "Installs, unmasks, enables, starts or restarts it.",
    ),
    Check(
        "watchdog",
        unit.check_watchdog,
        "Does systemd end a daemon that hangs (WatchdogSec), and the hardware start a machine that"
        " hangs (RuntimeWatchdogSec, where there is a /dev/watchdog0)?",
        "Sets what is missing, in a file beside the unit's or systemd's own.",
    ),
    Check(
        "port",
        port.check_port,
        "Is the daemon's port free, its own, or somebody else's? Whose: the process, and the"
        " service that it belongs to.",
        "Ends the process, switches its service off, or chooses another port where it is not to"
        " be seen whose it is.",
    ),
    Check(
        "token",
        tokens.check_token,
        "Is the token there where one is demanded, readable by the daemon and closed to all"
        " others?",
        "Closes it, gives it to the daemon's user, or removes what is no token.",
    ),
    Check(
        "gpio",
        pins.check_gpio,
        "Is there a GPIO chip, may the daemon's user open it (its group is gpio), is lgpio there,"
        " and is the light's pin free?",
        "Gives the chip to the group, puts the user into it, installs lgpio, or chooses another"
        " pin.",
    ),
    Check(
        "disk",
        machine_state.check_disk,
        "May the daemon write its state folder, and is there room? Warns below 512 MB or a tenth"
        " of the file system, whichever is less; fails below 64 MB or a fiftieth.",
        "Gives the folder to the daemon's user, mounts it for writing, or clears away the largest"
        " of apt's archives, the journal and replaced models.",
    ),
    Check(
        "memory",
        machine_state.check_memory,
        "How much memory is available? Warns below 256 MB, fails below 64 MB.",
        "Stops the process, or its service, that takes most and is none of pi-edge's.",
    ),
    Check(
        "clock",
        machine_state.check_clock,
        "Is the clock kept right by a time server, and not before pi-edge was installed?",
        "Installs or switches on what asks time servers.",
    ),
    Check(
        "power",
        machine_state.check_power,
        "What does a Raspberry Pi's firmware say of under-voltage and throttling, now and since it"
        " started?",
        "Words: another supply, or cooling.",
    ),
)


def examine(ask: Ask, flags: Mapping[str, Any], file: Path | None = None) -> Patient:
    """The machine as it is now.

    Args:
        flags: settings that are given; None means not given.
        file: of settings, instead of the system's.
    """
    properties = unit.read()
    environ: Mapping[str, str] = os.environ
    if properties.get("LoadState") == "loaded" and not any(flags.values()) and file is None:
        environ = unit.environ_of(properties)
    else:
        properties = properties if file is None and not any(flags.values()) else {}
    trouble = ""
    try:
        settings = config.load(flags, environ, file)
    except PiEdgeError as error:
        trouble = str(error)
        settings = config.Config(models=config.shipped_models(), state=_state(flags, environ))
    status, locked = ask(settings)
    return Patient(
        settings, trouble, file or config.SYSTEM_FILE, environ, status, locked, properties
    )


def _state(flags: Mapping[str, Any], environ: Mapping[str, str]) -> Path:
    given = flags.get("state") or environ.get("PI_EDGE_STATE")
    return Path(given) if given else config.user_state()


def named(names: Sequence[str]) -> list[Check]:
    """The checks of these names; all where there are none.

    Raises:
        WrongUsage: one is not called so.
    """
    known = {check.name: check for check in CHECKS}
    for name in names:
        if name not in known:
            raise WrongUsage(nearest.unknown("check", name, known))
    return [check for check in CHECKS if check.name in names or not names]


def run(patient: Patient, checks: Sequence[Check] = CHECKS) -> Iterator[tuple[Check, Finding]]:
    """What checks find. One that goes wrong itself says so, and the others are told."""
    for check in checks:
        try:
            for finding in check.run(patient):
                yield check, finding
        except Exception as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            yield check, fail(f"cannot be looked at: {reason}", words="report this line")


def worst(levels: Iterator[str]) -> str:
    """The worst of several levels."""
    return max(levels, key=(OK, WARN, FAIL).index, default=OK)


def table() -> str:
    """All checks, as the table in docs/doctor.md."""
    rows = [f"| `{one.name}` | {one.asks} | {one.mends} |" for one in CHECKS]
    return "\n".join(["| line | what it asks | what mends it |", "|---|---|---|", *rows])
