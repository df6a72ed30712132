"""The digits task: what it takes, what it answers, and how it finds digits in a picture."""

import io
import json
from pathlib import Path

import numpy as np
import photos
import pytest
from handwriting import glyph
from PIL import Image
from troubles import PLAIN

from pi_edge.errors import BadInput, NotFound, PiEdgeError, TooLarge
from pi_edge.model import Model
from pi_edge.tasks import digits, ink

JSON = "application/json"


@pytest.fixture(scope="module")
def model(shipped_models: Path) -> Model:
    return Model(shipped_models / "mnist-cnn" / "float32.tflite")


@pytest.fixture(scope="module")
def test_set(mnist: Path) -> tuple[np.ndarray, np.ndarray]:
    with np.load(mnist) as data:
        return data["x_test"], data["y_test"]


@pytest.fixture(scope="module")
def samples(test_set: tuple[np.ndarray, np.ndarray]) -> dict[int, np.ndarray]:
    return photos.by_digit(*test_set)


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def sheet(*rows: str, height: int = 90) -> np.ndarray:
    """Black polyline digits on white, uint8 [h, w]; each row of ``rows`` a line of them."""
    random = np.random.default_rng(3)
    page = np.full((len(rows) * height * 2, height * 2 * max(map(len, rows))), 255.0)
    for line, row in enumerate(rows):
        for place, digit in enumerate(row):
            if digit != " ":
                mark = glyph(int(digit), height, 0.09, random, {}, "polyline")
                top, left = line * height * 2 + height // 2, place * height * 2 + height // 2
                page[top : top + mark.shape[0], left : left + mark.shape[1]] -= 235 * mark
    return page.clip(0, 255).astype(np.uint8)


def read(model: Model, data: bytes) -> dict:
    return digits.answer(digits.from_body(data, "image/png"), model.run)


def number(model: Model, image: Image.Image, kind: str = "PNG", **options: object) -> str:
    return read(model, encoded(image, kind, **options))["number"]


# --- 784 numbers --------------------------------------------------------------------------------


def test_784_numbers_reach_the_network_as_they_are(model: Model, test_set: tuple) -> None:
    pixels = test_set[0][17]
    body = json.dumps({"pixels": pixels.reshape(-1).tolist()}).encode()
    answer = digits.answer(digits.from_body(body, JSON), model.run)
    expected = model.run({"image": pixels[None].astype(np.float32)})["probabilities"][0]
    assert answer["digits"][0]["probabilities"] == expected.tolist()


def test_28_rows_of_28_are_784_numbers(model: Model, test_set: tuple) -> None:
    body = json.dumps({"pixels": test_set[0][17].tolist()}).encode()
    answer = digits.answer(digits.from_body(body, JSON), model.run)
    assert answer["digit"] == test_set[1][17]


def test_784_zeros_are_no_digit(model: Model) -> None:
    body = json.dumps({"pixels": [0] * 784}).encode()
    assert digits.answer(digits.from_body(body, JSON), model.run)["number"] == ""


def test_dark_digits_among_784_numbers_are_turned(model: Model, test_set: tuple) -> None:
    body = json.dumps({"pixels": (255 - test_set[0][17]).reshape(-1).tolist()}).encode()
    answer = digits.answer(digits.from_body(body, JSON), model.run)
    assert answer["digit"] == test_set[1][17]


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ('{"pixels": [1, 2, 3]}', "784 numbers from 0 to 255, not 3"),
        (json.dumps({"pixels": [300] * 784}), "from 0 to 255, not 300"),
        (json.dumps({"pixels": [-1] * 784}), "from 0 to 255, not -1"),
        (json.dumps({"pixels": [float("nan")] * 784}), "NaN"),
        (json.dumps({"pixels": [float("inf")] * 784}), "infinity"),
        (json.dumps({"pixels": ["a"] * 784}), "784 numbers"),
        (json.dumps({"pixels": [None] * 784}), "784 numbers"),
        (json.dumps({"pixels": [True] * 784}), "784 numbers"),
        (json.dumps({"pixels": [[1], [2, 3]]}), "784 numbers"),
        (json.dumps({"pixels": [10**400] * 784}), "784 numbers"),
        (json.dumps({"pixels": [0.5] * 784}), "send 0 to 255, not 0 to 1"),
        (json.dumps({"pixels": "abc"}), "784 numbers"),
        (json.dumps({"picture": []}), "784 numbers"),
        ("[1, 2]", "784 numbers"),
        ("{", "not JSON"),
        ("", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ('{"pixels": "\xff"}', "not JSON"),
    ],
)
def test_other_json_is_bad_input(body: str, complaint: str) -> None:
    with pytest.raises(BadInput, match=complaint):
        digits.from_body(body.encode("latin-1"), JSON)


