"""What was learned goes live only if it is no worse, by the path of any new version."""

from __future__ import annotations

import contextlib
import json
import math
import shutil
from pathlib import Path
from typing import Any

import pytest

from pi_edge import adding, catalog
from pi_edge.errors import PiEdgeError
from pi_edge.learning import guard
from pi_edge.learning.guard import HeldBack
from pi_edge.learning.order import Order

NAME = "fire-theft"


@pytest.fixture
def order(tmp_path: Path, shipped_models: Path) -> Order:
    return Order(catalog.find(shipped_models)[0][NAME], NAME, tmp_path / "state")


@pytest.fixture
def made(tmp_path: Path, shipped_models: Path) -> Path:
    """The shipped model, as if it had been learned; its model.json has yet to be written."""
    folder = Path(shutil.copytree(shipped_models / NAME, tmp_path / "made" / NAME))
    (folder / "model.json").unlink()
    return folder


@pytest.fixture
def document(shipped_models: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((shipped_models / NAME / "model.json").read_text())
    return {**told, "learned": {"from": NAME, "method": "luck"}}


def accuracy(after: float, before: float | None) -> HeldBack:
    return HeldBack("accuracy", after, before, 100, higher_is_better=True, unit="%")


def error(after: float, before: float | None, chance: float = 0.0) -> HeldBack:
    return HeldBack("error", after, before, 100, higher_is_better=False, chance=chance)


@pytest.mark.parametrize(
    "held_back",
    [accuracy(98, 97), accuracy(97, 97), error(2, 3), error(3, 3), error(3.5, 3, chance=0.5)],
)
def test_what_is_no_worse_goes_live(
    order: Order, made: Path, document: dict[str, Any], held_back: HeldBack
) -> None:
    guard.go_live(made, order, document, held_back)
    assert list(catalog.find(catalog.owned_models(order.state))[0]) == [NAME]


@pytest.mark.parametrize(
    ("held_back", "by"),
    [
        (accuracy(96.5, 97), "worse by 0.5% (accuracy on 100 held back: 96.5%, 97% before)"),
        (error(3.25, 3), "worse by 0.25 (error on 100 held back: 3.25, 3 before)"),
        (error(4, 3, chance=0.5), "worse by 1 (error on 100 held back: 4, 3 before, where up to"),
        (error(math.nan, 3), "worse by nan"),
        (accuracy(math.nan, None), "worse by nan"),
    ],
)
def test_what_is_worse_is_refused_with_by_how_much_and_is_not_kept(
    order: Order, made: Path, document: dict[str, Any], held_back: HeldBack, by: str
) -> None:
    with pytest.raises(PiEdgeError) as refused:
        guard.go_live(made, order, document, held_back)
    assert by in str(refused.value)
    assert "stays what it was" in str(refused.value)
    assert not order.state.exists()


def test_nothing_of_that_name_is_nothing_to_compare_with(
    order: Order, made: Path, document: dict[str, Any]
) -> None:
    said = guard.go_live(made, order, document, error(1e9, None))
    assert "before" not in said
    assert (order.state / "models" / NAME).is_dir()


def test_both_numbers_are_in_model_json_and_said(
    order: Order, made: Path, document: dict[str, Any]
) -> None:
    said = guard.go_live(made, order, document, error(2, 3, chance=0.25))
    assert "error on 100 held back: 2, 3 before" in said
    told = json.loads((order.state / "models" / NAME / "model.json").read_text())
    assert told["learned"] == {
        "from": NAME,
        "method": "luck",
        "held_back": {
            "what": "error",
            "rows": 100,
            "before": 3,
            "after": 2,
            "higher_is_better": False,
            "chance": 0.25,
        },
    }


def test_the_version_before_can_be_brought_back(
    order: Order, made: Path, document: dict[str, Any]
) -> None:
    guard.go_live(made, order, document, error(2, 3))
    document["learned"]["method"] = "more luck"
    guard.go_live(made, order, document, error(1, 2))
    owned = catalog.owned_models(order.state)
    adding.roll_back(NAME, owned)
    assert catalog.read(owned / NAME).info["learned"]["method"] == "luck"


def test_what_fails_its_own_check_does_not_go_live(
    order: Order, made: Path, document: dict[str, Any]
) -> None:
    (made / "float32.tflite").write_bytes((made / "float32.tflite").read_bytes() + b"\0")
    with pytest.raises(PiEdgeError):
        guard.go_live(made, order, document, error(1, 2))
    assert not (order.state / "models" / NAME).exists()


def test_the_model_in_service_is_the_owners_of_the_results_name(
    order: Order, made: Path, document: dict[str, Any]
) -> None:
    assert guard.in_service(order) is order.model
    assert guard.in_service(Order(order.model, "mine", order.state)) is None
    mine = Path(shutil.copytree(made, made.with_name("mine")))
    guard.go_live(
        mine, Order(order.model, "mine", order.state), {**document, "name": "mine"}, error(1, None)
    )
    entry = guard.in_service(Order(order.model, "mine", order.state))
    assert entry is not None
    assert entry.info["learned"]["method"] == "luck"


def test_what_is_being_made_is_gone_whatever_became_of_it(order: Order) -> None:
    made: list[Path] = []
    with contextlib.suppress(ZeroDivisionError), guard.making(order) as folder:
        made.append(folder)
        (folder / "half").write_bytes(b"")
        raise ZeroDivisionError
    assert [folder.name for folder in made] == [NAME]
    assert not made[0].parent.exists()
