"""The dashboard is what Grafana can read, whatever Prometheus is called there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard
from support import ROOT

DASHBOARD: dict[str, Any] = json.loads((ROOT / "docs" / "grafana-dashboard.json").read_text())
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]


def lost(before: Any, after: Any, path: str = "") -> Iterator[str]:
    """What ``before`` has and ``after`` has not, or otherwise."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key, value in before.items():
            if value is not None:
                yield from lost(value, after.get(key), f"{path}/{key}")
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from lost(one, other, f"{path}/{number}")
    elif before != after:
        yield path


def test_grafanas_own_schema_knows_every_member() -> None:
    register_default_plugins()
    read = Dashboard.from_json(DASHBOARD)
    written = json.loads(JSONEncoder().encode(read))
    # Grafana writes "definition" beside a variable's query; the schema has forgotten it.
    assert [path for path in lost(DASHBOARD, written) if not path.endswith("/definition")] == []


def test_panels_have_ids_of_their_own_and_do_not_overlap() -> None:
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    taken: set[tuple[int, int]] = set()
    for panel in PANELS:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells


def test_every_query_goes_to_the_prometheus_that_was_chosen() -> None:
    (chosen,) = [one for one in DASHBOARD["templating"]["list"] if one["type"] == "datasource"]
    assert chosen["query"] == "prometheus"
    wanted = {"type": "prometheus", "uid": f"${{{chosen['name']}}}"}
    asking = [panel for panel in PANELS if panel["type"] != "row"]
    sources = [panel["datasource"] for panel in asking]
    sources += [target["datasource"] for panel in asking for target in panel["targets"]]
    variables = [one for one in DASHBOARD["templating"]["list"] if one["type"] == "query"]
    sources += [variable["datasource"] for variable in variables]
    assert len(sources) > len(asking)
    assert all(source == wanted for source in sources)
