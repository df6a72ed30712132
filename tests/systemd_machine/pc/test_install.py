"""The service as scripts/install-service leaves it."""

from __future__ import annotations

from pc import Installed


def test_install_service_ends_with_a_service_that_runs(installed: Installed) -> None:
    assert "pi-edge runs: systemctl status pi-edge" in installed.said
    assert installed.pc.run("systemctl is-active pi-edge").strip() == "active"
    assert installed.pc.run("systemctl is-enabled pi-edge").strip() == "enabled"
    assert installed.pc.serves()


def test_stop_in_the_middle_of_the_start_is_no_failure(installed: Installed) -> None:
    pc = installed.pc
    mark = pc.now()
    pc.root("systemctl stop pi-edge; rm -f /var/lib/pi-edge/pi-edge.db")
    pc.root("systemctl start --no-block pi-edge")
    pc.wait(lambda: len(pc.processes()) > 2)
    pc.root("systemctl stop pi-edge")
    assert pc.show("Result") == "success", pc.journal(mark)
    assert pc.processes() == []
    lines = pc.journal(mark)
    assert any("INFO: listening" in line for line in lines)
    assert not any("ERROR" in line for line in lines), lines


def test_it_is_active_within_five_minutes_though_emulated(installed: Installed) -> None:
    """As docs/deploy.md has it; all shipped models are tried for the first time."""
    pc = installed.pc
    pc.root("systemctl stop pi-edge; rm -f /var/lib/pi-edge/pi-edge.db")
    pc.root("systemctl start pi-edge")
    began, active = (
        int(pc.show(f"{when}TimestampMonotonic")) for when in ("ExecMainStart", "ActiveEnter")
    )
    print(f"active {(active - began) / 1e6:.1f} s after its process was started")
    assert 0 < active - began < 300e6


def test_the_unit_has_no_line_that_systemd_does_not_know(installed: Installed) -> None:
    said = installed.pc.root("systemd-analyze verify /etc/systemd/system/pi-edge.service 2>&1")
    assert said.strip() == ""


def test_systemd_finds_no_more_exposed_than_the_docs_say(installed: Installed) -> None:
    said = installed.pc.root("systemd-analyze security --no-pager pi-edge.service")
    assert "Overall exposure level for pi-edge.service: 1.6 OK" in said
