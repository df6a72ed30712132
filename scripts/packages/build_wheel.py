"""scripts/build-wheel: sdist and wheel into dist/."""

from __future__ import annotations

import argparse
import sys

from packages import distributions, source


def main() -> int:
    argparse.ArgumentParser(prog="build-wheel", description=__doc__).parse_args()
    for path in distributions.build():
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(source.exit_status("build-wheel", main))
