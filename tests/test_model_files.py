"""What a look at a models folder shows without reading any file."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pi_edge.model_files import sight


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One model in a folder and a bare one."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a/model.json").write_text("{}")
    (tmp_path / "bare.tflite").write_bytes(b"1234")
    return tmp_path


def rewrite_in_place(folder: Path) -> None:
    """Same size, and the time of change put back."""
    file = folder / "bare.tflite"
    before = file.stat()
    with file.open("r+b") as opened:
        opened.write(b"5678")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


CHANGES: list[Callable[[Path], object]] = [
    rewrite_in_place,
    lambda folder: (folder / "bare.tflite").chmod(0o600),
    lambda folder: (folder / "bare.tflite").unlink(),
    lambda folder: (folder / "a/model.json").write_text("{ }"),
    lambda folder: (folder / "a/float32.tflite").touch(),
    lambda folder: (folder / "a").rename(folder / "b"),
    lambda folder: (folder / "b").mkdir(),
    lambda folder: shutil.rmtree(folder),
]


def test_it_is_the_same_while_nothing_changes(folder: Path) -> None:
    assert sight(folder) == sight(folder)


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_is_seen(folder: Path, change: Callable[[Path], object]) -> None:
    before = sight(folder)
    change(folder)
    assert sight(folder) != before


def test_it_is_seen_that_what_a_link_leads_to_changed(folder: Path) -> None:
    (folder / "a/link").symlink_to("../bare.tflite")
    before = sight(folder)[f"{folder}/a/link"]
    (folder / "bare.tflite").write_bytes(b"12345")
    assert sight(folder)[f"{folder}/a/link"] != before


def test_a_link_that_leads_nowhere_is_no_trouble(folder: Path) -> None:
    (folder / "a/link").symlink_to("nowhere")
    assert sight(folder) == sight(folder)
