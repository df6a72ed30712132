"""What hangs or dies is replaced: by the daemon where it is a model, by systemd where it is the
daemon."""

from __future__ import annotations

import threading
from collections.abc import Callable

from machine import MODELS, Answer
from pc import Pc


def restarts(pc: Pc) -> int:
    return int(pc.show("NRestarts"))


def answers(pc: Pc) -> bool:
    """Whether a shipped model does."""
    return pc.ask("/tasks/regression", {"x": [1.0, 2.0]}).status == 200


def in_background(ask: Callable[[], Answer]) -> tuple[threading.Thread, list[Answer]]:
    given: list[Answer] = []
    thread = threading.Thread(target=lambda: given.append(ask()), daemon=True)
    thread.start()
    return thread, given


def alive(pc: Pc, processes: list[int]) -> list[int]:
    """Those that have not ended. (A number is used again only after thousands.)"""
    names = " ".join(f"/proc/{pid}" for pid in processes)
    said = pc.root(f"ls -d {names} 2>/dev/null || true").split()
    return [int(name.rpartition("/")[2]) for name in said]


def test_kill_9_takes_all_workers_along_and_is_followed_by_a_new_daemon(service: Pc) -> None:
    before, count, processes = service.pid, restarts(service), service.processes()
    assert len(processes) > 2
    service.root(f"kill -9 {before}")
    service.wait(lambda: service.pid not in (0, before))
    assert alive(service, processes) == []
    service.wait_ready()
    assert restarts(service) == count + 1
    assert answers(service)


def test_a_daemon_that_hangs_is_ended_by_the_watchdog_and_started_again(service: Pc) -> None:
    before, count, processes = service.pid, restarts(service), service.processes()
    mark = service.now()
    service.root(f"kill -STOP {before}")
    service.wait(lambda: restarts(service) > count, lambda: service.journal(mark))
    service.wait_ready()
    assert service.pid != before
    assert alive(service, processes) == []
    assert any("Watchdog timeout" in line for line in service.journal(mark))


def test_a_worker_that_is_stopped_is_replaced_while_others_answer(service: Pc) -> None:
    service.add("double")
    before, count = service.pid, restarts(service)
    (worker,) = service.workers("double")
    service.root(f"kill -STOP {worker}")
    thread, given = in_background(lambda: service.infer("double", [1.0, 2.0, 3.0], [1, 3]))
    assert answers(service)
    thread.join()
    assert given[0].status == 503
    service.wait(lambda: service.infer("double", [1.0, 2.0, 3.0], [1, 3]).status == 200)
    assert (service.pid, restarts(service)) == (before, count)
    assert alive(service, [worker]) == []


def test_an_inference_that_never_returns_costs_one_answer(service: Pc) -> None:
    service.add("hangs")
    before, count, mark = service.pid, restarts(service), service.now()
    assert service.infer("hangs", [1.0], [1]).status == 503
    service.wait(lambda: service.infer("hangs", [-1.0], [1]).status == 200)
    assert (service.pid, restarts(service)) == (before, count)
    lost = [line for line in service.journal(mark) if "was lost" in line]
    assert len(lost) == 1
    assert "an inference took longer than 30 s" in lost[0]


def test_a_model_that_never_returns_is_set_aside_and_the_others_serve(service: Pc) -> None:
    before, count = service.pid, restarts(service)
    service.root(f"cp /home/pi/pi-edge/tests/data/endless.tflite {MODELS}")
    service.wait(lambda: service.state("endless").startswith("quarantined"))
    assert "did not finish its first inference within 15 s" in service.state("endless")
    assert service.serves()
    assert (service.pid, restarts(service)) == (before, count)


def test_the_process_that_forks_is_replaced_when_it_is_killed(service: Pc) -> None:
    service.add("double")
    before, count = service.pid, restarts(service)
    zygote = int(service.run(f"pgrep -P {before}").split()[0])
    service.root(f"kill -9 {zygote}")
    service.wait(lambda: service.infer("double", [1.0, 2.0, 3.0], [1, 3]).status == 200)
    assert (service.pid, restarts(service)) == (before, count)
    assert alive(service, [zygote]) == []
