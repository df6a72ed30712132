"""What a request to style a photo asks for: its query, and behind a line end its Accept header."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from starlette.datastructures import QueryParams
from targets import refusals

from pi_edge.catalog import Entry
from pi_edge.server import style_route
from pi_edge.server.asked import Asked
from pi_edge.tasks.style import formats

LENGTH, MEGABYTES = 1024, 512
WORDS = (
    *(b"style=", b"styles=", b"udnie", b"scream", b"=0.5", b",", b"&strength=", b"nan", b"inf"),
    *(b"&preserve_color=", b"true", b"&scale=", b"fine", b"&preview=1", b"&model=style", b"%ff"),
    *(
        b"1e308",
        b"-1",
        b"&variant=",
        b"\nimage/png;q=0.5",
        b"image/tiff",
        b"q=nan",
        b"1e999",
        b"%2c",
    ),
)


class _Repository:
    """Has one model of the task, which is ready."""

    entry = Entry(
        "style", "style", "v1", {"v1": Path("v1.tflite")}, {"styles": ["udnie", "scream"]}
    )
    problem, name, version, variants = "", "style", "v1", ("v1",)

    def model(self, name: str) -> Any:
        return self

    def handle(self, variant: str) -> Any:
        return self


_route = style_route.StyleRoute(_Repository(), style_route.Settings(), 1 << 20)  # type: ignore[arg-type]


def check(data: bytes) -> None:
    query, _, accept = data.partition(b"\n")
    formats.asked_for(accept.decode("latin-1"))
    with refusals():
        asked = Asked([])
        order, about = _route._order(asked, QueryParams(query), accept.decode("latin-1"))
        assert 0 <= order.strength <= 1
        assert abs(sum(order.style) - 1) < 1e-3, order.style
        [value.encode("latin-1") for value in about.values()]