def test_an_npy_file_of_784_numbers_is_read(model: Model, test_set: tuple, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", test_set[0][17])
    answer = digits.answer(digits.from_argument(str(tmp_path / "a.npy")), model.run)
    assert answer["digit"] == test_set[1][17]


def test_an_npy_file_of_another_size_is_bad_input(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((2, 28, 28)))
    with pytest.raises(BadInput, match=r"784 numbers from 0 to 255, not shape \[2, 28, 28\]"):
        digits.from_argument(str(tmp_path / "a.npy"))


def test_an_npy_file_that_promises_too_much_is_bad_input(tmp_path: Path) -> None:
    out = io.BytesIO()
    header = {"descr": "<f8", "fortran_order": False, "shape": (10**9, 10**6)}
    np.lib.format.write_array_header_1_0(out, header)
    with pytest.raises(BadInput, match="784 numbers"):
        digits.from_body(out.getvalue(), "")


@pytest.mark.parametrize(
    "header", [b"{'descr': '<f4', 'shape': (", b"(" * 60, b"{1: 2}", b"'", b"\0" * 60]
)
def test_an_npy_file_whose_header_makes_no_sense_is_bad_input(header: bytes) -> None:
    padded = header.ljust(63) + b"\n"
    with pytest.raises(BadInput, match="damaged"):
        digits.from_body(b"\x93NUMPY\x01\0" + len(padded).to_bytes(2, "little") + padded, "")


def test_an_npy_file_of_objects_is_bad_input(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([None] * 784), allow_pickle=True)
    with pytest.raises(BadInput):
        digits.from_argument(str(tmp_path / "a.npy"))


def test_a_truncated_npy_file_is_bad_input(tmp_path: Path) -> None:
    out = io.BytesIO()
    np.save(out, np.zeros(784))
    for length in (6, 8, 20, 200):
        with pytest.raises(BadInput):
            digits.from_body(out.getvalue()[:length], "")


def test_a_missing_file_is_not_found() -> None:
    with pytest.raises(NotFound, match="there is no file /no/such"):
        digits.from_argument("/no/such")


def test_a_folder_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot read"):
        digits.from_argument(str(tmp_path))


def test_a_file_without_end_is_too_large() -> None:
    with pytest.raises(TooLarge):
        digits.from_argument("/dev/zero")


# --- MNIST's own pictures -----------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P"])
def test_mnists_own_picture_reaches_the_network_as_it_is(
    model: Model, test_set: tuple, mode: str
) -> None:
    pixels = test_set[0][4321]
    answer = read(model, encoded(Image.fromarray(pixels).convert(mode)))
    expected = model.run({"image": pixels[None].astype(np.float32)})["probabilities"][0]
    assert answer["digits"][0]["probabilities"] == expected.tolist()


def test_mnists_own_picture_in_negative_is_the_same(model: Model, test_set: tuple) -> None:
    pixels = test_set[0][4321]
    assert read(model, encoded(Image.fromarray(255 - pixels))) == read(
        model, encoded(Image.fromarray(pixels))
    )


def test_every_mnist_picture_is_known_as_such(test_set: tuple) -> None:
    for pixels in test_set[0][::20]:
        request = digits.from_body(encoded(Image.fromarray(pixels)), "")
        (reading,) = request.readings()
        assert np.array_equal(reading.images[0], pixels)


# --- pictures -----------------------------------------------------------------------------------


def test_a_digit_is_read_with_ten_probabilities(model: Model) -> None:
    answer = read(model, encoded(Image.fromarray(sheet("3"))))
    assert (answer["number"], answer["digit"]) == ("3", 3)
    assert len(answer["digits"][0]["probabilities"]) == 10
    assert sum(answer["digits"][0]["probabilities"]) == pytest.approx(1, abs=1e-3)


def test_several_digits_are_read_from_left_to_right(model: Model) -> None:
    answer = read(model, encoded(Image.fromarray(sheet("4093"))))
    assert (answer["number"], answer["digit"]) == ("4093", None)
    lefts = [digit["box"][0] for digit in answer["digits"]]
    assert lefts == sorted(lefts)


def test_a_box_frames_its_digit(model: Model) -> None:
    page = sheet("25")
    for digit in read(model, encoded(Image.fromarray(page)))["digits"]:
        left, top, right, bottom = digit["box"]
        half = np.s_[:, : page.shape[1] // 2] if left < 90 else np.s_[:, page.shape[1] // 2 :]
        offset = 0 if left < 90 else page.shape[1] // 2
        rows, columns = np.nonzero(page[half] < 128)
        assert left == pytest.approx(columns.min() + offset, abs=3)
        assert right == pytest.approx(columns.max() + 1 + offset, abs=3)
        assert top == pytest.approx(rows.min(), abs=3)
        assert bottom == pytest.approx(rows.max() + 1, abs=3)


def test_boxes_are_in_pixels_of_the_picture_sent(model: Model) -> None:
    image = Image.fromarray(sheet("7"))
    small = read(model, encoded(image))["digits"][0]["box"]
    large = image.resize((image.width * 12, image.height * 12))
    found = read(model, encoded(large))["digits"][0]["box"]
    assert found == pytest.approx([12 * v for v in small], abs=30)


def test_exif_rotation_is_undone_and_the_box_is_in_the_upright_picture(model: Model) -> None:
    image = Image.fromarray(sheet("2", height=120))
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = encoded(image.transpose(Image.Transpose.ROTATE_90), "JPEG", exif=exif, quality=95)
    upright = read(model, encoded(image))
    found = read(model, turned)
    assert found["number"] == "2"
    assert found["digits"][0]["box"] == pytest.approx(upright["digits"][0]["box"], abs=3)


@pytest.mark.parametrize(
    ("kind", "options"),
    [("JPEG", {"quality": 30}), ("WEBP", {}), ("BMP", {}), ("GIF", {}), ("PNG", {})],
)
def test_every_format_is_read(model: Model, kind: str, options: dict) -> None:
    assert number(model, Image.fromarray(sheet("69")), kind, **options) == "69"


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "I;16"])
def test_every_mode_is_read(model: Model, mode: str) -> None:
    page = sheet("58")
    if mode == "I;16":
        image = Image.fromarray(page.astype(np.uint16) * 257)
    else:
        image = Image.fromarray(page).convert(mode)
    assert number(model, image) == "58"


