"""The agent: complete in its archive, and its single acts."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from certificates import make_certificate
from running import running_daemon

from pi_edge import tls
from pi_edge.deploy import archive
from pi_edge.deploy.agent import environment, models, network, service
from pi_edge.deploy.agent.laptop import Gone, Laptop
from pi_edge.deploy.agent.store import Store, receive
from pi_edge.deploy.manifest import ROOT
from pi_edge.errors import BadInput


def test_it_runs_from_its_archive_alone() -> None:
    program = archive.build()
    request = json.dumps({"do": "facts"}).encode() + b"\n"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", archive.BOOT, str(len(program))],
        input=program + request,
        capture_output=True,
        cwd="/",
        check=True,
    )
    facts = json.loads(done.stdout)["answer"]
    assert facts["python"] == list(sys.version_info[:2])
    assert facts["bits"] in (32, 64)


def test_the_archive_of_the_same_modules_is_the_same() -> None:
    assert archive.build() == archive.build()


def test_an_environment_is_called_by_what_it_must_hold() -> None:
    settings = (ROOT / "setup.cfg").read_text()
    key = environment.key(settings)
    assert key == environment.key(settings.replace("version = ", "version = 9"))
    assert key != environment.key(settings.replace("orjson>=", "orjson>=9"))
    assert key != environment.key(settings.replace("pyvips>=", "pyvips>=9"))


def test_where_a_process_listens_is_found() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert ("127.0.0.1", server.getsockname()[1]) in service.addresses(os.getpid())
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as server:
        assert ("::1", server.getsockname()[1]) in service.addresses(os.getpid())


@pytest.mark.parametrize(
    ("address", "url"),
    [
        (("0.0.0.0", 8080), "http://127.0.0.1:8080"),
        (("::", 80), "http://[::1]:80"),
        (("192.0.2.7", 81), "http://192.0.2.7:81"),
    ],
)
def test_a_listening_socket_is_asked_where_it_answers(address: tuple[str, int], url: str) -> None:
    assert service.url_of(address) == url


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
def test_a_daemon_is_asked_in_the_way_that_it_speaks(tmp_path: Path, secure: bool) -> None:
    flags = ["--models", str(tmp_path)]
    if secure:
        certificate, key = make_certificate(tmp_path)
        flags += ["--tls-certificate", str(certificate), "--tls-key", str(key)]
    with running_daemon(tmp_path / "state", *flags, wait=False) as daemon:
        address = ("127.0.0.1", daemon.port)
        assert b"live" in service.ask(address, "/v2/health/live", {}, 10)
        assert tls.is_spoken(*address) is secure


@pytest.mark.parametrize(
    "before",
    [
        None,
        "",
        "port = 8081\n",
        'host = "127.0.0.1"\nport = 8081\n',
        'port = 8081 # as agreed\n  host="192.0.2.7"  # for now',
    ],
)
def test_opening_keeps_all_other_settings(before: str | None) -> None:
    after = network.opened(before)
    expected = {**tomllib.loads(before or ""), "host": "0.0.0.0"}
    assert tomllib.loads(after) == expected
    assert network.opened(after) == after
    assert after.count("#") >= (before or "").count("# as agreed")


def test_settings_that_are_no_toml_are_left_alone() -> None:
    with pytest.raises(BadInput, match="not TOML"):
        network.opened("host: everywhere")


def test_the_token_is_the_one_set_or_the_one_made(tmp_path: Path) -> None:
    assert network.token(None, tmp_path) == ""
    (tmp_path / "token").write_text("made\n")
    assert network.token("port = 1", tmp_path) == "made"
    assert network.token('token = "set"', tmp_path) == "set"


def test_an_owners_model_takes_the_place_of_its_predecessor(tmp_path: Path) -> None:
    store, folder = Store(tmp_path / "opt"), tmp_path / "models"
    owner = Path("/").owner() if os.geteuid() == 0 else tmp_path.owner()

    def place(contents: dict[str, bytes]) -> list[models.ModelFile]:
        import hashlib
        import io

        parts = [(p, hashlib.sha256(data).hexdigest(), len(data)) for p, data in contents.items()]
        stream = io.BytesIO(b"".join(contents.values()))
        receive(store, [(sha256, size) for _, sha256, size in parts], stream.read)
        assert models.stale({"mine": parts}, folder) == ["mine"]
        models.place(store, "mine", parts, folder, owner)
        assert models.stale({"mine": parts}, folder) == []
        return parts

    place({"model.json": b"{}", "old.tflite": b"1"})
    place({"model.json": b"[]", "new.tflite": b"2"})
    assert sorted(path.name for path in folder.iterdir()) == ["mine"]
    assert sorted(path.name for path in (folder / "mine").iterdir()) == ["model.json", "new.tflite"]
    assert (folder / "mine/model.json").stat().st_mode & 0o7777 == 0o660


@pytest.mark.parametrize("name", ["../mine", ".mine", "a/b"])
def test_a_model_cannot_be_put_elsewhere(name: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput):
        models.place(Store(tmp_path), name, [], tmp_path, "root")


def test_a_laptop_that_falls_silent_is_gone() -> None:
    source, sink = os.pipe()
    laptop = Laptop(source, sink)
    laptop.patience = 0.05
    with pytest.raises(Gone):
        next(laptop.requests())
    os.close(source)
    os.close(sink)


def test_nobody_listening_does_not_end_what_was_begun() -> None:
    source, sink = os.pipe()
    os.close(source)
    Laptop(0, sink).say("still here")
    os.close(sink)
