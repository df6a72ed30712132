"""The description of the API is true, and whatever is made up after it is answered as it says."""

from __future__ import annotations

import copy
import io
import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import hypothesis
import PIL.Image
import pytest
import requests
import schemathesis
from running import RunningDaemon, install, running_daemon
from schemathesis import GenerationMode
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import Failure
from schemathesis.specs.openapi import checks
from starlette.routing import Router
from support import ROOT

from pi_edge import tasks
from pi_edge.server.app import Application
from pi_edge.server.bodies import Room
from pi_edge.server.forms import FIELDS
from pi_edge.server.openapi import document
from pi_edge.server.openapi.operations import MULTIPART

# What a made-up request is about: else it would find nothing but 404.
NAMES = ["double", "prices", "same-string", "nobody"]
UNLOADED = ["sum", "nobody"]
FORM_FILES = {field.decode() for field in FIELDS}


# Not by chance: what fails once fails again. (Constants of what else is imported do feed in.)
SETTINGS = hypothesis.settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)


def documented() -> set[tuple[str, str]]:
    return {
        (path, method.upper())
        for path, operations in document()["paths"].items()
        for method in operations
    }


def routed() -> set[tuple[str, str]]:
    """What the application takes; /tasks/{task} is a route for each task there is."""
    nothing = cast(Any, None)
    router = Application(nothing, lambda: "", dict, Room(1024, 1024))._router
    assert isinstance(router, Router)
    found = set()
    for route in cast(list[Any], router.routes):
        paths = [route.path]
        if route.path == "/tasks/{task}":
            paths = [f"/tasks/{name}" for name in tasks.names()]
        for path in paths:
            found |= {(path, method) for method in route.methods if method != "HEAD"}
    return found


def test_every_route_is_described_and_every_description_has_its_route() -> None:
    assert documented() == routed()


def test_every_reference_leads_somewhere() -> None:
    told = document()

    def references(node: Any) -> Iterator[str]:
        if isinstance(node, dict):
            for key, value in node.items():
                yield from [value] if key == "$ref" else references(value)
        elif isinstance(node, list):
            for item in node:
                yield from references(item)

    components = told["components"]
    there = {f"#/components/{kind}/{name}" for kind in components for name in components[kind]}
    assert set(references(told)) == there - {"#/components/securitySchemes/token"}


@pytest.fixture(scope="module")
def own_daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    """A daemon with little models, which may be unloaded."""
    folder = tmp_path_factory.mktemp("openapi")
    for name in ("double", "sum", "same-string"):
        install(name, folder / "models")
    install("prices", folder / "models", "stocks", tickers=["AAA", "BBB", "CCC"], days=5)
    with running_daemon(folder) as running:
        yield running
        assert running.process.poll() is None, running.log.read_text()
        assert "Traceback" not in running.log.read_text()
        assert running.infer("double", x=[1, 2, 3]) == {"y": [2, 4, 6]}


