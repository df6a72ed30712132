"""Losses of network, optimiser and bare photo, side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_pictures import made_painting, made_photo
from PIL import Image

from pi_edge.quiet import quiet


@pytest.fixture
def measure(style_trainer: Any) -> Any:
    with quiet():
        from pi_edge.desktop.style import measure
    return measure


@pytest.fixture
def trained(measure: Any) -> Any:
    from pi_edge.desktop.style import kept, network

    shape = network.Shape(2, half=4, quarter=6, eighth=8, before=0, deep=0, after=0)
    return kept.Trained(network.init(shape), shape, ("stripes", "waves"), {"step": 3})


@pytest.fixture
def grams(measure: Any, tiny_features: Any) -> Any:
    return measure.losses.grams_of([made_painting(1), made_painting(2)], tiny_features)


def row(*totals: float) -> np.ndarray:
    """Losses of paintings of which only the totals matter."""
    return np.array([[0, 0, 0, total] for total in totals], np.float64)


def test_the_table_has_the_photo_the_network_and_every_mark(
    measure: Any, trained: Any, grams: Any, tmp_path: Path
) -> None:
    photos = [made_photo(1), made_photo(2)]
    table = measure.measure(trained, grams, photos, side=64, marks=(2, 4), cache=tmp_path)
    assert list(table) == ["photo", "network", "optimiser after 2", "optimiser after 4"]
    assert all(rows.shape == (2, 4) for rows in table.values())
    # A photo's content against its own: nothing, but for how a processor rounds.
    np.testing.assert_allclose(table["photo"][:, 0], 0, atol=1e-12)
    bare, *steps = (table[name][:, 3].mean() for name in table if name != "network")
    assert bare > steps[0] > steps[1]
    assert len(list(tmp_path.glob("optimiser-*.npz"))) == 2


def test_what_the_optimiser_came_to_is_computed_once(
    measure: Any, trained: Any, grams: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def settings() -> Any:
        photos = [made_photo(1)]
        return measure.measure(trained, grams, photos, side=64, marks=(2,), cache=tmp_path)

    first = settings()
    monkeypatch.setattr(measure, "optimised", None)
    again = settings()
    np.testing.assert_array_equal(first["optimiser after 2"], again["optimiser after 2"])


@pytest.mark.parametrize(
    ("network", "worth"), [(3.0, 0.0), (2.0, 0.0), (1.5, 5.0), (1.0, 10.0), (0.75, 30.0), (0.1, 50)]
)
def test_the_network_is_worth_so_many_steps(measure: Any, network: float, worth: float) -> None:
    table = {
        "photo": row(1.0, 3.0),
        "network": row(network, network),
        "optimiser after 10": row(0.5, 1.5),
        "optimiser after 50": row(0.5, 0.5),
    }
    assert measure.steps_worth(table) == pytest.approx(worth)


def test_without_the_optimiser_nothing_is_said_of_its_worth(measure: Any) -> None:
    assert measure.steps_worth({"photo": row(1.0), "network": row(0.5)}) is None


def test_only_styles_whose_paintings_are_at_hand_are_judged(
    measure: Any, trained: Any, tiny_features: Any, style_pictures: Path
) -> None:
    waves = measure.data.Painting("waves", style_pictures / "paintings" / "waves.png")
    fewer, grams = measure.known_grams(trained, [waves], tiny_features)
    assert fewer.styles == ("waves",)
    np.testing.assert_array_equal(fewer.weights["up/scale"], trained.weights["up/scale"][1:])
    assert len(grams["relu3_3"]) == 1


def test_a_sheet_has_a_row_for_each_photo_and_a_column_for_each_style(
    measure: Any, trained: Any, tmp_path: Path
) -> None:
    measure.sheet(tmp_path / "sheet.jpg", trained, [made_photo(1), made_photo(2)], 48)
    with Image.open(tmp_path / "sheet.jpg") as sheet:
        assert sheet.size == (3 * 48, 2 * 48)


def test_people_read_one_line_for_each(measure: Any) -> None:
    table = {"photo": row(1.0, 3.0), "network": row(0.5, 0.7)}
    header, photo, network = measure.lines(table, ["stripes", "waves"])
    assert header.split() == ["stripes", "waves", "mean", "total"]
    assert photo.split()[-1] == "2.000"
    assert network.split()[-1] == "0.600"
