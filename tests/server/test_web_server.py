"""What uvicorn is made to do differently."""

from __future__ import annotations

import socket

import pytest
from running import PATIENCE, RunningDaemon

from pi_edge.server.web_server import OneWrite


class Wire:
    """A transport that notes what is written to it."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


HEAD = b"HTTP/1.1 200 OK\r\n\r\n"


def one_write() -> tuple[OneWrite, Wire]:
    wire = Wire()
    return OneWrite(wire), wire  # type: ignore[arg-type]


def test_a_head_waits_for_the_body() -> None:
    transport, wire = one_write()
    transport.write(HEAD)
    assert wire.written == []
    transport.write(b"body")
    transport.write(b"more")
    assert wire.written == [HEAD + b"body", b"more"]


def test_a_head_without_a_body_goes_out_when_the_answer_is_complete() -> None:
    transport, wire = one_write()
    transport.write(HEAD)
    transport.flush()
    transport.flush()
    assert wire.written == [HEAD]


def test_a_head_without_a_body_goes_out_before_the_connection_closes() -> None:
    transport, wire = one_write()
    transport.write(HEAD)
    transport.close()
    assert wire.written == [HEAD]
    assert transport.is_closing()


def test_continue_goes_out_at_once() -> None:
    transport, wire = one_write()
    transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert wire.written == [b"HTTP/1.1 100 Continue\r\n\r\n"]


@pytest.fixture(params=["daemon", "plain_daemon"])
def either(request: pytest.FixtureRequest) -> RunningDaemon:
    running = request.getfixturevalue(request.param)
    assert isinstance(running, RunningDaemon)
    return running


def test_a_client_that_asks_before_sending_is_told_to_go_on(either: RunningDaemon) -> None:
    body = b'{"inputs":[{"name":"x","shape":[1,3],"datatype":"FP32","data":[1,2,3]}]}'
    head = b"POST /v2/models/double/infer HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
    head += b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
    with socket.create_connection(("127.0.0.1", either.port), timeout=PATIENCE) as connection:
        connection.sendall(head)
        assert connection.recv(65536).startswith(b"HTTP/1.1 100 ")
        connection.sendall(body)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    assert received.startswith(b"HTTP/1.1 200 ")
    assert b"[2.0,4.0,6.0]" in received


def test_requests_on_one_connection_are_answered_in_order(either: RunningDaemon) -> None:
    request = b"GET /v2/models/%b/ready HTTP/1.1\r\nHost: localhost\r\n"
    names = [b"double", b"sum", b"log"]
    sent = b"".join(request % name + b"\r\n" for name in names[:-1])
    sent += request % names[-1] + b"Connection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", either.port), timeout=PATIENCE) as connection:
        connection.sendall(sent)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    places = [received.index(b'"name":"%b"' % name) for name in names]
    assert places == sorted(places)
