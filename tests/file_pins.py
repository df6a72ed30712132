"""gpiozero pins whose level outlives the process, as outputs of a Raspberry Pi's kernel do.

The level of each pin is a file of its name in the folder FILE_PINS: "1" or "0". One that something
else has taken has a file NAME.busy, too.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from gpiozero.pins.mock import MockFactory, MockPin


class FilePin(MockPin):
    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._file = Path(os.environ["FILE_PINS"]) / repr(self)
        if self._file.with_suffix(".busy").exists():
            raise RuntimeError("'GPIO busy'")  # as lgpio says it
        self._state = self._file.exists() and self._file.read_text() == "1"

    def _change_state(self, value: bool) -> bool:
        changed = super()._change_state(value)
        self._file.write_text(str(int(value)))
        return bool(changed)


class FileFactory(MockFactory):
    def __init__(self) -> None:
        super().__init__(pin_class=FilePin)


def environment(folder: Path) -> dict[str, str]:
    """The environment in which gpiozero of a new process uses these pins, kept in ``folder``."""
    information = folder / "file_pins-1.0.dist-info"
    information.mkdir(parents=True, exist_ok=True)
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: file-pins\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(
        "[gpiozero_pin_factories]\nfile = file_pins:FileFactory\n"
    )
    return {
        **os.environ,
        "GPIOZERO_PIN_FACTORY": "file",
        "FILE_PINS": str(folder),
        "PYTHONPATH": os.pathsep.join([str(folder), str(Path(__file__).parent)]),
    }
