"""Photos through the tiny model: sizes, seams, blending."""

from __future__ import annotations

import io
from dataclasses import replace
from types import ModuleType

import numpy as np
import PIL.Image
import pytest
from numpy.typing import NDArray
from style_photos import waves

from pi_edge.errors import TooLarge
from pi_edge.tasks.style import blending, frames, memory, photo, render, tiling
from pi_edge.tasks.style.stylist import BORDER, MARGIN, MULTIPLE, Stylist

OPTIONS = render.Options(np.array([1, 0], np.float32))


def png(pixels: NDArray[np.uint8]) -> bytes:
    file = io.BytesIO()
    PIL.Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def rendered(stylist: Stylist, data: bytes, options: render.Options) -> NDArray[np.uint8]:
    """What comes out, as pixels."""
    import tempfile

    with tempfile.TemporaryFile() as file:
        render.render(stylist, photo.open_photo(data, 200), options, file, ".png")
        file.seek(0)
        return np.asarray(PIL.Image.open(file))


@pytest.mark.usefixtures("backend")
class TestBothBackends:
    @pytest.mark.parametrize("size", [(1, 1), (2, 300), (97, 131), (256, 192)])
    def test_the_picture_has_the_photos_size(self, stylist: Stylist, size: tuple[int, int]) -> None:
        assert rendered(stylist, png(waves(*size)), OPTIONS).shape == (*size, 3)

    def test_strength_nought_is_the_photo(self, stylist: Stylist) -> None:
        pixels = waves(97, 131)
        assert (rendered(stylist, png(pixels), replace(OPTIONS, strength=0.0)) == pixels).all()

    def test_an_alpha_channel_stays(self, stylist: Stylist) -> None:
        alpha = np.linspace(0, 255, 131).astype(np.uint8)
        pixels = np.dstack([waves(97, 131), np.tile(alpha, (97, 1))])
        picture = rendered(stylist, png(pixels), OPTIONS)
        assert (picture[..., 3] == alpha).all()

    @pytest.mark.parametrize("scale", ["fine", "bold"])
    def test_another_scale_gives_other_strokes_in_the_same_size(
        self, stylist: Stylist, scale: str
    ) -> None:
        data = png(waves(97, 131))
        picture = rendered(stylist, data, replace(OPTIONS, scale=scale)).astype(int)
        normal = rendered(stylist, data, OPTIONS)
        assert picture.shape == normal.shape
        assert np.abs(picture - normal).mean() > 0.5

    def test_a_photo_decoded_twice_gives_what_a_held_one_gives(
        self, stylist: Stylist, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        data = png(waves(300, 360))
        held = rendered(stylist, data, OPTIONS)
        monkeypatch.setattr(render, "HELD", 0)
        assert (rendered(stylist, data, OPTIONS) == held).all()

    def test_a_preview_is_small(self, stylist: Stylist) -> None:
        picture = rendered(stylist, png(waves(900, 1200)), replace(OPTIONS, preview=True))
        assert picture.shape == (480, 640, 3)


def test_tiles_agree_with_the_picture_untiled(stylist: Stylist) -> None:
    pixels = waves(400, 520)
    tile = stylist.tile(stylist.modulation(frames.windows(pixels), OPTIONS.style))

    def with_tiles(most: int) -> NDArray[np.float32]:
        grid = tiling.grid(*pixels.shape[:2], most, MARGIN, BORDER, MULTIPLE)
        rows = photo.HeldRows(pixels)
        return np.concatenate(list(render.styled_strips(tile, rows, grid, OPTIONS))).astype("f4")

    one, many = with_tiles(10**7), with_tiles(200 * 200)
    error = float(((one - many) ** 2).mean())
    assert 10 * np.log10(255**2 / max(error, 1e-9)) > 40


def test_where_tiles_meet_one_fades_into_the_other() -> None:
    made = iter(range(10, 250, 20))

    def tile(photo: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.full_like(photo, next(made))

    pixels = waves(250, 320)
    grid = tiling.grid(250, 320, 240 * 240, MARGIN, BORDER, MULTIPLE)
    strips = render.styled_strips(tile, photo.HeldRows(pixels), grid, OPTIONS)
    picture = np.concatenate(list(strips)).astype(int)
    assert picture.shape == pixels.shape
    assert len(np.unique(picture[::100, ::100])) > 2
    for axis, count in ((0, grid.columns.count), (1, 1)):
        # Between neighbours tiles differ by 20 or, from row to row, by 20 for each in a row.
        assert np.abs(np.diff(picture, axis=axis)).max() <= 20 * count // 16 + 2


def test_every_tile_is_reported(stylist: Stylist) -> None:
    pixels = waves(400, 520)
    tile = stylist.tile(stylist.modulation(frames.windows(pixels), OPTIONS.style))
    grid = tiling.grid(400, 520, 200 * 200, MARGIN, BORDER, MULTIPLE)
    told: list[tuple[int, int]] = []
    report = lambda *counts: told.append(counts)  # noqa: E731
    list(render.styled_strips(tile, photo.HeldRows(pixels), grid, OPTIONS, report))
    count = grid.tiles
    assert told == [(done, count) for done in range(1, count + 1)]


def test_preserved_colours_are_the_photos() -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(90, 160, (20, 30, 3), np.uint8)
    styled = np.clip(pixels + rng.normal(0, 20, pixels.shape), 60, 190).astype(np.float32)
    kept = blending.blend(styled.copy(), pixels, preserve_color=True).astype(np.float32)

    def chroma(p: NDArray[np.float32]) -> NDArray[np.float32]:
        return p - (p @ blending.LUMA)[..., None]

    assert np.abs(chroma(kept) - chroma(pixels.astype(np.float32))).max() < 1.5
    assert np.abs(kept @ blending.LUMA - styled @ blending.LUMA).max() < 1.5


def test_half_strength_lies_between() -> None:
    pixels = np.full((2, 2, 3), 100, np.uint8)
    styled = np.full((2, 2, 3), 200, np.float32)
    assert (blending.blend(styled, pixels, strength=0.5) == 150).all()


def test_more_memory_allows_larger_tiles_and_a_wider_picture_smaller_ones() -> None:
    assert memory.tile_pixels(150, 4000) < memory.tile_pixels(200, 4000)
    assert memory.tile_pixels(200, 10_000) < memory.tile_pixels(200, 4000)


def test_too_little_memory_is_said_with_what_would_do() -> None:
    with pytest.raises(TooLarge, match=r"needs \d+ MB: allow that with --max-memory") as caught:
        memory.tile_pixels(60, 4000)
    needed = int(str(caught.value).split("needs ")[1].split(" MB")[0])
    assert memory.tile_pixels(needed, 4000) > 0


def test_two_strips_at_once_do_not_mix(stylist: Stylist, backend: ModuleType) -> None:
    first, second = waves(60, 90), waves(60, 90)[::-1].copy()
    readers = [photo.open_photo(png(p), 200).strips(60, 90) for p in (first, second)]
    rows = np.empty((2, 60, 90, 3), np.uint8)
    for start in (0, 30):
        for index, reader in enumerate(readers):
            reader.read(rows[index, start : start + 30])
    for reader in readers:
        reader.close()
    assert (rows[0] == first).all()
    assert (rows[1] == second).all()
