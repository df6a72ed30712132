"""What a release is made of."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest
from support import ROOT

from pi_edge.deploy import manifest
from pi_edge.errors import NotFound, PiEdgeError


def paths(files: object) -> set[str]:
    return {file.path for file in files}  # type: ignore[attr-defined]


def test_the_package_the_models_and_the_unit_are_in_it_with_their_hashes(tmp_path: Path) -> None:
    found = manifest.read(tmp_path)
    wanted = {
        *("pi_edge/daemon.py", "models/mnist-mlp/model.json", "systemd/pi-edge.service"),
        *("setup.cfg", "scripts/lib/service.sh", "pi_edge/server/pages/index.html"),
    }
    assert wanted <= paths(found.release)
    for file in found.release:
        contents = (ROOT / file.path).read_bytes()
        assert file.sha256 == hashlib.sha256(contents).hexdigest()
        assert file.size == len(contents)


def test_what_python_and_editors_leave_behind_is_not(tmp_path: Path) -> None:
    for needed in ("pi_edge/cli/serve.py", "systemd/pi-edge.service", "setup.cfg", "models/m"):
        (tmp_path / needed).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / needed).touch()
    for junk in (".serve.py.swp", "serve.py~", "__pycache__/serve.cpython-311.pyc", "old.pyc"):
        (tmp_path / "pi_edge/cli" / junk).parent.mkdir(exist_ok=True)
        (tmp_path / "pi_edge/cli" / junk).touch()
    found = manifest.read(tmp_path, root=tmp_path)
    assert paths(found.release) == {
        *("pi_edge/cli/serve.py", "systemd/pi-edge.service", "setup.cfg", "models/m")
    }


def test_a_checkout_without_the_unit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no whole checkout"):
        manifest.read(tmp_path, root=tmp_path)


def own_model(state: Path, name: str = "mine") -> Path:
    folder = state / "models" / name
    shutil.copytree(ROOT / "models/mnist-mlp", folder)
    about = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps({**about, "name": name}))
    return folder


def test_a_model_of_the_owners_comes_with_all_its_files(tmp_path: Path) -> None:
    folder = own_model(tmp_path)
    found = manifest.read(tmp_path, ["mine"])
    assert paths(found.models["mine"]) == {path.name for path in folder.iterdir()}


def test_a_model_that_the_owner_does_not_have_is_named_with_those_there_are(tmp_path: Path) -> None:
    own_model(tmp_path)
    with pytest.raises(NotFound, match=r"no model 'yours' .* there are mine"):
        manifest.read(tmp_path, ["yours"])


def test_a_shipped_model_needs_no_flag(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="shipped"):
        manifest.read(tmp_path, ["mnist-mlp"])


def test_a_model_that_lacks_a_file_is_refused(tmp_path: Path) -> None:
    (own_model(tmp_path) / "int8.tflite").unlink()
    with pytest.raises(PiEdgeError, match=r"int8\.tflite"):
        manifest.read(tmp_path, ["mine"])
