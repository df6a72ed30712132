"""Two machines in turn, over a real ssh: both are this one."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from private_sshd import Sshd, private_sshd
from support import ROOT

from pi_edge import catalog
from pi_edge.benchmark import digit_images, over_ssh, over_ssh_table, subject, worker
from pi_edge.errors import BadInput, NotFound
from pi_edge.learning import mnist as data

ONE, TWO = "emulated-pi-one", "emulated-pi-two"  # only called so: see private_sshd

QUICK = {
    "window_seconds": 0.001,
    "warm_up_seconds": 0.05,
    "seconds": 0.01,
    "runs": 3,
    "longest_seconds": 0.1,
}

# Another machine, on which every model answers something else.
ODD = """
import numpy as np
from pi_edge import model
real = model.Model.run
model.Model.run = lambda self, arrays: {
    name: array + np.float32(0.25) for name, array in real(self, arrays).items()
}
"""

Compare = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with private_sshd(tmp_path_factory.mktemp("sshd"), [ONE, TWO]) as running:
        yield running


@pytest.fixture
def models(tmp_path: Path, shipped_models: Path) -> Path:
    """A models folder with one model that reads digits and one of another task."""
    folder = tmp_path / "models"
    shutil.copytree(shipped_models / "mnist-linear", folder / "mnist-linear")
    shutil.copytree(shipped_models / "fire-theft", folder / "fire-theft")
    return folder


@pytest.fixture
def python(tmp_path: Path) -> Callable[..., str]:
    """Makes the interpreter of a host with an environment of its own."""

    def make(name: str = "python", **environ: str) -> str:
        path = tmp_path / name
        settings = "".join(f"export {key}='{value}'\n" for key, value in environ.items())
        path.write_text(
            f"#!/bin/sh\nexport PYTHONPATH='{ROOT}' XDG_CACHE_HOME='{tmp_path}/cache'\n"
            f'{settings}exec {sys.executable} "$@"\n'
        )
        path.chmod(0o755)
        return str(path)

    return make


@pytest.fixture
def compare(
    sshd: Sshd, models: Path, python: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> Compare:
    """Compares this machine with hosts, in as little time as can be."""
    monkeypatch.setenv("PI_EDGE_BOARDS", str(sshd.boards))

    def run(
        *hosts: str, where: str = "", only: str = "", variant: str = "float32", **plan: Any
    ) -> dict[str, Any]:
        entries, _ = catalog.find(models)
        chosen = subject.choose(entries, [only] if only else [], variant)
        wanted = over_ssh.Plan(chosen, **{"limits": QUICK, "rounds": 2, **plan})
        return over_ssh.run(wanted, hosts or [ONE], where or python())

    return run


def test_both_machines_are_measured_in_turn_round_by_round(compare: Compare) -> None:
    (entry,) = compare(rounds=3)["hosts"]
    assert entry["failed"] is None
    began = sorted(
        (one["at_seconds"], round_, row["model"], side)
        for row in entry["rows"]
        for side in ("here", "there")
        for round_, one in enumerate(row[side]["rounds"])
    )
    assert [order[1:] for order in began] == [
        (round_, model, side)
        for round_ in range(3)
        for model in ("fire-theft", "mnist-linear")
        for side in ("here", "there")
    ]


def test_the_same_machine_gives_the_same_answers(compare: Compare) -> None:
    report = compare(variant="")
    assert over_ssh_table.problems(report) == []
    assert len(report["hosts"][0]["rows"]) == 4
    for row in report["hosts"][0]["rows"]:
        assert row["answers"]["difference"] == 0
        assert row["ratio"]["low"] <= row["ratio"]["value"] <= row["ratio"]["high"]


def test_both_machines_read_the_same_images(compare: Compare, mnist: Path) -> None:
    images = digit_images.choose(data.read(mnist, "x_test"), data.read(mnist, "y_test"), 300)
    rows = compare(images=images, rounds=1)["hosts"][0]["rows"]
    rows = {(row["model"], row["variant"]): row for row in rows}
    linear = rows["mnist-linear", "float32"]
    assert 0.85 < linear["here"]["accuracy"] == linear["there"]["accuracy"] < 1
    assert linear["images"] == {"disagreeing": 0, "difference": 0}
    other = rows["fire-theft", "float32"]
    assert other["here"]["accuracy"] is other["images"] is None


def test_without_images_there_is_no_accuracy(compare: Compare) -> None:
    report = compare(only="mnist-linear", rounds=1)
    assert all(row["here"]["accuracy"] is None for row in report["hosts"][0]["rows"])
    assert "right: not told" in over_ssh_table.to_text(report)


def test_answers_beyond_the_models_tolerance_are_a_problem_in_words(
    compare: Compare, python: Callable[..., str], tmp_path: Path
) -> None:
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "sitecustomize.py").write_text(ODD)
    odd = python("odd-python", PYTHONPATH=f"{tmp_path / 'odd'}:{ROOT}")
    report = compare(where=odd, rounds=1, only="mnist-linear")
    row = report["hosts"][0]["rows"][0]
    assert row["answers"]["difference"] == pytest.approx(0.25)
    assert over_ssh_table.problems(report)[0] == (
        f"{ONE}: mnist-linear float32: NOT the same answers: "
        "probabilities is 0.25 apart, 0.0001 is allowed"
    )
    assert "NOT the same answers" in over_ssh_table.to_text(report)


def test_the_laptops_very_files_are_measured_and_sent_once(
    compare: Compare, tmp_path: Path, models: Path
) -> None:
    compare(rounds=1)
    cache = tmp_path / "cache" / "pi-edge" / "bench"
    sent = {path.name: path.stat().st_ino for path in cache.iterdir()}
    assert len(sent) == 4  # a .tflite file and a check.npz of each
    damaged = next(path for path in cache.iterdir() if path.stat().st_size == 1368)
    damaged.write_bytes(b"an SD card forgets")
    report = compare(rounds=1)
    assert over_ssh_table.problems(report) == []
    again = {path.name: path.stat().st_ino for path in cache.iterdir()}
    changed = [name for name in sent if again.pop(name) != sent[name]]
    assert changed == [damaged.name]
    assert not again.keys() - sent.keys()


def test_a_model_that_does_not_load_is_a_row_saying_so(compare: Compare, models: Path) -> None:
    (models / "bad.tflite").write_bytes(b"no model at all")
    report = compare(rounds=2, variant="")
    rows = {row["model"]: row for row in report["hosts"][0]["rows"]}
    assert "is not a TFLite model" in rows["bad"]["there"]["error"]
    assert len(rows["bad"]["there"]["rounds"]) == 1
    assert rows["fire-theft"]["there"]["error"] is None
    assert any("bad default did not work there" in line for line in over_ssh_table.problems(report))


def test_an_emulated_host_is_called_so_everywhere(
    compare: Compare, python: Callable[..., str]
) -> None:
    emulated = python("emulated", PI_EDGE_EMULATED="1")
    report = compare(where=emulated, rounds=None, only="fire-theft")
    assert report["emulated"] is report["hosts"][0]["emulated"] is True
    text = over_ssh_table.to_text(report)
    assert text.startswith(f"here and {ONE} (EMULATED), 1 round\n\nEMULATED: no Raspberry Pi was")
    (row,) = (line for line in text.splitlines() if re.match(" +there, emulated +- ", line))
    assert re.search(r" \[\d+\.\d+x \(one round\)\] ", row)


def test_several_hosts_one_of_which_cannot_be_reached(compare: Compare) -> None:
    report = compare("emulated-pi-nowhere.invalid", TWO, only="fire-theft", rounds=1)
    gone, fine = report["hosts"]
    assert gone["failed"].startswith("emulated-pi-nowhere.invalid: ")
    assert gone["rows"] == []
    assert fine["failed"] is None
    assert "FAILED: emulated-pi-nowhere.invalid" in over_ssh_table.to_text(report)


def test_a_host_without_pi_edge_is_told_how_to_get_it(compare: Compare) -> None:
    (entry,) = compare(where="/opt/nothing/here/python")["hosts"]
    assert entry["failed"] == f"{ONE}: pi-edge is not there: scripts/deploy {ONE}"


def test_a_host_with_another_release_is_told_how_to_get_this_one(
    compare: Compare, tmp_path: Path
) -> None:
    def release(code: str) -> str:
        path = tmp_path / "old"
        path.write_text(f"#!/bin/sh\n{code}\n")
        path.chmod(0o755)
        return str(path)

    wanted = f"{ONE}: another release of pi-edge is there, deploy the same: scripts/deploy {ONE}"
    older = release(f"exec {sys.executable} -P -m pi_edge_before.this")
    assert compare(where=older)["hosts"][0]["failed"] == wanted
    newer = release(f"echo '{{\"protocol\": {worker.PROTOCOL + 1}}}'; cat >/dev/null")
    assert compare(where=newer)["hosts"][0]["failed"] == wanted


def test_what_else_is_wrong_there_is_quoted(compare: Compare, tmp_path: Path) -> None:
    path = tmp_path / "broken"
    path.write_text("#!/bin/sh\necho 'no space left' >&2; exit 3\n")
    path.chmod(0o755)
    assert compare(where=str(path))["hosts"][0]["failed"] == f"{ONE}: no space left"


def test_the_file_is_read_back_as_written(compare: Compare, tmp_path: Path) -> None:
    report = compare(only="mnist-linear")
    path = tmp_path / "x.json"
    over_ssh.write(path, report)
    assert over_ssh.read(path) == report
    samples = report["hosts"][0]["rows"][0]["there"]["rounds"][0]["samples_ns"]
    assert 1 <= len(samples) <= over_ssh.SAMPLES // 2
    assert over_ssh_table.to_text(over_ssh.read(path)) == over_ssh_table.to_text(report)


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="there is no file"):
        over_ssh.read(tmp_path / "none.json")
    for contents in ("", "[]", '{"format": "pi-edge benchmark 1"}'):
        (tmp_path / "x.json").write_text(contents)
        with pytest.raises(BadInput, match=r"x\.json is n"):
            over_ssh.read(tmp_path / "x.json")


def command(sshd: Sshd, models: Path, where: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [
            *(ROOT / "scripts" / "bench-over-ssh", "--python", where, "--variant", "float32"),
            *("--models-folder", models, "--state", models.parent / "state", *arguments),
        ],
        env={**os.environ, "PI_EDGE_BOARDS": str(sshd.boards)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_connection_lost_on_the_way_costs_one_host_its_last_rounds(
    sshd: Sshd, models: Path, python: Callable[..., str], tmp_path: Path
) -> None:
    file = tmp_path / "x.json"
    wanted = ("--models", "fire-theft", "--rounds", "4", "--json", str(file))
    running = command(sshd, models, python(), ONE, TWO, *wanted)
    assert running.stderr is not None
    for line in running.stderr:
        if "round 1 of 4: here" in line:
            sshd.hang_up()
            break
    out, err = running.communicate(timeout=120)
    assert running.returncode == 1
    lost, fine = over_ssh.read(file)["hosts"]
    assert lost["failed"].startswith(f"{ONE}: ")
    assert 1 <= len(lost["rows"][0]["there"]["rounds"]) < 4
    assert fine["failed"] is None
    assert len(fine["rows"][0]["there"]["rounds"]) == 4
    assert f"FAILED: {ONE}: " in out
    assert err.splitlines()[-1].startswith(f"bench-over-ssh: {ONE}: ")


def test_ctrl_c_keeps_what_was_measured(
    sshd: Sshd, models: Path, python: Callable[..., str], tmp_path: Path
) -> None:
    file = tmp_path / "x.json"
    wanted = ("--models", "fire-theft", "--rounds", "100", "--json", str(file))
    running = command(sshd, models, python(), ONE, TWO, *wanted)
    assert running.stderr is not None
    for line in running.stderr:
        if "round 2 of 100: here" in line:
            running.send_signal(signal.SIGINT)
            break
    out, err = running.communicate(timeout=120)
    assert running.returncode == 130
    assert err.splitlines()[-1] == "bench-over-ssh: stopped"
    report = over_ssh.read(file)
    (entry,) = report["hosts"]
    assert report["stopped"] is True
    assert 2 <= len(entry["rows"][0]["there"]["rounds"]) < 100
    assert "FAILED: stopped" in out


def test_the_command_prints_a_table_and_what_training_took(
    sshd: Sshd, models: Path, python: Callable[..., str], mnist: Path
) -> None:
    running = command(sshd, models, python(), ONE, "--rounds", "1", "--images", "100")
    out, err = running.communicate(timeout=120)
    assert running.returncode == 0, err
    lines = [line.split() for line in out.splitlines()]
    at = next(i for i, words in enumerate(lines) if words[:2] == ["mnist-linear", "float32"])
    assert lines[at][2] == "here"
    assert lines[at + 1][0] == "there"
    assert lines[at][3] == lines[at + 1][1]  # the same accuracy
    told = json.loads((models / "mnist-linear/model.json").read_text())["trained"]
    trained = next(words for words in lines[at + 2 :] if words[:1] == ["mnist-linear"])
    assert trained[1] == str(told["epochs"])
    assert float(trained[3]) == pytest.approx(told["memory"]["peak_bytes"] / 1e6, rel=0.01)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "the following arguments are required: host"),
        (["x", "--rounds", "0"], "'0' is not a number from 1 to 1000"),
        (["x", "--images", "10001"], "'10001' is not a number from 1 to 10000"),
        (["x", "--threads", "two"], "'two' is not a number from 1 to 256"),
    ],
)
def test_wrong_usage(arguments: list[str], says: str) -> None:
    done = subprocess.run(
        [ROOT / "scripts" / "bench-over-ssh", *arguments], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert says in done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--models", "nobody"], "there is no model 'nobody'"),
        (["--json", "/nowhere/x.json"], "there is no folder /nowhere"),
    ],
)
def test_what_cannot_work_is_one_line_before_anything_is_measured(
    arguments: list[str], says: str
) -> None:
    done = subprocess.run(
        [ROOT / "scripts" / "bench-over-ssh", "x", *arguments], capture_output=True, text=True
    )
    assert done.returncode == 1
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_images_are_the_same_in_whatever_order_the_file_holds_them(mnist: Path) -> None:
    images, labels = data.read(mnist, "x_test"), data.read(mnist, "y_test")
    mixed = np.random.default_rng(0).permutation(len(images))
    first = digit_images.choose(images, labels, 1000)
    second = digit_images.choose(images[mixed], labels[mixed], 1000)
    assert first.sha256 == second.sha256
    assert len(first.labels) == 1000
    assert np.bincount(first.labels, minlength=10).min() > 50