def test_cmyk_is_read(model: Model) -> None:
    assert number(model, Image.fromarray(sheet("58")).convert("CMYK"), "JPEG") == "58"


def test_light_digits_on_dark_are_read(model: Model) -> None:
    assert number(model, Image.fromarray(255 - sheet("806"))) == "806"


def test_ink_on_a_transparent_ground_is_read(model: Model) -> None:
    page = sheet("37")
    image = Image.new("RGBA", (page.shape[1], page.shape[0]), (20, 30, 120, 0))
    image.putalpha(Image.fromarray(255 - page))
    assert number(model, image) == "37"


def test_coloured_ink_is_read(model: Model) -> None:
    page = sheet("64").astype(np.float32)[..., None] / 255
    for colour in [(200, 30, 40), (30, 60, 170), (20, 120, 60)]:
        rgb = (page * 250 + (1 - page) * np.array(colour)).astype(np.uint8)
        assert number(model, Image.fromarray(rgb)) == "64"


def test_a_5_whose_bar_stands_aside_is_one_digit(model: Model) -> None:
    page = np.full((300, 300), 255, np.uint8)
    mark = 255 - sheet("5")
    page[60:240, 60:240] = 255 - mark
    rows = np.flatnonzero((page < 128).any(1))
    cut = rows[0] + 14
    page[cut : cut + 4] = 255  # the pen left the paper below the bar
    answer = read(model, encoded(Image.fromarray(page)))
    assert answer["number"] == "5"


