"""Build the documentation into site/, check its links, and run the commands in it."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from docs_site import blocks, links, reference, sandbox

ROOT = Path(__file__).resolve().parent.parent.parent


def main() -> int:
    """0 when all is well, 1 when something is not, 2 wrong usage."""
    parser = argparse.ArgumentParser(prog="scripts/docs", description=__doc__)
    parser.add_argument("--build", action="store_true", help="build and check links, run nothing")
    parser.add_argument("--update", action="store_true", help="write the reference anew, no more")
    parser.add_argument(
        "--slow", action="store_true", help="also run what needs TensorFlow, or minutes"
    )
    parser.add_argument("--list", action="store_true", help="list the blocks, and how they are run")
    parser.add_argument("pages", nargs="*", metavar="PAGE", help="run the commands of these only")
    args = parser.parse_args()
    known = {str(page.relative_to(ROOT)) for page in blocks.pages()}
    for page in args.pages:
        if page not in known:
            parser.error(f"there is no page {page}: name it as in docs/style.md")
    if args.update:
        for name in reference.update():
            print(f"docs/{name}: written anew")
        return 0
    if args.list:
        for block in blocks.all_blocks():
            print(f"{block.kind:6} {block.place}{f'  ({block.why})' if block.why else ''}")
        return 0
    steps = [checks] if args.pages else [checks, build]
    try:
        if sum(step() for step in steps):
            return 1
        return 0 if args.build else run(args.slow, args.pages)
    except sandbox.Failed as failure:
        print(f"scripts/docs: {failure}", file=sys.stderr)
        return 1


def checks() -> int:
    """How many things are wrong that can be seen without building or running."""
    problems = [
        f"docs/{name} is not as the code is: scripts/docs --update" for name in reference.stale()
    ]
    for block in blocks.all_blocks():
        problems += [f"{block.place} {problem}" for problem in blocks.problems(block)]
    print("\n".join(problems) or "reference and blocks are as they should be", flush=True)
    return len(problems)


def build() -> int:
    """Build the site; how many things are wrong with it."""
    # The theme speaks of its own future otherwise.
    environ = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--clean", "--quiet"]
    if subprocess.run(command, cwd=ROOT, env=environ, check=False).returncode:
        return 1
    problems, out = links.check(ROOT / "site")
    print("\n".join(problems) or "every link within the site leads somewhere")
    print(f"{len(out)} addresses lead out of it, which were not asked:")
    print("\n".join(f"  {address}" for address in sorted(out)), flush=True)
    return len(problems)


def run(slow: bool, pages: list[str]) -> int:
    """Run the blocks in a fresh clone; 0 when all of them ended well."""
    every = blocks.all_blocks()
    with tempfile.TemporaryDirectory(prefix="pi-edge-docs-") as name:
        folder = Path(name)
        sandbox.origin(folder)
        env = sandbox.environ(folder)
        (first,) = (block for block in every if block.kind == "serves")
        print(f"setting up as {first.place} says", flush=True)
        port = sandbox.free_port()
        command = ["bash", "-e", "-c", first.text]
        with sandbox.serving(command, folder, {**env, "PI_EDGE_PORT": str(port)}, port):
            print(f"ok     {first.place}", flush=True)
        clone = folder / "pi-edge"
        if slow:
            pip = [str(clone / ".venv/bin/pip"), "install", "--quiet", "-e", ".[desktop]"]
            subprocess.run(pip, cwd=clone, env=env, check=True)
        program = [sys.executable, "-m", "docs_site.run_blocks", str(folder)]
        status = sandbox.alone([*program, *(["--slow"] if slow else []), *pages], dict(os.environ))
        results = json.loads((folder / "results.json").read_text())
    _tell(every, [first.place, *(one["place"] for one in results if one["ok"])])
    return status


def _tell(every: list[blocks.Block], ran: list[str]) -> None:
    """How many blocks were run, and how many of which kind were not."""
    print(f"\n{len(ran)} of {len(every)} blocks were run and ended well; all")
    print("were checked as shell, and their pi-edge commands against the parsers. Not run:")
    left = Counter(block.kind for block in every if block.place not in ran)
    for kind, why in {
        "run": "failed, or not asked for now",
        "slow": "need TensorFlow or minutes (scripts/docs --slow)",
        "pi": "need a Raspberry Pi, systemd or another host",
        "shown": "only shown, each says why (scripts/docs --list)",
    }.items():
        if left[kind]:
            print(f"  {left[kind]:3} {why}")


if __name__ == "__main__":
    # Told to stop, nothing that was started stays.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main())
