"""Formats by first bytes, and by Accept headers."""

from __future__ import annotations

import io

import PIL.Image
import pytest

from pi_edge.tasks.style import formats


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_a_picture_tells_its_format(kind: str) -> None:
    file = io.BytesIO()
    PIL.Image.new("RGB", (9, 9)).save(file, kind)
    assert formats.of(file.getvalue()[: formats.HEAD]) == f"image/{kind.lower()}"


@pytest.mark.parametrize("head", [b"", b"GIF89a", b"RIFF\0\0\0\0WAVE", b"\xff\xd8"])
def test_what_is_none_of_these_is_nothing(head: bytes) -> None:
    assert formats.of(head) == ""


@pytest.mark.parametrize(
    ("accept", "best"),
    [
        ("", ""),
        ("*/*", ""),
        ("image/*", ""),
        ("image/avif, image/gif", ""),
        ("image/png", "image/png"),
        ("IMAGE/PNG", "image/png"),
        ("image/jpeg;q=0.5, image/webp;q=0.9, */*", "image/webp"),
        ("image/jpeg, image/png", "image/jpeg"),
        ("image/png;q=0, image/tiff;q=0.1", "image/tiff"),
        ("image/png;q=much", ""),
    ],
)
def test_accept_names_a_format_or_none(accept: str, best: str) -> None:
    assert formats.asked_for(accept) == best
