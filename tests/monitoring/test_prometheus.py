"""A real Prometheus scrapes the real daemon as docs/monitoring.md says, and gets an answer to every
query of the dashboard and of the alerts."""

from __future__ import annotations

import json
import math
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from broker import running_broker
from prometheus_programs import Prometheus, running_prometheus
from running import DATA, RunningDaemon, install, running_daemon, wait_until
from style_client import PATH, encoded
from support import ROOT

from pi_edge.learning import told

DOCS = ROOT / "docs"
ALERTS = DOCS / "prometheus-alerts.yml"
TOKEN = "a-token-of-this-test"
SHOWN = {"Authorization": f"Bearer {TOKEN}"}

# What /status calls that which not every machine tells, and its metrics: a Raspberry Pi does.
OF_SOME_MACHINES = {"temperature_c": "temperature", "clock_mhz": "clock", "throttled": "throttled"}


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    """A daemon that demands a token, with all that the dashboard shows: a light, a photo painted,
    a model in quarantine, one that is being learned; and a broker."""
    folder = tmp_path_factory.mktemp("watched")
    shipped = folder / "shipped"
    install("double", shipped)
    shutil.copytree(DATA / "style", shipped / "style")
    with (
        running_broker(folder / "broker") as broker,
        pytest.MonkeyPatch.context() as patch,
    ):
        flags = ("--models", str(shipped), "--led", "mock", "--mqtt", broker.address)
        patch.setenv("PI_EDGE_TOKEN", TOKEN)
        with running_daemon(folder / "state", *flags, wait=False) as running:
            wait_until(lambda: running.send("GET", "/v2/health/ready").json()["ready"])
            wait_until(
                lambda: running.send("GET", "/status", headers=SHOWN).json()["mqtt"]["connected"]
            )
            with told.learning(folder / "state", "double") as tell:
                tell(epoch=1, epochs=2, loss=0.5, accuracy=0.9, seconds_left=60.0)
                yield running


def configuration(daemon: RunningDaemon, folder: Path) -> Path:
    """The configuration that docs/monitoring.md shows, for this daemon and quicker."""
    (text,) = re.findall(r"```yaml\n(.*?)```", (DOCS / "monitoring.md").read_text(), re.S)
    token = folder / "pi-edge.token"
    token.write_text(f"{TOKEN}\n")
    for shown, here in (
        ("raspberrypi.local:8080", f"127.0.0.1:{daemon.port}"),
        ("/etc/prometheus/pi-edge.token", str(token)),
        ("prometheus-alerts.yml", str(ALERTS)),
        ("scrape_interval: 15s", "scrape_interval: 1s\n    scrape_timeout: 1s"),
    ):
        assert shown in text
        text = text.replace(shown, here)
    file = folder / "prometheus.yml"
    file.write_text(text)
    return file


def ask(daemon: RunningDaemon) -> None:
    """A bit of everything that is counted."""
    x = {"name": "x", "shape": [1, 3], "datatype": "FP32", "data": [1, 2, 3]}
    infer = "/v2/models/double/infer"
    assert daemon.send("POST", infer, {"inputs": [x]}, SHOWN).status == 200
    assert daemon.send("POST", infer, {"inputs": [{**x, "shape": [3]}]}, SHOWN).status == 400
    assert daemon.send("POST", infer, {"inputs": [x]}).status == 401
    photo = encoded(np.zeros((40, 40, 3), np.uint8))
    assert daemon.send("POST", PATH, photo, SHOWN).status == 200


