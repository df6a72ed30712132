"""scripts/build-image: an OCI archive for each architecture into dist/, from the Debian packages
there (scripts/build-deb)."""

from __future__ import annotations

import argparse
import sys

from packages import image, source


def main() -> int:
    parser = argparse.ArgumentParser(prog="build-image", description=__doc__)
    parser.add_argument(
        "--architecture",
        action="append",
        choices=tuple(image.PLATFORMS),
        help="for this one; arm64 and armhf unless told, may be repeated",
    )
    args = parser.parse_args()
    for path in image.build(source.DIST, args.architecture or ("arm64", "armhf")):
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(source.exit_status("build-image", main))
