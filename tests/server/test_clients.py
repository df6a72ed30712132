"""Who may come, and how often; how long is waited for whom."""

from __future__ import annotations

from pi_edge.server.clients import Admission, Bucket, Clients, Limits, key_of
from pi_edge.server.patience import MAX_HEAD, STEP, Patience


class Wire:
    """A transport that says what it is told to."""

    closing = False
    unsent = 0

    def is_closing(self) -> bool:
        return self.closing

    def get_write_buffer_size(self) -> int:
        return self.unsent


def test_a_bucket_gives_its_rate_and_then_says_when_to_come_again() -> None:
    bucket = Bucket(4, now=0.0)
    assert [bucket.take(0.0) for _ in range(5)] == [0, 0, 0, 0, 0.25]
    assert bucket.take(0.25) == 0
    assert bucket.take(100.0) == 0


def test_a_bucket_holds_no_more_than_its_rate() -> None:
    bucket = Bucket(2, now=0.0)
    assert [bool(bucket.take(1000.0)) for _ in range(3)] == [False, False, True]


def test_an_address_has_one_bucket_however_often_it_connects() -> None:
    clients = Clients(Limits(client_rate=1), clock=lambda: 0.0)
    first, second = clients.admit("192.0.2.7"), clients.admit("192.0.2.7")
    assert isinstance(first, Admission)
    assert isinstance(second, Admission)
    assert first.bucket is second.bucket is not None


def test_addresses_fill_no_memory() -> None:
    clients = Clients(Limits(max_connections=64))
    for number in range(10_000):
        admission = clients.admit(f"10.0.{number // 256}.{number % 256}")
        assert isinstance(admission, Admission)
        admission.leave()
    assert len(clients._buckets) == 4096
    assert not clients._of_address


def test_a_place_given_back_twice_is_given_back_once() -> None:
    clients = Clients(Limits(max_connections=8))
    places = [clients.admit("127.0.0.1") for _ in range(8)]
    assert isinstance(clients.admit("127.0.0.1"), str)
    for _ in range(2):
        assert isinstance(places[0], Admission)
        places[0].leave()
    assert isinstance(clients.admit("127.0.0.1"), Admission)
    assert isinstance(clients.admit("127.0.0.1"), str)


def test_a_client_counts_as_its_address_or_its_ipv6_network() -> None:
    assert key_of("192.0.2.7") == key_of("::ffff:192.0.2.7") == "192.0.2.7"
    assert key_of("2001:db8::1") == key_of("2001:db8::ffff:2") != key_of("2001:db8:0:1::1")
    assert key_of("fe80::1%eth0") == "fe80::/64"
    assert key_of("127.0.0.1") == key_of("::1") == ""


def test_a_head_may_have_its_end_anywhere_within_the_limit() -> None:
    patience = Patience(9, 0.0)
    start = b"GET / HTTP/1.1\r\nX: 1\r\n\r"
    assert not patience.head_too_large(start)
    patience.came(start, head_done=False, in_body=False, now=0.0)
    assert not patience.head_too_large(b"\n" + bytes(MAX_HEAD))
    assert patience.head_too_large(b"x" * MAX_HEAD)


def test_a_body_that_moves_on_is_waited_for() -> None:
    patience, wire = Patience(9, 0.0), Wire()
    patience.came(b"head", head_done=True, in_body=True, now=1.0)
    for second in range(5, 100, 5):
        patience.came(bytes(STEP), head_done=False, in_body=True, now=second)
        assert patience.lost(wire, True, True, second) == ""  # type: ignore[arg-type]
    assert patience.lost(wire, True, True, 105.0) == "body"  # type: ignore[arg-type]


def test_a_body_that_nobody_reads_is_not_the_clients_fault() -> None:
    patience, wire = Patience(9, 0.0), Wire()
    patience.came(b"head", head_done=True, in_body=True, now=1.0)
    assert patience.lost(wire, False, True, 50.0) == ""  # type: ignore[arg-type]
    assert patience.lost(wire, True, True, 55.0) == ""  # type: ignore[arg-type]
    assert patience.lost(wire, True, True, 60.0) == "body"  # type: ignore[arg-type]


def test_an_answer_that_moves_on_is_waited_for() -> None:
    patience, wire = Patience(9, 0.0), Wire()
    patience.came(b"head", head_done=True, in_body=False, now=1.0)
    wire.unsent = 10 * STEP
    patience.answer_stuck(wire.unsent, 2.0)
    for second in range(5, 50, 5):
        wire.unsent -= STEP
        assert patience.lost(wire, True, False, second) == ""  # type: ignore[arg-type]
    assert patience.lost(wire, True, False, 60.0) == "answer"  # type: ignore[arg-type]


def test_a_connection_that_does_not_close_is_cut() -> None:
    patience, wire = Patience(9, 0.0), Wire()
    patience.came(b"head", head_done=True, in_body=False, now=1.0)
    wire.closing = True
    assert patience.lost(wire, True, False, 2.0) == ""  # type: ignore[arg-type]
    assert patience.lost(wire, True, False, 12.0) == "answer"  # type: ignore[arg-type]
