from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from pi_edge import files


def fail_halfway(path: Path) -> None:
    with files.replacing(path) as file:
        file.write(b"half of the n")
        raise RuntimeError


def test_a_block_that_fails_leaves_the_old_contents(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(RuntimeError):
        fail_halfway(path)
    assert path.read_bytes() == b"old"


def test_a_block_that_fails_leaves_nothing_beside(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError):
        fail_halfway(tmp_path / "file")
    assert list(tmp_path.iterdir()) == []


def test_the_new_contents_are_not_seen_before_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with files.replacing(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"


def test_what_is_written_can_be_read_by_the_service_user(tmp_path: Path) -> None:
    files.write_bytes(tmp_path / "file", b"")
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o644


def test_json_is_written_readably_and_ends_with_a_newline(tmp_path: Path) -> None:
    files.write_json(tmp_path / "a" / "file.json", {"name": "größer"})
    text = (tmp_path / "a" / "file.json").read_text(encoding="utf-8")
    assert json.loads(text) == {"name": "größer"}
    assert text.endswith("}\n")
    assert "größer" in text


def test_json_refuses_what_other_readers_could_not_parse(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        files.write_json(tmp_path / "file.json", {"accuracy": float("nan")})


def test_sha256_is_the_files_own(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * 3_000_000)
    assert files.sha256(tmp_path / "file") == hashlib.sha256(b"x" * 3_000_000).hexdigest()
