"""Connected components against a plain flood fill."""

from collections import deque

import numpy as np
import pytest

from pi_edge.tasks import components


def flood_fill(mask: np.ndarray) -> list[set[tuple[int, int]]]:
    """The 8-connected components, each as a set of (row, column)."""
    left = {(int(y), int(x)) for y, x in zip(*np.nonzero(mask), strict=True)}
    found = []
    while left:
        queue, own = deque([left.pop()]), set()
        while queue:
            y, x = queue.popleft()
            own.add((y, x))
            near = {(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)} & left
            left -= near
            queue.extend(near)
        found.append(own)
    return found


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (7, 1), (23, 31)])
@pytest.mark.parametrize("density", [0.0, 0.1, 0.35, 0.5, 0.8, 1.0])
def test_components_are_those_of_a_flood_fill(shape: tuple[int, int], density: float) -> None:
    mask = np.random.default_rng(7).random(shape) < density
    found = components.find(mask)
    expected = flood_fill(mask)
    assert {
        frozenset(zip(*(v.tolist() for v in np.nonzero(found.labels == i)), strict=True))
        for i in range(len(found))
    } == {frozenset(c) for c in expected}
    assert sorted(found.areas.tolist()) == sorted(len(c) for c in expected)


def test_a_box_is_tight_and_excludes_its_right_and_bottom() -> None:
    mask = np.zeros((10, 12), bool)
    mask[2:5, 3:9] = True
    assert components.find(mask).boxes.tolist() == [[3, 2, 9, 5]]


def test_a_spiral_is_one_component() -> None:
    # Its runs join only at the very end: labels must travel all the way back.
    mask = np.ones((41, 41), bool)
    for ring in range(1, 20, 2):
        mask[ring, ring : 40 - ring + 1] = False
        mask[ring : 40 - ring + 1, 40 - ring] = False
        mask[40 - ring, ring : 40 - ring + 1] = False
        mask[ring + 2 : 40 - ring + 1, ring] = False
    assert len(components.find(mask)) == len(flood_fill(mask))
