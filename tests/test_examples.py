"""Digits that were put right are kept, bounded, and found again."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pi_edge.errors import BadInput, NotFound, PiEdgeError, Unavailable
from pi_edge.examples import Digit, Examples, Full, Held
from pi_edge.ledger import FILE, Ledger


def digit(number: int, label: int = 7, answered: int = 1) -> Digit:
    """One whose picture no other number has."""
    return Digit(number.to_bytes(784, "big"), label, answered)


def digits(*labels: int) -> list[Digit]:
    return [digit(number, label) for number, label in enumerate(labels)]


def test_what_is_kept_is_found_after_a_restart(tmp_path: Path) -> None:
    (identity,) = Examples(tmp_path).add("mnist-cnn", [digit(5, 7, 1)])
    (found,) = Examples(tmp_path).find()
    assert (found.id, found.label, found.answered, found.model) == (identity, 7, 1, "mnist-cnn")
    assert found.picture == digit(5).picture
    assert found.came > 0


def test_they_are_found_by_label_and_the_newest_first(tmp_path: Path) -> None:
    ids = Examples(tmp_path).add("m", digits(4, 7, 4, 1))
    found = [(one.label, one.id) for one in Examples(tmp_path).find()]
    assert found == [(1, ids[3]), (4, ids[2]), (4, ids[0]), (7, ids[1])]
    assert [one.id for one in Examples(tmp_path).find(label=4)] == [ids[2], ids[0]]
    assert [one.id for one in Examples(tmp_path).find(newest=2)] == [ids[3], ids[2]]


def test_to_learn_from_they_are_arrays_the_oldest_first(tmp_path: Path) -> None:
    Examples(tmp_path).add("m", digits(4, 7, 4))
    images, labels = Examples(tmp_path).arrays()
    assert (images.shape, images.dtype) == ((3, 28, 28), np.uint8)
    assert labels.tolist() == [4, 7, 4]
    assert images.reshape(3, -1)[:, -1].tolist() == [0, 1, 2]
    assert Examples(tmp_path).arrays("stocks")[0].shape == (0, 28, 28)


def test_where_there_never_was_one_nothing_is_found_and_no_file_made(tmp_path: Path) -> None:
    none = Examples(tmp_path)
    assert (none.held(), none.find(), none.clear()) == (Held(0, 0), [], 0)
    assert none.arrays()[0].shape == (0, 28, 28)
    with pytest.raises(NotFound, match="there are no examples"):
        none.remove([1])
    assert list(tmp_path.iterdir()) == []


def test_a_picture_is_kept_once_and_the_later_label_stands(tmp_path: Path) -> None:
    first = Examples(tmp_path).add("m", [digit(1, 7)])
    assert Examples(tmp_path).add("m", [digit(1, 1)]) == first
    assert [one.label for one in Examples(tmp_path).find()] == [1]


def test_the_next_one_is_refused_where_there_are_enough_and_none_is_lost(tmp_path: Path) -> None:
    examples = Examples(tmp_path, most=3)
    examples.add("m", digits(1, 2))
    with pytest.raises(Full, match=r"setting examples is 3 and there are 2: .* remove makes"):
        examples.add("m", [digit(8), digit(9)])
    assert [one.label for one in examples.find()] == [1, 2]
    examples.add("m", [digit(8)])
    assert examples.held().count == 3


def test_the_next_one_is_refused_where_they_are_large_enough(tmp_path: Path) -> None:
    examples = Examples(tmp_path, most_bytes=2 * 785)
    examples.add("m", digits(1, 2))
    assert examples.held() == Held(2, 2 * 785)
    with pytest.raises(Full, match="examples_bytes is 1570 and there are 1570"):
        examples.add("m", [digit(9)])


def test_what_is_kept_may_be_put_right_again_though_a_limit_was_lowered(tmp_path: Path) -> None:
    Examples(tmp_path).add("m", digits(1, 2))
    Examples(tmp_path, most=1).add("m", [digit(1, 5)])
    assert [one.label for one in Examples(tmp_path).find()] == [1, 5]


def test_some_are_removed_or_none(tmp_path: Path) -> None:
    examples = Examples(tmp_path)
    ids = examples.add("m", digits(1, 2, 3))
    for unknown in (99, 0, -1, 2**70):
        with pytest.raises(NotFound, match=f"no example {unknown}: nothing was removed"):
            examples.remove([ids[0], unknown])
    assert examples.remove([ids[0], ids[2], ids[0]]) == 2
    assert [one.id for one in examples.find()] == [ids[1]]


def test_all_of_a_label_are_removed_or_all_there_are(tmp_path: Path) -> None:
    examples = Examples(tmp_path)
    examples.add("m", digits(1, 2, 1))
    assert (examples.clear(1), examples.held().count) == (2, 1)
    assert (examples.clear(), examples.held()) == (1, Held(0, 0))


def test_an_id_is_never_used_again(tmp_path: Path) -> None:
    examples = Examples(tmp_path)
    (first,) = examples.add("m", [digit(1)])
    examples.clear()
    (second,) = examples.add("m", [digit(2)])
    assert second > first


def test_nothing_of_what_was_removed_is_left_in_the_file(tmp_path: Path) -> None:
    examples = Examples(tmp_path)
    handwriting = Digit(bytes(range(1, 197)) * 4, 7, 1)
    examples.add("m", [handwriting, digit(1)])
    part = handwriting.picture[:100]
    assert part in (tmp_path / FILE).read_bytes()
    examples.clear(7)
    assert part not in (tmp_path / FILE).read_bytes()


def test_they_are_exported_as_pictures_in_a_folder_a_label(tmp_path: Path) -> None:
    examples = Examples(tmp_path)
    ids = examples.add("m", digits(4, 7, 4))
    assert examples.export(tmp_path / "out" / "mine") == 3
    written = {str(path.relative_to(tmp_path / "out")) for path in tmp_path.glob("out/**/*.png")}
    assert written == {f"mine/{label}/{i}.png" for label, i in zip((4, 7, 4), ids, strict=True)}
    with Image.open(tmp_path / "out" / "mine" / "7" / f"{ids[1]}.png") as picture:
        assert (picture.mode, picture.tobytes()) == ("L", digit(1).picture)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine"]


def test_an_export_takes_the_place_of_nothing_but_an_empty_folder(tmp_path: Path) -> None:
    examples = Examples(tmp_path)
    examples.add("m", digits(4, 7))
    empty = tmp_path / "empty"
    empty.mkdir()
    assert examples.export(empty, label=7) == 1
    with pytest.raises(BadInput, match=f"there is a {empty} already"):
        examples.export(empty)
    assert [path.name for path in empty.iterdir()] == ["7"]
    with pytest.raises(NotFound, match="no such examples"):
        examples.export(tmp_path / "new", label=3)
    assert not (tmp_path / "new").exists()


def test_an_export_that_fails_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    examples = Examples(tmp_path)
    examples.add("m", digits(4, 7))
    (tmp_path / "out").mkdir()
    monkeypatch.setattr(Image.Image, "save", fail)
    with pytest.raises(OSError, match="No space left"):
        examples.export(tmp_path / "out" / "mine")
    assert list((tmp_path / "out").iterdir()) == []


def test_ledger_and_examples_share_a_file(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    Examples(tmp_path).add("m", [digit(1)])
    ledger.judge("a", "it hangs")
    verdict = Ledger(tmp_path).verdict("a")
    assert verdict is not None
    assert verdict.reason == "it hangs"
    assert Examples(tmp_path).held().count == 1
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_many_may_keep_some_at_the_same_time(tmp_path: Path) -> None:
    def work(start: int) -> None:
        for number in range(10):
            Examples(tmp_path).add("m", [digit(start + number)])

    threads = [threading.Thread(target=work, args=(100 * n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Examples(tmp_path).held().count == 40


def test_while_another_process_writes_it_is_said_to_come_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pi_edge.database._PATIENCE", 0.05)
    examples = Examples(tmp_path)
    examples.add("m", [digit(1)])
    other = sqlite3.connect(tmp_path / FILE)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(Unavailable, match="cannot be used now: database is locked") as caught:
        examples.add("m", [digit(2)])
    assert caught.value.retry_after == 1
    other.rollback()
    examples.add("m", [digit(2)])
    assert examples.held().count == 2


def test_where_nothing_can_be_written_nothing_is_said_to_be_kept(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="cannot be used now"):
        Examples(tmp_path / "nowhere").add("m", [digit(1)])


def test_a_damaged_file_is_said_so_and_put_aside_when_the_daemon_starts(tmp_path: Path) -> None:
    examples = Examples(tmp_path)
    examples.add("m", [digit(number) for number in range(100)])
    Ledger(tmp_path).close()
    contents = bytearray((tmp_path / FILE).read_bytes())
    contents[8192:-8192] = b"\xff" * (len(contents) - 16384)
    (tmp_path / FILE).write_bytes(contents)
    with pytest.raises(PiEdgeError, match="is damaged"):
        examples.arrays()
    Ledger(tmp_path).close()
    assert (tmp_path / "pi-edge.damaged").read_bytes() == contents
    examples.add("m", [digit(1)])
    assert examples.held().count == 1
