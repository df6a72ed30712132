"""Thefts by fires in 42 districts of Chicago: one exact line, and how it was missed."""

from pi_edge.desktop.flags import DATA

NAMES = ("fire-theft",)

FLAGS = {
    "train": {"given": DATA},
    "convert": {"given": DATA},
    "verify": {"given": DATA},
    "plot": {"given": DATA},
}

TRAINING = "fire-theft.npz"
"""The file in STATE/training/fire-theft."""
