"""``mlserver start FOLDER``; with --without-httptools as ``pip install mlserver`` leaves it."""

import sys

if "--without-httptools" in sys.argv:
    sys.argv.remove("--without-httptools")
    sys.modules["httptools"] = None  # importing it now raises ImportError

from mlserver.cli import main

main()
