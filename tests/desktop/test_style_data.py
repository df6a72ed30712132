"""Photos and paintings: where they come from, and any picture file that a user may have."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from made_pictures import made_photo, write_paintings, write_photos
from PIL import Image
from support import missing

from pi_edge.desktop.style import data
from pi_edge.errors import BadInput, NotFound, WrongUsage


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No data beside the checkout; the folder where they would be."""
    monkeypatch.setattr(data, "BESIDE_CHECKOUT", tmp_path / "shared" / "data")
    monkeypatch.delenv("PI_EDGE_DATA", raising=False)
    return tmp_path / "shared" / "data"


def test_a_folder_of_one_s_own_is_taken_pictures_only_in_order(tmp_path: Path) -> None:
    folder = write_photos(tmp_path / "mine", 3)
    (folder / "notes.txt").write_text("none of these is a picture")
    (folder / ".hidden.png").touch()
    assert [path.name for path in data.find_photos(folder)] == [
        "photo-0.png",
        "photo-1.png",
        "photo-2.png",
    ]


def test_without_one_the_data_folder_beside_the_checkout_is_looked_into(nowhere: Path) -> None:
    write_photos(nowhere / "photos" / "train", 2)
    write_photos(nowhere / "photos" / "val", 1)
    assert len(data.find_photos()) == 2
    assert len(data.find_photos(part=data.HELD_OUT)) == 1


def test_the_folder_in_the_environment_wins(
    nowhere: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_photos(nowhere / "photos" / "train", 2)
    write_photos(tmp_path / "elsewhere" / "photos" / "train", 3)
    monkeypatch.setenv("PI_EDGE_DATA", str(tmp_path / "elsewhere"))
    assert len(data.find_photos()) == 3


def test_missing_photos_are_one_line_that_names_the_flag(nowhere: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"no photos \(looked for .*train\).*--photos") as caught:
        data.find_photos()
    assert "\n" not in str(caught.value)
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotFound, match=r"no picture in .*empty"):
        data.find_photos(tmp_path / "empty")


def test_missing_paintings_are_one_line_that_names_the_flag(nowhere: Path) -> None:
    with pytest.raises(NotFound, match=r"great-wave-hokusai\.jpg.*--paintings") as caught:
        data.find_paintings()
    assert "\n" not in str(caught.value)


def test_paintings_of_one_s_own_are_called_as_their_files(tmp_path: Path) -> None:
    folder = write_paintings(tmp_path / "mine", "Zebra Crossing", "Mona_Lisa (1503)")
    assert [painting.name for painting in data.find_paintings(folder)] == [
        "mona_lisa-1503",
        "zebra-crossing",
    ]


def test_two_paintings_of_one_name_are_refused(tmp_path: Path) -> None:
    folder = write_paintings(tmp_path / "mine", "sea 1", "sea-1")
    with pytest.raises(BadInput, match=r"two paintings in .* would be called sea-1"):
        data.find_paintings(folder)


def test_the_built_in_five_are_beside_the_checkout() -> None:
    try:
        found = data.find_paintings()
    except NotFound as error:
        missing(str(error))
    assert [p.name for p in found] == ["great-wave", "scream", "shipwreck", "starry-night", "udnie"]


@pytest.mark.parametrize("name", ["", "-x", "Mine", "a b", "a=1", "a,b", "x" * 65])
def test_a_name_that_cannot_be_typed_in_a_mix_is_refused(name: str) -> None:
    with pytest.raises(WrongUsage, match="cannot be a style's name"):
        data.check_style_name(name, [])


def test_a_name_that_is_taken_is_refused() -> None:
    with pytest.raises(WrongUsage, match="there is a style called udnie already"):
        data.check_style_name("udnie", ["scream", "udnie"])


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "I;16", "1"])
def test_any_mode_becomes_three_colours(mode: str, tmp_path: Path) -> None:
    path = tmp_path / "picture.tiff"
    grey = Image.fromarray(made_photo(1)).convert("L")
    picture = (
        Image.fromarray(np.asarray(grey).astype(np.uint16))
        if mode == "I;16"
        else grey.convert(mode)
    )
    picture.save(path)
    loaded = data.load(path)
    assert (loaded.shape, loaded.dtype) == ((96, 120, 3), np.uint8)


