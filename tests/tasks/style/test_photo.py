"""Photos of every kind in and out."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from numpy.typing import NDArray
from PIL import ImageCms
from style_photos import waves

from pi_edge.errors import BadInput, NotFound, TooLarge
from pi_edge.tasks.style import photo, png_stream

pytestmark = pytest.mark.usefixtures("backend")

PIXELS = waves(48, 64)


def saved(image: PIL.Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def pixels_of(data: bytes | Path) -> NDArray[np.uint8]:
    source = photo.open_photo(data, 200)
    header = source.header
    rows = np.empty((header.height, header.width, 4 if header.alpha else 3), np.uint8)
    reader = source.strips(header.height, header.width)
    reader.read(rows[:7])
    reader.read(rows[7:])
    reader.close()
    return rows


def written(header: photo.Header, pixels: NDArray[np.uint8], ending: str, path: Path) -> Path:
    target = path / f"written{ending}"
    with target.open("w+b") as file:
        writer = photo.backend().writer(file, ending, header, pixels.shape[:2])
        writer.write(pixels[:9])
        writer.write(pixels[9:])
        writer.close()
    return target


def off(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    return float(np.abs(one.astype(int) - other).mean())


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP", "JPEG"])
def test_every_format_is_read(kind: str) -> None:
    options = {"lossless": True} if kind == "WEBP" else {"quality": 95} if kind == "JPEG" else {}
    assert off(pixels_of(saved(PIL.Image.fromarray(PIXELS), kind, **options)), PIXELS) < 3


@pytest.mark.parametrize("ending", photo.ENDINGS)
def test_every_format_is_written(ending: str, tmp_path: Path) -> None:
    target = written(photo.Header(48, 64), PIXELS, ending, tmp_path)
    with PIL.Image.open(target) as image:
        assert off(np.asarray(image.convert("RGB")), PIXELS) < 4


@pytest.mark.parametrize(
    ("mode", "kind"), [("L", "PNG"), ("P", "PNG"), ("1", "PNG"), ("CMYK", "JPEG"), ("L", "JPEG")]
)
def test_every_kind_of_pixel_becomes_rgb(mode: str, kind: str) -> None:
    image = PIL.Image.fromarray(PIXELS).convert(mode)
    found = pixels_of(saved(image, kind))
    assert found.shape == (48, 64, 3)
    # Colour management makes other colours of inks than a plain inversion does.
    assert off(found, np.asarray(image.convert("RGB"))) < (45 if mode == "CMYK" else 4)


def test_sixteen_bits_of_grey_become_eight() -> None:
    grey = np.linspace(0, 65535, 48 * 64).reshape(48, 64).astype(np.uint16)
    found = pixels_of(saved(PIL.Image.fromarray(grey), "PNG"))
    assert off(found[..., 0], (grey / 257).astype(np.uint8)) < 2


def test_alpha_is_told_and_kept(tmp_path: Path) -> None:
    rgba = np.dstack([PIXELS, np.full((48, 64), 77, np.uint8)])
    source = photo.open_photo(saved(PIL.Image.fromarray(rgba), "PNG"), 200)
    assert source.header.alpha
    with PIL.Image.open(written(source.header, rgba, ".png", tmp_path)) as image:
        assert (np.asarray(image)[..., 3] == 77).all()


def test_alpha_is_laid_over_white_where_the_format_has_none(tmp_path: Path) -> None:
    rgba = np.dstack([PIXELS, np.zeros((48, 64), np.uint8)])
    target = written(photo.Header(48, 64, alpha=True), rgba, ".jpg", tmp_path)
    with PIL.Image.open(target) as image:
        assert np.asarray(image).min() > 250


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_is_turned_upright(orientation: int) -> None:
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    data = saved(PIL.Image.fromarray(PIXELS), "PNG", exif=exif)
    with PIL.Image.open(io.BytesIO(data)) as image:
        upright = np.asarray(PIL.ImageOps.exif_transpose(image))
    assert (pixels_of(data) == upright).all()


@pytest.mark.parametrize("ending", [".jpg", ".png", ".webp"])
def test_exif_and_profile_are_carried_over_but_not_the_orientation(
    ending: str, tmp_path: Path
) -> None:
    exif = PIL.Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a day at the sea"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = saved(PIL.Image.fromarray(PIXELS), "JPEG", exif=exif, icc_profile=profile)
    header = photo.open_photo(data, 200).header
    target = written(header, np.ascontiguousarray(PIXELS.transpose(1, 0, 2)), ending, tmp_path)
    with PIL.Image.open(target) as image:
        assert image.info["icc_profile"] == profile
        assert image.getexif()[0x010E] == "a day at the sea"
        assert image.getexif().get(0x0112, 1) == 1


@pytest.mark.parametrize("ending", [".tif", ".jpg"])
def test_a_description_with_brackets_stays_whole(ending: str, tmp_path: Path) -> None:
    exif = PIL.Image.Exif()
    exif[0x010E] = "the sea (cold), again"
    header = photo.open_photo(saved(PIL.Image.fromarray(PIXELS), "JPEG", exif=exif), 200).header
    with PIL.Image.open(written(header, PIXELS, ending, tmp_path)) as image:
        assert image.getexif()[0x010E] == "the sea (cold), again"


def test_a_reduced_photo_lies_on_white(tmp_path: Path) -> None:
    rgba = np.dstack([PIXELS, np.zeros((48, 64), np.uint8)])
    source = photo.open_photo(saved(PIL.Image.fromarray(rgba), "PNG"), 200)
    small = source.reduced(12, 16)
    assert small.shape == (12, 16, 3)
    assert small.min() > 250


def test_a_file_cut_short_is_refused() -> None:
    data = saved(PIL.Image.fromarray(waves(400, 600)), "JPEG")
    with pytest.raises(BadInput, match="damaged"):
        pixels_of(data[: len(data) // 2])


def test_a_picture_that_claims_too_much_is_refused() -> None:
    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    data = (
        png_stream.SIGNATURE + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    )
    data += struct.pack(">I", 4) + b"IDATabcd" + struct.pack(">I", zlib.crc32(b"IDATabcd"))
    with pytest.raises(TooLarge, match=r"100000 x 100000|too many pixels"):
        photo.open_photo(data, 200)


@pytest.mark.parametrize("data", [b"", b"hello", b"\xff\xd8\xff\xe0", b"GIF89a"])
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    with pytest.raises(BadInput):
        photo.open_photo(data, 200)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        photo.open_photo(tmp_path / "none.jpg", 200)
    with pytest.raises(BadInput, match="folder"):
        photo.open_photo(tmp_path, 200)


def test_what_must_be_decoded_whole_has_to_fit_the_memory() -> None:
    data = saved(PIL.Image.new("RGB", (6000, 4000)), "WEBP")
    with pytest.raises(TooLarge, match="--max-memory"):
        photo.open_photo(data, 40)


def test_a_jpeg_of_many_scans_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    data = saved(PIL.Image.fromarray(PIXELS), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    many = data[:-2] + data[last:-2] * 64 + data[-2:]
    (tmp_path / "many.jpg").write_bytes(many)
    for source in (many, tmp_path / "many.jpg"):
        with pytest.raises(BadInput, match="more than 64 scans"):
            photo.open_photo(source, 200)
    (tmp_path / "few.jpg").write_bytes(data)
    for few in (data, tmp_path / "few.jpg"):
        assert photo.open_photo(few, 200).header.width == PIXELS.shape[1]


@pytest.mark.parametrize(
    "data",
    [
        b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"></svg>',
        b"P5 3 3 255 " + bytes(9),
        b"1,2,3\n4,5,6\n",
        b"%PDF-1.7",
    ],
    ids=["svg", "pnm", "csv", "pdf"],
)
def test_readers_of_anything_but_photos_are_not_asked(data: bytes) -> None:
    with pytest.raises(BadInput, match=r"no (picture|JPEG)"):
        photo.open_photo(data, 200)


def test_libvips_reads_no_drawing_even_when_asked() -> None:
    from pi_edge.tasks.style import vips

    with pytest.raises(vips.pyvips.Error):
        vips.pyvips.Image.svgload_buffer(b'<svg xmlns="http://www.w3.org/2000/svg" width="9"/>')
