"""Handwritten digits: four networks, from one softmax layer to 99.7 %."""

from pi_edge.desktop.flags import DATA, EPOCHS, FRESH, SEED

NAMES = ("mnist-linear", "mnist-mlp", "mnist-flux-cnn", "mnist-cnn")

FLAGS = {
    "train": {"given": DATA, "seed": SEED, "epochs": EPOCHS, "fresh": FRESH},
    "convert": {"given": DATA},
    "verify": {"given": DATA},
}
