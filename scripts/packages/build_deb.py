"""scripts/build-deb: Debian packages into dist/, looked at by lintian."""

from __future__ import annotations

import argparse
import os
import sys

from packages import debs, source


def main() -> int:
    parser = argparse.ArgumentParser(prog="build-deb", description=__doc__)
    parser.add_argument(
        "--architecture",
        action="append",
        choices=debs.ARCHITECTURES,
        help="build pi-edge-runtime for this one; all unless told, may be repeated",
    )
    parser.add_argument("--test", action="store_true", help="then run scripts/test-packages")
    args = parser.parse_args()
    for path in debs.build(architectures=args.architecture or debs.ARCHITECTURES):
        print(path)
    if args.test:
        command = str(source.ROOT / "scripts" / "test-packages")
        os.execv(command, [command])
    return 0


if __name__ == "__main__":
    sys.exit(source.exit_status("build-deb", main))
