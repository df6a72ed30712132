"""Run the blocks of some pages in a clone, on the network that it is started on: port 8080 is ours.

    python -m docs_site.run_blocks FOLDER [--slow] [PAGE...]

FOLDER is what sandbox.py made. One line a block; what failed is told with the end of its output.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

from docs_site import sandbox
from docs_site.blocks import Block, all_blocks

SECONDS = {"run": 180, "slow": 3600}


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--slow", action="store_true")
    parser.add_argument("pages", nargs="*")
    args = parser.parse_intermixed_args()
    kinds = ("run", "slow") if args.slow else ("run",)
    pages: dict[str, list[Block]] = {}
    for block in all_blocks():
        if block.kind in kinds and (not args.pages or block.page in args.pages):
            pages.setdefault(block.page, []).append(block)
    results = []
    for blocks in pages.values():
        results += run_page(args.folder, blocks)
    (args.folder / "results.json").write_text(json.dumps(results))
    return int(not all(one["ok"] for one in results))


def run_page(folder: Path, blocks: list[Block]) -> list[dict[str, object]]:
    """The blocks of one page, in order: each finds what those before left."""
    clone, env = folder / "pi-edge", sandbox.environ(folder)
    sandbox.clean(clone, folder)
    sandbox.prepare(clone, env, any(block.kind == "slow" for block in blocks))
    results = []
    with contextlib.ExitStack() as stack:
        if any("8080" in block.text or "pi-edge status" in block.text for block in blocks):
            serve = [str(clone / ".venv" / "bin" / "pi-edge"), "serve"]
            stack.enter_context(sandbox.serving(serve, clone, env, 8080))
        for block in blocks:
            began = time.monotonic()
            ok, said = run(block, clone, env)
            took = time.monotonic() - began
            print(f"{'ok    ' if ok else 'FAILED'} {block.place}  {took:.1f} s", flush=True)
            if not ok:
                print("       " + said.strip()[-1500:].replace("\n", "\n       "), flush=True)
            results.append({"place": block.place, "kind": block.kind, "ok": ok, "seconds": took})
    return results


def run(block: Block, clone: Path, env: dict[str, str]) -> tuple[bool, str]:
    """Whether every command of a block ended well, and what it said."""
    bash = ["bash", "-e", "-o", "pipefail", "-c", block.text]
    try:
        done = subprocess.run(
            bash, cwd=clone, env=env, stdin=subprocess.DEVNULL, timeout=SECONDS[block.kind],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as late:
        return False, f"not done after {late.timeout:g} s\n{(late.output or b'').decode()}"
    return done.returncode == 0, done.stdout.decode(errors="replace")


if __name__ == "__main__":
    # Told to stop, nothing that was started stays.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main())
