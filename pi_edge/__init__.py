"""pi-edge: neural networks from a laptop to a Raspberry Pi, served there and kept running."""

__version__ = "0.1.0"
