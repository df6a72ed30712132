"""Clients that are slow, silent, too many or too greedy: they are sent away, others are served."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from running import (
    PATIENCE,
    WITHOUT_ACCELERATORS,
    RunningDaemon,
    install,
    running_daemon,
    wait_until,
    worker_of,
)

GET = b"GET /v2/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"
POST = b"POST /v2/models/double/infer HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n"
# Every test listens on this machine only: such a daemon takes that for the world.
BEYOND = "from pi_edge import access_token; access_token.is_loopback = lambda _: False;"


def beyond(command: tuple[str, ...]) -> tuple[str, ...]:
    if not command:
        code = "import sys; from pi_edge.cli import main; sys.exit(main(sys.argv[1:]))"
        command = (sys.executable, "-c", code, "serve")
    return (*command[:2], command[2].replace("from", f"{BEYOND} from", 1), *command[3:])


@contextlib.contextmanager
def started(folder: Path, *flags: str, command: tuple[str, ...] = ()) -> Iterator[RunningDaemon]:
    install("double", folder / "models")
    (folder / "shipped").mkdir()
    flags = ("--models", str(folder / "shipped"), *flags)
    with running_daemon(folder, *flags, wait=False, command=command) as running:
        wait_until(lambda: running.send("GET", "/v2/health/ready").json().get("ready"))
        yield running
        assert "Traceback" not in running.log.read_text()


@pytest.fixture(scope="module", params=[(), WITHOUT_ACCELERATORS], ids=["fast", "plain"])
def command(request: pytest.FixtureRequest) -> tuple[str, ...]:
    found: tuple[str, ...] = request.param
    return found


@pytest.fixture(scope="module")
def impatient(
    command: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningDaemon]:
    """A daemon that waits a second for anything."""
    flags = ("--client-seconds", "1", "--idle-seconds", "1")
    with started(tmp_path_factory.mktemp("impatient"), *flags, command=command) as running:
        yield running
        assert running.send("GET", "/status").status == 200


@pytest.fixture(scope="module")
def narrow(
    command: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningDaemon]:
    """A daemon with eight connections at most, and a mebibyte for all bodies."""
    folder = tmp_path_factory.mktemp("narrow")
    flags = ("--max-connections", "8", "--max-body", "1000000", "--body-memory", "1")
    with started(folder, *flags, command=command) as running:
        yield running


def connect(daemon: RunningDaemon) -> socket.socket:
    return socket.create_connection(("127.0.0.1", daemon.port), timeout=PATIENCE)


def rest(connection: socket.socket) -> bytes:
    """All that comes until the daemon closes."""
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while chunk := connection.recv(65536):
            received += chunk
    return received


def trickled(connection: socket.socket, start: bytes, drop: bytes = b"x") -> bytes:
    """What comes back while a little is sent now and then, until the daemon closes."""
    connection.sendall(start)
    connection.settimeout(0.2)
    received = b""
    for _ in range(300):
        try:
            chunk = connection.recv(65536)
        except TimeoutError:
            with contextlib.suppress(OSError):
                connection.sendall(drop)
            continue
        except ConnectionResetError:
            return received
        if not chunk:
            return received
        received += chunk
    raise AssertionError("the daemon is more patient than it should be")


def refusal(received: bytes, status: int, words: str) -> None:
    head, _, body = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status), received
    assert b"connection: close" in head.lower()
    assert words in json.loads(body)["error"]


def sockets(daemon: RunningDaemon) -> int:
    """How many sockets the daemon has open."""
    count = 0
    for path in Path(f"/proc/{daemon.process.pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            count += str(path.readlink()).startswith("socket:")
    return count


def test_a_head_that_comes_byte_by_byte_ends_the_connection(impatient: RunningDaemon) -> None:
    with connect(impatient) as connection:
        refusal(trickled(connection, b"GET / HTTP/1.1\r\nX: "), 408, "too little of the head")


def test_a_second_head_is_waited_for_no_longer(impatient: RunningDaemon) -> None:
    with connect(impatient) as connection:
        connection.sendall(GET)
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        refusal(trickled(connection, b"GET / HTTP/1.1\r\nX: "), 408, "too little of the head")


def test_empty_lines_for_ever_are_no_request(impatient: RunningDaemon) -> None:
    with connect(impatient) as connection:
        received = trickled(connection, b"\r\n", b"\r\n")
        assert received.startswith((b"HTTP/1.1 408 ", b"HTTP/1.1 400 "))  # h11 takes not even one


def test_a_body_that_comes_byte_by_byte_ends_the_connection(impatient: RunningDaemon) -> None:
    with connect(impatient) as connection:
        refusal(trickled(connection, POST), 408, "too little of the body")


def test_a_body_in_pieces_that_keep_coming_is_read(impatient: RunningDaemon) -> None:
    body = b'{"inputs":[{"name":"x","shape":[1,3],"datatype":"FP32","data":[1,2,3]}]}'
    with connect(impatient) as connection:
        connection.sendall(POST.replace(b"1000", b"%d" % len(body)) + body[:20])
        connection.sendall(body[20:])
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")


def test_who_connects_and_says_nothing_is_let_go_without_a_word(impatient: RunningDaemon) -> None:
    with connect(impatient) as connection:
        assert rest(connection) == b""


def test_an_idle_connection_is_closed(impatient: RunningDaemon) -> None:
    with connect(impatient) as connection:
        connection.sendall(GET)
        assert rest(connection).count(b"HTTP/1.1 ") == 1


def test_who_does_not_read_the_answer_is_let_go(impatient: RunningDaemon) -> None:
    rows = 1_000_000  # 12 MB, more than the two systems keep in between
    output = {"name": "y", "parameters": {"binary_data": True}}
    tensor = {"name": "x", "shape": [rows, 3], "datatype": "FP32"}
    tensor["parameters"] = {"binary_data_size": rows * 12}
    head = json.dumps({"inputs": [tensor], "outputs": [output]}).encode()
    before = sockets(impatient)
    with connect(impatient) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(
            b"POST /v2/models/double/infer HTTP/1.1\r\nHost: localhost\r\n"
            b"Inference-Header-Content-Length: %d\r\nContent-Length: %d\r\n\r\n"
            % (len(head), len(head) + rows * 12)
            + head
        )
        connection.sendall(bytes(rows * 12))
        assert connection.recv(12) == b"HTTP/1.1 200"
        assert sockets(impatient) > before
        wait_until(lambda: sockets(impatient) <= before)


def large(size: int) -> bytes:
    """A request for ``double`` whose body, padded with blanks, has that many bytes."""
    body = b'{"inputs":[{"name":"x","shape":[1,3],"datatype":"FP32","data":[1,2,3]}]}'
    return POST.replace(b"1000", b"%d" % size) + body + b" " * (size - len(body))


def test_bodies_have_a_common_bound_and_small_ones_are_none_of_it(narrow: RunningDaemon) -> None:
    with connect(narrow) as first:
        first.sendall(large(900_000)[:-1])
        wait_until(lambda: bodies_take(narrow) == 899_999)
        assert refused_for_room(narrow)
        with connect(narrow) as second:
            second.sendall(large(60_000))
            assert second.recv(65536).startswith(b"HTTP/1.1 200")
        first.sendall(b" ")
        assert first.recv(65536).startswith(b"HTTP/1.1 200")
    assert not refused_for_room(narrow)


def test_who_goes_away_leaves_the_room_for_bodies_to_others(narrow: RunningDaemon) -> None:
    with connect(narrow) as first:
        first.sendall(large(900_000)[:-1])
        wait_until(lambda: bodies_take(narrow) == 899_999)
    wait_until(lambda: bodies_take(narrow) == 0)
    assert not refused_for_room(narrow)


def bodies_take(daemon: RunningDaemon) -> int:
    """Bytes, as /metrics tells them."""
    text = daemon.send("GET", "/metrics").body.decode()
    found = re.search(r"^pi_edge_bodies_bytes (\S+)$", text, re.MULTILINE)
    assert found
    return int(float(found[1]))


def refused_for_room(daemon: RunningDaemon) -> bool:
    """Whether another large body finds no room; if so, how that is told is checked as well."""
    with connect(daemon) as connection:
        connection.sendall(large(900_000))
        received = connection.recv(65536)
        if received.startswith(b"HTTP/1.1 200"):
            return False
        assert b"retry-after: 1\r\n" in received.lower()
        refusal(received + rest(connection), 503, "come again")
        return True


@pytest.mark.parametrize("line", [b"X: " + b"x" * 40_000, b"X: 1\r\n" * 8_000], ids=["one", "many"])
def test_a_head_that_is_too_large_is_refused(narrow: RunningDaemon, line: bytes) -> None:
    with connect(narrow) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n" + line + b"\r\n\r\n")
        refusal(rest(connection), 431, "more than 32768 bytes")


def test_a_head_without_end_is_refused(narrow: RunningDaemon) -> None:
    with connect(narrow) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ")
        with contextlib.suppress(OSError):
            for _ in range(1000):
                connection.sendall(b"x" * 1000)
        received = rest(connection)
        assert not received or b" 431 " in received  # a reset may overtake the answer


def test_a_large_body_right_behind_the_head_is_no_large_head(narrow: RunningDaemon) -> None:
    body = b" " * 200_000
    with connect(narrow) as connection:
        connection.sendall(POST.replace(b"1000", b"%d" % len(body)) + body)
        assert b" 400 " in connection.recv(65536).partition(b"\r\n")[0]


def test_too_many_headers_are_refused(narrow: RunningDaemon) -> None:
    with connect(narrow) as connection:
        connection.sendall(GET[:-2] + b"X: 1\r\n" * 100 + b"\r\n")
        refusal(rest(connection), 431, "more than 100 headers")


def test_past_the_last_connection_is_told_to_come_again(narrow: RunningDaemon) -> None:
    with contextlib.ExitStack() as held:
        connections = [held.enter_context(connect(narrow)) for _ in range(8)]
        for connection in connections:
            connection.sendall(GET)
            assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        with connect(narrow) as extra:
            received = rest(extra)
        refusal(received, 503, "setting max_connections")
        assert b"retry-after: 1\r\n" in received
        connections[0].sendall(GET)
        assert connections[0].recv(65536).startswith(b"HTTP/1.1 200")
    wait_until(lambda: is_served(narrow))


def is_served(daemon: RunningDaemon) -> bool:
    with contextlib.suppress(OSError):
        return daemon.send("GET", "/v2/health/live").status == 200
    return False


def test_200_slow_clients_keep_nobody_from_being_served(
    command: tuple[str, ...], tmp_path: Path
) -> None:
    with started(tmp_path, command=command) as daemon, contextlib.ExitStack() as held:
        for number in range(200):
            connection = held.enter_context(connect(daemon))
            connection.sendall((b"GET / HTT", POST + b"{", b"")[number % 3])
        assert daemon.infer("double", x=[1, 2, 3]) == {"y": [2, 4, 6]}


def test_requests_far_ahead_of_their_answers_end_the_connection(narrow: RunningDaemon) -> None:
    with connect(narrow) as connection:
        connection.sendall(GET * 1000)
        connection.shutdown(socket.SHUT_WR)
        assert rest(connection).count(b"HTTP/1.1 ") <= 1000
    assert is_served(narrow)


def test_beyond_this_machine_one_address_gets_a_quarter_of_the_connections(
    command: tuple[str, ...], tmp_path: Path
) -> None:
    with (
        started(tmp_path, "--max-connections", "16", command=beyond(command)) as daemon,
        contextlib.ExitStack() as held,
    ):
        for _ in range(4):
            connection = held.enter_context(connect(daemon))
            connection.sendall(GET)
            assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        with connect(daemon) as extra:
            refusal(rest(extra), 503, "your address has 4 connections already")


def test_beyond_this_machine_an_address_has_a_rate(
    command: tuple[str, ...], tmp_path: Path
) -> None:
    with started(tmp_path, "--client-rate", "5", command=beyond(command)) as daemon:
        for _ in range(100):
            answer = daemon.send("GET", "/v2/health/live")
            if answer.status != 200:
                break
        assert answer.status == 429
        assert answer.headers["retry-after"] == "1"
        assert "client_rate" in answer.json()["error"]
        wait_until(lambda: daemon.send("GET", "/v2/health/live").status == 200)


def test_on_this_machine_nobody_counts(command: tuple[str, ...], tmp_path: Path) -> None:
    with started(tmp_path, "--client-rate", "1", command=command) as daemon:
        assert {daemon.send("GET", "/v2/health/live").status for _ in range(20)} == {200}


@pytest.mark.parametrize("ahead", [b"", GET[:20]], ids=["alone", "another begun behind it"])
def test_a_model_that_takes_its_time_is_no_slow_client(
    impatient: RunningDaemon, ahead: bytes
) -> None:
    row = {"name": "x", "shape": [1, 3], "datatype": "FP32", "data": [1, 2, 3]}
    body = json.dumps({"inputs": [row]}).encode().ljust(1000)
    worker = wait_until(lambda: worker_of(impatient, "double"))
    os.kill(worker, signal.SIGSTOP)
    try:
        with socket.create_connection(("127.0.0.1", impatient.port), PATIENCE) as sock:
            sock.sendall(POST + body[:500])
            time.sleep(0.2)  # so that the end of the body comes by itself
            sock.sendall(body[500:] + ahead)
            time.sleep(3.5)  # more than three times what a client would have
            os.kill(worker, signal.SIGCONT)
            assert sock.recv(65536).startswith(b"HTTP/1.1 200 ")
    finally:
        os.kill(worker, signal.SIGCONT)
