"""Medians and percentiles that bring no numpy.ma along."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from pi_edge.tasks.order_statistics import median, percentile

RANDOM = np.random.default_rng(5)


@pytest.mark.parametrize("count", [1, 2, 3, 10, 101])
@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32, np.float64])
def test_the_median_is_numpys_to_the_bit(count: int, dtype: type) -> None:
    values = (RANDOM.random((4, count)) * 255).astype(dtype)
    expected = np.median(values, axis=1)
    found = median(values)
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)
    assert median(values[0]) == expected[0]


@pytest.mark.parametrize("count", [1, 2, 3, 10, 101])
@pytest.mark.parametrize("percent", [0, 33.3, 50, 80, 95, 100])
def test_a_percentile_is_numpys(count: int, percent: float) -> None:
    values = (RANDOM.random((2, count)) * 255).astype(np.float32)
    assert percentile(values, percent) == pytest.approx(np.percentile(values, percent), rel=1e-6)


def test_a_photo_of_a_digit_does_not_bring_numpy_ma() -> None:
    script = """
import sys
import numpy as np
from pi_edge.tasks import search
photo = np.full((200, 200), 220, np.uint8)
photo[40:160, 95:105] = 20
assert list(search.readings(photo))
sys.exit("numpy.ma" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
