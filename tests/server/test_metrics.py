"""What /metrics tells, counted on the real daemon."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest
from prometheus_client.core import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families
from running import PATIENCE, RunningDaemon, drop_in, install, running_daemon, wait_until

from pi_edge.server.exposition import daemon as daemon_families
from pi_edge.server.exposition import machine as machine_families

DOUBLE = {"model": "double", "variant": "v1"}
POWER = {"model": "power", "variant": "v1"}
INFER = "/v2/models/double/infer"


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    """A daemon that these tests may break models of, with a light in its log."""
    folder = tmp_path_factory.mktemp("metrics")
    install("double", folder / "shipped")
    install("power", folder / "shipped")
    shipped = str(folder / "shipped")
    with running_daemon(folder / "state", "--models", shipped, "--led", "mock") as running:
        yield running


class Samples(dict[tuple[str, frozenset[tuple[str, str]]], float]):
    """All samples of one answer."""

    def of(self, name: str, **labels: str) -> float:
        """A sample's value; 0 where there is no such sample."""
        return self.get((name, frozenset(labels.items())), 0.0)

    def names(self) -> set[str]:
        return {name for name, _ in self}


def samples(daemon: RunningDaemon) -> Samples:
    text = daemon.send("GET", "/metrics").body.decode()
    return Samples(
        {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }
    )


def slow_infer(daemon: RunningDaemon) -> None:
    """An inference of some tenths of a second."""
    data = np.full((700, 700), 0.01, np.float32).tobytes()
    head = (
        b'{"inputs":[{"name":"x","shape":[700,700],"datatype":"FP32","parameters":'
        b'{"binary_data_size":%d}}],"outputs":[{"name":"y","parameters":{"binary_data":true}}]}'
    ) % len(data)
    length = {"Inference-Header-Content-Length": str(len(head))}
    assert daemon.send("POST", "/v2/models/power/infer", head + data, length).status == 200


def test_an_inference_is_in_both_histograms_of_its_model(daemon: RunningDaemon) -> None:
    before = samples(daemon)
    daemon.infer("double", x=[1, 2, 3])
    after = samples(daemon)
    compute, whole = "pi_edge_inference_duration_seconds", "pi_edge_model_request_duration_seconds"
    for name in (compute, whole):
        assert after.of(f"{name}_count", **DOUBLE) == before.of(f"{name}_count", **DOUBLE) + 1
        assert after.of(f"{name}_bucket", **DOUBLE, le="+Inf") == after.of(
            f"{name}_count", **DOUBLE
        )
    grown = {name: after.of(f"{name}_sum", **DOUBLE) for name in (compute, whole)}
    assert 0 < grown[compute] < grown[whole]


def test_the_counter_of_old_is_the_histograms_sum(daemon: RunningDaemon) -> None:
    daemon.infer("double", x=[1, 2, 3])
    now = samples(daemon)
    total = now.of("pi_edge_inference_seconds_total", **DOUBLE)
    assert total == now.of("pi_edge_inference_duration_seconds_sum", **DOUBLE) > 0


