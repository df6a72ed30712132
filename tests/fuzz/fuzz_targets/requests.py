"""Whole requests, from the path's bytes on: a line with method, path and query, lines of headers,
an empty line and the body. Real workers answer them."""

from __future__ import annotations

from in_process import Served, well_formed

LENGTH, MEGABYTES = 8192, 768
MODELS = ("double", "sum", "log", "scalar", "empty", "constant", "same-string", "same-bool")
WORDS = (
    *(b"\nhost: ", b"pi.example", b"[::1]:80", b"\norigin: https://pages.example", b"OPTIONS "),
    *(b"\naccess-control-request-method: POST", b"\ntraceparent: 00-"),
    *(
        b"GET ",
        b"POST ",
        b"HEAD ",
        b"DELETE ",
        b"/v2",
        b"/models/",
        b"/versions/",
        b"/infer",
        b"v1",
    ),
    *(
        b"/config",
        b"/stats",
        b"/ready",
        b"/health/live",
        b"/repository/index",
        b"/load",
        b"/unload",
    ),
    *(
        b"/tasks/",
        b"stocks",
        b"digits",
        b"regression",
        b"style",
        b"/status",
        b"/metrics",
        b"?model=",
    ),
    *(
        b"&variant=",
        b"%00",
        b"%ff",
        b"%2e%2e%2f",
        b"%0a",
        b"..",
        b"//",
        b"\n\n",
        b"\ncontent-type: ",
    ),
    *(b"\ncontent-encoding: gzip", b"\ncontent-length: ", b"\naccept-encoding: gzip", b"deflate"),
    *(
        b"\ninference-header-content-length: ",
        b"application/json",
        b"multipart/form-data; boundary=b",
    ),
    *(name.encode() for name in MODELS),
    *(b'{"inputs": [{"name": "x", "shape": [1, 3], "datatype": "FP32", "data": [1, 2, 3]}]}',),
    *(
        b'"parameters": {"classification": 1}',
        b'"binary_data_output": true',
        b'"BYTES"',
        b'"INT64"',
    ),
    *(b"\x1f\x8b\x08\0", b"--b\r\n", b'Content-Disposition: form-data; name="file"; filename="a"'),
)

_served = Served(MODELS)


def check(data: bytes) -> None:
    head, _, body = data.partition(b"\n\n")
    first, *lines = head.split(b"\n")
    method, _, target = first.partition(b" ")
    path, _, query = target.partition(b"?")
    # What a web server lets through: a method of letters, a path and headers without control
    # characters (RFC 9112, 3; RFC 9110, 5.5).
    method = method if method.isalpha() and method.isascii() else b"POST"
    path = b"/" + bytes(byte for byte in path if 32 < byte < 127).lstrip(b"/")
    headers = []
    for line in lines:
        name, _, value = line.partition(b":")
        if name and all(32 < byte < 127 for byte in name):
            value = bytes(byte for byte in value if byte >= 32 and byte != 127).strip()
            headers.append((name.lower(), value))
    if all(name != b"host" for name, _ in headers):
        headers.append((b"host", b"127.0.0.1:8080"))
    query = bytes(byte for byte in query if 32 < byte < 127)
    well_formed(_served.send(method.decode(), path, query, headers, body))
