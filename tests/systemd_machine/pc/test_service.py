"""What systemctl and journalctl do with the service."""

from __future__ import annotations

import re
import socket

from machine import MODELS
from pc import Pc
from support import ROOT


def test_reload_has_a_model_loaded_that_was_dropped_in(service: Pc) -> None:
    before = service.pid
    service.run(f"cp pi-edge/tests/data/triple.tflite {MODELS}/dropped.tflite")
    service.root("systemctl reload pi-edge")
    service.wait(lambda: service.state("dropped") == "ready")
    answer = service.infer("dropped", [1.0, 2.0, 3.0], [1, 3])
    assert answer.json()["outputs"][0]["data"] == [3.0, 6.0, 9.0]
    assert service.pid == before


def test_stop_answers_the_request_under_way(service: Pc) -> None:
    body = (ROOT / "docs/pictures/seven.jpg").read_bytes()
    head = (
        "POST /tasks/digits?model=mnist-linear HTTP/1.1\r\nHost: localhost\r\n"
        f"Content-Type: image/jpeg\r\nContent-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", service.http), 900) as connection:
        connection.sendall(head.encode())
        with connection.makefile("rb") as stream:
            assert b"100" in stream.readline()  # it has been taken up
            assert stream.readline() == b"\r\n"
            mark = service.now()
            service.root("systemctl stop --no-block pi-edge")
            service.wait(lambda: service.show("ActiveState") != "active")
            connection.sendall(body)
            assert b" 200 " in stream.readline()
            assert b'"number":"7"' in stream.read()
    service.wait(lambda: service.show("ActiveState") == "inactive")
    assert service.show("Result") == "success"
    assert service.processes() == []
    lines = service.journal(mark)
    assert "stopped" in "\n".join(lines)
    assert not any("timed out" in line or "SIGKILL" in line for line in lines)


def test_stop_ends_within_its_limit_though_a_model_hangs(service: Pc) -> None:
    service.add("hangs")
    (worker,) = service.workers("hangs")
    ticks = f"cut -d' ' -f15 /proc/{worker}/stat"  # utime; the process' name has a space
    before = int(service.root(ticks))
    mark = service.now()
    with socket.create_connection(("127.0.0.1", service.http), 900) as connection:
        body = b'{"inputs": [{"name": "x", "datatype": "FP32", "shape": [1], "data": [1]}]}'
        head = "POST /v2/models/hangs/infer HTTP/1.1\r\nHost: localhost\r\n"
        connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        # Within the 30 s that an inference may take.
        service.wait(lambda: int(service.root(ticks)) > before + 20)
        service.root("systemctl stop pi-edge")
    assert service.show("Result") == "success"
    assert service.processes() == []
    text = "\n".join(service.journal(mark))
    assert "was lost" not in text
    assert "timed out" not in text


def test_the_journal_reads_well(service: Pc) -> None:
    mark = service.now()
    service.run(f"echo nonsense >{MODELS}/broken.tflite")
    service.wait(lambda: service.state("broken").startswith("quarantined"))
    service.root("systemctl restart pi-edge")
    service.wait_ready()
    lines = service.journal(mark)
    print("\n".join(lines))
    text = "\n".join(lines)
    assert re.search(r"broken/\S+ is quarantined: \S+ is not a TFLite model", text)
    assert "degraded at http://127.0.0.1:8080" in text
    assert "stopped" in text
    assert "Traceback" not in text
    assert all(line.isprintable() and len(line) < 300 for line in lines), lines