def test_the_daemon_serves_the_description(own_daemon: RunningDaemon) -> None:
    answer = own_daemon.send("GET", "/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == document()


@pytest.fixture(scope="module")
def api(own_daemon: RunningDaemon) -> Any:
    """The description as it is served, with names of models that there are."""
    told = copy.deepcopy(own_daemon.send("GET", "/openapi.json").json())
    for path, operations in told["paths"].items():
        for operation in operations.values():
            for parameter in operation.get("parameters", []):
                names = UNLOADED if path.endswith("/unload") else NAMES
                known = {"name": names, "model": [*names, ""], "version": ["v1", "v2"]}
                if parameter["name"] in known:
                    parameter["schema"] = {"type": "string", "enum": known[parameter["name"]]}
    tensor = told["components"]["schemas"]["InputTensor"]
    tensor["properties"] |= {
        "name": {"const": "x"},
        "datatype": {"const": "FP32"},
        "shape": {"const": [1, 3]},
        "data": {"type": "array", "items": {"type": "number"}, "minItems": 3, "maxItems": 3},
    }
    tensor["required"].append("data")
    inputs = told["components"]["schemas"]["InferRequest"]["properties"]["inputs"]
    inputs |= {"minItems": 1, "maxItems": 1}
    return parsed(told, own_daemon)


def parsed(told: Any, daemon: RunningDaemon) -> Any:
    config = SchemathesisConfig()
    config.projects.default.update(base_url=daemon.url)
    return schemathesis.openapi.from_dict(told, config=config)


def made_up() -> list[Any]:
    """Each operation, with requests that fit it and, where it takes any, with such as do not."""
    found = []
    for path, operations in document()["paths"].items():
        for method, operation in operations.items():
            takes = "parameters" in operation or "requestBody" in operation
            for mode in GenerationMode if takes else [GenerationMode.POSITIVE]:
                identity = f"{mode.value} {method} {path}"
                found.append(pytest.param(path, method, mode, id=identity))
    return found


@pytest.mark.parametrize(("path", "method", "mode"), made_up())
def test_what_is_made_up_after_the_description_is_answered_as_it_says(
    api: Any, path: str, method: str, mode: GenerationMode
) -> None:
    @hypothesis.given(api[path][method].as_strategy(generation_mode=mode))
    @hypothesis.settings(SETTINGS)
    def ask(case: schemathesis.Case) -> None:
        # What fits the description may still be about a model of other tensors.
        excluded = [checks.positive_data_acceptance]
        form = case.media_type == MULTIPART and isinstance(case.body, dict)
        if form and FORM_FILES & case.body.keys():
            # Made up as a number, it goes over the wire as text: a file like any other.
            excluded.append(checks.negative_data_rejection)
        case.call_and_validate(excluded_checks=excluded, timeout=60)

    ask()


def small_picture() -> bytes:
    stream = io.BytesIO()
    PIL.Image.new("RGB", (48, 32), "teal").save(stream, "PNG")
    return stream.getvalue()


ROWS = "".join(f"2024-01-{day:02},1,2,3\n" for day in range(1, 8))
X = {"name": "x", "shape": [1, 3], "datatype": "FP32"}
HEAD = json.dumps({"inputs": [{**X, "parameters": {"binary_data_size": 12}}]}).encode()
CLASSES = {"name": "y", "parameters": {"classification": 2}}


@pytest.mark.parametrize(
    ("path", "asked", "request_of"),
    [
        ("/tasks/digits", "", {"json": {"pixels": [0] * 784}}),
        ("/tasks/digits", "", {"data": (ROOT / "docs/pictures/seven.jpg").read_bytes()}),
        ("/tasks/stocks", "?model=prices", {"data": f"Date,AAA,BBB,CCC\n{ROWS}"}),
        ("/tasks/regression", "", {"json": {"x": [12.5]}}),
        ("/tasks/style", "?style=udnie&preview=1", {"data": small_picture()}),
        ("/v2/models/{name}/infer", "", {"json": {"inputs": [{**X, "data": [1, 2, 3]}]}}),
        (
            "/v2/models/{name}/infer",
            "",
            {"json": {"inputs": [{**X, "data": [1, 2, 3]}], "outputs": [CLASSES]}},
        ),
        (
            "/v2/models/{name}/infer",
            "",
            {
                "data": HEAD + struct.pack("<3f", 1, 2, 3),
                "headers": {"Inference-Header-Content-Length": str(len(HEAD))},
            },
        ),
        ("/v2/repository/index", "", {}),
    ],
)
def test_what_is_asked_for_rightly_is_answered_as_the_description_says(
    daemon: RunningDaemon, path: str, asked: str, request_of: dict[str, Any]
) -> None:
    url = f"{daemon.url}{path.format(name='double')}{asked}"
    answer = requests.post(url, **request_of, timeout=60)
    assert answer.status_code == 200, answer.content
    parsed(document(), daemon)[path]["POST"].validate_response(answer)


def test_an_example_that_is_kept_is_told_of_as_the_description_says(
    tmp_path: Path,
) -> None:
    picture = (ROOT / "docs/pictures/seven.jpg").read_bytes()
    with running_daemon(tmp_path) as daemon:
        url = f"{daemon.url}/tasks/digits/examples"
        read = requests.post(f"{daemon.url}/tasks/digits", data=picture, timeout=60).json()
        by_id = {"json": {"id": read["id"], "label": "7"}}
        for query, request in ("", by_id), ("?label=7", {"data": picture}):
            answer = requests.post(f"{url}{query}", **request, timeout=60)
            assert answer.status_code == 201, answer.content
            parsed(document(), daemon)["/tasks/digits/examples"]["POST"].validate_response(answer)


def test_a_description_that_is_not_true_is_found(own_daemon: RunningDaemon) -> None:
    told = copy.deepcopy(document())
    told["components"]["schemas"]["Server"]["required"].append("colour")
    answer = requests.get(f"{own_daemon.url}/v2", timeout=60)
    with pytest.raises(Failure, match="colour"):
        parsed(told, own_daemon)["/v2"]["GET"].validate_response(answer)
