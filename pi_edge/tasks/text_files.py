"""Bytes to text without trusting them: bounded, unpacked, of whatever encoding they are."""

from __future__ import annotations

import gzip
import io
import re
import zlib
from pathlib import Path

from pi_edge.errors import BadInput, NotFound, TooLarge

MAX_BYTES = 64 * 2**20
"""The largest file, also when unpacked."""

_NO_TEXT = re.compile("[\x00-\x08\x0e-\x1f\x7f]")
_OTHER_FORMATS = (
    (b"PK\x03\x04", "an Excel workbook or another ZIP archive: save the sheet as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook: save the sheet as CSV"),
    (b"PAR1", "a Parquet file: write it as CSV"),
    (b"%PDF", "a PDF document: get the numbers as CSV"),
    (b"\x93NUMPY", "a .npy file: write it as CSV"),
)


def contents(path: Path) -> bytes:
    """The bytes of a file of at most MAX_BYTES.

    Raises:
        NotFound: there is no such file.
        BadInput: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise NotFound(f"there is no file {path}") from None
    except IsADirectoryError:
        raise BadInput(f"{path} is a folder: name the CSV file in it") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or str(error)
        raise BadInput(f"cannot read {path}: {reason}") from error
    return data


def decode(data: bytes, name: str) -> str:
    """The text in ``data``, which may be compressed with gzip; ``name`` begins each complaint.

    Raises:
        BadInput: damaged, or no text.
        TooLarge: more than MAX_BYTES.
    """
    return _text(unpack(data, name), name)


def unpack(data: bytes, name: str, limit: int = MAX_BYTES) -> bytes:
    """``data``, or what gzip makes of it.

    Raises:
        BadInput: it is damaged.
        TooLarge: more than ``limit`` bytes; no more than these are ever in memory.
    """
    if data[:2] == b"\x1f\x8b":
        try:
            with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
                data = file.read(limit + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise BadInput(f"{name} is damaged: gzip cannot unpack it ({error})") from None
    if len(data) > limit:
        raise TooLarge(f"{name} has more than {limit // 2**20} MiB: send fewer rows or columns")
    return data


def _text(data: bytes, name: str) -> str:
    for magic, what in _OTHER_FORMATS:
        if data.startswith(magic):
            raise BadInput(f"{name} is {what}")
    try:
        text = data.decode(_encoding(data))
    except UnicodeDecodeError as error:
        raise BadInput(f"{name} is damaged {error.encoding} text: save it as UTF-8") from None
    text = text.lstrip("\ufeff").rstrip("\x1a")  # DOS ends a file with 1A
    if _NO_TEXT.search(text):
        raise BadInput(f"{name} is no text: send a CSV file")
    start = text[:100].lstrip()[:9].lower()
    if start.startswith(("<!doctype", "<html", "<?xml")):
        raise BadInput(f"{name} is a web page, not a table: download the CSV file itself")
    return text


def _encoding(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    head = data[:1000]
    if b"\0" in head:  # UTF-16 without its mark has a NUL in every other byte
        even, odd = head[::2].count(0), head[1::2].count(0)
        if max(even, odd) > len(head) / 4 and min(even, odd) == 0:
            return "utf-16-le" if odd else "utf-16-be"
    for name in ("utf-8", "cp1252"):
        try:
            data.decode(name)
        except UnicodeDecodeError:
            continue
        return name
    return "latin-1"