def test_a_dark_sixteen_bit_picture_keeps_its_contrast(tmp_path: Path) -> None:
    ramp = np.linspace(0, 65535, 120).astype(np.uint16)
    Image.fromarray(np.tile(ramp, (96, 1))).save(tmp_path / "ramp.png")
    loaded = data.load(tmp_path / "ramp.png")
    assert loaded[0, 0, 0] == 0
    assert loaded[0, -1, 0] == 255
    assert abs(int(loaded[0, 60, 0]) - 128) <= 2


def test_transparency_lies_over_white(tmp_path: Path) -> None:
    Image.new("RGBA", (70, 70), (255, 0, 0, 0)).save(tmp_path / "clear.png")
    assert (data.load(tmp_path / "clear.png") == 255).all()


def test_a_photo_is_turned_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # rotated by 90 degrees
    Image.fromarray(made_photo(1)).save(tmp_path / "turned.jpg", exif=exif)
    assert data.load(tmp_path / "turned.jpg").shape == (120, 96, 3)


def test_sizes_are_what_was_asked_for(tmp_path: Path) -> None:
    Image.fromarray(made_photo(1, 200, 300)).save(tmp_path / "photo.png")
    assert data.load(tmp_path / "photo.png", shorter=100).shape == (100, 150, 3)
    assert data.load(tmp_path / "photo.png", longest=150).shape == (100, 150, 3)
    assert data.load(tmp_path / "photo.png", longest=400).shape == (200, 300, 3)


@pytest.mark.parametrize("contents", [b"", b"no picture", b"\x89PNG\r\n\x1a\n and then nothing"])
def test_what_is_no_picture_is_said_in_one_line(contents: bytes, tmp_path: Path) -> None:
    path = tmp_path / "broken.png"
    path.write_bytes(contents)
    with pytest.raises(BadInput, match=r"broken\.png") as caught:
        data.load(path)
    assert "\n" not in str(caught.value)


def test_a_truncated_picture_and_a_tiny_one_are_said(tmp_path: Path) -> None:
    whole = tmp_path / "whole.png"
    Image.fromarray(made_photo(1)).save(whole)
    (tmp_path / "half.png").write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(BadInput, match=r"half\.png cannot be read"):
        data.load(tmp_path / "half.png")
    Image.new("RGB", (300, 20)).save(tmp_path / "tiny.png")
    with pytest.raises(BadInput, match=r"300 x 20 pixels: at least 64"):
        data.load(tmp_path / "tiny.png")


def test_photos_come_without_their_frame(tmp_path: Path) -> None:
    picture = np.full((80, 90, 3), 200, np.uint8)
    picture[:3], picture[-3:], picture[:, :3], picture[:, -3:] = 0, 0, 0, 0
    Image.fromarray(picture).save(tmp_path / "framed.png")
    (photo,) = data.load_photos([tmp_path / "framed.png"])
    assert photo.shape == (74, 84, 3)
    assert (photo == 200).all()


def test_of_very_many_photos_an_even_choice_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data, "MOST_PHOTOS", 3)
    paths = data.find_photos(write_photos(tmp_path / "many", 5))
    photos = data.load_photos(paths)
    assert len(photos) == 3
    np.testing.assert_array_equal(photos[1], data.load(paths[2])[3:-3, 3:-3])


def test_the_middle_of_a_photo_is_square() -> None:
    photo = np.zeros((60, 100, 3), np.uint8)
    photo[:, 20:80] = 255
    assert (data.middle(photo, 60) == 255).all()
    assert data.middle(photo, 30).shape == (30, 30, 3)


def test_a_painting_is_named_by_its_file_or_by_its_style(
    style_pictures: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    waves = style_pictures / "paintings" / "waves.png"
    assert data.named_painting(str(waves)) == waves
    known = [data.Painting("scream", waves)]
    monkeypatch.setattr(data, "find_paintings", lambda: known)
    monkeypatch.chdir(tmp_path)
    assert data.named_painting("scream") == waves
    with pytest.raises(NotFound, match="no picture at monet; built-in paintings are great-wave"):
        data.named_painting("monet")
