from __future__ import annotations

from pathlib import Path

import pytest

from pi_edge.benchmark import emulation


def elf(machine: int) -> bytes:
    return b"\x7fELF\x01\x01\x01" + bytes(9) + b"\x02\x00" + bytes([machine, 0])


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root folder in which a 32-bit ARM Python runs on itself."""
    python = tmp_path / "usr/bin/python3.11"
    python.parent.mkdir(parents=True)
    python.write_bytes(elf(40))
    link = tmp_path / "proc/thread-self/exe"
    link.parent.mkdir(parents=True)
    link.symlink_to(python)
    (tmp_path / "proc/cpuinfo").write_text("model name\t: ARMv7 Processor rev 3 (v7l)\n")
    return tmp_path


def detect(root: Path, environ: dict[str, str] | None = None, machine: str = "armv7l") -> str:
    return emulation.detect(root, environ or {}, machine, root / "usr/bin/python3.11")


def test_a_real_arm_machine_is_not_emulated(root: Path) -> None:
    assert detect(root) == ""


def test_an_arm_python_run_by_qemu_is_emulated(root: Path) -> None:
    qemu = root / "usr/bin/qemu-arm-static"
    qemu.write_bytes(elf(62))
    link = root / "proc/thread-self/exe"
    link.unlink()
    link.symlink_to(qemu)
    assert "qemu-arm-static" in detect(root)


def test_an_arm_python_run_by_another_translator_is_emulated(root: Path) -> None:
    translator = root / "usr/bin/translate"
    translator.write_bytes(elf(62))
    link = root / "proc/thread-self/exe"
    link.unlink()
    link.symlink_to(translator)
    assert detect(root) == "the ARM program is run by the x86-64 program translate"


def test_an_arm_machine_with_an_intel_processor_is_emulated(root: Path) -> None:
    (root / "proc/cpuinfo").write_text("vendor_id\t: GenuineIntel\nmodel name\t: Xeon\n")
    assert "x86" in detect(root)
    assert detect(root, machine="x86_64") == ""


def test_a_raspberry_pi_with_qemus_sd_card_is_emulated(root: Path) -> None:
    card = root / "sys/block/mmcblk0/device/name"
    card.parent.mkdir(parents=True)
    card.write_text("QEMU!\n")
    assert detect(root) == ""  # QEMU's parts in a virtual machine that is no Pi prove nothing
    model = root / "proc/device-tree/model"
    model.parent.mkdir(parents=True)
    model.write_text("Raspberry Pi 3 Model B\0")
    assert detect(root) == "/sys/block/mmcblk0/device/name says QEMU"


def test_the_environment_can_say_it(root: Path) -> None:
    assert detect(root, {"PI_EDGE_EMULATED": "1"}) == "PI_EDGE_EMULATED is set"
    assert detect(root, {"PI_EDGE_EMULATED": "0"}) == ""


def test_a_machine_without_proc_is_not_called_emulated(tmp_path: Path) -> None:
    assert emulation.detect(tmp_path, {}, "arm64", tmp_path / "python") == ""
