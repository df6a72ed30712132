"""POST /tasks/digits/examples keeps what a picture would have been read as rightly."""

from __future__ import annotations

import io
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from prometheus_client.parser import text_string_to_metric_families
from running import Answer, RunningDaemon, running_daemon

from pi_edge.cli import main
from pi_edge.examples import Example, Examples

ROUTE = "/tasks/digits/examples"


@pytest.fixture(scope="module")
def digits(mnist: Path) -> dict[int, np.ndarray]:
    """A test image of MNIST for each digit."""
    with np.load(mnist) as data:
        images, labels = data["x_test"], data["y_test"]
    return {digit: images[labels == digit][0] for digit in range(10)}


def picture(*images: np.ndarray) -> bytes:
    """These digits beside each other, dark on white, as a PNG."""
    drawn = Image.fromarray(255 - np.hstack(images))
    stream = io.BytesIO()
    drawn.resize((drawn.width * 8, drawn.height * 8)).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    """A daemon with the shipped models that has room for four examples."""
    with running_daemon(tmp_path_factory.mktemp("examples"), "--examples", "4") as running:
        yield running
        assert running.process.poll() is None, running.log.read_text()
        assert "Traceback" not in running.log.read_text()


@pytest.fixture(autouse=True)
def none_kept(daemon: RunningDaemon) -> None:
    """Each test begins without examples."""
    Examples(daemon.state).clear()


def keep(daemon: RunningDaemon, query: str, body: Any, **headers: str) -> Answer:
    return daemon.send("POST", f"{ROUTE}{query}", body, headers)


def kept(daemon: RunningDaemon) -> list[Example]:
    return sorted(Examples(daemon.state).find(), key=lambda one: one.id)


def refused(daemon: RunningDaemon, answer: Answer, status: int) -> str:
    """The line that says why; nothing is kept."""
    assert answer.status == status, answer.body
    assert kept(daemon) == []
    return str(answer.json()["error"])


def test_a_picture_and_its_label_are_kept(
    daemon: RunningDaemon, digits: dict[int, np.ndarray]
) -> None:
    answer = keep(daemon, "?label=8", picture(digits[3]))
    assert answer.status == 201
    (one,) = kept(daemon)
    told = answer.json()
    assert told.pop("id")
    told_of_model = {"model": "mnist-cnn", "variant": "float32"}
    assert told == {**told_of_model, "label": "8", "answered": "3", "ids": [one.id]}
    assert (one.label, one.answered, one.model) == (8, 3, "mnist-cnn")


def test_a_number_labels_its_digits_from_left_to_right(
    daemon: RunningDaemon, digits: dict[int, np.ndarray]
) -> None:
    answer = keep(daemon, "?label=702", picture(digits[4], digits[0], digits[2])).json()
    assert answer["answered"] == "402"
    assert answer["ids"] == [one.id for one in kept(daemon)]
    assert [(one.label, one.answered) for one in kept(daemon)] == [(7, 4), (0, 0), (2, 2)]


def test_pixels_are_kept_as_the_network_gets_them(
    daemon: RunningDaemon, digits: dict[int, np.ndarray]
) -> None:
    pixels = {"pixels": (255 - digits[7]).ravel().tolist()}  # dark ink is turned
    assert keep(daemon, "?label=7", pixels).status == 201
    images, labels = Examples(daemon.state).arrays()
    np.testing.assert_array_equal(images, digits[7][None])
    assert labels.tolist() == [7]


def test_a_form_and_another_model_will_do(
    daemon: RunningDaemon, digits: dict[int, np.ndarray]
) -> None:
    head = b'--b\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n'
    form = head + picture(digits[5]) + b"\r\n--b--\r\n"
    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = keep(daemon, "?label=5&model=mnist-mlp&variant=int8", form, **kind)
    assert (answer.json()["model"], answer.json()["variant"]) == ("mnist-mlp", "int8")
    assert [one.model for one in kept(daemon)] == ["mnist-mlp"]