@pytest.fixture(scope="module")
def prometheus(
    daemon: RunningDaemon, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Prometheus]:
    """A Prometheus that has seen the daemon work."""
    folder = tmp_path_factory.mktemp("prometheus")
    with running_prometheus(configuration(daemon, folder)) as running:
        ask(daemon)
        wait_until(lambda: running.scrapes() >= 2)
        # From here on everything is there, so that a second look can tell what grew.
        install("sum", daemon.models)
        (daemon.models / "sum" / "v1.tflite").write_bytes(b"broken")
        quarantined = 'pi_edge_model_state{model="sum", state="quarantined"} == 1'
        wait_until(lambda: running.values(quarantined))
        ask(daemon)
        (daemon.models / "sum" / "v1.tflite").write_bytes(b"broken again")
        install("double", daemon.models)  # one's own wins over the shipped one: it is loaded
        counted = "pi_edge_model_quarantines_total > 1 and on () pi_edge_model_loads_total > 1"
        wait_until(lambda: running.values(counted))
        ask(daemon)
        done = running.scrapes()
        wait_until(lambda: running.scrapes() >= done + 2)
        yield running


def dashboard_queries() -> Iterator[tuple[str, str]]:
    """Every query of the dashboard as Grafana would send it, with its panel's title."""
    dashboard = json.loads((DOCS / "grafana-dashboard.json").read_text())
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            query = target["expr"].replace("$__rate_interval", "1m")
            yield panel["title"], re.sub(r'"\$(instance|model)"', '".*"', query)
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            found = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"]["query"])
            assert found
            query = re.sub(r'"\$\w+"', '".*"', found[1])
            yield f"variable {variable['name']}", f"count by ({found[2]}) ({query})"


@pytest.mark.parametrize(("title", "query"), list(dashboard_queries()))
def test_a_query_of_the_dashboard_has_an_answer(
    prometheus: Prometheus, daemon: RunningDaemon, title: str, query: str
) -> None:
    values = prometheus.values(query)
    assert "$" not in query
    machine = daemon.send("GET", "/status", headers=SHOWN).json()["machine"]
    if any(machine[key] is None and word in query for key, word in OF_SOME_MACHINES.items()):
        assert values == []
    else:
        assert [value for value in values if not math.isnan(value)], (title, query)


def test_the_daemon_is_up_and_its_token_was_taken(prometheus: Prometheus) -> None:
    assert prometheus.values('up{job="pi-edge"}') == [1]


def test_prometheus_evaluates_every_alert(prometheus: Prometheus) -> None:
    for rule in prometheus.rules():
        prometheus.values(rule["query"])
        assert {"summary", "description"} == rule["annotations"].keys(), rule["name"]


def test_the_alert_for_a_quarantined_model_is_on_and_no_other(prometheus: Prometheus) -> None:
    on = [rule["name"] for rule in prometheus.rules() if prometheus.values(rule["query"])]
    assert on == ["PiEdgeModelQuarantined"]


def of_some_machines(name: str) -> bool:
    return any(word in name for word in OF_SOME_MACHINES.values())


def metrics_in(query: str) -> set[str]:
    return set(re.findall(r"\b(?:pi_edge|process)_[a-z_]+", re.sub(r'"[^"]*"', '""', query)))


def test_every_metric_asked_for_exists(prometheus: Prometheus, daemon: RunningDaemon) -> None:
    asked = {name for rule in prometheus.rules() for name in metrics_in(rule["query"])}
    asked |= {name for _, query in dashboard_queries() for name in metrics_in(query)}
    known = set(prometheus.get("label/__name__/values"))
    machine = {
        name for name in asked - known if any(word in name for word in OF_SOME_MACHINES.values())
    }
    assert len(asked) > 20
    assert asked - known - machine == set()


def test_every_metric_is_told_of_in_the_docs(prometheus: Prometheus) -> None:
    text = (DOCS / "monitoring.md").read_text()
    told = set(re.findall(r"`(pi_edge_\w+)`", text))
    known = set(prometheus.get("label/__name__/values"))
    own = {name for name in known if name.startswith("pi_edge_")}
    bare = {re.sub(r"_(bucket|sum|count)$", "", name) for name in own}
    assert bare - told == set()
    untold = {
        name for name in told - bare if not any(word in name for word in OF_SOME_MACHINES.values())
    }
    assert untold == set()
