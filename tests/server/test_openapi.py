"""The description of the API is true, and whatever is made up after it is answered as it says."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any, cast

import hypothesis
import pytest
import schemathesis
from running import RunningDaemon, install, running_daemon
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi import checks
from starlette.routing import Router

from pi_edge import tasks
from pi_edge.server.app import Application
from pi_edge.server.openapi import document

# What a made-up request is about half of the time: else it would find nothing but 404.
NAMES = ["double", "prices", "same-string", "nobody"]
UNLOADED = ["sum", "nobody"]


# The same requests every time: what fails once fails for everybody.
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
    router = Application(nothing, lambda: "", dict, 1024)._router
    assert isinstance(router, Router)
    found = set()
    for route in cast(list[Any], router.routes):
        paths = [route.path]
        if route.path == "/tasks/{task}":
            paths = [f"/tasks/{name}" for name in tasks.names()]
        for path in paths:
            found |= {(path, method) for method in route.methods or ["*"] if method != "HEAD"}
    # An application of its own as endpoint takes any method that its route names.
    return found


def test_every_route_is_described_and_every_description_has_its_route() -> None:
    assert documented() == routed()


def test_every_reference_leads_somewhere() -> None:
    told = document()
    schemas = told["components"]["schemas"]

    def references(node: Any) -> Iterator[str]:
        if isinstance(node, dict):
            for key, value in node.items():
                yield from [value] if key == "$ref" else references(value)
        elif isinstance(node, list):
            for item in node:
                yield from references(item)

    named = {reference.removeprefix("#/components/schemas/") for reference in references(told)}
    assert named == set(schemas)


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
    config = SchemathesisConfig()
    config.projects.default.update(base_url=own_daemon.url)
    return schemathesis.openapi.from_dict(told, config=config)


@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize(("path", "method"), sorted(documented()))
def test_what_is_made_up_after_the_description_is_answered_as_it_says(
    api: Any, path: str, method: str, mode: schemathesis.GenerationMode
) -> None:
    @hypothesis.given(api[path][method].as_strategy(generation_mode=mode))
    @hypothesis.settings(SETTINGS)
    def ask(case: schemathesis.Case) -> None:
        # What fits the description may still be about a model of other tensors.
        case.call_and_validate(excluded_checks=[checks.positive_data_acceptance], timeout=60)

    ask()