def test_an_answer_is_put_right_by_its_id(
    daemon: RunningDaemon, digits: dict[int, np.ndarray]
) -> None:
    body = picture(digits[4], digits[2])
    read = daemon.send("POST", "/tasks/digits?variant=int8", body).json()
    answer = keep(daemon, "", {"id": read["id"], "label": "72"})
    assert answer.status == 201
    assert answer.json()["variant"] == "int8"
    by_id = [(one.picture, one.label, one.answered) for one in kept(daemon)]
    assert [one[1:] for one in by_id] == [(7, 4), (2, 2)]
    again = keep(daemon, "?label=72", body)
    assert again.json()["ids"] == answer.json()["ids"]
    assert [(one.picture, one.label, one.answered) for one in kept(daemon)] == by_id


def test_one_digit_may_be_named_by_a_number(
    daemon: RunningDaemon, digits: dict[int, np.ndarray]
) -> None:
    read = daemon.send("POST", "/tasks/digits", picture(digits[0])).json()
    assert keep(daemon, "", {"id": read["id"], "label": 0}).json()["label"] == "0"


@pytest.mark.parametrize("identity", ["nobody", 7, None, "x" * 2000])
def test_an_answer_that_is_not_remembered_is_404_and_says_what_to_do(
    daemon: RunningDaemon, identity: Any
) -> None:
    line = refused(daemon, keep(daemon, "", {"id": identity, "label": "7"}), 404)
    assert line.endswith("send the picture itself, with ?label=")
    assert len(line) < 200


@pytest.mark.parametrize("label", ["7", "7890"])
def test_another_number_of_digits_is_refused(
    daemon: RunningDaemon, digits: dict[int, np.ndarray], label: str
) -> None:
    answer = keep(daemon, f"?label={label}", picture(digits[4], digits[2]))
    expected = f"the label '{label}' is for {len(label)} digits and there are 2 in the picture"
    assert refused(daemon, answer, 400) == f"{expected}: nothing was kept"


@pytest.mark.parametrize("label", ["x", "-1", "1.5", "7x", "%D9%A7", "", "12%20"])
def test_what_is_no_digits_is_no_label(
    daemon: RunningDaemon, digits: dict[int, np.ndarray], label: str
) -> None:
    line = refused(daemon, keep(daemon, f"?label={label}", picture(digits[4])), 400)
    assert line.startswith("a label is the digits that the picture shows")


@pytest.mark.parametrize("label", [10, -1, 1.5, True, ["7"], {"7": 7}, "x"])
def test_what_is_no_digits_is_no_label_in_json(daemon: RunningDaemon, label: Any) -> None:
    line = refused(daemon, keep(daemon, "", {"id": "any", "label": label}), 400)
    assert line.startswith("a label is the digits that the picture shows")


@pytest.mark.parametrize("body", [{"id": "any"}, {"id": "any", "label": None}, b"a picture"])
def test_without_a_label_it_is_asked_for(daemon: RunningDaemon, body: Any) -> None:
    assert "say what the picture shows: ?label=42" in refused(daemon, keep(daemon, "", body), 400)


@pytest.mark.parametrize(
    ("query", "body", "words"),
    [
        ("?label=7", b"", "the body is empty: send what /tasks/digits/examples"),
        ("?label=7", b"no picture", ""),
        ("?label=7", b'{"id": ', "not JSON"),
        ("?label=7", {"pixels": [0] * 783}, "784 numbers"),
        ("?label=7&model=fire-theft", {"pixels": [0] * 784}, "not 'digits'"),
        ("?label=7", {"pixels": [0] * 784, "id": "any"}, "there are 0 in the picture"),
    ],
)
def test_what_digits_cannot_be_read_from_is_refused_as_there(
    daemon: RunningDaemon, query: str, body: Any, words: str
) -> None:
    assert words in refused(daemon, keep(daemon, query, body), 400)


