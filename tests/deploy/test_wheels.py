"""Which wheels are collected for another machine; pip's index is a folder of tiny ones."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from little_index import LittleIndex
from pis import BOOKWORM_32, BOOKWORM_64, TRIXIE_64, target

from pi_edge.deploy import wheels
from pi_edge.errors import PiEdgeError, Unavailable


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LittleIndex:
    index = LittleIndex(tmp_path / "index")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index.folder))
    return index


def versions(roots: list[str], facts: dict = BOOKWORM_64) -> dict[str, str]:
    return {name: found.version for name, found in wheels.resolve(roots, target(facts)).items()}


def test_all_that_is_needed_in_turn_is_found(index: LittleIndex) -> None:
    index.add("a", requires=["B_b>=1"])
    index.add("b_b", requires=["c"])
    index.add("c")
    assert versions(["a"]) == {"a": "1.0", "b-b": "1.0", "c": "1.0"}


def test_of_several_releases_the_newest_that_all_agree_on_is_taken(index: LittleIndex) -> None:
    index.add("a", requires=["c<3"])
    index.add("b", requires=["c>=1.5", "c!=2.5"])
    for version in ("1.0", "2.0", "2.5", "3.0"):
        index.add("c", version)
    assert versions(["c", "a", "b"]) == {"a": "1.0", "b": "1.0", "c": "2.0"}


def test_what_a_release_needs_that_is_not_taken_after_all_is_left_out(index: LittleIndex) -> None:
    index.add("a", requires=["c<2"])
    index.add("c", "2.0", requires=["only-for-the-new"])
    index.add("c", "1.0", requires=["only-for-the-old"])
    index.add("only_for_the_new", requires=["a"])
    index.add("only_for_the_old")
    assert versions(["c", "a"]) == {"a": "1.0", "c": "1.0", "only-for-the-old": "1.0"}


def test_packages_that_need_each_other_are_found_once(index: LittleIndex) -> None:
    index.add("a", requires=["b"])
    index.add("b", requires=["a"])
    assert versions(["a"]) == {"a": "1.0", "b": "1.0"}


@pytest.mark.parametrize(
    ("marker", "facts", "taken"),
    [
        ('python_version < "3.12"', BOOKWORM_64, True),
        ('python_version < "3.12"', TRIXIE_64, False),
        ('python_version >= "3.13"', TRIXIE_64, True),
        ('platform_machine == "aarch64"', BOOKWORM_64, True),
        ('platform_machine == "aarch64"', BOOKWORM_32, True),
        ('platform_machine == "x86_64"', BOOKWORM_64, False),
        ('sys_platform == "linux"', BOOKWORM_64, True),
        ('sys_platform == "win32" or os_name == "nt"', BOOKWORM_64, False),
        ('platform_system == "Darwin"', BOOKWORM_64, False),
        ('implementation_name == "pypy"', BOOKWORM_64, False),
        ('python_full_version < "3.11.3"', BOOKWORM_64, True),  # which 3.11 is not known
        ('python_full_version >= "3.11.3"', BOOKWORM_64, True),
        ('python_full_version >= "3.12.1"', BOOKWORM_64, False),
        ('extra == "more"', BOOKWORM_64, False),
    ],
)
def test_markers_are_those_of_the_pi_whatever_runs_here(
    marker: str, facts: dict, taken: bool
) -> None:
    found = {"a": wheels.Found("1.0", (f"b; {marker}",))}
    assert ("b" in wheels.want(["a"], found, target(facts))) == taken
    assert ("b" in wheels.want([f"b; {marker}"], {}, target(facts))) == taken


def test_what_only_windows_needs_need_not_be_there(index: LittleIndex) -> None:
    index.add("a", requires=['b; sys_platform == "win32"'])
    assert versions(["a"]) == {"a": "1.0"}


def test_an_extra_brings_what_is_needed_for_it(index: LittleIndex) -> None:
    index.add("a", requires=['b; extra == "more"', 'c; extra == "most"', "a[most]; extra == 'all'"])
    index.add("b")
    index.add("c")
    index.add("d", requires=["a[more]"])
    assert set(versions(["a"])) == {"a"}
    assert set(versions(["d"])) == {"a", "b", "d"}
    assert set(versions(["a[all]"])) == {"a", "c"}


def test_wheels_are_of_the_pi_s_processor_and_python(index: LittleIndex) -> None:
    index.add("a", "1.0", tag="cp311-cp311-manylinux_2_31_armv7l")
    index.add("a", "2.0", tag="cp311-cp311-manylinux_2_17_aarch64")
    index.add("a", "3.0", tag="cp313-cp313-manylinux_2_41_aarch64")
    index.add("a", "4.0", tag="cp311-cp311-manylinux_2_37_aarch64")
    index.add("a", "5.0", tag=f"cp3{sys.version_info[1]}-cp3{sys.version_info[1]}-linux_x86_64")
    assert versions(["a"], BOOKWORM_32) == {"a": "1.0"}
    assert versions(["a"], BOOKWORM_64) == {"a": "2.0"}
    assert versions(["a"], TRIXIE_64) == {"a": "3.0"}


def test_wheels_for_the_stable_abi_of_older_pythons_run_there(index: LittleIndex) -> None:
    index.add("a", tag="cp37-abi3-manylinux_2_28_aarch64")
    assert versions(["a"], TRIXIE_64) == {"a": "1.0"}


def test_a_plain_linux_wheel_for_32_bit_arm_is_taken(index: LittleIndex) -> None:
    index.add("a", tag="cp311-cp311-linux_armv7l")
    assert versions(["a"], BOOKWORM_32) == {"a": "1.0"}


def test_what_debian_brings_is_not_collected(index: LittleIndex) -> None:
    index.add("a", requires=["numpy<2", "Pillow>=9.4", "b"])
    index.add("b", requires=["cffi"])
    assert versions(["a", "numpy>=1.24"], BOOKWORM_32) == {"a": "1.0", "b": "1.0"}


def test_another_version_than_debian_has_is_refused(index: LittleIndex) -> None:
    index.add("a", requires=["numpy>=2"])
    with pytest.raises(PiEdgeError, match=r"numpy>=2 is required, and bookworm armhf.* 1\.24\.2"):
        versions(["a"], BOOKWORM_32)


def test_what_has_no_wheel_is_named(index: LittleIndex) -> None:
    index.add("a", requires=["Fast_Maths"])
    index.add("Fast_Maths", tag="cp311-cp311-manylinux_2_17_x86_64")
    with pytest.raises(wheels.NoWheel, match=r"no package index has .* for trixie arm64") as error:
        versions(["a"], TRIXIE_64)
    assert error.value.package == "fast-maths"


def test_requirements_that_contradict_each_other_are_refused(index: LittleIndex) -> None:
    index.add("a", requires=["c<2"])
    index.add("b", requires=["c>=2"])
    index.add("c", "1.0")
    index.add("c", "2.0")
    with pytest.raises(PiEdgeError, match=r"has c "):
        versions(["a", "b"])


def test_without_an_index_the_reason_is_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    for name in ("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "1")
    with pytest.raises(Unavailable, match="no package index answers"):
        versions(["a"])


def test_what_was_found_is_downloaded(index: LittleIndex, tmp_path: Path) -> None:
    index.add("a", "1.0", requires=["b"])
    index.add("a", "2.0", requires=["b"])
    index.add("b", tag="cp313-cp313-manylinux_2_41_aarch64")
    pi = target(TRIXIE_64)
    wheels.download(wheels.resolve(["a<2"], pi), pi, tmp_path / "there")
    assert sorted(path.name for path in (tmp_path / "there").iterdir()) == [
        "a-1.0-py3-none-any.whl",
        "b-1.0-cp313-cp313-manylinux_2_41_aarch64.whl",
    ]
