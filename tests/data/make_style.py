"""Make tests/data/style, a tiny style model with random weights: python tests/data/make_style.py"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pi_edge.desktop.style import convert, kept, network

SHAPE = network.Shape(styles=2, half=4, quarter=8, eighth=8, before=1, deep=1, after=1)


def main() -> None:
    rng = np.random.default_rng(5)
    weights = network.init(SHAPE, seed=5)
    weights["out/kernel"] = rng.normal(0, 0.15, weights["out/kernel"].shape).astype(np.float32)
    for name, value in weights.items():
        if name.endswith(("/scale", "/offset", "/matrix")):
            value += rng.normal(0, 0.3, value.shape).astype(np.float32)
    trained = kept.Trained(weights, SHAPE, ("great-wave", "scream"), {"step": 0})
    convert.write(trained, Path(__file__).parent / "style")


if __name__ == "__main__":
    main()
