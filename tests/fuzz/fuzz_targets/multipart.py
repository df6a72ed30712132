"""A form with a file in it, read whole and read as it comes in: the first line is its Content-Type,
and the byte before it says in how large pieces it comes."""

from __future__ import annotations

import asyncio

from targets import refusals

from pi_edge.server.forms import FormFile
from pi_edge.server.task_routes import form_file

LENGTH, MEGABYTES = 1024, 512
WORDS = (
    *(b"multipart/form-data; boundary=b", b"; charset=", b"utf-16", b"idna", b"undefined", b"\r\n"),
    *(b"--b\r\n", b"--b--\r\n", b"\r\n--b", b"Content-Disposition: form-data; ", b'name="image"'),
    *(b'name="file"', b'; filename="a"', b"filename*=utf-8''a", b"Content-Type: image/png\r\n"),
    *(b"Content-Transfer-Encoding: base64\r\n", b"\r\n\r\n", b'\\"', b"multipart/mixed;"),
)

_loop = asyncio.new_event_loop()


def check(data: bytes) -> None:
    content_type, _, body = data[1:].partition(b"\n")
    kind, step = content_type.decode("latin-1"), (data[:1] or b"\0")[0] + 1
    with refusals():
        _loop.run_until_complete(form_file(body, kind))
    with refusals():
        form = FormFile(kind)
        for start in range(0, len(body), step):
            form.feed(body[start : start + step])
        form.finish()
