"""What is said of a machine before anything is changed there."""

from __future__ import annotations

from typing import Any

import pytest

from pi_edge.deploy import checks

NOW = 1_800_000_000.0
PI: dict[str, Any] = {
    "python": [3, 11],
    "bits": 64,
    "machine": "aarch64",
    "libc": "glibc 2.36",
    "refused": "",
    "system": "Debian GNU/Linux 12 (bookworm)",
    "board": "Raspberry Pi 4 Model B Rev 1.4",
    "emulated": "",
    "apt": True,
    "lacking": [],
    "free": 20e9,
    "clock": NOW,
}


def obstacle(make_environment: bool = True, offline: bool = False, **facts: Any) -> str:
    return checks.obstacle(
        {**PI, **facts},
        "pi@pi.local",
        make_environment=make_environment,
        offline=offline,
        clock=lambda: NOW,
    )


def test_nothing_stands_in_the_way_of_a_fresh_pi() -> None:
    assert checks.refusal(PI) == obstacle() == ""


def test_what_set_up_refuses_is_refused_in_its_words() -> None:
    reason = "no TFLite runtime is built for 32-bit Python 3.13 on armv7l: use 64 bit"
    assert checks.refusal({**PI, "refused": reason}) == reason


def test_an_old_c_library_is_refused() -> None:
    assert "glibc 2.27" in checks.refusal({**PI, "libc": "glibc 2.27"})


def test_a_full_disk_is_told_with_what_is_needed() -> None:
    assert "300 MB free and 1000 MB are needed" in obstacle(free=300e6)


def test_an_upgrade_needs_less_room() -> None:
    assert obstacle(make_environment=False, free=300e6) == ""


@pytest.mark.parametrize("days", [-400, 2])
def test_a_wrong_clock_is_told_with_the_command_that_sets_it(days: int) -> None:
    reason = obstacle(clock=NOW + days * 86_400)
    assert "ssh pi@pi.local sudo date -u -s" in reason


def test_a_clock_may_be_hours_off() -> None:
    assert obstacle(clock=NOW - 36_000) == ""


def test_a_wrong_clock_does_not_matter_where_nothing_is_downloaded() -> None:
    assert obstacle(clock=0.0, offline=True) == ""
    assert obstacle(clock=0.0, make_environment=False) == ""


def test_packages_that_nobody_can_install_are_named() -> None:
    assert "python3-venv" in obstacle(apt=False, lacking=["python3-venv"])


def test_a_machine_is_described_in_a_line() -> None:
    told = checks.describe({**PI, "emulated": "QEMU says so"})
    assert told == (
        "Raspberry Pi 4 Model B Rev 1.4, emulated, Debian GNU/Linux 12 (bookworm),"
        " 64-bit Python 3.11"
    )
