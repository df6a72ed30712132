"""The playbooks of scripts/ansible on three hosts, one test after the other."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from fleet_of_three import NAMES, Fleet, upgrade


@pytest.fixture(scope="module")
def rolled_out(fleet: Fleet) -> Fleet:
    """The three hosts, which have no internet, with pi-edge on them."""
    run = fleet.play("roll_out", pi_edge_offline=True)
    assert run.code == 0, run.printed
    return fleet


def test_a_fresh_fleet_serves_after_one_command(rolled_out: Fleet) -> None:
    assert len(set(rolled_out.serving().values()) - {""}) == 1
    for host in rolled_out.hosts.values():
        assert host.run("systemctl is-active pi-edge").strip() == "active"


def test_a_second_time_nothing_changes(rolled_out: Fleet) -> None:
    before = rolled_out.serving()
    run = rolled_out.play("roll_out")
    assert run.code == 0, run.printed
    assert run.count("changed") == 0
    assert rolled_out.serving() == before


def test_a_check_says_what_would_change_and_changes_nothing(rolled_out: Fleet) -> None:
    before = rolled_out.serving()
    upgrade(rolled_out.laptop)
    run = rolled_out.play("roll_out", "--check")
    assert run.code == 0, run.printed
    assert run.count("changed") == len(NAMES)
    assert rolled_out.serving() == before


def test_a_release_goes_from_host_to_host_never_to_two_at_once(rolled_out: Fleet) -> None:
    before = rolled_out.serving()
    upgrade(rolled_out.laptop)
    run = rolled_out.play("roll_out")
    assert run.code == 0, run.printed
    assert run.plays == list(NAMES)
    assert run.count("changed") == len(NAMES)
    assert set(rolled_out.serving().values()).isdisjoint(before.values())
    ends = [rolled_out.outcome(name) for name in NAMES]
    for former, later in pairwise(ends):
        assert former["at"] < later["at"] - later["seconds"]  # type: ignore[operator]


def test_a_release_that_does_not_start_ends_at_the_first_host_which_goes_back(
    rolled_out: Fleet,
) -> None:
    before = rolled_out.serving()
    good = (rolled_out.laptop.checkout / "pi_edge/daemon.py").read_text()
    rolled_out.laptop.change("pi_edge/daemon.py", lambda text: text + "\nraise SystemExit(7)\n")
    run = rolled_out.play("roll_out")
    rolled_out.laptop.change("pi_edge/daemon.py", lambda text: good)
    assert run.code == 2, run.printed
    assert run.plays == [NAMES[0]]
    assert f"{before[NAMES[0]]} serves" in run.messages[NAMES[0]]
    assert rolled_out.serving() == before


def test_a_host_that_fails_the_fleets_own_gate_goes_back_and_ends_it(
    rolled_out: Fleet, tmp_path: Path
) -> None:
    before = rolled_out.serving()
    gate = tmp_path / "gate.yml"
    gate.write_text(
        "- name: Is it the second host\n"
        "  ansible.builtin.assert:\n"
        f"    that: inventory_hostname != '{NAMES[1]}'\n"
        "    fail_msg: this one we do not like\n"
    )
    upgrade(rolled_out.laptop)
    run = rolled_out.play("roll_out", pi_edge_gate=str(gate))
    assert run.code == 2, run.printed
    assert run.plays == list(NAMES[:2])
    assert "this one we do not like" in run.messages[NAMES[1]]
    assert f"back to {before[NAMES[1]]}" in run.messages[NAMES[1]]
    after = rolled_out.serving()
    assert after[NAMES[0]] != before[NAMES[0]]
    assert [after[name] for name in NAMES[1:]] == [before[name] for name in NAMES[1:]]


def test_the_same_command_finishes_what_was_ended(rolled_out: Fleet) -> None:
    run = rolled_out.play("roll_out")
    assert run.code == 0, run.printed
    assert {name: one["changed"] for name, one in run.stats.items()} == dict(
        zip(NAMES, (0, 1, 1), strict=True)
    )
    assert len(set(rolled_out.serving().values())) == 1


def test_a_host_that_is_away_ends_it(rolled_out: Fleet) -> None:
    before = rolled_out.serving()
    upgrade(rolled_out.laptop)
    rolled_out.hosts[NAMES[0]].run("systemctl stop ssh.socket ssh")
    run = rolled_out.play("roll_out")
    rolled_out.hosts[NAMES[0]].run("systemctl start ssh")
    assert run.code != 0, run.printed
    assert run.plays == [NAMES[0]]
    assert rolled_out.serving() == before


def test_a_fleet_goes_back_by_one_command(rolled_out: Fleet) -> None:
    before = rolled_out.serving()
    assert rolled_out.play("roll_out").code == 0
    assert set(rolled_out.serving().values()).isdisjoint(before.values())
    run = rolled_out.play("roll_back")
    assert run.code == 0, run.printed
    assert rolled_out.serving() == before


def test_a_model_of_ones_own_goes_to_all_and_only_once(rolled_out: Fleet) -> None:
    from running import install

    install("double", rolled_out.laptop.state / "models")
    assert rolled_out.play("roll_out", pi_edge_models=["double"]).code == 0
    for host in rolled_out.hosts.values():
        assert "model.json" in host.run("ls /var/lib/pi-edge/models/double")
    assert rolled_out.play("roll_out", pi_edge_models=["double"]).count("changed") == 0
