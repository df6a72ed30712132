"""Messages that wait for a broker."""

from pi_edge.integrations.outbox import Message, Outbox


def put(outbox: Outbox, *names: str) -> list[bool]:
    return [outbox.put(Message("t", name)) for name in names]


def sent(outbox: Outbox, number: int) -> object:
    message = outbox.take()
    assert message
    outbox.sent(number)
    return message.document


def test_what_was_under_way_when_the_line_broke_is_sent_again_first_and_in_order() -> None:
    outbox = Outbox(10)
    put(outbox, "a", "b", "c", "d")
    assert [sent(outbox, 1), sent(outbox, 2), sent(outbox, 3)] == ["a", "b", "c"]
    outbox.acknowledged(2)
    outbox.connection_lost()
    assert [sent(outbox, 1), sent(outbox, 2), sent(outbox, 3)] == ["a", "c", "d"]
    assert outbox.delivered == 1


def test_what_was_taken_and_never_sent_is_not_lost() -> None:
    outbox = Outbox(10)
    put(outbox, "a", "b")
    assert outbox.take() == Message("t", "a")
    outbox.connection_lost()
    assert [message.document for message in outbox.left()] == ["a", "b"]


def test_beyond_the_limit_the_oldest_goes() -> None:
    outbox = Outbox(2)
    assert put(outbox, "a", "b", "c") == [True, True, False]
    assert [message.document for message in outbox.left()] == ["b", "c"]
    assert outbox.dropped == 1


def test_an_acknowledgement_counts_once() -> None:
    outbox = Outbox(2)
    put(outbox, "a")
    sent(outbox, 7)
    outbox.acknowledged(7)
    outbox.acknowledged(7)
    outbox.acknowledged(8)
    assert (outbox.delivered, outbox.waiting) == (1, 0)


def test_what_cannot_be_sent_at_all_stops_nothing() -> None:
    outbox = Outbox(2)
    put(outbox, "a", "b")
    outbox.take()
    outbox.given_up()
    assert sent(outbox, 1) == "b"
    assert outbox.dropped == 1
