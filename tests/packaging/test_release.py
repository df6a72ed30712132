"""What stands against a release, and how one is tagged, in little repositories."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support import ROOT

sys.path.append(str(ROOT / "scripts"))

from packages import release, source

CHANGELOG = """# Changelog

## Unreleased

## 1.2.0 (2026-11-28)

Daemon
- Answers.

## 1.1.0
- Began.
"""
DEBIAN = "pi-edge (1.2.0-1) unstable; urgency=medium\n"


def git(checkout: Path, *arguments: str) -> str:
    command = ["git", "-c", "commit.gpgsign=false", *arguments]
    return subprocess.run(command, cwd=checkout, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository that 1.2.0 can be released from."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "Somebody")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "somebody@localhost")
    for file, text in {
        "setup.cfg": "[metadata]\nname = pi-edge\nversion = 1.2.0\n",
        "pi_edge/__init__.py": '__version__ = "1.2.0"\n',
        "scripts/debian/changelog": DEBIAN,
        "CHANGELOG.md": CHANGELOG,
    }.items():
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(text)
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    commit(tmp_path)
    return tmp_path


def commit(checkout: Path) -> None:
    git(checkout, "add", "--all")
    git(checkout, "commit", "--quiet", "--message=All of it")


def change(checkout: Path, file: str, old: str, new: str) -> None:
    text = (checkout / file).read_text()
    assert old in text
    (checkout / file).write_text(text.replace(old, new))
    commit(checkout)


def test_nothing_stands_against_a_release_that_is_prepared(checkout: Path) -> None:
    assert list(release.problems(checkout, "1.2.0")) == []


def test_changes_that_are_not_committed_do(checkout: Path) -> None:
    (checkout / "forgotten").touch()
    (problem,) = release.problems(checkout, "1.2.0")
    assert "not committed" in problem


def test_another_branch_does(checkout: Path) -> None:
    git(checkout, "switch", "--quiet", "--create", "idea")
    (problem,) = release.problems(checkout, "1.2.0")
    assert "git switch main" in problem


@pytest.mark.parametrize("file", ["setup.cfg", "pi_edge/__init__.py", "scripts/debian/changelog"])
def test_a_file_of_another_version_does(checkout: Path, file: str) -> None:
    change(checkout, file, "1.2.0", "1.1.0")
    (problem,) = release.problems(checkout, "1.2.0")
    assert problem.startswith(f"{file} says 1.1.0: make it 1.2.0")


def test_a_version_that_the_changelog_does_not_tell_of_does(checkout: Path) -> None:
    change(checkout, "CHANGELOG.md", "## 1.2.0 (2026-11-28)", "## 1.2.0\n\n## Earlier")
    (problem,) = release.problems(checkout, "1.2.0")
    assert "CHANGELOG.md" in problem


def test_a_version_that_is_tagged_does(checkout: Path) -> None:
    release.tag(checkout, "1.2.0")
    (problem,) = release.problems(checkout, "1.2.0")
    assert "v1.2.0 is tagged already" in problem


def test_the_tag_says_what_is_new(checkout: Path) -> None:
    name = release.tag(checkout, "1.2.0")
    assert git(checkout, "cat-file", "-t", name).strip() == "tag"
    message = git(checkout, "for-each-ref", "--format=%(contents)", f"refs/tags/{name}")
    assert message.strip() == "pi-edge 1.2.0\n\nDaemon\n- Answers."


def test_builds_that_differ_are_refused_by_name() -> None:
    with pytest.raises(source.Failed, match=r"these differ: b\.deb$"):
        release.compare("1  a.whl\n2  b.deb\n", "1  a.whl\n3  b.deb\n")


def test_builds_that_are_the_same_pass() -> None:
    release.compare("1  a.whl\n2  b.deb\n", "1  a.whl\n2  b.deb\n")


def test_a_release_that_cannot_be_says_all_that_stands_against_it() -> None:
    done = subprocess.run(
        [ROOT / "scripts/release", "0.0.1", "--dry-run"], capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "setup.cfg says" in done.stderr
    assert "CHANGELOG.md has nothing below ## 0.0.1" in done.stderr
