"""Each alert goes off when it should, and not before: promtool plays it the past."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from prometheus_programs import program
from support import ROOT

ALERTS = ROOT / "docs" / "prometheus-alerts.yml"

ERRORS = "pi_edge_request_errors_total"
BUCKET = "pi_edge_model_request_duration_seconds_bucket"
MEMORY = "pi_edge_memory_proportional_bytes"

# Of each alert: what is scraped each minute (promtool's notation: a start, a step and how often),
# the last minute without it, and one with it.
CASES: dict[str, tuple[dict[str, str], int, int]] = {
    "PiEdgeDown": ({'up{job="pi-edge"}': "1x9 0x20", 'up{job="node"}': "0x30"}, 11, 12),
    "PiEdgeFailed": ({'pi_edge_state{state="failed"}': "0x9 1x20"}, 10, 11),
    "PiEdgeModelQuarantined": ({'pi_edge_model_state{state="quarantined"}': "0x9 1x20"}, 10, 11),
    "PiEdgeRestarts": ({"pi_edge_uptime_seconds": "90 9 90 9 90 9 90+60x20"}, 4, 5),
    "PiEdgeErrors": (
        {
            "pi_edge_requests_total": "0+60x40",
            f'{ERRORS}{{kind="bad_input"}}': "0+30x40",
            f'{ERRORS}{{kind="failure"}}': "0x10 6+6x30",
        },
        15,
        22,
    ),
    "PiEdgeSlow": (
        {
            f'{BUCKET}{{model="{model}", le="{bound}"}}': step
            for model in ("mnist-cnn", "style")
            for bound, step in (("1.0", "0x40"), ("2.5", "0+60x40"), ("+Inf", "0+60x40"))
        },
        9,
        12,
    ),
    "PiEdgeOverloaded": ({"pi_edge_queue_waiting": "10x9 11x20"}, 14, 15),
    "PiEdgeStrangers": ({f'{ERRORS}{{kind="unauthorized"}}': "0x10 30+30x30"}, 19, 25),
    "PiEdgeMemory": (
        {
            f'{MEMORY}{{process="daemon"}}': "300000000x9 500000000x30",
            f'{MEMORY}{{process="tasks.style.worker"}}': "200000000x40",
        },
        24,
        25,
    ),
    "PiEdgeHot": ({"pi_edge_machine_temperature_celsius": "80x9 81x20"}, 14, 15),
    "PiEdgeThrottled": ({'pi_edge_machine_throttled{reason="throttled"}': "0x9 1x20"}, 10, 11),
    "PiEdgeBrokerOut": ({"pi_edge_mqtt_connected": "1x9 0x20"}, 19, 20),
    "PiEdgeLightOut": ({"pi_edge_led_available": "1x9 0x20"}, 19, 20),
}


@pytest.mark.parametrize("name", CASES)
def test_an_alert_goes_off_when_it_should_and_not_before(name: str, tmp_path: Path) -> None:
    scraped, before, after = CASES[name]
    firing = 'count by (alertname) (ALERTS{alertname=~"PiEdge.*", alertstate="firing"})'
    sample = {"labels": f'{{alertname="{name}"}}', "value": 1}
    document = {
        "rule_files": [str(ALERTS)],
        "tests": [
            {
                "interval": "1m",
                "input_series": [
                    {"series": series, "values": values} for series, values in scraped.items()
                ],
                "promql_expr_test": [
                    {"expr": firing, "eval_time": f"{before}m", "exp_samples": []},
                    {"expr": firing, "eval_time": f"{after}m", "exp_samples": [sample]},
                ],
            }
        ],
    }
    file = tmp_path / "tests.yml"
    file.write_text(json.dumps(document))  # YAML is a superset of it
    command = [program("promtool"), "test", "rules", str(file)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_alert_is_left_out_here() -> None:
    assert set(re.findall(r"- alert: (\w+)", ALERTS.read_text())) == CASES.keys()


def test_promtool_finds_no_fault_with_them() -> None:
    command = [program("promtool"), "check", "rules", "--lint-fatal", str(ALERTS)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_docs_tell_of_each() -> None:
    text = (ROOT / "docs" / "monitoring.md").read_text()
    assert set(re.findall(r"`(PiEdge\w+)`", text)) == CASES.keys()
