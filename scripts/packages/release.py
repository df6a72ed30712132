"""scripts/release VERSION: check, build and tag a release.

It builds sdist, wheel, Debian packages and images into dist/pi-edge-VERSION, with SHA256SUMS, and
tags the commit. It pushes nothing.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from hashlib import file_digest
from pathlib import Path

from packages import debs, image, source


def main() -> int:
    parser = argparse.ArgumentParser(prog="release", description=__doc__)
    parser.add_argument("version", help="as in setup.cfg")
    parser.add_argument("--dry-run", action="store_true", help="all but the tag")
    parser.add_argument("--no-image", action="store_true", help="without images for containers")
    parser.add_argument(
        "--twice", action="store_true", help="build everything again and compare, byte for byte"
    )
    args = parser.parse_args()
    wrong = list(problems(source.ROOT, args.version))
    for problem in wrong:
        source.say(f"release: {problem}")
    if wrong:
        return 1
    dist = source.DIST / f"pi-edge-{args.version}"
    sums = _build(dist, not args.no_image)
    if args.twice:
        compare(sums, _build(source.BUILD / "again", not args.no_image))
    print((dist / "SHA256SUMS").read_text(), end="")
    if not args.dry_run:
        source.say(f"tagged: git push origin {tag(source.ROOT, args.version)}")
    return 0


def problems(checkout: Path, version: str) -> Iterator[str]:
    """What stands against a release, each with what to do."""
    git = _git(checkout)
    if git("status", "--porcelain"):
        yield "there are changes that are not committed: commit or stash them"
    if (branch := git("branch", "--show-current")) != "main":
        yield f"this is {branch or 'no branch'}: git switch main"
    for file, pattern in {
        "setup.cfg": r"^version = (\S+)$",
        "pi_edge/__init__.py": r'^__version__ = "(.+)"$',
        "scripts/debian/changelog": r"\Api-edge \((.+)-[^-]+\)",
    }.items():
        found = re.search(pattern, (checkout / file).read_text(), re.M)
        if not found or found[1] != version:
            says = found[1] if found else "no version"
            yield f"{file} says {says}: make it {version}, and commit"
    if not notes(checkout, version):
        yield f"CHANGELOG.md has nothing below ## {version}: write what is new, and commit"
    if git("tag", "--list", f"v{version}"):
        yield f"v{version} is tagged already: choose the next version"


def notes(checkout: Path, version: str) -> str:
    """What CHANGELOG.md says of a version, "" where it says nothing."""
    text = (checkout / "CHANGELOG.md").read_text()
    found = re.search(rf"^## {re.escape(version)}\b[^\n]*\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    return found[1].strip() if found else ""


def tag(checkout: Path, version: str) -> str:
    """Tag the commit, signed where git knows a key. Returns the tag's name.

    Raises:
        Failed: git would not.
    """
    git = _git(checkout)
    name, kind = f"v{version}", "--sign" if git("config", "user.signingkey") else "--annotate"
    message = f"pi-edge {version}\n\n{notes(checkout, version)}"
    done = subprocess.run(
        ["git", "tag", kind, "--cleanup=verbatim", "--message", message, name],
        cwd=checkout,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise source.Failed(f"git does not tag: {done.stderr.strip()}")
    return name


def _build(dist: Path, images: bool) -> str:
    """Build all into a folder. Returns what SHA256SUMS there says."""
    for path in dist.glob("*"):
        path.unlink()
    debs.build(dist)
    if images:
        image.build(dist, ("arm64", "armhf"))
    built = sorted(path for path in dist.iterdir() if path.is_file())
    sums = "".join(f"{_sha256(path)}  {path.name}\n" for path in built)
    (dist / "SHA256SUMS").write_text(sums)
    return sums


def compare(first: str, second: str) -> None:
    """Compare what SHA256SUMS says of two builds.

    Raises:
        Failed: they differ.
    """
    different = {line.split()[1] for line in {*first.splitlines()} ^ {*second.splitlines()}}
    if different:
        raise source.Failed(f"built twice, these differ: {', '.join(sorted(different))}")
    source.say("built twice, all files are the same to the byte")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _git(checkout: Path) -> Callable[..., str]:
    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", *arguments], cwd=checkout, capture_output=True, text=True, check=False
        ).stdout.strip()

    return git


if __name__ == "__main__":
    sys.exit(source.exit_status("release", main))
