"""The folder of releases on the Pi: files that come in, the lock, what is thrown away."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pi_edge.deploy.agent import release as releases
from pi_edge.deploy.agent.store import Store, lock, missing, prune, receive
from pi_edge.errors import BadInput


def blob(contents: bytes) -> tuple[str, int]:
    return hashlib.sha256(contents).hexdigest(), len(contents)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "opt")


def test_what_is_there_whole_is_not_asked_for_again(store: Store) -> None:
    receive(store, [blob(b"one"), blob(b"two")], io.BytesIO(b"onetwo").read)
    wanted = [blob(b"one"), blob(b"two"), blob(b"three"), blob(b"three")]
    assert missing(store, wanted) == [blob(b"three")[0]]


def test_a_stream_that_breaks_off_leaves_whole_files_only(store: Store) -> None:
    class Cut(Exception):
        pass

    stream = io.BytesIO(b"onetwo" + b"thr")

    def read(size: int) -> bytes:
        piece = stream.read(size)
        if not piece:
            raise Cut
        return piece

    with pytest.raises(Cut):
        receive(store, [blob(b"one"), blob(b"two"), blob(b"three")], read)
    assert missing(store, [blob(b"one"), blob(b"two"), blob(b"three")]) == [blob(b"three")[0]]


def test_a_file_that_is_not_what_was_announced_is_refused(store: Store) -> None:
    with pytest.raises(BadInput, match="changed while it was being sent"):
        receive(store, [blob(b"one")], io.BytesIO(b"own").read)
    assert missing(store, [blob(b"one")]) == [blob(b"one")[0]]


def test_a_second_deployment_waits_and_says_so(store: Store) -> None:
    store.root.mkdir(parents=True)
    first = lock(store, print)
    code = (
        "from pathlib import Path; import sys\n"
        "from pi_edge.deploy.agent.store import Store, lock\n"
        f"lock(Store(Path({str(store.root)!r})), lambda line: print(line, flush=True))\n"
        "print('mine', flush=True)\n"
    )
    second = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert second.stdout
    assert "waiting for another deployment" in second.stdout.readline()
    os.close(first)
    assert second.stdout.readline() == "mine\n"
    second.wait()


def make(store: Store, release: str, contents: bytes, environment: str) -> None:
    """A release of one file that served."""
    receive(store, [blob(contents)], io.BytesIO(contents).read)
    (store.environments / environment).mkdir(parents=True, exist_ok=True)
    files = {"systemd/pi-edge.service": contents, "pi_edge/code.py": contents}
    listed = [(path, blob(data)[0]) for path, data in files.items()]
    releases.assemble(store, release, listed, environment)
    store.point(release)
    store.remember(release)


def test_three_releases_are_kept_with_their_environments_and_files(store: Store) -> None:
    for number in range(5):
        make(store, f"r{number}", b"n = %d\n" % number, f"e{number // 2}")
    prune(store, lambda release: releases.environment_of(store, release))
    assert sorted(path.name for path in store.releases.iterdir()) == ["r2", "r3", "r4"]
    assert sorted(path.name for path in store.environments.iterdir()) == ["e1", "e2"]
    gone = [blob(b"n = %d\n" % number)[0] for number in range(2)]
    assert missing(store, [blob(b"n = %d\n" % number) for number in range(5)]) == gone
    assert store.history() == ["r2", "r3", "r4"]


def test_the_release_that_serves_is_kept_even_where_it_is_an_old_one(store: Store) -> None:
    for number in range(4):
        make(store, f"r{number}", b"n = %d\n" % number, "e")
    store.point("r0")
    prune(store, lambda release: releases.environment_of(store, release))
    assert (store.current / "pi_edge/code.py").read_bytes() == b"n = 0\n"


def test_a_release_is_compiled_and_runs_from_its_own_files(store: Store) -> None:
    make(store, "r", b"print(__file__, __cached__)\n", "e")
    python = store.current / ".venv/bin/python"
    code = [python, "-c", "import pi_edge.code"]
    told = subprocess.run(code, capture_output=True, text=True, cwd="/", check=True).stdout.split()
    assert told[0] == str(store.releases / "r/pi_edge/code.py")
    assert Path(told[1]).exists()
    assert Path(told[1]).stat().st_nlink > 1


def test_a_path_out_of_the_release_is_refused(store: Store) -> None:
    with pytest.raises(BadInput, match="leads out"):
        releases.assemble(store, "r", [("../x", "0" * 64)], "e")


def test_the_same_files_in_the_same_environment_are_the_same_release() -> None:
    files = [("a", "1"), ("b", "2")]
    name = releases.name_of("0.1.0", files, "e")
    assert name == releases.name_of("0.1.0", files[::-1], "e")
    assert name != releases.name_of("0.1.0", files, "f")
    assert name != releases.name_of("0.1.0", [("a", "1"), ("b", "3")], "e")
