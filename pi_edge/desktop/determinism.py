"""The same seed, the same weights: for every training with TensorFlow."""

from __future__ import annotations

import tensorflow as tf

from pi_edge.quiet import quiet

THREADS = 2


def fix_order_of_additions() -> None:
    """Fix what rounding depends on, so that equal seeds give equal weights."""
    try:
        tf.config.threading.set_intra_op_parallelism_threads(THREADS)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    except RuntimeError:  # already running: a second model trained by the same process
        pass
    tf.config.experimental.enable_op_determinism()
    with quiet():
        tf.constant(0)
