"""The traceparent header, and which request is being worked on."""

from __future__ import annotations

import contextvars

import pytest

from pi_edge import trace
from pi_edge.trace import Request, Trace

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
VALID = f"00-{TRACE}-{PARENT}-01"


def named(value: str) -> list[tuple[bytes, bytes]]:
    return [(b"host", b"pi"), (b"traceparent", value.encode())]


@pytest.mark.parametrize(
    "value",
    [
        VALID,
        f"00-{TRACE}-{PARENT}-00",
        f"00-{TRACE}-{PARENT}-ff",
        f"01-{TRACE}-{PARENT}-01",
        f"01-{TRACE}-{PARENT}-01-what-the-future-will-be-like",
        f"cc-{TRACE}-{PARENT}-01-",
    ],
)
def test_a_valid_header_names_trace_and_parent(value: str) -> None:
    assert trace.parse(value.encode()) == Trace(TRACE, PARENT)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "00",
        TRACE,
        f"ff-{TRACE}-{PARENT}-01",
        f"0-{TRACE}-{PARENT}-01",
        f"00-{TRACE.upper()}-{PARENT}-01",
        f"00-{TRACE}-{PARENT.upper()}-01",
        f"00-{TRACE}-{PARENT}-0A",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE[1:]}-{PARENT}-01",
        f"00-{TRACE}0-{PARENT}-01",
        f"00-{TRACE}-{PARENT[1:]}-01",
        f"00-{TRACE}-{PARENT}-1",
        f"00-{TRACE}-{PARENT}",
        f"00-{TRACE}-{PARENT}-01-",
        f"00-{TRACE}-{PARENT}-01-more",
        f"01-{TRACE}-{PARENT}-01.more",
        f"00_{TRACE}_{PARENT}_01",
        f" {VALID}",
        f"{VALID}\n",
        f"{VALID},{VALID}",
        f"00-{TRACE[:-1]}g-{PARENT}-01",
        f"00-{TRACE[:-1]}é-{PARENT}-01",
    ],
)
def test_any_other_header_is_ignored(value: str) -> None:
    assert trace.parse(value.encode()) is None


def test_trace_and_parent_are_the_requests_id() -> None:
    assert Request(named(VALID)).id == f"{TRACE}-{PARENT}"


def test_a_request_without_a_name_gets_an_id_of_its_own_that_stays() -> None:
    one, other = Request([(b"host", b"pi")]), Request(named("nonsense"))
    assert one.trace is other.trace is None
    assert one.id == one.id != other.id


def test_two_headers_contradict_each_other() -> None:
    assert Request([*named(VALID), *named(VALID)]).trace is None
    assert Request([*named("nonsense"), *named(VALID)]).trace is None


def test_what_runs_in_a_copy_of_the_context_works_on_the_same_request() -> None:
    def work() -> tuple[str, str]:
        request = Request([])
        trace.begin(request)
        known = contextvars.copy_context().run(trace.current)
        assert known
        return known.id, request.id

    there, here = contextvars.copy_context().run(work)
    assert there == here
    assert trace.current() is None
