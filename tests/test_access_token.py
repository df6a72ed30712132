"""When the daemon demands a token, and where it has it from."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from pi_edge import access_token
from pi_edge.access_token import Unreadable, file_of, in_force, is_loopback
from pi_edge.errors import PiEdgeError

LAN = "192.0.2.7"  # TEST-NET-1, RFC 5737


@pytest.mark.parametrize("address", ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"])
def test_loopback_reaches_this_machine_only(address: str) -> None:
    assert is_loopback(address)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "::",
        LAN,
        "::ffff:192.0.2.7",
        "fe80::1%eth0",
        "128.0.0.1",
        "",
        "127.0.0.1.example",
    ],
)
def test_any_other_address_is_beyond_it(address: str) -> None:
    assert not is_loopback(address)


def test_on_loopback_no_token_is_demanded_and_none_made(tmp_path: Path) -> None:
    assert in_force("", tmp_path, "127.0.0.1") is None
    assert not list(tmp_path.iterdir())


def test_beyond_loopback_a_token_is_made_once_and_kept(tmp_path: Path) -> None:
    first, second = (in_force("", tmp_path, address) for address in ("0.0.0.0", "::"))
    assert first
    assert first == second
    assert len(first.value) >= 43  # 256 bits in base 64
    assert file_of(tmp_path).read_text() == first.value + "\n"
    assert [path.name for path in tmp_path.iterdir()] == ["token"]


def test_two_daemons_have_two_tokens(tmp_path: Path) -> None:
    one, other = (in_force("", tmp_path / name, LAN) for name in ("one", "other"))
    assert one
    assert other
    assert one.value != other.value


@pytest.mark.parametrize("umask", [0o000, 0o007, 0o077])
def test_the_file_is_its_owners_alone_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        in_force("", tmp_path, LAN)
    finally:
        os.umask(before)
    assert stat.S_IMODE(file_of(tmp_path).stat().st_mode) == 0o600


@pytest.mark.parametrize("mode", [0o644, 0o660, 0o604])
def test_a_token_that_others_could_read_is_closed_to_them_and_said(
    tmp_path: Path, mode: int, caplog: pytest.LogCaptureFixture
) -> None:
    file_of(tmp_path).write_text("mine\n")
    file_of(tmp_path).chmod(mode)
    token = in_force("", tmp_path, LAN)
    assert token
    assert stat.S_IMODE(file_of(tmp_path).stat().st_mode) == 0o600
    assert "was open to other users" in caplog.text
    assert "mine" not in caplog.text.replace(str(tmp_path), "")


def test_a_token_that_was_set_is_demanded_everywhere_and_no_file_made(tmp_path: Path) -> None:
    for address in (LAN, "127.0.0.1"):
        token = in_force("mine", tmp_path, address)
        assert token
        assert token.value == "mine"
    assert not list(tmp_path.iterdir())


def test_what_is_said_of_a_token_does_not_show_it(tmp_path: Path) -> None:
    token = in_force("", tmp_path, LAN)
    assert token
    assert token.value not in repr(token)
    assert token.place == str(file_of(tmp_path))


@pytest.mark.parametrize("contents", [b"", b"\n", b"two words\n", b"\xff\xfe", b"caf\xc3\xa9"])
def test_a_file_that_holds_no_token_is_said_with_what_to_do(
    tmp_path: Path, contents: bytes
) -> None:
    file_of(tmp_path).write_bytes(contents)
    with pytest.raises(PiEdgeError, match=r"token: remove it, and the daemon makes another"):
        in_force("", tmp_path, LAN)


@pytest.mark.parametrize("make", [Path.mkdir, lambda path: os.mkfifo(path)], ids=["folder", "pipe"])
def test_what_is_no_file_is_said_with_what_to_do(tmp_path: Path, make) -> None:
    make(file_of(tmp_path))
    with pytest.raises(PiEdgeError, match=r"token.*: remove it, and the daemon makes another"):
        in_force("", tmp_path, LAN)


def test_a_file_that_may_not_be_read_is_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:  # root may read whatever there is
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(access_token.os, "open", refuse)
    with pytest.raises(Unreadable, match=r"token may not be read \(Permission denied\)"):
        in_force("", tmp_path, LAN)


def test_a_token_that_cannot_be_written_is_said_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file in its place")
    with pytest.raises(PiEdgeError, match=r"token .*\(Not a directory\)"):
        in_force("", tmp_path / "state", LAN)
