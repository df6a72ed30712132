"""Routes that speak of digits, and those about the daemon itself."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from running import RunningDaemon
from support import ROOT

from pi_edge.model import Model


@pytest.fixture(scope="module")
def three(mnist: Path) -> bytes:
    """A picture of a three: a test image of MNIST, enlarged, as PNG."""
    with np.load(mnist) as data:
        image = data["x_test"][np.flatnonzero(data["y_test"] == 3)[0]]
    png = io.BytesIO()
    Image.fromarray(255 - image).resize((280, 280)).save(png, "PNG")
    return png.getvalue()


def as_form(picture: bytes, field: str = "image") -> tuple[bytes, dict[str, str]]:
    head = f'--b\r\nContent-Disposition: form-data; name="{field}"; filename="a.png"\r\n'
    body = head.encode() + b"Content-Type: image/png\r\n\r\n" + picture + b"\r\n--b--\r\n"
    return body, {"Content-Type": "multipart/form-data; boundary=b"}


def test_a_picture_as_the_body_is_read(daemon: RunningDaemon, three: bytes) -> None:
    answer = daemon.send("POST", "/tasks/digits", three).json()
    assert answer["digit"] == 3
    assert answer["number"] == "3"
    assert answer["model"] == "mnist-cnn"
    assert answer["id"]


def test_a_picture_as_form_field_gets_the_same_answer(daemon: RunningDaemon, three: bytes) -> None:
    plain = daemon.send("POST", "/tasks/digits", three).json()
    form = daemon.send("POST", "/tasks/digits", *as_form(three)).json()
    assert {**form, "id": 0} == {**plain, "id": 0}
    assert form["id"] != plain["id"]


def test_another_field_is_refused(daemon: RunningDaemon, three: bytes) -> None:
    answer = daemon.send("POST", "/tasks/digits", *as_form(three, "photo"))
    assert answer.status == 400
    assert '"image"' in answer.json()["error"]


def test_model_and_variant_can_be_chosen(daemon: RunningDaemon, three: bytes) -> None:
    answer = daemon.send("POST", "/tasks/digits?model=mnist-mlp&variant=int8", three).json()
    assert (answer["model"], answer["variant"]) == ("mnist-mlp", "int8")


def test_tensors_get_the_numbers_that_the_runtime_gives(
    daemon: RunningDaemon, shipped_models: Path
) -> None:
    image = np.random.default_rng(0).uniform(0, 255, (3, 28, 28)).astype(np.float32)
    tensor = {"name": "image", "shape": [3, 28, 28], "datatype": "FP32", "data": image.tolist()}
    answer = daemon.send("POST", "/v2/models/mnist-mlp/infer", {"inputs": [tensor]}).json()
    (output,) = answer["outputs"]
    folder = shipped_models / "mnist-mlp"
    expected = Model(folder / "float32.tflite").run({"image": image})["probabilities"]
    assert answer["id"]
    np.testing.assert_array_equal(np.array(output["data"], np.float32), expected.ravel())
    assert output["shape"] == [3, 10]


def test_status_tells_of_daemon_models_machine_and_light(daemon: RunningDaemon) -> None:
    status = daemon.status()
    assert status["state"] == "ready"
    assert status["pid"] == daemon.process.pid
    assert {"led", "runtime", "machine", "uptime", "version"} <= status.keys()
    model = status["models"]["mnist-mlp"]
    assert (model["state"], model["task"], model["reason"]) == ("ready", "digits", "")
    assert model["variants"]["int8"] == {"state": "ready"}


def samples(daemon: RunningDaemon) -> dict[str, float]:
    from prometheus_client.parser import text_string_to_metric_families

    answer = daemon.send("GET", "/metrics")
    assert answer.status == 200
    return {
        sample.name + "".join(f" {value}" for _, value in sorted(sample.labels.items())): (
            sample.value
        )
        for family in text_string_to_metric_families(answer.body.decode())
        for sample in family.samples
    }


def test_metrics_count_requests_and_inferences(daemon: RunningDaemon) -> None:
    route = "pi_edge_requests_total /v2/models/{name}/infer"
    inferences = "pi_edge_inferences_total double v1"
    daemon.infer("double", x=[1, 2, 3])
    before = samples(daemon)
    daemon.infer("double", x=[1, 2, 3])
    daemon.send("POST", "/v2/models/double/infer", b"nonsense")
    after = samples(daemon)
    assert after[f"{route} 200"] == before[f"{route} 200"] + 1
    assert after[f"{route} 400"] == before.get(f"{route} 400", 0) + 1
    assert after[inferences] == before[inferences] + 1
    seconds = "pi_edge_request_seconds_count /v2/models/{name}/infer"
    assert after[seconds] == before[seconds] + 2


def test_metrics_tell_states(daemon: RunningDaemon) -> None:
    now = samples(daemon)
    assert now["pi_edge_state ready"] == 1
    assert now["pi_edge_state failed"] == 0
    assert now["pi_edge_model_state mnist-cnn ready int8"] == 1


def test_made_up_paths_make_no_metrics(daemon: RunningDaemon) -> None:
    for number in range(5):
        daemon.send("GET", f"/made-up-{number}")
        daemon.send("GET", f"/v2/models/made-up-{number}")
    assert not [name for name in samples(daemon) if "made-up" in name]


def test_the_page_is_small_and_needs_nothing_from_elsewhere(daemon: RunningDaemon) -> None:
    answer = daemon.send("GET", "/")
    assert answer.headers["content-type"].startswith("text/html")
    assert b"://" not in answer.body
    folder = ROOT / "pi_edge" / "server" / "pages"
    parts = [file.name for file in folder.iterdir() if file.suffix not in (".html", ".css")]
    answers = [daemon.send("GET", f"/page/{name}") for name in parts]
    assert [part.status for part in answers] == [200] * len(parts)
    assert len(answer.body) + sum(len(part.body) for part in answers) < 150_000


def test_head_has_no_body(daemon: RunningDaemon) -> None:
    for path in ("/", "/status", "/v2/health/ready"):
        answer = daemon.send("HEAD", path)
        assert (answer.status, answer.body) == (200, b"")


def pages_taken(pid: int) -> int:
    """How often a process took a page of memory that it did not have."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[7])


def test_photo_after_photo_is_read_in_the_same_memory(daemon: RunningDaemon) -> None:
    photo = (ROOT / "docs/pictures/seven.jpg").read_bytes()
    for _ in range(3):
        daemon.send("POST", "/tasks/digits", photo)
    before = pages_taken(daemon.process.pid)
    for _ in range(5):
        daemon.send("POST", "/tasks/digits", photo)
    assert pages_taken(daemon.process.pid) - before < 1000  # it was four thousand for each
