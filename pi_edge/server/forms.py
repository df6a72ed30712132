"""Multipart forms (RFC 7578) read as they come in, for a file that nobody shall hold whole."""

from __future__ import annotations

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from pi_edge.errors import BadInput

FIELDS = (b"image", b"file")


class FormFile:
    """The file in the field "image" or "file" of a form, whichever comes first.

    Args:
        content_type: the request's, with its boundary.

    Raises:
        BadInput: it has no boundary.
    """

    def __init__(self, content_type: str) -> None:
        _, options = parse_options_header(content_type)
        boundary = options.get(b"boundary")
        if not boundary:
            raise BadInput("the form cannot be read: its Content-Type names no boundary")
        self._found = self._inside = self._ended = False
        self._name = self._value = b""
        self._disposition = b""
        self._taken: list[bytes] = []
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._part_begins,
                    "on_part_data": self._part_data,
                    "on_part_end": self._part_ends,
                    "on_header_begin": self._header_begins,
                    "on_header_field": self._header_name,
                    "on_header_value": self._header_value,
                    "on_header_end": self._header_ends,
                    "on_headers_finished": self._headers_end,
                    "on_end": self._form_ends,
                },
            )
        except FormParserError as error:
            raise BadInput(f"the form cannot be read: {error}") from None

    def feed(self, data: bytes) -> bytes:
        """What of the file is in the next piece of the form.

        Raises:
            BadInput: it is no form.
        """
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise BadInput(f"the form cannot be read: {error}") from None
        taken, self._taken = b"".join(self._taken), []
        return taken

    def finish(self) -> None:
        """All of the form is there.

        Raises:
            BadInput: it has no such file, or is cut short.
        """
        if not self._found:
            raise BadInput('the form has no file in a field "image" or "file"')
        if not self._ended:
            raise BadInput("the form is cut short")

    def _part_begins(self) -> None:
        self._disposition = b""

    def _header_begins(self) -> None:
        self._name = self._value = b""

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_ends(self) -> None:
        if self._name.lower() == b"content-disposition":
            self._disposition = self._value

    def _headers_end(self) -> None:
        _, options = parse_options_header(self._disposition)
        named = options.get(b"name") in FIELDS and b"filename" in options
        self._inside = named and not self._found
        self._found |= named

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if self._inside:
            self._taken.append(data[start:end])

    def _part_ends(self) -> None:
        self._inside = False

    def _form_ends(self) -> None:
        self._ended = True
