"""Picture formats by their first bytes, and by what an HTTP client asks for."""

from __future__ import annotations

MEDIA_TYPES = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/webp": ".webp",
    "image/tiff": ".tif",
}
"""The formats that are written, with the ending of their files."""

HEAD = 12
"""So many first bytes tell a format."""


def of(head: bytes) -> str:
    """The media type of a picture that begins with ``head``; "" for none of these."""
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return "image/tiff"
    return ""


def asked_for(accept: str) -> str:
    """The media type that an Accept header (RFC 9110, 12.5.1) names and likes best; "" where it
    names none of these."""
    best, liked = "", 0.0
    for part in accept.lower().split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        weight = next((p[2:] for p in parameters if p.startswith("q=")), "1")
        try:
            quality = float(weight)
        except ValueError:
            continue
        if name in MEDIA_TYPES and quality > liked:
            best, liked = name, quality
    return best
