"""POST /tasks/style of a running daemon: pictures, formats and errors."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from running import RunningDaemon
from style_client import PATH, encoded, style_daemon, waves

PHOTO = waves(120, 160)


@pytest.fixture(scope="module")
def daemon(
    tmp_path_factory: pytest.TempPathFactory, shipped_models: Path
) -> Iterator[RunningDaemon]:
    with style_daemon(tmp_path_factory.mktemp("style"), shipped_models) as running:
        yield running
        assert running.status()["state"] == "ready"
        assert "Traceback" not in running.log.read_text()


def pixels(body: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(body)) as image:
        return np.asarray(image.convert("RGB")).astype(int)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_the_picture_has_the_size_and_the_format_of_the_photo(
    daemon: RunningDaemon, kind: str
) -> None:
    answer = daemon.send("POST", PATH, encoded(PHOTO, kind))
    assert answer.status == 200, answer.body
    assert answer.headers["content-type"] == f"image/{kind.lower()}"
    with Image.open(io.BytesIO(answer.body)) as image:
        assert (image.format, image.size) == (kind, (160, 120))
    assert np.abs(pixels(answer.body) - PHOTO).mean() > 5


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp", "tiff"])
def test_accept_names_another_format(daemon: RunningDaemon, kind: str) -> None:
    photo = encoded(PHOTO, "PNG" if kind == "jpeg" else "JPEG")
    answer = daemon.send("POST", PATH, photo, {"Accept": f"text/html, image/{kind};q=0.9, */*"})
    assert answer.headers["content-type"] == f"image/{kind}"
    assert Image.open(io.BytesIO(answer.body)).format == kind.upper()


def test_headers_name_the_answer_the_model_and_the_variant(daemon: RunningDaemon) -> None:
    first, second = (daemon.send("POST", PATH, encoded(PHOTO)).headers for _ in range(2))
    assert (first["x-model"], first["x-variant"]) == ("style", "float32")
    assert first["x-request-id"] != second["x-request-id"]


@pytest.mark.parametrize("field", ["image", "file"])
def test_a_form_gets_the_same_picture(daemon: RunningDaemon, field: str) -> None:
    photo = encoded(PHOTO)
    body = b'--b\r\nContent-Disposition: form-data; name="note"\r\n\r\nhello\r\n--b\r\n'
    body += f'Content-Disposition: form-data; name="{field}"; filename="a.png"\r\n'.encode()
    body += b"Content-Type: image/png\r\n\r\n" + photo + b"\r\n--b--\r\n"
    form = daemon.send("POST", PATH, body, {"Content-Type": "multipart/form-data; boundary=b"})
    assert form.status == 200, form.body
    assert form.body == daemon.send("POST", PATH, photo).body


def test_a_compressed_body_gets_the_same_picture(daemon: RunningDaemon) -> None:
    photo = encoded(PHOTO)
    packed = daemon.send("POST", PATH, gzip.compress(photo), {"Content-Encoding": "gzip"})
    assert packed.body == daemon.send("POST", PATH, photo).body


def test_styles_mix(daemon: RunningDaemon) -> None:
    photo = encoded(PHOTO)
    alone, whole, mixed = (
        pixels(daemon.send("POST", f"/tasks/style?{query}", photo).body)
        for query in (
            "style=scream",
            "styles=great-wave=0,scream=2",
            "styles=great-wave=0.5,scream=0.5",
        )
    )
    assert (alone == whole).all()
    assert (alone != mixed).any()


def test_strength_0_leaves_the_photo(daemon: RunningDaemon) -> None:
    answer = daemon.send("POST", f"{PATH}&strength=0", encoded(PHOTO))
    assert (pixels(answer.body) == PHOTO).all()


def test_the_photos_colours_can_be_kept(daemon: RunningDaemon) -> None:
    grey = np.repeat(PHOTO[:, :, :1], 3, 2)
    answer = daemon.send("POST", f"{PATH}&preserve_color=true", encoded(grey))
    kept = pixels(answer.body)
    assert np.ptp(kept, axis=2).max() <= 2


def test_a_preview_is_small(daemon: RunningDaemon) -> None:
    answer = daemon.send("POST", f"{PATH}&preview=true", encoded(waves(900, 1200), "JPEG"))
    assert pixels(answer.body).shape == (480, 640, 3)


def test_strokes_come_in_sizes(daemon: RunningDaemon) -> None:
    photo = encoded(PHOTO)
    fine, bold = (
        pixels(daemon.send("POST", f"{PATH}&scale={scale}", photo).body)
        for scale in ("fine", "bold")
    )
    assert fine.shape == bold.shape == PHOTO.shape
    assert (fine != bold).any()


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("style=monet", 404, "there is no style 'monet'; there are great-wave, scream"),
        ("", 400, "name a style"),
        ("style=scream&styles=scream=1", 400, "not both"),
        ("styles=scream=x", 400, "is no style and weight"),
        ("styles=scream=-1", 400, "must be 0 or more"),
        ("styles=scream=nan", 400, "must be 0 or more"),
        ("styles=scream=0", 400, "above 0"),
        ("style=scream&strength=2", 400, "strength must be a number from 0 to 1, not '2'"),
        ("style=scream&strength=nan", 400, "strength"),
        ("style=scream&strength=much", 400, "strength"),
        ("style=scream&scale=huge", 400, "scale must be one of fine, normal, bold"),
        ("style=scream&preview=perhaps", 400, "preview must be true or false"),
        ("style=scream&preserve_color=2", 400, "preserve_color must be true or false"),
        ("style=scream&model=none", 404, "there is no model 'none'"),
        ("style=scream&model=mnist-mlp", 400, "for the task 'digits', not 'style'"),
        ("style=scream&variant=int3", 404, "no variant 'int3'"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    daemon: RunningDaemon, query: str, status: int, said: str
) -> None:
    answer = daemon.send("POST", f"/tasks/style?{query}", encoded(PHOTO))
    assert answer.status == status
    assert answer.json().keys() == {"error"}
    assert said in answer.json()["error"]


@pytest.mark.parametrize(
    ("body", "headers", "status", "said"),
    [
        (b"", {}, 400, "empty"),
        (b"no picture", {}, 400, "no picture that can be read"),
        (encoded(waves(300, 400), "JPEG")[:4000], {}, 400, "damaged"),
        (encoded(np.zeros((8, 40_000, 3), np.uint8)), {}, 413, "style_memory"),
        (b"--b--", {"Content-Type": "multipart/form-data; boundary=b"}, 400, '"image"'),
        (b"nonsense", {"Content-Type": "multipart/form-data; boundary=b"}, 400, "form"),
        (b"x", {"Content-Type": "multipart/form-data"}, 400, "boundary"),
        (b"x", {"Content-Encoding": "gzip"}, 400, "not valid gzip"),
        (b"x", {"Content-Encoding": "br"}, 415, "send gzip or deflate"),
        (b"x", {"Content-Length": "999999999999"}, 413, "max_body"),
    ],
)
def test_a_bad_body_is_one_line(
    daemon: RunningDaemon, body: bytes, headers: dict[str, str], status: int, said: str
) -> None:
    answer = daemon.send("POST", PATH, body, headers)
    assert answer.status == status, answer.body
    assert answer.json().keys() == {"error"}
    assert said in answer.json()["error"]


def test_get_is_refused(daemon: RunningDaemon) -> None:
    answer = daemon.send("GET", PATH)
    assert (answer.status, answer.headers["allow"]) == (405, "POST")


def test_a_quarantined_model_is_unavailable(tmp_path: Path, shipped_models: Path) -> None:
    folder = tmp_path / "models" / "style"  # one's own, which wins over the shipped one
    folder.mkdir(parents=True)
    (folder / "model.json").write_text("{")
    with style_daemon(tmp_path, shipped_models) as daemon:
        assert daemon.model_state("style") == "quarantined"
        answer = daemon.send("POST", PATH, encoded(PHOTO))
        assert answer.status == 503
        assert "is quarantined" in answer.json()["error"]


def test_status_tells_the_styles(daemon: RunningDaemon) -> None:
    model = daemon.status()["models"]["style"]
    assert (model["task"], model["styles"]) == ("style", ["great-wave", "scream"])


def test_an_unknown_task_lists_style_too(daemon: RunningDaemon) -> None:
    answer = daemon.send("POST", "/tasks/none", b"x")
    assert answer.status == 404
    assert "style" in answer.json()["error"]


def test_a_model_file_that_fails_is_the_childs_end_only(
    tmp_path: Path, shipped_models: Path
) -> None:
    with style_daemon(tmp_path, shipped_models) as daemon:
        told = tmp_path / "shipped" / "style" / "model.json"
        document = json.loads(told.read_text())
        del document["variants"]["float32"]["folding"]
        told.write_text(json.dumps(document))
        answer = daemon.send("POST", PATH, encoded(PHOTO))
        assert answer.status == 500
        assert answer.json().keys() == {"error"}
        assert daemon.status()["state"] == "ready"
