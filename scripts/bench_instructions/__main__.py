"""What every path through pi-edge costs on an emulated Raspberry Pi 3, in instructions: an
inference by the bare interpreter, through Model, as a task, and as a whole HTTP request in JSON and
in binary; a start; a photo. Counts are the same on every machine to a part in a thousand, so they
are compared with docs/instructions.json: what costs more than 2 % more fails."""

from __future__ import annotations

import argparse
import json
import sys

import bench_board
from bench_ending import exit_status

from bench_instructions import comparison
from bench_instructions.comparison import KNOWN
from bench_instructions.counting import count
from pi_edge.files import write_json


def main() -> int:
    args = _arguments()
    known = json.loads(KNOWN.read_text()) if KNOWN.exists() else {}
    worse = False
    for bits in args.bits:
        with bench_board.installed(bits) as tree:
            counts, versions = count(tree, args.models)
        before = known.get(str(bits), {"rows": {}, "versions": versions})
        print(comparison.table(bits, counts, versions), flush=True)
        changes = comparison.changes(before["rows"], counts)
        print("\n".join(changes.told), flush=True)
        if changes.worse and before["versions"] != versions:
            print(f"Measured then with {before['versions']}, now with {versions}.")
        worse |= changes.worse
        if args.update:
            rows = {**before["rows"], **counts} if args.models else counts
            known[str(bits)] = {"versions": versions, "rows": rows}
            write_json(KNOWN, known)
    return int(worse and not args.update)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench-instructions", description=__doc__)
    parser.add_argument("models", nargs="*", metavar="MODEL", help="these only (all)")
    parser.add_argument(
        "--bits",
        type=lambda text: [int(one) for one in text.split(",")],
        default=[64, 32],
        help="userlands: 64, 32 or 64,32, the default",
    )
    parser.add_argument("--update", action="store_true", help="write docs/instructions.json")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(exit_status("bench-instructions", main))
