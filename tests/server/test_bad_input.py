"""Whatever is sent: the right status, one JSON line, and a daemon that goes on."""

from __future__ import annotations

import gzip
import json
import socket
import struct
from collections.abc import Iterator
from typing import Any

import pytest
from running import Answer, RunningDaemon

INFER = "/v2/models/double/infer"
IMAGE = {"name": "image", "shape": [1, 28, 28], "datatype": "FP32", "data": [0.0] * 784}
X = {"name": "x", "shape": [1, 3], "datatype": "FP32", "data": [1, 2, 3]}
# Deeper than what Python shows, not deeper than what is read.
DEEP = b"[" * 1015 + b"]" * 1015
JSON_LENGTH = "Inference-Header-Content-Length"

# Every route, with a method that it takes.
ROUTES = [
    ("GET", "/"),
    ("GET", "/status"),
    ("GET", "/metrics"),
    ("GET", "/openapi.json"),
    ("GET", "/v2"),
    ("GET", "/v2/health/live"),
    ("GET", "/v2/health/ready"),
    ("GET", "/v2/models/stats"),
    ("GET", "/v2/models/double"),
    ("GET", "/v2/models/double/versions/v1"),
    ("GET", "/v2/models/double/ready"),
    ("GET", "/v2/models/double/config"),
    ("GET", "/v2/models/double/stats"),
    ("POST", "/v2/models/double/infer"),
    ("POST", "/v2/models/double/versions/v1/infer"),
    ("POST", "/v2/repository/index"),
    ("POST", "/v2/repository/models/double/load"),
    ("POST", "/v2/repository/models/double/unload"),
    ("POST", "/tasks/digits"),
]
POSTS = [path for method, path in ROUTES if method == "POST"]


@pytest.fixture(scope="module", params=["daemon", "plain_daemon"])
def daemon(request: pytest.FixtureRequest) -> RunningDaemon:
    """Every test here runs on httptools and uvloop, and on h11 and asyncio."""
    running = request.getfixturevalue(request.param)
    assert isinstance(running, RunningDaemon)
    return running


@pytest.fixture(autouse=True)
def _daemon_is_unharmed(daemon: RunningDaemon) -> Iterator[None]:
    """After each test the daemon still answers, and nothing unexpected was logged."""
    logged = len(daemon.log.read_text())
    yield
    assert daemon.infer("double", x=[1, 2, 3]) == {"y": [2, 4, 6]}
    assert "Traceback" not in daemon.log.read_text()[logged:]


def refused(answer: Answer, status: int, *words: str) -> None:
    """Assert that an answer is an error as all errors are."""
    assert answer.status == status, answer.body
    assert answer.headers["content-type"] == "application/json"
    assert answer.body.count(b"\n") == 1
    error = answer.json()
    assert list(error) == ["error"]
    for word in words:
        assert word in error["error"]


def raw(daemon: RunningDaemon, request: bytes) -> Answer:
    """Send bytes as they are; everything until the connection closes."""
    with socket.create_connection(("127.0.0.1", daemon.port), timeout=60) as connection:
        connection.sendall(request)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines[1:])
    return Answer(int(lines[0].split()[1]), headers, body)