def test_who_waits_is_told_while_waiting(daemon: RunningDaemon) -> None:
    before = samples(daemon)
    threads = [threading.Thread(target=slow_infer, args=(daemon,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    wait_until(lambda: samples(daemon).of("pi_edge_queue_waiting", **POWER) > 0)
    for thread in threads:
        thread.join(PATIENCE)
    after = samples(daemon)
    assert after.of("pi_edge_queue_waiting", **POWER) == 0
    seconds = "pi_edge_queue_seconds_total"
    assert after.of(seconds, **POWER) > before.of(seconds, **POWER)


@pytest.mark.parametrize(
    ("path", "body", "labels"),
    [
        (INFER, b"nonsense", {**DOUBLE, "kind": "bad_input"}),
        (f"{INFER}/none", b"", {"model": "", "variant": "", "kind": "not_found"}),
        ("/v2/models/made-up/infer", b"{}", {"model": "", "variant": "", "kind": "not_found"}),
        (
            "/v2/models/double/versions/made-up/infer",
            b"{}",
            {"model": "double", "variant": "", "kind": "not_found"},
        ),
        ("/v2", b"", {"model": "", "variant": "", "kind": "bad_input"}),
        ("/tasks/digits?model=double", b"x", {"model": "", "variant": "", "kind": "bad_input"}),
    ],
)
def test_an_error_counts_by_what_it_is_and_which_model_it_is_about(
    daemon: RunningDaemon, path: str, body: bytes, labels: dict[str, str]
) -> None:
    name = "pi_edge_request_errors_total"
    before = samples(daemon)
    assert daemon.send("POST", path, body).status >= 400
    after = samples(daemon)
    changed = {key for key in after if key[0] == name and after[key] != before.get(key, 0)}
    assert changed == {(name, frozenset(labels.items()))}


def test_a_body_over_the_limit_is_too_large(daemon: RunningDaemon) -> None:
    daemon.send("POST", INFER, b"", {"Content-Length": "999999999999"})
    labels = {"model": "", "variant": "", "kind": "too_large"}
    assert samples(daemon).of("pi_edge_request_errors_total", **labels) == 1


def test_loads_quarantines_and_refusals_of_a_model_are_counted(daemon: RunningDaemon) -> None:
    install("sum", daemon.models)
    wait_until(lambda: daemon.model_state("sum") == "ready")
    (daemon.models / "broken.tflite").write_bytes(b"broken")
    wait_until(lambda: daemon.model_state("broken") == "quarantined")
    assert daemon.send("POST", "/v2/models/broken/infer", {"inputs": []}).status == 503
    now = samples(daemon)
    assert now.of("pi_edge_model_loads_total", model="sum", variant="v1") == 1
    labels = {"model": "broken", "variant": "default"}
    assert now.of("pi_edge_model_quarantines_total", **labels) == 1
    assert now.of("pi_edge_model_state", **labels, state="quarantined") == 1
    assert now.of("pi_edge_request_errors_total", **labels, kind="unavailable") == 1


def test_a_model_that_cannot_be_read_is_quarantined_as_a_whole(daemon: RunningDaemon) -> None:
    folder = daemon.models / "unreadable"
    folder.mkdir(parents=True)
    (folder / "model.json").write_text("{")
    wait_until(lambda: daemon.model_state("unreadable") == "quarantined")
    now, labels = samples(daemon), {"model": "unreadable", "variant": ""}
    assert now.of("pi_edge_model_quarantines_total", **labels) == 1
    assert now.of("pi_edge_model_state", **labels, state="quarantined") == 1


def test_memory_of_the_daemon_is_its_own(daemon: RunningDaemon) -> None:
    now = samples(daemon)
    assert now.of("pi_edge_processes", process="daemon") == 1
    resident = now.of("pi_edge_memory_resident_bytes", process="daemon")
    assert 10e6 < now.of("pi_edge_memory_proportional_bytes", process="daemon") <= resident
    assert now.of("process_resident_memory_bytes") == pytest.approx(resident, rel=0.2)


def test_the_processes_that_run_models_are_seen(daemon: RunningDaemon) -> None:
    before = samples(daemon).of("pi_edge_processes", process="models")
    file = drop_in("triple", daemon.models)
    wait_until(lambda: samples(daemon).of("pi_edge_processes", process="models") == before + 1)
    file.unlink()
    wait_until(lambda: samples(daemon).of("pi_edge_processes", process="models") == before)


def test_build_uptime_and_light_are_told(daemon: RunningDaemon) -> None:
    now, status = samples(daemon), daemon.status()
    (build,) = [dict(labels) for name, labels in now if name == "pi_edge_build_info"]
    assert build["version"] == status["version"]
    assert (build["runtime"], build["runtime_version"]) == (
        status["runtime"]["name"],
        status["runtime"]["version"],
    )
    assert 0 < now.of("pi_edge_uptime_seconds") <= status["uptime"]
    assert now.of("pi_edge_led_available") == 1
    assert now.of("pi_edge_led_state", state=status["led"]["shows"]) == 1
    assert {"pi_edge_led_lit", "pi_edge_led_winks_total"} <= now.names()


def test_every_metric_is_named_as_prometheus_wants_it(daemon: RunningDaemon) -> None:
    daemon.infer("double", x=[1, 2, 3])
    text = daemon.send("GET", "/metrics").body.decode()
    types = dict(line.split()[2:4] for line in text.splitlines() if line.startswith("# TYPE"))
    own = {name: kind for name, kind in types.items() if name.startswith("pi_edge_")}
    assert {name for name, kind in own.items() if kind == "counter"} == {
        name for name in own if name.endswith("_total")
    }
    assert all(name.endswith("_seconds") for name, kind in own.items() if kind == "histogram")


def exposed(families: object) -> dict[str, float]:
    """Samples of metric families, as they would be scraped."""

    class Collector:
        def collect(self) -> object:
            return families

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Collector())  # type: ignore[arg-type]
    return {
        " ".join([sample.name, *sample.labels.values()]): sample.value
        for family in registry.collect()
        for sample in family.samples
    }


def test_a_raspberry_pi_tells_temperature_clock_and_throttling() -> None:
    told = exposed(
        machine_families.families({"temperature_c": 61.3, "clock_mhz": 1500, "throttled": 0x50001})
    )
    assert told["pi_edge_machine_temperature_celsius"] == 61.3
    assert told["pi_edge_machine_clock_hertz"] == 1.5e9
    assert told["pi_edge_machine_throttled under-voltage"] == 1
    assert told["pi_edge_machine_throttled throttled"] == 0
    assert told["pi_edge_machine_throttled_since_boot throttled"] == 1
    assert told["pi_edge_machine_throttled_since_boot clock capped"] == 0


def test_what_a_machine_does_not_tell_is_left_out() -> None:
    silent = {"temperature_c": None, "clock_mhz": None, "throttled": None}
    assert exposed(machine_families.families(silent)) == {}


def test_a_light_that_is_out_is_told_and_one_not_wanted_is_not() -> None:
    led = {"mode": "auto", "out": "GPIO17 was lost", "lit": False, "shows": "ready", "winks": 3}
    told = exposed(daemon_families.families("ready", {"led": led}))
    assert (told["pi_edge_led_available"], told["pi_edge_led_winks_total"]) == (0, 3)
    off = exposed(daemon_families.families("ready", {"led": {**led, "mode": "off"}}))
    assert not [name for name in off if name.startswith("pi_edge_led")]
