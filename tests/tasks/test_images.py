"""Pictures of every kind, and what only looks like one."""

import contextlib
import io
import struct
import subprocess
import sys
import tracemalloc
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image, ImageOps

from pi_edge.errors import BadInput, TooLarge
from pi_edge.tasks import images


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def picture(width: int = 30, height: int = 20) -> Image.Image:
    """A grey ramp with a red corner, so that no turn of it looks like another."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:] = np.linspace(60, 250, width).astype(np.uint8)[None, :, None]
    pixels[: height // 3, : width // 3] = (200, 0, 0)
    return Image.fromarray(pixels)


def png_header(width: int, height: int) -> bytes:
    """A PNG that promises a picture and holds next to none of it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(100)))


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "BMP"])
def test_lossless_formats_keep_every_pixel(kind: str) -> None:
    image = picture()
    found = images.decode(
        encoded(image, kind, **({"lossless": True} if kind == "WEBP" else {})), 99
    )
    assert np.array_equal(found.pixels, np.asarray(image))


@pytest.mark.parametrize("kind", ["JPEG", "GIF"])
def test_lossy_formats_come_close(kind: str) -> None:
    image = picture()
    found = images.decode(encoded(image.convert("L"), kind), 99)
    assert np.abs(found.pixels[..., 0] - np.asarray(image.convert("L"), float)).mean() < 4


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation_is_undone(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(picture(), exif=exif)
    found = images.decode(data, 99)
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    assert np.array_equal(found.pixels, np.asarray(upright))
    assert (found.width, found.height) == upright.size


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")  # pytest sets our own filter aside
def test_damaged_exif_data_does_not_spoil_the_picture() -> None:
    data = encoded(picture(), "JPEG", exif=b"Exif\x00\x00MM\x00*\xff\xff\xff\xff")
    assert images.decode(data, 99).pixels.shape == (20, 30, 3)


def test_dark_ink_on_transparency_lies_over_white() -> None:
    image = Image.new("RGBA", (20, 20), (0, 0, 0, 0))
    image.paste((10, 10, 10, 255), (8, 4, 12, 16))
    pixels = images.decode(encoded(image), 99).pixels
    assert pixels[0, 0].tolist() == [255] * 3
    assert pixels[10, 10].tolist() == [10] * 3


def test_light_ink_on_transparency_lies_over_black() -> None:
    image = Image.new("RGBA", (20, 20), (255, 255, 255, 0))
    image.paste((240, 240, 240, 255), (8, 4, 12, 16))
    pixels = images.decode(encoded(image), 99).pixels
    assert pixels[0, 0].tolist() == [0] * 3
    assert pixels[10, 10].tolist() == [240] * 3


def test_a_palette_is_looked_up() -> None:
    image = picture().quantize(16)
    assert np.array_equal(
        images.decode(encoded(image), 99).pixels, np.asarray(image.convert("RGB"))
    )


def test_a_transparent_palette_colour_lies_over_the_ground() -> None:
    image = Image.new("P", (10, 10), 0)
    image.putpalette([0, 255, 0, 20, 20, 20])
    image.paste(1, (4, 4, 6, 6))
    pixels = images.decode(encoded(image, transparency=0), 99).pixels
    assert pixels[0, 0].tolist() == [255] * 3
    assert pixels[5, 5].tolist() == [20] * 3


def test_16_bit_grey_keeps_its_range() -> None:
    values = np.linspace(0, 65535, 600).astype(np.uint16).reshape(20, 30)
    pixels = images.decode(encoded(Image.fromarray(values)), 99).pixels
    assert np.abs(pixels[..., 0] - values / 257).max() <= 1


def test_cmyk_becomes_rgb() -> None:
    data = encoded(Image.new("CMYK", (16, 16), (0, 0, 0, 255)), "JPEG")
    assert images.decode(data, 99).pixels.max() < 40


def test_black_and_white_becomes_rgb() -> None:
    pixels = images.decode(encoded(picture().convert("1")), 99).pixels
    assert set(np.unique(pixels)) == {0, 255}


def test_an_animation_shows_its_first_frame() -> None:
    frames = [Image.new("L", (9, 9), grey) for grey in (30, 200)]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert np.abs(images.decode(data, 99).pixels.astype(int) - 30).max() <= 2


def test_a_large_picture_is_reduced_and_its_size_told() -> None:
    found = images.decode(encoded(picture(3000, 1500), "JPEG"), 800)
    assert found.pixels.shape == (400, 800, 3)
    assert (found.width, found.height) == (3000, 1500)


def test_a_small_picture_is_not_enlarged() -> None:
    assert images.decode(encoded(picture(9, 7)), 800).pixels.shape == (7, 9, 3)


def test_one_pixel_is_a_picture() -> None:
    assert images.decode(encoded(picture(1, 1)), 800).pixels.shape == (1, 1, 3)


def test_a_bomb_is_refused_by_its_header() -> None:
    with pytest.raises(TooLarge, match="megapixels"):
        images.decode(png_header(30000, 30000), 800)


def test_a_picture_beyond_the_limit_names_its_size() -> None:
    with pytest.raises(TooLarge, match="8000 x 4000 pixels"):
        images.decode(png_header(8000, 4000), 800)


def test_a_phones_50_megapixel_jpeg_is_read() -> None:
    data = encoded(Image.new("L", (8192, 6144), 200), "JPEG")
    assert images.decode(data, 800).pixels.shape == (600, 800, 3)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "GIF"])
