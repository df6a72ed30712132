"""What was seen in the latest answers is remembered, up to a number and a size."""

from __future__ import annotations

from pi_edge.server.recent import Recent, Seen


def seen(digits: int, answered: int = 1) -> Seen:
    return Seen("m", "v1", (bytes(784),) * digits, (answered,) * digits)


def test_of_too_many_answers_the_oldest_is_forgotten() -> None:
    recent = Recent(most=2)
    for identity in ("a", "b", "c"):
        recent.keep(identity, seen(1))
    assert recent.get("a") is None
    assert recent.get("b") == recent.get("c") == seen(1)


def test_large_answers_make_room_for_each_other() -> None:
    recent = Recent(most_bytes=4 * 784)
    for identity, digits in (("a", 2), ("b", 2), ("c", 3)):
        recent.keep(identity, seen(digits))
    assert [recent.get(identity) for identity in "abc"] == [None, None, seen(3)]


def test_one_that_is_too_large_by_itself_is_not_remembered() -> None:
    recent = Recent(most_bytes=4 * 784)
    recent.keep("a", seen(4))
    recent.keep("b", seen(5))
    assert (recent.get("a"), recent.get("b")) == (seen(4), None)


def test_of_two_answers_with_one_id_the_later_counts() -> None:
    recent = Recent(most_bytes=4 * 784)
    for answered in range(10):
        recent.keep("a", seen(3, answered))
    assert recent.get("a") == seen(3, 9)
