"""The images for containers, unpacked by umoci and run by runc as any engine would run them."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from debian_trees import Recipe
from roots import PATIENCE_SECONDS, SYSTEMS, obstacle, said
from support import ROOT, missing

PLATFORMS = {"arm64": "linux-arm64", "armhf": "linux-arm-v7", "amd64": "linux-amd64"}
BOOKWORM = [recipe for recipe in SYSTEMS if recipe.suite == "bookworm"]
TOKEN = "s3cret"


@pytest.fixture(scope="module", params=BOOKWORM, ids=lambda recipe: recipe.architecture)
def bundle(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An image's files, and its settings as a runtime takes them."""
    recipe: Recipe = request.param
    if reason := obstacle(recipe):
        missing(reason)
    for program in ("skopeo", "umoci", "runc"):
        if not shutil.which(program):
            missing(f"no {program}: apt install {program}")
    archives = sorted((ROOT / "dist").glob(f"pi-edge-*-{PLATFORMS[recipe.architecture]}.oci.tar"))
    if not archives:
        missing(f"no image: scripts/build-image --architecture {recipe.architecture}")
    folder = tmp_path_factory.mktemp(recipe.architecture)
    source, image = f"oci-archive:{archives[-1]}", f"{folder}/image:tested"
    subprocess.run(["skopeo", "copy", "--quiet", source, f"oci:{image}"], check=True)
    subprocess.run(["umoci", "unpack", "--image", image, folder / "bundle"], check=True)
    _adapt(folder / "bundle" / "config.json", recipe)
    return folder / "bundle"


def _adapt(file: Path, recipe: Recipe) -> None:
    """This machine's network, a free port, and which processor QEMU plays."""
    settings = json.loads(file.read_bytes())
    linux, process = settings["linux"], settings["process"]
    kept = ("pid", "mount", "ipc", "uts")
    linux["namespaces"] = [one for one in linux["namespaces"] if one["type"] in kept]
    linux.pop("resources", None)
    # Engines fill a new volume with what the image has there; umoci leaves it empty, and root's.
    left = ("/sys/fs/cgroup", "/var/lib/pi-edge")
    settings["mounts"] = [one for one in settings["mounts"] if one["destination"] not in left]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process["terminal"] = False
    process["env"] += [f"PI_EDGE_TOKEN={TOKEN}", f"PI_EDGE_PORT={port}"]
    if recipe.processor:
        # What /sys tells of another machine's processors takes the runtime down under QEMU.
        settings["mounts"] = [one for one in settings["mounts"] if one["destination"] != "/sys"]
        process["env"].append(f"QEMU_CPU={recipe.processor}")
    file.write_text(json.dumps(settings))


@pytest.fixture(scope="module")
def container(bundle: Path) -> Iterator[str]:
    """The URL of the daemon in a container."""
    name, log = f"pi-edge-{bundle.parent.name}", bundle.parent / "log"
    runc = ["runc", "--root", str(bundle.parent / "state")]
    with log.open("w") as output:
        process = subprocess.Popen(
            [*runc, "run", "--bundle", str(bundle), name],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        found = said(process, log, r"ready at http://[^:]+:(\d+)")
        yield f"http://127.0.0.1:{found[1]}"
    finally:
        process.send_signal(signal.SIGTERM)  # runc hands it on
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            subprocess.run([*runc, "kill", name, "KILL"], check=False)
            process.wait()


def ask(address: str, body: bytes | None = None, token: str = TOKEN) -> Any:
    """A JSON answer."""
    request = urllib.request.Request(address, body, {"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
        return json.load(answer)


def test_a_container_serves_every_model_and_reads_a_digit(container: str) -> None:
    status = ask(f"{container}/status")
    assert {model["state"] for model in status["models"].values()} == {"ready"}
    assert len(status["models"]) == 8
    picture = (ROOT / "docs/pictures/seven.jpg").read_bytes()
    assert ask(f"{container}/tasks/digits", picture)["digit"] == 7


def test_a_container_wants_its_token(container: str) -> None:
    with pytest.raises(urllib.error.HTTPError, match="401"):
        ask(f"{container}/status", token="another")


def test_an_image_names_a_user_by_number_who_may_write_its_state(bundle: Path) -> None:
    process = json.loads((bundle / "config.json").read_bytes())["process"]
    assert (process["user"]["uid"], process["user"]["gid"]) == (10001, 10001)
    assert process["args"] == ["pi-edge", "serve"]
    for folder in ("var/lib/pi-edge", "var/lib/pi-edge/models"):
        there = (bundle / "rootfs" / folder).stat()
        assert (there.st_uid, there.st_mode & 0o700) == (10001, 0o700)