def test_a_truncated_file_is_bad_input(kind: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    data = encoded(Image.fromarray(noise), kind)
    with pytest.raises(BadInput, match="damaged"):
        images.decode(data[: len(data) // 2], 99)


def with_scans(count: int, width: int = 30, height: int = 20) -> bytes:
    """A progressive JPEG whose last scan is there again and again."""
    data = encoded(picture(width, height), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    have = data.count(b"\xff\xda")
    return data[:-2] + data[last:-2] * (count - have) + data[-2:]


def test_a_jpeg_of_many_scans_is_refused_before_it_is_decoded() -> None:
    with pytest.raises(BadInput, match="more than 64 scans"):
        images.decode(with_scans(65), 99)
    assert images.decode(with_scans(64), 99).pixels.shape == (20, 30, 3)


def test_a_jpeg_of_many_segments_is_refused() -> None:
    data = encoded(picture(), "JPEG")
    with pytest.raises(BadInput, match="10000 segments"):
        images.decode(data[:2] + b"\xff\xfe\x00\x02" * 10_001 + data[2:], 99)


def test_what_follows_a_jpeg_is_not_taken_for_scans() -> None:
    data = encoded(picture(), "JPEG") + b"\xff\xda" * 1000  # as a phone appends a film
    assert images.decode(data, 99).pixels.shape == (20, 30, 3)


def png_with(kind: bytes, data: bytes) -> bytes:
    """A whole PNG with one more chunk behind its header."""
    whole = encoded(picture())
    chunk = struct.pack(">I", len(data)) + kind + data
    return whole[:33] + chunk + struct.pack(">I", zlib.crc32(kind + data)) + whole[33:]


@pytest.mark.parametrize(
    ("kind", "start"),
    [(b"zTXt", b"Comment\0\0"), (b"iTXt", b"Comment\0\1\0\0\0"), (b"iCCP", b"profile\0\0")],
)
def test_text_that_unpacks_to_a_lot_is_refused(kind: bytes, start: bytes) -> None:
    data = png_with(kind, start + zlib.compress(bytes(200_000_000)))
    tracemalloc.start()
    with pytest.raises(BadInput):
        images.decode(data, 99)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000_000


def test_texts_that_add_up_are_refused() -> None:
    text = b"Comment\0\0" + zlib.compress(bytes(900_000))
    data = png_with(b"zTXt", text)
    chunk = data[33 : data.index(b"IDAT") - 4]
    with pytest.raises(BadInput):
        images.decode(data[:33] + chunk * 3 + data[33:], 99)


def test_an_animation_of_many_frames_costs_one() -> None:
    frames = [Image.new("L", (9, 9), grey % 256) for grey in range(300)]
    for kind in ("GIF", "PNG", "WEBP"):
        data = encoded(frames[0], kind, save_all=True, append_images=frames[1:])
        assert images.decode(data, 99).pixels.shape == (9, 9, 3)


@pytest.mark.parametrize("kind", ["BMP", "GIF", "WEBP"])
def test_a_header_that_promises_too_much_is_refused(kind: str) -> None:
    data = bytearray(encoded(picture(), kind))
    if kind == "BMP":
        data[18:26] = struct.pack("<ii", 30_000, 30_000)
    elif kind == "GIF":
        data[6:10] = struct.pack("<HH", 60_000, 60_000)
    else:
        data[26:30] = struct.pack("<HH", 16_383, 16_383)  # VP8, 9.1
    with pytest.raises((TooLarge, BadInput), match=r"megapixels|no PNG"):
        images.decode(bytes(data), 99)


def test_an_empty_body_is_bad_input() -> None:
    with pytest.raises(BadInput, match="empty"):
        images.decode(b"", 99)


@pytest.mark.parametrize("data", [b"hello", b"%PDF-1.7", bytes(1000), b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_picture_is_bad_input(data: bytes) -> None:
    with pytest.raises(BadInput, match="no PNG, JPEG, WebP, BMP or GIF picture"):
        images.decode(data, 99)


def test_another_format_is_bad_input_even_where_pillow_reads_it() -> None:
    with pytest.raises(BadInput, match="no PNG"):
        images.decode(encoded(picture(), "TIFF"), 99)


def test_heic_is_told_by_name() -> None:
    with pytest.raises(BadInput, match="JPEG"):
        images.decode(b"\x00\x00\x00\x18ftypheic" + bytes(50), 99)


def test_flipped_bytes_never_do_worse_than_bad_input() -> None:
    random = np.random.default_rng(1)
    sources = [encoded(picture(), kind) for kind in ("PNG", "JPEG", "WEBP", "BMP", "GIF")]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for data in sources:
            for _ in range(60):
                bad = bytearray(data)
                for place in random.integers(0, len(bad), 4):
                    bad[place] = random.integers(256)
                with contextlib.suppress(BadInput, TooLarge):
                    assert images.decode(bytes(bad), 99).pixels.dtype == np.uint8


def test_pillow_is_imported_only_for_a_picture() -> None:
    code = "import sys, pi_edge.tasks.digits; print('PIL' in sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert result.stdout.strip() == "False"
