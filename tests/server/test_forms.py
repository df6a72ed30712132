"""The file in a form, read as it comes in."""

from __future__ import annotations

import pytest

from pi_edge.errors import BadInput
from pi_edge.server.forms import FormFile

TYPE = "multipart/form-data; boundary=b"


def part(name: str, contents: bytes, filename: str = "a.png") -> bytes:
    named = f'; filename="{filename}"' if filename else ""
    head = f'--b\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'
    return head.encode() + contents + b"\r\n"


def consume(form: FormFile, body: bytes) -> None:
    form.feed(body)
    form.finish()


CONTENTS = b"first\r\n--not the end\r\nlast"


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize("field", ["image", "file"])
def test_the_file_is_the_same_in_pieces_of_any_size(size: int, field: str) -> None:
    body = part("note", b"before", "") + part(field, CONTENTS) + part("image", b"later") + b"--b--"
    form = FormFile(TYPE)
    pieces = [form.feed(body[at : at + size]) for at in range(0, len(body), size)]
    form.finish()
    assert b"".join(pieces) == CONTENTS


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (part("photo", CONTENTS) + b"--b--", '"image" or "file"'),
        (part("image", CONTENTS, filename="") + b"--b--", '"image" or "file"'),
        (part("image", CONTENTS), "cut short"),
        (b"", "no file"),
        (b"nonsense", "cannot be read"),
        (b"--b\r\nno header\r\n\r\n", "cannot be read"),
    ],
)
def test_what_is_no_form_with_a_file_is_refused(body: bytes, said: str) -> None:
    form = FormFile(TYPE)
    with pytest.raises(BadInput, match=said):
        consume(form, body)


@pytest.mark.parametrize(
    "content_type", ["multipart/form-data", f"multipart/form-data; boundary={'b' * 1000}"]
)
def test_a_form_without_a_sensible_boundary_is_refused(content_type: str) -> None:
    with pytest.raises(BadInput, match="form cannot be read"):
        FormFile(content_type)
