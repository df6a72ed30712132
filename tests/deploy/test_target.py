"""What is known of a Pi for which packages are collected elsewhere."""

from __future__ import annotations

from pis import BOOKWORM_32, BOOKWORM_64, TRIXIE_64, target


def test_a_32_bit_python_on_a_64_bit_kernel_is_32_bit() -> None:
    pi = target(BOOKWORM_32)
    assert (pi.architecture, pi.dpkg, pi.bits) == ("armv7l", "armhf", 32)
    assert pi.python == (3, 11)
    assert pi.glibc == (2, 36)


def test_a_64_bit_one_is_what_the_kernel_is() -> None:
    assert (target(BOOKWORM_64).architecture, target(BOOKWORM_64).dpkg) == ("aarch64", "arm64")
    laptop = target(BOOKWORM_64, machine="x86_64")
    assert (laptop.architecture, laptop.dpkg) == ("x86_64", "amd64")


def test_wheels_for_any_c_library_up_to_its_own_run_there() -> None:
    platforms = list(target(BOOKWORM_32).platforms())
    assert platforms[0] == "manylinux_2_36_armv7l"
    for tag in ("manylinux_2_31_armv7l", "manylinux_2_17_armv7l", "manylinux2014_armv7l"):
        assert tag in platforms
    assert platforms[-1] == "linux_armv7l"
    assert next(target(TRIXIE_64).platforms()) == "manylinux_2_41_aarch64"


def test_wheels_for_newer_c_libraries_and_other_processors_do_not() -> None:
    platforms = set(target(BOOKWORM_64).platforms())
    assert "manylinux_2_37_aarch64" not in platforms
    assert all(tag.endswith("_aarch64") for tag in platforms)


def test_markers_see_the_kernel_s_processor_as_pip_on_the_pi_does() -> None:
    for there in target(BOOKWORM_32).markers():
        assert there["platform_machine"] == "aarch64"
        assert there["python_version"] == "3.11"


def test_32_bit_arm_has_numpy_pillow_and_cffi_from_debian() -> None:
    assert {"numpy", "pillow", "cffi"} <= target(BOOKWORM_32).from_debian.keys()
    assert not target(BOOKWORM_64).from_debian
