"""Handwritten digits: four networks, from one softmax layer to 99.7 %."""

NAMES = ("mnist-linear", "mnist-mlp", "mnist-flux-cnn", "mnist-cnn")
