"""What outlives a restart."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest

from pi_edge.ledger import FILE, Ledger, Verdict

DOUBLE = ("double", "default")


def test_verdicts_outlive_a_restart(tmp_path: Path) -> None:
    first = Ledger(tmp_path)
    assert first.verdict("a") is None
    first.judge("a")
    first.judge("b", "it hangs")
    second = Ledger(tmp_path)
    assert second.verdict("a") == Verdict("")
    assert second.verdict("b") == Verdict("it hangs")


def test_a_later_verdict_stands(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.judge("a", "it hangs")
    ledger.judge("a")
    assert ledger.verdict("a") == Verdict("")


def test_counters_add_up_over_restarts(tmp_path: Path) -> None:
    for _ in range(3):
        assert Ledger(tmp_path).add({DOUBLE: (2, 1), ("other", "int8"): (0, 0)})
    assert Ledger(tmp_path).counts() == {DOUBLE: (6, 3)}


@pytest.mark.parametrize("content", [b"no database at all", b"SQLite format 3\0" + bytes(5000)])
def test_a_damaged_file_is_put_aside_and_a_new_one_begins(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    ledger = Ledger(tmp_path)
    ledger.judge("a")
    ledger.add({DOUBLE: (1, 0)})
    assert Ledger(tmp_path).verdict("a") == Verdict("")
    assert (tmp_path / "pi-edge.damaged").read_bytes() == content


def test_where_nothing_can_be_written_it_goes_on_in_memory(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ledger = Ledger(tmp_path / "nowhere")
    ledger.judge("a", "it hangs")
    assert ledger.verdict("a") == Verdict("it hangs")
    assert "cannot be written" in caplog.text


def test_a_full_disk_costs_no_more_than_the_memory(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this machine has no /dev/full")
    (tmp_path / FILE).symlink_to("/dev/full")
    ledger = Ledger(tmp_path)
    ledger.judge("a")
    assert ledger.verdict("a") == Verdict("")


def test_a_ledger_that_another_process_holds_costs_no_answer(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger._connection.execute("PRAGMA busy_timeout = 50")
    other = sqlite3.connect(tmp_path / FILE)
    other.execute("BEGIN EXCLUSIVE")
    assert not ledger.add({DOUBLE: (1, 0)})
    assert ledger.verdict("a") is None
    other.rollback()
    assert ledger.add({DOUBLE: (1, 0)})


def test_it_may_be_used_from_any_thread(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)

    def work(number: int) -> None:
        for _ in range(20):
            ledger.judge(str(number))
            ledger.add({DOUBLE: (1, 0)})

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ledger.counts() == {DOUBLE: (80, 0)}
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_what_is_learnt_after_the_end_is_no_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ledger = Ledger(tmp_path)
    ledger.close()
    ledger.judge("key")
    assert ledger.verdict("key") is None
    assert caplog.messages == []
