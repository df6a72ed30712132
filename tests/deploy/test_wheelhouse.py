"""What is collected for a Pi without a network, and kept."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest
from little_archive import installed
from pis import BOOKWORM_32, BOOKWORM_64, TRIXIE_64, target
from support import ROOT, missing

from pi_edge.deploy import debs, wheels
from pi_edge.deploy.target import Target
from pi_edge.deploy.wheelhouse import Wheelhouse, build, requirements
from pi_edge.errors import PiEdgeError, Unavailable

SETTINGS = """
[options]
install_requires =
    server>=1
[options.extras_require]
litert =
    ai-edge-litert>=2
tflite-runtime =
    tflite-runtime==2.14.0
    numpy<2
photos =
    pyvips
pi =
    pins
"""


class Index:
    """What answers instead of pip, which takes seconds: it has every package but those ABSENT, and
    knows of no dependencies."""

    def __init__(self) -> None:
        self.absent: set[str] = set()
        self.version = "1.0"

    def resolve(self, roots: Iterable[str], target: Target) -> dict[str, wheels.Found]:
        named = [re.match(r"[a-z-]+", root) for root in roots]
        packages = [name[0] for name in named if name]
        for package in packages:
            if package in self.absent:
                raise wheels.NoWheel(package, target)
        return {package: wheels.Found(self.version, ()) for package in packages}

    def download(self, releases: Mapping[str, wheels.Found], target: Target, folder: Path) -> None:
        for name, release in releases.items():
            (folder / f"{name}-{release.version}-py3-none-any.whl").write_text(name)

    def build(self, requirement: str, target: Target, folder: Path) -> wheels.Found:
        (folder / f"{requirement}-1.0-py3-none-any.whl").write_text(requirement)
        return wheels.Found("1.0", ("needed-by-what-was-built",))


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Index:
    index = Index()
    for what in ("resolve", "download", "build"):
        monkeypatch.setattr(wheels, what, getattr(index, what))
    (tmp_path / "setup.cfg").write_text(SETTINGS)
    return index


@pytest.fixture
def said() -> list[str]:
    return []


def made(
    tmp_path: Path, said: list[str], facts: dict = BOOKWORM_64, **changes: object
) -> Wheelhouse:
    status = "" if "status" not in changes else str(changes.pop("status"))
    return build(target(facts, status, **changes), tmp_path / "kept", said.append, tmp_path)


def names(house: Wheelhouse) -> list[str]:
    return [path.name.split("-1.0")[0] for path in house.wheels]


def test_setup_cfg_says_what_is_needed() -> None:
    pi = target(BOOKWORM_32)
    needed = requirements(pi, ROOT, "tflite-runtime")
    for one in ("starlette", "tflite-runtime==", "numpy<2", "pyvips-binary", "lgpio"):
        assert any(line.startswith(one) for line in needed), one
    assert not any(line.startswith(("tensorflow", "pytest", "uvloop")) for line in needed)
    assert any(line.startswith("uvloop") for line in requirements(pi, ROOT, "litert"))


def test_only_a_machine_with_pins_gets_what_drives_them() -> None:
    needed = requirements(target(BOOKWORM_64, gpio=False), ROOT, "litert")
    assert not any(line.startswith("lgpio") for line in needed)


def test_the_wheelhouse_has_what_that_pi_needs_and_pip(
    index: Index, tmp_path: Path, said: list[str]
) -> None:
    house = made(tmp_path, said)
    assert house.runtime == "litert"
    common = {"needed-by-what-was-built", "pins", "pip", "pyvips", "server"}
    assert set(names(house)) == {"ai-edge-litert", *common}
    assert not house.debs
    house = made(tmp_path, said, BOOKWORM_32)
    assert house.runtime == "tflite-runtime"
    assert set(names(house)) == {"tflite-runtime", "numpy", *common}


def test_the_next_runtime_is_taken_where_the_best_has_no_wheel(
    index: Index, tmp_path: Path, said: list[str]
) -> None:
    index.absent.add("ai-edge-litert")
    house = made(tmp_path, said)
    assert house.runtime == "tflite-runtime"
    assert "tflite-runtime" in names(house)
    with pytest.raises(wheels.NoWheel, match="ai-edge-litert for trixie arm64"):
        made(tmp_path, said, TRIXIE_64)


def test_another_package_without_a_wheel_is_no_reason_for_another_runtime(
    index: Index, tmp_path: Path, said: list[str]
) -> None:
    index.absent.add("server")
    with pytest.raises(wheels.NoWheel, match="server for bookworm arm64"):
        made(tmp_path, said)
    assert not list((tmp_path / "kept").glob("[!.]*"))


def test_what_was_collected_is_kept_and_needs_no_index_again(
    index: Index, tmp_path: Path, said: list[str]
) -> None:
    first = made(tmp_path, said)
    assert len(said) == 2
    index.absent.add("server")
    assert made(tmp_path, said) == first
    assert len(said) == 2


def test_other_requirements_make_another_wheelhouse(
    index: Index, tmp_path: Path, said: list[str]
) -> None:
    made(tmp_path, said)
    index.version = "2.0"
    (tmp_path / "setup.cfg").write_text(SETTINGS.replace("server>=1", "server>=2"))
    newer = made(tmp_path, said)
    assert "server-2.0-py3-none-any.whl" in [path.name for path in newer.wheels]


@pytest.mark.parametrize("harm", [lambda path: path.write_bytes(b""), Path.unlink])
def test_a_wheelhouse_that_was_damaged_is_made_anew(
    index: Index, tmp_path: Path, said: list[str], harm
) -> None:
    first = made(tmp_path, said)
    harm(first.wheels[0])
    again = made(tmp_path, said)
    assert again == first
    assert all(path.stat().st_size for path in again.wheels)


def test_several_pis_that_are_alike_have_it_made_once(
    index: Index, tmp_path: Path, said: list[str]
) -> None:
    houses: list[Wheelhouse] = []
    pis = [threading.Thread(target=lambda: houses.append(made(tmp_path, said))) for _ in range(3)]
    for pi in pis:
        pi.start()
    for pi in pis:
        pi.join()
    assert len(houses) == 3
    assert houses[0] == houses[1] == houses[2]
    assert len(said) == 2


def test_what_the_pi_lacks_comes_from_debian(
    index: Index, tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    deb = tmp_path / "maths_1.0_armhf.deb"
    monkeypatch.setattr(debs, "collect", lambda packages, *_: [deb] * (packages == ["maths"]))
    house = made(tmp_path, said, BOOKWORM_32, lacking=["maths"], status=installed("libc6"))
    assert house.debs == [deb]


def test_without_a_list_of_what_is_installed_nothing_can_be_chosen(
    index: Index, tmp_path: Path, said: list[str]
) -> None:
    with pytest.raises(PiEdgeError, match="does not tell what is installed"):
        made(tmp_path, said, BOOKWORM_32, lacking=["maths"])


def test_the_status_light_is_no_reason_to_give_up(
    index: Index, tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def only_maths(packages: list[str], *_: object) -> list[Path]:
        if list(packages) != ["maths"]:
            raise PiEdgeError("Unable to locate package python3-lgpio")
        return [tmp_path / "maths.deb"]

    monkeypatch.setattr(debs, "collect", only_maths)
    lacking = ["maths", "python3-lgpio"]
    house = made(tmp_path, said, lacking=lacking, status=installed("libc6"))
    assert house.debs == [tmp_path / "maths.deb"]
    assert any("status light will stay dark: Unable to locate" in line for line in said)


def test_no_network_is_said_even_of_what_could_be_left_out(
    index: Index, tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: object) -> list[Path]:
        raise Unavailable("no Debian mirror answers")

    monkeypatch.setattr(debs, "collect", unreachable)
    with pytest.raises(Unavailable):
        made(tmp_path, said, lacking=["python3-lgpio"], status=installed("libc6"))


def test_a_32_bit_pi_can_have_all_that_setup_cfg_requires(tmp_path: Path, said: list[str]) -> None:
    try:
        house = build(target(BOOKWORM_32), tmp_path, said.append)
    except Unavailable as error:
        missing(str(error))
    have = {path.name.split("-")[0].lower(): path.name for path in house.wheels}
    assert have["tflite_runtime"].endswith("armv7l.whl")
    assert have["orjson"].endswith("armv7l.whl")
    assert have["pyvips"].endswith("-none-any.whl")
    assert {"lgpio", "pyvips_binary", "starlette", "uvicorn", "pip"} <= have.keys()
    assert not {"numpy", "pillow", "cffi", "uvloop"} & have.keys()
