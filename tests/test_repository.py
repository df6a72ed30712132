"""The models folders at run time."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from loops import turning_loop
from running import drop_in, install, wait_until

from pi_edge import proving
from pi_edge import repository as module
from pi_edge.errors import NotFound, PiEdgeError, Unavailable
from pi_edge.handle import Handle
from pi_edge.ledger import Ledger
from pi_edge.proving import Bench
from pi_edge.repository import Repository
from pi_edge.workers.process import Workshop

X = {"x": np.array([[1, 2, 3]], np.float32)}


@pytest.fixture(autouse=True)
def _look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "POLL_SECONDS", 0.05)


class Folders:
    """Two folders and a repository over them."""

    def __init__(self, root: Path, shop: Workshop, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.shipped, self.owned = root / "shipped", root / "owned"
        self.shipped.mkdir()
        self.owned.mkdir()
        self.changes: list[dict[str, str]] = []
        bench = Bench(shop, Ledger(root))
        self.repository = Repository(self.shipped, self.owned, bench, on_change=self._note)

    def _note(self) -> None:
        self.changes.append(self.states())

    def start(self) -> Repository:
        self.repository.start(self.loop)
        wait_until(lambda: self.repository.settled)
        return self.repository

    def states(self) -> dict[str, str]:
        return {name: model.state for name, model in self.repository.models().items()}

    def reason(self, name: str) -> str:
        return self.repository.models()[name].reason


@pytest.fixture
def folders(tmp_path: Path, shop: Workshop) -> Iterator[Folders]:
    with turning_loop() as loop:
        folders = Folders(tmp_path, shop, loop)
        yield folders
        folders.repository.stop()


def test_serves_what_both_folders_hold(folders: Folders) -> None:
    install("double", folders.shipped)
    install("triple", folders.owned)
    repository = folders.start()
    assert folders.states() == {"double": "ready", "triple": "ready"}
    assert repository.handle("triple").run(X)["y"].tolist() == [[3, 6, 9]]


def test_the_owners_model_wins_over_a_shipped_one(folders: Folders) -> None:
    drop_in("double", folders.shipped)
    drop_in("triple", folders.owned, rename="double")
    assert folders.start().handle("double").run(X)["y"].tolist() == [[3, 6, 9]]


def test_without_a_version_the_default_variant_answers(folders: Folders) -> None:
    install("double", folders.shipped, variants=3)
    repository = folders.start()
    assert repository.handle("double").version == "v1"
    assert repository.handle("double", "v3").version == "v3"


def test_states_on_the_way_are_loading_then_ready(folders: Folders) -> None:
    install("double", folders.shipped)
    folders.start()
    seen = [states["double"] for states in folders.changes if "double" in states]
    assert seen[0] == "loading"
    assert seen[-1] == "ready"


def test_a_file_nobody_vouches_for_is_probed_first(folders: Folders) -> None:
    drop_in("double", folders.shipped)
    folders.start()
    seen = [states["double"] for states in folders.changes if "double" in states]
    assert "probing" in seen
    assert seen[-1] == "ready"


def test_a_dropped_in_model_is_served_and_a_removed_one_goes_away(folders: Folders) -> None:
    repository = folders.start()
    assert folders.states() == {}
    file = drop_in("double", folders.owned)
    wait_until(lambda: folders.states() == {"double": "ready"})
    file.unlink()
    wait_until(lambda: folders.states() == {})
    with pytest.raises(NotFound, match="no model 'double'"):
        repository.handle("double")


def test_a_changed_file_is_loaded_again(folders: Folders) -> None:
    repository = folders.start()
    drop_in("double", folders.owned, rename="times")
    wait_until(lambda: folders.states() == {"times": "ready"})
    before = repository.handle("times")
    drop_in("triple", folders.owned, rename="times")  # overwritten in place, under our feet
    wait_until(lambda: repository.handle("times").run(X)["y"].tolist() == [[3, 6, 9]])
    assert before.run(X)["y"].tolist() == [[2, 4, 6]]  # whoever held it goes on


def test_an_unchanged_variant_is_not_loaded_again(folders: Folders) -> None:
    folder = install("double", folders.owned, variants=2)
    repository = folders.start()
    kept, replaced = repository.handle("double", "v1"), repository.handle("double", "v2")
    path = folder / "model.json"
    document = json.loads(path.read_text())
    del document["variants"]["v2"]["sha256"]
    path.write_text(json.dumps(document))
    os.utime(folder / "v2.tflite", (1, 1))
    wait_until(lambda: repository.handle("double", "v2") is not replaced)
    assert repository.handle("double", "v1") is kept


@pytest.mark.parametrize(
    "content", [b"", b"no model", b"\x1c\x00\x00\x00TFL3" + bytes(100), b"\xff" * 1000]
)
def test_a_broken_file_is_quarantined_and_others_serve(folders: Folders, content: bytes) -> None:
    install("double", folders.shipped)
    (folders.owned / "broken.tflite").write_bytes(content)
    repository = folders.start()
    assert folders.states() == {"broken": "quarantined", "double": "ready"}
    assert folders.reason("broken")
    assert "\n" not in folders.reason("broken")
    with pytest.raises(Unavailable, match="quarantined"):
        repository.handle("broken")


def test_a_file_other_than_model_json_tells_of_is_quarantined(folders: Folders) -> None:
    folder = install("double", folders.shipped, variants=2)
    shutil.copy(drop_in("triple", folders.owned), folder / "v2.tflite")
    repository = folders.start()
    assert folders.states()["double"] == "ready"
    assert "model.json" in folders.reason("double")
    with pytest.raises(Unavailable, match=r"model\.json"):
        repository.handle("double", "v2")


@pytest.mark.parametrize("name", ["same-complex64", "same-bfloat16"])
def test_a_type_the_protocol_cannot_name_is_quarantined_by_name(
    folders: Folders, name: str
) -> None:
    drop_in(name, folders.owned)
    folders.start()
    assert folders.states() == {name: "quarantined"}
    assert name.removeprefix("same-") in folders.reason(name)


def test_an_unreadable_model_json_is_quarantined_and_mended(folders: Folders) -> None:
    folder = install("double", folders.owned)
    good = (folder / "model.json").read_text()
    (folder / "model.json").write_text("{")
    repository = folders.start()
    assert folders.states() == {"double": "quarantined"}
    with pytest.raises(Unavailable, match=r"model\.json"):
        repository.handle("double")
    (folder / "model.json").write_text(good)
    wait_until(lambda: folders.states() == {"double": "ready"})


def test_an_unloaded_model_stays_unloaded_until_it_is_loaded(folders: Folders) -> None:
    file = drop_in("double", folders.owned)
    repository = folders.start()
    repository.unload("double")
    assert folders.states() == {"double": "unloaded"}
    with pytest.raises(Unavailable, match="unloaded"):
        repository.handle("double")
    drop_in("triple", folders.owned, rename="double")
    drop_in("triple", folders.owned)
    wait_until(lambda: folders.states().get("triple") == "ready")  # the watcher has been by
    assert folders.states()["double"] == "unloaded"
    repository.load("double")
    assert repository.handle("double").run(X)["y"].tolist() == [[3, 6, 9]]
    assert file.exists()


def test_loading_again_gives_a_quarantined_model_another_chance(folders: Folders) -> None:
    folder = install("double", folders.owned)
    whole = (folder / "v1.tflite").read_bytes()
    (folder / "v1.tflite").write_bytes(b"cut off")
    repository = folders.start()
    with pytest.raises(Unavailable, match="quarantined"):
        repository.load("double")
    (folder / "v1.tflite").write_bytes(whole)
    repository.load("double")
    assert folders.states() == {"double": "ready"}


def test_what_does_not_exist_cannot_be_loaded_or_unloaded(folders: Folders) -> None:
    repository = folders.start()
    with pytest.raises(NotFound, match="nobody"):
        repository.load("nobody")
    with pytest.raises(NotFound, match="nobody"):
        repository.unload("nobody")


def test_a_variant_that_breaks_while_serving_is_quarantined(
    folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("double", folders.shipped, variants=2)
    repository = folders.start()
    handle = repository.handle("double", "v2")
    worker = handle._lines[0].process
    assert worker
    real = worker.receive

    def broken() -> None:
        real()
        raise PiEdgeError("node 7 failed to invoke")

    monkeypatch.setattr(worker, "receive", broken)
    for _ in range(3):
        with pytest.raises(PiEdgeError):
            handle.run(X)
    wait_until(lambda: repository.model("double").variants["v2"].state == "quarantined")
    assert "failed 3 times in a row" in folders.reason("double")
    assert folders.states() == {"double": "ready"}
    assert repository.handle("double", "v1").run(X)["y"].tolist() == [[2, 4, 6]]


def test_a_folder_that_cannot_be_read_for_a_while_keeps_what_is_loaded(
    folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("double", folders.shipped)
    repository = folders.start()
    looked: list[Path] = []

    def unreadable(*paths: Path) -> None:
        looked.extend(paths)
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(module.catalog, "find", unreadable)
    (folders.shipped / "another").touch()
    wait_until(lambda: len(looked) > 6)
    assert repository.handle("double").run(X)["y"].tolist() == [[2, 4, 6]]


def load_soon(folders: Folders, name: str, state: str = "ready") -> None:
    wait_until(lambda: folders.states().get(name) == state)


def test_a_worse_model_does_not_take_the_place_of_the_one_before(folders: Folders) -> None:
    right = {"inputs": {"x": [[1, 2, 3]]}, "outputs": {"y": [[2, 4, 6]]}}
    install("double", folders.owned, check=right)
    repository = folders.start()
    worse = install("triple", folders.owned.parent / "beside", check=right)
    for part in ("v1.tflite", "model.json"):
        text = (worse / part).read_bytes().replace(b"triple", b"double")
        (folders.owned / "double" / part).write_bytes(text)
    document = json.loads((folders.owned / "double" / "model.json").read_text())
    document["variants"]["v1"].pop("sha256")
    (folders.owned / "double" / "model.json").write_text(json.dumps(document))
    wait_until(lambda: "refused" in folders.reason("double"))
    assert "its check failed" in folders.reason("double")
    assert folders.states() == {"double": "ready"}
    assert repository.model("double").faulty
    assert repository.handle("double").run(X)["y"].tolist() == [[2, 4, 6]]


def test_a_damaged_file_does_not_take_the_place_of_the_one_before(folders: Folders) -> None:
    file = drop_in("double", folders.owned)
    repository = folders.start()
    file.write_bytes(file.read_bytes()[:-100])
    wait_until(lambda: "refused" in folders.reason("double"))
    assert repository.handle("double").run(X)["y"].tolist() == [[2, 4, 6]]
    drop_in("triple", folders.owned, rename="double")
    wait_until(lambda: not folders.reason("double"))
    assert repository.handle("double").run(X)["y"].tolist() == [[3, 6, 9]]


def test_loading_a_worse_model_says_that_it_was_refused(folders: Folders) -> None:
    file = drop_in("double", folders.owned)
    repository = folders.start()
    file.write_bytes(b"cut off")
    with pytest.raises(Unavailable, match="not replaced: what now lies in its folder is refused"):
        repository.load("double")
    assert repository.handle("double").run(X)["y"].tolist() == [[2, 4, 6]]


def test_a_model_json_that_became_unreadable_leaves_what_is_served(folders: Folders) -> None:
    folder = install("double", folders.owned)
    repository = folders.start()
    good = (folder / "model.json").read_text()
    (folder / "model.json").write_text("{")
    wait_until(lambda: "not a model.json" in folders.reason("double"))
    assert repository.model("double").faulty
    assert repository.handle("double").run(X)["y"].tolist() == [[2, 4, 6]]
    (folder / "model.json").write_text(good)
    wait_until(lambda: not folders.reason("double"))


def test_all_variants_of_a_model_change_at_once(folders: Folders) -> None:
    install("double", folders.owned, variants=3)
    folders.start()
    seen: list[set[Handle | None]] = []
    folders.repository._on_change = lambda: seen.append(
        {v.handle for v in folders.repository.models()["double"].variants.values()}
    )
    old = {v.handle for v in folders.repository.models()["double"].variants.values()}
    made = install("triple", folders.owned.parent / "made", variants=3)
    text = (made / "model.json").read_text().replace('"name": "triple"', '"name": "double"')
    (made / "model.json").write_text(text)
    (folders.owned / "double").rename(folders.owned.parent / "before")
    made.rename(folders.owned / "double")
    wait_until(lambda: seen and not seen[-1] & old)
    assert all(handles <= old or not handles & old for handles in seen)


def test_a_model_that_never_returns_holds_up_no_other(
    folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proving, "TIME_LIMIT", 3.0)
    drop_in("endless", folders.owned)
    drop_in("double", folders.owned)
    drop_in("custom", folders.owned)
    folders.start()
    assert folders.states() == {
        "custom": "quarantined",
        "double": "ready",
        "endless": "quarantined",
    }
    assert "did not finish its first inference within 3 s" in folders.reason("endless")
    assert "Digamma" in folders.reason("custom")


def test_a_worker_that_was_killed_is_back_and_no_other_noticed(folders: Folders) -> None:
    install("double", folders.shipped, variants=2)
    repository = folders.start()
    killed, other = repository.handle("double", "v1"), repository.handle("double", "v2")
    (pid,), others = killed.pids, other.pids
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: killed.pids not in ([], [pid]))
    assert killed.run(X)["y"].tolist() == [[2, 4, 6]]
    assert (other.pids, other.statistics().lost) == (others, 0)


def test_a_removed_folder_that_was_being_loaded_is_no_trouble(folders: Folders) -> None:
    repository = folders.start()
    for _ in range(20):
        folder = install("double", folders.owned, variants=3)
        repository.look()
        shutil.rmtree(folder)
    install("triple", folders.owned)
    load_soon(folders, "triple")
    wait_until(lambda: folders.states() == {"triple": "ready"})


def test_folders_in_which_nothing_changed_are_not_read_again(
    folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("double", folders.shipped)
    folders.start()
    wait_until(lambda: folders.repository._dealt_with)
    reads: list[float] = []
    find = module.catalog.find

    def noting(*paths: Path) -> Any:
        reads.append(time.monotonic())
        return find(*paths)

    monkeypatch.setattr(module.catalog, "find", noting)
    time.sleep(0.3)
    assert reads == []
    (folders.shipped / "double/model.json").touch()
    wait_until(lambda: reads)


def test_the_folders_are_looked_through_when_asked(
    folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = folders.start()
    monkeypatch.setattr(module, "POLL_SECONDS", 3600.0)
    repository.look()  # the wait before this one was a short one
    drop_in("double", folders.owned)
    for _ in range(2):  # it has to rest from one look to the next
        wait_until(lambda: not repository._look.is_set())
        repository.look()
    load_soon(folders, "double")


def test_inferences_are_tallied_beyond_the_life_of_a_handle(folders: Folders) -> None:
    drop_in("double", folders.owned)
    repository = folders.start()
    repository.handle("double").run(X)
    drop_in("triple", folders.owned, rename="double")
    wait_until(lambda: repository.handle("double").run(X)["y"].tolist() == [[3, 6, 9]])
    repository.unload("double")
    done, failed = repository.tally.counts()["double", "default"]
    assert done >= 2
    assert failed == 0