def test_the_inside_of_a_zero_is_not_taken_for_ink(model: Model) -> None:
    assert number(model, Image.fromarray(sheet("0"))) == "0"
    assert number(model, Image.fromarray(255 - sheet("0"))) == "0"


# --- nothing to read ----------------------------------------------------------------------------


def blank(model: Model, pixels: np.ndarray) -> dict:
    return read(model, encoded(Image.fromarray(pixels.clip(0, 255).astype(np.uint8))))


@pytest.mark.parametrize("grey", [0, 40, 128, 255])
def test_a_blank_page_has_no_digit_and_says_so(model: Model, grey: int) -> None:
    assert blank(model, np.full((300, 400), grey)) == {
        "number": "",
        "digit": None,
        "digits": [],
        "message": "no digit found",
    }


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (1, 500), (28, 28), (9, 9)])
def test_a_tiny_blank_picture_has_no_digit(model: Model, size: tuple[int, int]) -> None:
    assert blank(model, np.full(size, 200.0))["number"] == ""


@pytest.mark.parametrize("deviation", [2, 8, 20])
def test_a_noisy_page_has_no_digit(model: Model, deviation: float) -> None:
    random = np.random.default_rng(2)
    assert blank(model, 200 + random.normal(0, deviation, (480, 640)))["number"] == ""


@pytest.mark.parametrize("rules", ["lines", "squares"])
@pytest.mark.parametrize("tilt", [0.0, 4.0, -12.0])
def test_a_ruled_page_has_no_digit(model: Model, rules: str, tilt: float) -> None:
    random = np.random.default_rng(5)
    page = PLAIN.__class__(rules=rules, rule_ink="dark", margin=True, tilt=tilt, jpeg=60)
    assert read(model, photos.take("", page, random, {}).data)["number"] == ""


@pytest.mark.parametrize("shadow", ["soft", "hard", "finger"])
def test_a_shadow_on_a_blank_page_is_no_digit(model: Model, shadow: str) -> None:
    random = np.random.default_rng(6)
    page = PLAIN.__class__(shadow=shadow, gradient=0.5)
    assert read(model, photos.take("", page, random, {}).data)["number"] == ""


@pytest.mark.parametrize("shape", [(1, 1), (5, 5), (28, 28), (3, 900), (900, 2), (40, 700)])
@pytest.mark.filterwarnings("error")
def test_a_picture_of_any_shape_is_answered_without_a_warning(
    model: Model, shape: tuple[int, int]
) -> None:
    random = np.random.default_rng(8)
    assert "number" in blank(model, random.integers(0, 256, shape).astype(float))


def test_no_digit_reads_as_a_sentence() -> None:
    assert digits.to_text({"digits": []}) == "no digit found"


# --- the answer ---------------------------------------------------------------------------------


def test_text_tells_the_number_and_each_digits_probability(model: Model) -> None:
    text = digits.to_text(read(model, encoded(Image.fromarray(sheet("42")))))
    first, four, two = text.splitlines()
    assert first == "42"
    assert four.split()[0] == "4"
    assert two.split()[0] == "2"
    assert "%" in four


def test_an_answer_is_ready_for_json(model: Model) -> None:
    answer = read(model, encoded(Image.fromarray(sheet("42"))))
    assert json.loads(json.dumps(answer)) == answer


def test_a_model_that_does_not_answer_with_probabilities_is_told() -> None:
    request = digits.from_body(encoded(Image.fromarray(sheet("4"))), "")
    with pytest.raises(PiEdgeError, match="it reads no digits"):
        digits.answer(request, lambda inputs: {"y": inputs["image"]})


def test_luma_keeps_grey_exactly() -> None:
    ramp = np.arange(256, dtype=np.uint8)
    assert np.array_equal(ink.grey(np.stack([ramp] * 3, -1)[None])[0], ramp)
