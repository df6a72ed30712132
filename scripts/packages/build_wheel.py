"""scripts/build-wheel: sdist and wheel into dist/."""

from __future__ import annotations

import argparse
import sys

from packages import distributions, source


def main() -> int:
    argparse.ArgumentParser(prog="build-wheel", description=__doc__).parse_args()
    try:
        for path in distributions.build():
            print(path)
    except source.Failed as failure:
        source.say(f"build-wheel: {failure}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
