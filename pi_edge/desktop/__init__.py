"""The laptop side: train, convert and measure the models that the Pi serves.

Needs the extra `desktop` (TensorFlow); nothing that runs on the Pi imports from here.
"""
