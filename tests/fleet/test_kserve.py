"""The manifests of docs/kserve: as KServe and Kubernetes want them, and as the daemon does."""

from __future__ import annotations

import copy
import os
import re
import shutil
import types
from pathlib import Path
from typing import Any

import kserve_types
import kubernetes_validate
import pytest
import yaml
from running import running_daemon
from support import ROOT

FOLDER = ROOT / "docs" / "kserve"
TOKEN = "open-sesame"


@pytest.fixture(scope="module")
def models() -> types.ModuleType:
    return kserve_types.load()


@pytest.fixture(scope="module")
def runtime() -> Any:
    return yaml.safe_load((FOLDER / "serving-runtime.yaml").read_text())


@pytest.fixture(scope="module")
def service() -> Any:
    return yaml.safe_load((FOLDER / "inference-service.yaml").read_text())


def container(runtime: Any) -> Any:
    """The one that KServe takes for the server."""
    (found,) = [c for c in runtime["spec"]["containers"] if c["name"] == "kserve-container"]
    return found


def test_the_runtime_is_what_kserve_takes_for_one(runtime: Any, models: types.ModuleType) -> None:
    assert runtime["apiVersion"] == "serving.kserve.io/v1alpha1"
    assert kserve_types.faults(runtime, "V1alpha1ServingRuntime", models) == []


def test_the_service_is_what_kserve_takes_for_one(service: Any, models: types.ModuleType) -> None:
    assert service["apiVersion"] == "serving.kserve.io/v1beta1"
    assert kserve_types.faults(service, "V1beta1InferenceService", models) == []


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("spec", "protocolVersion"), ["v2"], "has no field protocolVersion"),
        (("spec", "containers", 0, "image"), 7, "image is no str"),
        (("spec", "containers"), None, "spec lacks containers"),
        (("spec", "containers", 0, "name"), None, "containers[0] lacks name"),
        (("spec", "containers", 0, "readinessProbe", "httpGet", "port"), None, "lacks port"),
        (("spec", "supportedModelFormats", 0, "autoSelect"), "yes", "autoSelect is no bool"),
    ],
)
def test_a_fault_in_a_manifest_is_found(
    runtime: Any, models: types.ModuleType, path: tuple[Any, ...], value: Any, said: str
) -> None:
    broken = inner = copy.deepcopy(runtime)
    for step in path[:-1]:
        inner = inner[step]
    if value is None:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    assert said in "".join(kserve_types.faults(broken, "V1alpha1ServingRuntime", models))


def test_the_pod_that_kserve_would_make_of_it_is_one_to_kubernetes(
    runtime: Any, service: Any
) -> None:
    spec = {name: runtime["spec"][name] for name in ("containers", "volumes")}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "digits"}, "spec": spec}
    kubernetes_validate.validate(pod, kubernetes_validate.latest_version(), strict=True)
    pod["spec"]["containers"][0]["imagePullPolicies"] = "Always"
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(pod, kubernetes_validate.latest_version(), strict=True)
    del pod["spec"]["containers"][0]["imagePullPolicies"]


def test_the_service_asks_for_what_the_runtime_offers(runtime: Any, service: Any) -> None:
    model = service["spec"]["predictor"]["model"]
    assert model["runtime"] == runtime["metadata"]["name"]
    assert model["protocolVersion"] in runtime["spec"]["protocolVersions"]
    offered = [(f["name"], f["version"]) for f in runtime["spec"]["supportedModelFormats"]]
    assert (model["modelFormat"]["name"], model["modelFormat"]["version"]) in offered


def test_the_daemon_serves_as_the_container_starts_it(
    runtime: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With other folders, another port and no address but loopback."""
    server = container(runtime)
    assert server["command"] == ["pi-edge"]
    mounted = tmp_path / "models"
    shutil.copytree(ROOT / "models" / "mnist-linear", mounted / "mnist-linear")
    given = dict(re.fullmatch(r"--(\S+)=(\S+)", one).groups() for one in server["args"][1:])  # type: ignore[union-attr]
    assert (server["args"][0], given.pop("host"), given.pop("port")) == ("serve", "0.0.0.0", "8080")
    assert given.pop("state") in [mount["mountPath"] for mount in server["volumeMounts"]]
    assert given.pop("models") == "/mnt/models"
    for variable in server["env"]:
        monkeypatch.setenv(variable["name"], variable.get("value", TOKEN))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    rest = [f"--{name}={value}" for name, value in given.items()]
    with running_daemon(tmp_path / "state", "--models", str(mounted), *rest, wait=False) as daemon:
        by_name = {"Host": "digits-predictor.default.svc.cluster.local"}
        shown = {**by_name, "Authorization": f"Bearer {TOKEN}"}
        for probe in ("readinessProbe", "livenessProbe"):
            path = server[probe]["httpGet"]["path"]
            while daemon.send("GET", path, headers=by_name).status == 503:
                assert daemon.process.poll() is None
            assert daemon.send("GET", path, headers=by_name).status == 200
        metrics = runtime["spec"]["annotations"]["prometheus.kserve.io/path"]
        assert daemon.send("GET", metrics, headers=shown).status == 200
        tensor = {"name": "image", "shape": [1, 28, 28], "datatype": "FP32", "data": [0] * 784}
        infer = "/v2/models/mnist-linear/infer"
        answer = daemon.send("POST", infer, {"inputs": [tensor]}, shown)
        assert answer.status == 200
        assert answer.json()["outputs"][0]["shape"] == [1, 10]
        assert daemon.send("POST", infer, {"inputs": [tensor]}, by_name).status == 401
    assert os.environ["PI_EDGE_LOG_FORMAT"] == "json"