def changed(tensor: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A request with one input, some of it replaced; None takes a key away."""
    replaced = {**tensor, **changes}
    return {"inputs": [{key: value for key, value in replaced.items() if value is not None}]}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "empty"),
        (b"{", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b'{"inputs": [NaN]}', "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "object"),
        (b"null", "object"),
        (b'"text"', "object"),
        ({}, "inputs"),
        ({"inputs": {}}, "inputs"),
        ({"inputs": [1]}, "inputs"),
        ({"inputs": []}, "inputs ['x']"),
        ({"inputs": [X, X]}, "name"),
        ({"inputs": [X], "id": 5}, '"id"'),
        ({"inputs": [X], "parameters": []}, "parameters"),
        ({"inputs": [X], "parameters": {"binary_data_output": 1}}, "true or false, not 1"),
        ({"inputs": [X], "outputs": {}}, "outputs"),
        ({"inputs": [X], "outputs": [{}]}, "name"),
        ({"inputs": [X], "outputs": [{"name": "z"}]}, "outputs ['y']"),
        (
            {"inputs": [X], "outputs": [{"name": "y", "parameters": {"classification": -1}}]},
            "classification",
        ),
        (
            {"inputs": [X], "outputs": [{"name": "y", "parameters": {"binary_data": "yes"}}]},
            "true or false, not 'yes'",
        ),
        (changed(X, name=None), "name"),
        (changed(X, name=["x"]), "name"),
        (changed(X, name="z"), "inputs ['x']"),
        (changed(X, datatype=None), "datatype"),
        (changed(X, datatype="FP31"), "FP31"),
        (changed(X, datatype={"a": 1}), "datatype"),
        (changed(X, datatype="INT32"), "float32"),
        (changed(X, shape=None), "shape"),
        (changed(X, shape="3"), "shape"),
        (changed(X, shape=[1, 3.0]), "shape"),
        (changed(X, shape=[-1, 3]), "shape"),
        (changed(X, shape=[True, 3]), "shape"),
        (changed(X, shape=[1, 4]), "elements"),
        (changed(X, shape=[2**62, 2**62]), "elements"),
        (changed(X, shape=[0, 2**63], data=[]), "shape"),
        (changed(X, shape=[1] * 100, data=[1]), "shape"),
        (b'{"inputs": [{"name": "x", "datatype": "FP32", "shape": %b}]}' % DEEP, "nested"),
        (b'{"inputs": [{"name": "x", "shape": [1], "datatype": %b}]}' % DEEP, "nested"),
        (changed(X, shape=[3]), "shape"),
        (changed(X, shape=[0, 3], data=[]), "shape"),
        (changed(X, shape=[1, 4], data=[1, 2, 3, 4]), "shape"),
        (changed(X, data=None), "data"),
        (changed(X, data="abc"), "data"),
        (changed(X, data={"0": 1}), "data"),
        (changed(X, data=[1, 2]), "elements"),
        (changed(X, data=["1", "2", "3"]), "numbers"),
        (changed(X, data=[1, None, 3]), "numbers"),
        (changed(X, data=[1, {}, 3]), "numbers"),
        (changed(X, data=[True, False, True]), "numbers"),
        (changed(X, data=[[1, 2], [3]]), "rows differ"),
        (changed(X, data=json.loads("[" * 200 + "1" + "]" * 200)), "data"),
        (changed(X, parameters=7), "parameters"),
        (changed(X, parameters={"shared_memory_region": "mine"}), "shared memory"),
        (changed(X, parameters={"binary_data_size": "12"}), "binary_data_size"),
        (changed(X, parameters={"binary_data_size": 12}), "binary_data_size"),
        (changed(X, parameters={"binary_data_size": -1}), "binary_data_size"),
    ],
)
def test_infer_refuses_what_is_no_request(daemon: RunningDaemon, body: Any, words: str) -> None:
    refused(daemon.send("POST", INFER, body), 400, words)


def test_null_where_nothing_need_stand_is_as_if_nothing_stood_there(
    daemon: RunningDaemon,
) -> None:
    nothing = {"id": None, "outputs": None, "parameters": None}
    asked = {"inputs": [{**X, "parameters": {"binary_data_size": None}}], **nothing}
    answer = daemon.send("POST", INFER, asked)
    assert answer.json()["outputs"] == daemon.send("POST", INFER, {"inputs": [X]}).json()["outputs"]


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("models/double/load", {"parameters": 0}, "an object, not 0"),
        ("models/double/load", {"parameters": []}, "an object, not []"),
        ("models/double/load", {"parameters": {"config": "{}"}}, "config cannot be given"),
        ("models/double/load", [], "object"),
        ("models/double/unload", [], "object"),
        ("index", {"ready": 1}, "true or false, not 1"),
        ("index", [], "object"),
    ],
)
def test_the_repository_refuses_what_is_no_request(
    daemon: RunningDaemon, path: str, body: Any, words: str
) -> None:
    refused(daemon.send("POST", f"/v2/repository/{path}", body), 400, words)


@pytest.mark.parametrize(
    ("model", "tensor", "words"),
    [
        ("sum", {"name": "a", "shape": [2], "datatype": "INT64", "data": [1.5, 2]}, "whole"),
        ("sum", {"name": "a", "shape": [2], "datatype": "INT64", "data": [2**63, 0]}, "whole"),
        ("pick", {"name": "i", "shape": [1], "datatype": "INT32", "data": [2**31]}, "from"),
        ("same-bool", {"name": "x", "shape": [2, 2], "datatype": "BOOL", "data": [0, 1, 2, 0]}, ""),
        ("same-string", {"name": "x", "shape": [2, 2], "datatype": "BYTES", "data": [1] * 4}, ""),
    ],
)
def test_infer_refuses_values_that_the_type_cannot_hold(
    daemon: RunningDaemon, model: str, tensor: dict[str, Any], words: str
) -> None:
    refused(daemon.send("POST", f"/v2/models/{model}/infer", {"inputs": [tensor]}), 400, words)


def binary(head: dict[str, Any], data: bytes, length: str | None = None) -> tuple[bytes, dict]:
    text = json.dumps(head).encode()
    return text + data, {JSON_LENGTH: str(len(text)) if length is None else length}


BINARY_X = {"name": "x", "shape": [1, 3], "datatype": "FP32"}


@pytest.mark.parametrize(
    ("size", "data", "length"),
    [
        (12, bytes(11), None),  # cut off
        (12, bytes(13), None),  # something left
        (11, bytes(11), None),  # no whole number of elements
        (8, bytes(8), None),  # too few for the shape
        (12, bytes(12), "100000"),
        (12, bytes(12), "-1"),
        (12, bytes(12), "x"),
        (12, bytes(12), "0"),
        (12, bytes(12), "10"),
        (12, bytes(12), "9" * 5000),
    ],
)
def test_infer_refuses_broken_binary_tensors(
    daemon: RunningDaemon, size: int, data: bytes, length: str | None
) -> None:
    head = {"inputs": [{**BINARY_X, "parameters": {"binary_data_size": size}}]}
    refused(daemon.send("POST", INFER, *binary(head, data, length)), 400)


@pytest.mark.parametrize(
    "data", [b"\x01", struct.pack("<I", 5) + b"abc", struct.pack("<I", 2**32 - 1), bytes(4 * 3)]
)
def test_infer_refuses_broken_text_tensors(daemon: RunningDaemon, data: bytes) -> None:
    tensor = {"name": "x", "shape": [2, 2], "datatype": "BYTES"}
    head = {"inputs": [{**tensor, "parameters": {"binary_data_size": len(data)}}]}
    refused(daemon.send("POST", "/v2/models/same-string/infer", *binary(head, data)), 400)


def test_bytes_that_are_no_text_are_refused_as_json(daemon: RunningDaemon) -> None:
    data = b"".join(struct.pack("<I", 1) + b"\xff" for _ in range(4))
    tensor = {"name": "x", "shape": [2, 2], "datatype": "BYTES"}
    head = {"inputs": [{**tensor, "parameters": {"binary_data_size": len(data)}}]}
    answer = daemon.send("POST", "/v2/models/same-string/infer", *binary(head, data))
    refused(answer, 400, "binary_data")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_task_model_refuses_what_is_not_finite(daemon: RunningDaemon, value: float) -> None:
    data = struct.pack("<784f", value, *[0.0] * 783)
    tensor = {"name": "image", "shape": [1, 28, 28], "datatype": "FP32"}
    head = {"inputs": [{**tensor, "parameters": {"binary_data_size": len(data)}}]}
    answer = daemon.send("POST", "/v2/models/mnist-mlp/infer", *binary(head, data))
    refused(answer, 400, "NaN")


def test_a_number_too_large_for_the_type_is_not_finite(daemon: RunningDaemon) -> None:
    body = changed(IMAGE, data=[1e39] + [0.0] * 783)
    refused(daemon.send("POST", "/v2/models/mnist-mlp/infer", body), 400, "infinity")


def test_json_never_holds_nan(daemon: RunningDaemon) -> None:
    body = changed({"name": "x", "shape": [3], "datatype": "FP32", "data": [-1.0, 0.0, 1.0]})
    answer = daemon.send("POST", "/v2/models/log/infer", body)
    assert answer.status == 200
    assert answer.json()["outputs"][0]["data"] == [None, None, 0.0]


def test_inputs_that_make_a_model_fail_are_a_server_error(daemon: RunningDaemon) -> None:
    body = changed({"name": "i", "shape": [1], "datatype": "INT32", "data": [7]})
    for _ in range(10):  # and are no reason to take it out of service
        answer = daemon.send("POST", "/v2/models/pick/infer", body)
        refused(answer, 500, "failed to run")
    body = changed({"name": "i", "shape": [1], "datatype": "INT32", "data": [1]})
    assert daemon.send("POST", "/v2/models/pick/infer", body).status == 200


@pytest.mark.parametrize("path", POSTS)
def test_a_body_over_the_limit_is_refused_before_it_is_read(
    daemon: RunningDaemon, path: str
) -> None:
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {100 * 2**20}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", daemon.port), timeout=60) as connection:
        connection.sendall(head.encode())  # and not one byte of the body
        received = b""
        while not received.endswith(b"}\n") and (chunk := connection.recv(65536)):
            received += chunk
    assert received.startswith(b"HTTP/1.1 413 ")
    assert b'{"error":' in received


def test_a_client_that_sends_it_all_gets_the_refusal(daemon: RunningDaemon) -> None:
    refused(daemon.send("POST", INFER, bytes(100 * 2**20)), 413, "limit")


def test_a_chunked_body_over_the_limit_is_refused(daemon: RunningDaemon) -> None:
    chunk = b"100000\r\n" + bytes(2**20) + b"\r\n"
    head = (
        f"POST {INFER} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    )
    answer = raw(daemon, head + chunk * 100 + b"0\r\n\r\n")
    refused(answer, 413, "limit")
    assert answer.headers["connection"] == "close"


def test_a_compressed_bomb_is_refused(daemon: RunningDaemon) -> None:
    bomb = gzip.compress(bytes(65 * 2**20), 1)
    answer = daemon.send("POST", INFER, bomb, {"Content-Encoding": "gzip"})
    refused(answer, 413, "unpacks")


@pytest.mark.parametrize(
    ("encoding", "body", "status"),
    [
        ("gzip", b"no gzip", 400),
        ("gzip", gzip.compress(b"{}", mtime=0)[:-4], 400),
        ("gzip", gzip.compress(b"{}", mtime=0) + b"more", 400),
        ("deflate", b"no deflate", 400),
        ("br", b"{}", 415),
        ("gzip, gzip", b"{}", 415),
    ],
)
def test_broken_compression_is_refused(
    daemon: RunningDaemon, encoding: str, body: bytes, status: int
) -> None:
    refused(daemon.send("POST", INFER, body, {"Content-Encoding": encoding}), status)


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_a_wrong_method_is_refused_and_told_the_right_one(
    daemon: RunningDaemon, method: str, path: str
) -> None:
    wrong = "DELETE" if method == "GET" else "GET"
    answer = daemon.send(wrong, path)
    refused(answer, 405, wrong)
    assert method in answer.headers["allow"]


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("body", [b"\x00\xff" * 500, b"[1]", b"{", b'{"ready": 1, "inputs": 1}'])
def test_nonsense_to_any_post_route_is_no_mistake_of_the_server(
    daemon: RunningDaemon, path: str, body: bytes
) -> None:
    if path.endswith("load"):
        path = path.replace("double", "nobody")
    answer = daemon.send("POST", path, body)
    refused(answer, 404 if "nobody" in path and answer.status == 404 else 400)


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/v2/",
        "/v2/nothing",
        "/v2/models",
        "/v2/models/",
        "/v2/models/nobody",
        "/v2/models/double/versions/v9",
        "/v2/models/double/versions/v9/stats",
        "/v2/models/nobody/stats",
        "/v2/models/double/nothing",
        "/v2/models/..%2f..%2fetc%2fpasswd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/v2/models/%00",
        "/v2/models/%ff%fe",
        "/v2/models/%zz",
        "/v2/models/" + "a" * 20_000,
    ],
)
def test_what_does_not_exist_is_not_found(daemon: RunningDaemon, path: str) -> None:
    refused(daemon.send("GET", path), 404)


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("?model=nobody", 404, "nobody"),
        ("?model=double", 400, "tensors"),
        ("?variant=float8", 404, "float8"),
        ("?model=%ff", 404, ""),
    ],
)
def test_tasks_refuse_models_they_cannot_use(
    daemon: RunningDaemon, query: str, status: int, words: str
) -> None:
    answer = daemon.send("POST", f"/tasks/digits{query}", {"pixels": [0] * 784})
    refused(answer, status, words)


def test_an_unknown_task_is_not_found(daemon: RunningDaemon) -> None:
    refused(daemon.send("POST", "/tasks/fortunes", b"x"), 404, "digits")


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=b", b"x"),
        ("multipart/form-data; boundary=b", b"--b\r\n\r\n"),
        ("multipart/form-data; boundary=b", b"--b--\r\n"),
        (
            "multipart/form-data; charset=undefined; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="image"\r\n\r\ntext\r\n--b--\r\n',
        ),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="image"\r\n\r\ntext\r\n--b--\r\n',
        ),
    ],
)
def test_a_broken_form_is_refused(daemon: RunningDaemon, content_type: str, body: bytes) -> None:
    refused(daemon.send("POST", "/tasks/digits", body, {"Content-Type": content_type}), 400)


def test_a_broken_form_leaves_nothing_in_the_log(daemon: RunningDaemon) -> None:
    logged = daemon.log.read_text()
    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    refused(daemon.send("POST", "/tasks/digits", b"--b\r\n;;;: x", kind), 400, "form")
    assert daemon.log.read_text() == logged


@pytest.mark.parametrize("body", [b"", b"GIF89a", b"\x89PNG\r\n\x1a\n" + bytes(50), b"text"])
def test_what_is_no_picture_is_refused(daemon: RunningDaemon, body: bytes) -> None:
    refused(daemon.send("POST", "/tasks/digits", body), 400)


@pytest.mark.parametrize(
    "request_line",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: nine\r\n\r\n",
        b"POST /v2 HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
        b"POST /v2 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST /v2 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        b"POST /v2 HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /a b HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/1.1\r\nHost x\r\n\r\n",
    ],
)
def test_what_is_no_http_is_refused_in_json(daemon: RunningDaemon, request_line: bytes) -> None:
    refused(raw(daemon, request_line), 400)


def test_a_body_that_ends_early_harms_nobody(daemon: RunningDaemon) -> None:
    with socket.create_connection(("127.0.0.1", daemon.port), timeout=60) as connection:
        connection.sendall(
            f"POST {INFER} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\n{{".encode()
        )
