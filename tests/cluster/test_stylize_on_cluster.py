"""pi-edge stylize --cluster: a real scheduler, real workers, real deaths."""

from __future__ import annotations

import os
import pty
import re
import shutil
import signal
import subprocess
import termios
from collections.abc import Iterator
from pathlib import Path

import clusters
import PIL.Image
import pytest
from batches import (
    command,
    complaints,
    contents,
    done_in,
    done_though_a_worker_dies,
    has,
    photos,
    started,
    stylize,
)
from clusters import Cluster, running_cluster
from support import ROOT


@pytest.fixture(scope="module")
def cluster(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Two workers that stay."""
    with running_cluster(tmp_path_factory.mktemp("cluster"), 2, environ=has(models)) as running:
        yield running


def test_pictures_and_complaints_are_those_of_one_machine(
    models: Path, cluster: Cluster, tmp_path: Path
) -> None:
    source = photos(tmp_path / "in", 12)
    (source / "bad.jpg").write_bytes(b"no picture")
    (source / "empty.png").write_bytes(b"")
    here = stylize(models, source, tmp_path / "here")
    there = stylize(models, source, tmp_path / "there", "--cluster", cluster.url)
    assert (here.returncode, there.returncode) == (1, 1)
    about = [line.partition(".png: ")[0] for line in complaints(there.stderr)]
    assert sorted(about) == sorted(line.partition(".png: ")[0] for line in complaints(here.stderr))
    assert contents(tmp_path / "there") == contents(tmp_path / "here")
    assert len(contents(tmp_path / "there")) == 12


def test_every_flag_reaches_the_workers(models: Path, cluster: Cluster, tmp_path: Path) -> None:
    source = photos(tmp_path / "in", 1, side=96) / "0000.png"
    for number, flags in enumerate(
        [
            ["--strength", "0.4", "--preserve-color", "--scale", "bold"],
            ["--preview", "--variant", "float16", "--max-memory", "120"],
        ]
    ):
        here, there = tmp_path / f"{number}here.webp", tmp_path / f"{number}there.webp"
        assert stylize(models, source, here, *flags).returncode == 0
        done = stylize(models, source, there, "--cluster", cluster.url, *flags)
        assert (done.returncode, done.stderr) == (0, "")
        assert there.read_bytes() == here.read_bytes()


def test_a_single_photo_that_cannot_be_styled_is_one_line(
    models: Path, cluster: Cluster, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"no picture")
    done = stylize(models, bad, tmp_path / "out.png", "--cluster", cluster.url)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "this is no picture" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["bad.jpg"]


def test_a_worker_killed_midway_costs_no_photo(models: Path, tmp_path: Path) -> None:
    done_though_a_worker_dies(models, tmp_path, count=150, dies_after=40)


def test_without_its_scheduler_it_ends_and_a_second_run_does_the_rest(
    models: Path, tmp_path: Path
) -> None:
    source, out = photos(tmp_path / "in", 150), tmp_path / "out"
    assert stylize(models, source, tmp_path / "here").returncode == 0
    with running_cluster(tmp_path / "first", 2, environ=has(models)) as running:
        process = started(models, source, out, "--cluster", running.url)
        assert process.stderr
        told = []
        for line in process.stderr:
            told.append(line)
            if len(told) == 30:
                running.scheduler.kill()
        assert process.wait() == 1
    (complaint,) = complaints("".join(told))
    assert re.match(r"pi-edge: the scheduler is gone \(.*\); \d+ of 150 were done", complaint)
    first = contents(out)
    assert 30 <= len(first) < 150
    assert first.items() <= contents(tmp_path / "here").items()
    with running_cluster(tmp_path / "second", 2, environ=has(models)) as running:
        done = stylize(models, source, out, "--cluster", running.url, "--resume")
    assert done.returncode == 0
    assert len(done.stderr.splitlines()) == 150 - len(first)
    assert contents(out) == contents(tmp_path / "here")


# In place of a decoder that crashes: the process dies of SIGKILL at a photo of these bytes.
KILLER = """
import os, signal
from pi_edge.tasks.style import photo

def deadly(opened):
    def open_photo(source, max_memory):
        if source == b"deadly":
            os.kill(os.getpid(), signal.SIGKILL)
        return opened(source, max_memory)
    return open_photo

photo.open_photo = deadly(photo.open_photo)
"""


def test_a_photo_that_kills_its_workers_is_passed_over(models: Path, tmp_path: Path) -> None:
    source, out = photos(tmp_path / "in", 30), tmp_path / "out"
    (source / "0010-deadly.png").write_bytes(b"deadly")
    (tmp_path / "killer.py").write_text(KILLER)
    with running_cluster(tmp_path / "cluster", 0) as running:
        for _ in range(2):  # nannies start them again
            flags = ("--preload", str(tmp_path / "killer.py"))
            running.add(*flags, nanny=True, environ=has(models))
        done = stylize(models, source, out, "--cluster", running.url)
    assert done.returncode == 1
    told = [line for line in complaints(done.stderr) if "is gone" not in line]
    assert told == [f"pi-edge: {source / '0010-deadly.png'}: 3 workers died over it: passed over"]
    assert sorted(contents(out)) == [f"{number:04}.png" for number in range(30)]


def test_a_worker_that_comes_later_joins_in(models: Path, tmp_path: Path) -> None:
    source, out = photos(tmp_path / "in", 40), tmp_path / "out"
    with running_cluster(tmp_path / "cluster", 0) as running:
        process = started(models, source, out, "--cluster", running.url)
        running.add(environ=has(models))
        _, stderr = process.communicate()
    assert (process.returncode, complaints(stderr)) == (0, [])
    assert done_in(out) == 40


def test_workers_of_another_release_or_model_are_refused(models: Path, tmp_path: Path) -> None:
    source = photos(tmp_path / "in", 3)
    (tmp_path / "older.py").write_text("import pi_edge; pi_edge.__version__ = '0.0.9'")
    other = tmp_path / "other"
    shutil.copytree(models, other)
    with (other / "style" / "float32.tflite").open("ab") as file:
        file.write(b"\0")
    with running_cluster(tmp_path / "cluster", 0) as running:
        old = running.add("--preload", str(tmp_path / "older.py"), environ=has(models))
        done = stylize(models, source, tmp_path / "out", "--cluster", running.url)
        assert done.returncode == 1
        (line,) = done.stderr.splitlines()
        assert re.match(r"pi-edge: worker tcp://\S+ has pi-edge 0.0.9, not \d", line)
        clusters.end(old)
        running.add(environ=has(other))
        done = stylize(models, source, tmp_path / "out", "--cluster", running.url)
        (line,) = done.stderr.splitlines()
        assert "has another style/float32 (file " in line
        assert not (tmp_path / "out").exists()
        running.add(environ=has(models))
        done = stylize(models, source, tmp_path / "out", "--cluster", running.url)
    assert done.returncode == 0
    (line,) = complaints(done.stderr)
    assert re.match(r"pi-edge: worker tcp://\S+ is not used: it has another style", line)
    assert done_in(tmp_path / "out") == 3


def test_a_worker_without_pi_edge_is_told_of(models: Path, tmp_path: Path) -> None:
    source = photos(tmp_path / "in", 2)
    (tmp_path / "none.py").write_text("import sys; sys.modules['pi_edge'] = None")
    with running_cluster(tmp_path / "cluster", 0) as running:
        running.add("--preload", str(tmp_path / "none.py"))
        done = stylize(models, source, tmp_path / "out", "--cluster", running.url)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert re.match(r"pi-edge: worker tcp://\S+ has no pi-edge \d", line)


def test_resume_passes_over_what_is_there_without_a_cluster_too(
    models: Path, tmp_path: Path
) -> None:
    source, out = photos(tmp_path / "in", 3), tmp_path / "out"
    out.mkdir()
    (out / "0001.png").write_bytes(b"mine")
    done = stylize(models, source, out, "--resume")
    assert (done.returncode, len(done.stderr.splitlines())) == (0, 2)
    assert (out / "0001.png").read_bytes() == b"mine"
    done = stylize(models, source, out, "--resume")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("name", "flag", "line"),
    [
        ("film.mp4", "--preserve-color", "--cluster is for photos"),
        ("photo.jpg", "--optimize", "--optimize takes a desktop"),
    ],
)
def test_what_a_cluster_cannot_do_is_wrong_usage(
    models: Path, tmp_path: Path, name: str, flag: str, line: str
) -> None:
    (tmp_path / name).write_bytes(b"anything")
    out = tmp_path / f"out{Path(name).suffix}"
    done = stylize(models, tmp_path / name, out, flag, "--cluster", "tcp://127.0.0.1:1")
    assert done.returncode == 2
    (told,) = done.stderr.splitlines()
    assert line in told


def test_a_terminal_shows_a_bar(models: Path, cluster: Cluster, tmp_path: Path) -> None:
    source = photos(tmp_path / "in", 3)
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    flags = ["--cluster", cluster.url]
    done = subprocess.run(
        command(models, source, tmp_path / "out", *flags),
        stderr=theirs,
        cwd=ROOT,
        env={**os.environ, "TERM": "xterm"},
    )
    os.close(theirs)
    shown = os.read(ours, 4096).decode()
    os.close(ours)
    assert done.returncode == 0
    assert "0/3" in shown
    assert "3/3" in shown
    assert not shown.rpartition("\r")[0].rpartition("\r")[2].strip()  # nothing of it stays


def test_quiet_says_nothing_of_what_went_well(
    models: Path, cluster: Cluster, tmp_path: Path
) -> None:
    source = photos(tmp_path / "in", 3)
    done = stylize(models, source, tmp_path / "out", "--quiet", "--cluster", cluster.url)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(list((tmp_path / "out").iterdir())) == 3


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_leaves_whole_pictures_only(
    models: Path, cluster: Cluster, tmp_path: Path, how: signal.Signals
) -> None:
    source, out = photos(tmp_path / "in", 200), tmp_path / "out"
    process = started(models, source, out, "--cluster", cluster.url)
    assert process.stderr
    while not process.stderr.readline().startswith("20/200"):
        assert process.poll() is None
    process.send_signal(how)
    _, stderr = process.communicate()
    assert process.returncode == 130
    assert complaints(stderr) == ["pi-edge: stopped"]
    assert all(_whole(path) for path in out.iterdir())
    again = stylize(models, source, out, "--cluster", cluster.url, "--resume")
    assert again.returncode == 0
    assert done_in(out) == 200


def _whole(path: Path) -> bool:
    with PIL.Image.open(path) as image:
        image.load()
    return True
