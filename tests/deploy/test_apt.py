"""What apt is asked for on a Pi, with a stand-in for apt-get."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pi_edge.deploy.agent import environment

# Its lists are old until it is asked for an update, which fails for one of its sources.
OLD_LISTS = """#!/bin/sh
cd "$(dirname "$0")"
case "$*" in
*update*) touch updated; echo "E: a mirror is being synced"; exit 100 ;;
*) [ -e updated ] && [ ! -e broken ] || { echo "E: no such package"; exit 100; } ;;
esac
"""


@pytest.fixture
def apt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an apt-get with old lists, the first that is found."""
    (tmp_path / "apt-get").write_text(OLD_LISTS)
    (tmp_path / "apt-get").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    return tmp_path


def test_a_source_that_fails_does_not_keep_the_others_from_installing(apt: Path) -> None:
    assert environment._apt_install(["python3-numpy"]) == ""


def test_the_source_that_fails_is_told_where_nothing_can_be_installed(apt: Path) -> None:
    (apt / "broken").touch()
    assert environment._apt_install(["python3-numpy"]) == "a mirror is being synced"