def test_an_unknown_model_is_not_found(daemon: RunningDaemon) -> None:
    answer = keep(daemon, "?label=7&model=nobody", {"pixels": [0] * 784})
    assert "nobody" in refused(daemon, answer, 404)


def test_where_there_is_no_room_it_is_507_and_nothing_is_lost(
    daemon: RunningDaemon, digits: dict[int, np.ndarray]
) -> None:
    for digit in (1, 2, 3):
        assert keep(daemon, f"?label={digit}", picture(digits[digit])).status == 201
    answer = keep(daemon, "?label=45", picture(digits[4], digits[5]))
    assert answer.status == 507
    assert "the setting examples is 4 and there are 3" in answer.json()["error"]
    assert [one.label for one in kept(daemon)] == [1, 2, 3]


def test_status_and_metrics_tell_how_many_there_are(
    daemon: RunningDaemon, digits: dict[int, np.ndarray]
) -> None:
    assert daemon.status()["examples"] == {"count": 0, "bytes": 0}
    keep(daemon, "?label=42", picture(digits[4], digits[2]))
    assert daemon.status()["examples"] == {"count": 2, "bytes": 2 * (784 + len("mnist-cnn"))}
    text = daemon.send("GET", "/metrics").body.decode()
    samples = [
        sample
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "pi_edge_examples"
    ]
    assert [(sample.labels, sample.value) for sample in samples] == [({}, 2)]


def test_the_status_command_counts_them(
    daemon: RunningDaemon, digits: dict[int, np.ndarray], capsys: pytest.CaptureFixture[str]
) -> None:
    keep(daemon, "?label=42", picture(digits[4], digits[2]))
    assert main(["status", "--url", daemon.url]) == 0
    assert "examples to learn from: 2\n" in capsys.readouterr().out


def test_commands_work_beside_the_running_daemon(
    daemon: RunningDaemon, digits: dict[int, np.ndarray], tmp_path: Path
) -> None:
    keep(daemon, "?label=42", picture(digits[4], digits[2]))
    state = ["--state", str(daemon.state)]
    assert main(["examples", "export", str(tmp_path / "out"), *state]) == 0
    assert main(["examples", "remove", "--label", "4", *state]) == 0
    assert daemon.status()["examples"]["count"] == 1
    assert keep(daemon, "?label=3", picture(digits[3])).status == 201


def test_what_was_exported_is_read_as_it_was_kept(
    daemon: RunningDaemon, digits: dict[int, np.ndarray], tmp_path: Path
) -> None:
    keep(daemon, "?label=42", picture(digits[4], digits[2]))
    before = [one.picture for one in kept(daemon)]
    Examples(daemon.state).export(tmp_path / "out")
    Examples(daemon.state).clear()
    for path in sorted(tmp_path.glob("out/*/*.png"), key=lambda path: int(path.stem)):
        assert keep(daemon, f"?label={path.parent.name}", path.read_bytes()).status == 201
    assert [one.picture for one in kept(daemon)] == before


def test_what_was_answered_201_outlives_a_kill(
    tmp_path: Path, digits: dict[int, np.ndarray]
) -> None:
    with running_daemon(tmp_path) as running:
        answer = keep(running, "?label=7", picture(digits[7]))
        running.process.send_signal(signal.SIGKILL)
        running.process.wait()
    assert answer.status == 201
    assert [one.id for one in Examples(tmp_path).find()] == answer.json()["ids"]


def test_a_database_that_is_damaged_costs_no_digit(
    tmp_path: Path, digits: dict[int, np.ndarray]
) -> None:
    with running_daemon(tmp_path) as running:
        (tmp_path / "pi-edge.db").write_bytes(b"no database at all" * 100)
        answer = keep(running, "?label=7", picture(digits[7]))
        assert answer.status == 500
        assert "is damaged" in answer.json()["error"]
        assert "is damaged" in running.status()["examples"]["error"]
        assert running.send("POST", "/tasks/digits", picture(digits[7])).json()["digit"] == 7
        assert "pi_edge_examples" not in running.send("GET", "/metrics").body.decode()
