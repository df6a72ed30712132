"""One frame after the other through a model, kept where that is wanted, and said in a line."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from pi_edge import files
from pi_edge.integrations.camera import Frame
from pi_edge.integrations.painting import Painter
from pi_edge.integrations.reading import Reader, in_a_line


class Looker:
    """Looks at frames.

    Args:
        reader, painter: one of the two.
        folder: where frames, or painted ones, are kept; None keeps none.
        as_json: say it in JSON.
        check: as of Painter.paint.
    """

    def __init__(
        self,
        reader: Reader | None,
        painter: Painter | None,
        folder: Path | None,
        as_json: bool,
        check: Callable[[], None],
    ) -> None:
        self._reader, self._painter = reader, painter
        self._folder, self._as_json, self._check = folder, as_json, check
        self._count = 0

    def look(self, frame: Frame, dropped: int) -> str:
        """The line that is to be said of a frame.

        Args:
            dropped: frames dropped until now, for JSON.

        Raises:
            PiEdgeError, OSError: as of Reader.read and Painter.paint.
        """
        self._count += 1
        now = datetime.now().astimezone()
        about: dict[str, Any] = {
            "frame": self._count,
            "time": now.isoformat(timespec="milliseconds"),
            "dropped": dropped,
        }
        if frame.name:
            about["file"] = frame.name
        target = self._target(frame, now)
        if self._painter:
            assert target
            self._painter.paint(frame.data, target, self._check)
            answer, text = {"output": str(target)}, str(target)
        else:
            assert self._reader
            answer = self._reader.read(frame.data)
            text = in_a_line(answer)
            if target:
                files.write_bytes(target, frame.data)
                files.write_json(target.with_name(f"{target.name}.json"), {**about, **answer})
        if self._as_json:
            return json.dumps({**about, **answer})
        return f"{frame.name or now.strftime('%H:%M:%S')}: {text}"

    def _target(self, frame: Frame, now: datetime) -> Path | None:
        if self._folder is None:
            return None
        name = f"{now:%Y%m%d-%H%M%S}-{self._count:05}.jpg"
        return self._folder / (frame.name or name)
