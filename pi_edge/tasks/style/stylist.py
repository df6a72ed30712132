"""A style model, opened: the modulation of a photo, and its tiles.

A variant's file has three graphs: `serving_default` for a small photo in one go, `statistics`,
which gives the modulation that follows from a photo's statistics, and `tile`, into which `folding`
fills it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pi_edge import runtime
from pi_edge.errors import PiEdgeError
from pi_edge.tasks.style import folding

MULTIPLE = 8
"""Heights and widths that the graphs take are multiples of this: what they reduce by inside."""

BORDER = 16
"""Pixels of mirrored photo beyond its edges, which the network itself continues by repeating them,
as many as in training; of the graph `statistics`, which does not count them, it is a part."""

MARGIN = 64
"""Pixels around a tile's inside, which its neighbours make: the network sees about 106 pixels far.
On two megapixels, five styles, tiles were 66 to 73 dB from the picture untiled."""

Run = Callable[[dict[str, NDArray[np.float32]]], dict[str, NDArray[np.float32]]]

Tile = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""From a tile float32 [1, h, w, 3] to the same styled, 0 to 255; its margin is to be cut off."""


class Stylist:
    """One variant of a style model.

    Args:
        path: the .tflite file.
        told: what model.json says of the variant.
        threads: threads one inference may use.
        keep: leave the graph of the statistics open: faster for one photo after the other, but
            what its inference took stays taken while tiles are made.

    Raises:
        PiEdgeError: the file or what is told of it does not fit.
    """

    def __init__(
        self, path: Path, told: Mapping[str, Any], threads: int = 1, keep: bool = False
    ) -> None:
        self.path, self.threads, self._keep = path, threads, keep
        self._plan = folding.read_plan(told)
        try:
            self._contents = path.read_bytes()
        except OSError as error:
            raise PiEdgeError(f"cannot read {path}: {error.strerror}") from error
        # Opened now, so that a file that does not fit is found out, and that the runtime's greeting
        # comes now; closed again after its first use, which frees what its inference took.
        self._statistics: Run | None = self._runner(self._contents, "statistics")

    def modulation(
        self, windows: NDArray[np.float32], style: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Scale and shift of every normalised channel, and the colour matrix, for one photo.

        Args:
            windows: float32 [n, h, w, 3], from all over the photo, as `sampling` takes them; BORDER
                pixels on every side are not counted.
            style: float32 [styles], as `choice.weights` makes them.
        """
        run = self._statistics or self._runner(self._contents, "statistics")
        self._statistics = run if self._keep else None
        (modulation,) = run({"photo": windows, "style": style[None]}).values()
        if modulation.shape[-1] != self._plan.length:
            raise PiEdgeError(f"{self.path} is not the file that its model.json tells of")
        return np.asarray(modulation[0])

    def tile(self, modulation: NDArray[np.float32]) -> Tile:
        """The graph of a tile for one modulation; heights and widths are multiples of MULTIPLE."""
        run = self._runner(folding.fold(self._contents, self._plan, modulation), "tile")

        def styled(photo: NDArray[np.float32]) -> NDArray[np.float32]:
            (picture,) = run({"photo": photo}).values()
            return picture

        return styled

    def _runner(self, contents: bytes, signature: str) -> Run:
        try:
            interpreter = runtime.interpreter_of(contents, self.threads)
            if signature == "statistics" or runtime.prepares_together():
                # The first graph goes unused, so it is made as small as it can be.
                for detail in interpreter.get_input_details():
                    if len(detail["shape"]) == 4:
                        side = 2 * BORDER  # as large as the mirrored border asks for
                        interpreter.resize_tensor_input(detail["index"], [1, side, side, 3])
                interpreter.allocate_tensors()
            runner = interpreter.get_signature_runner(signature)
        except (ValueError, RuntimeError) as error:
            raise PiEdgeError(f"{self.path} is no style model that opens here: {error}") from error

        def run(inputs: dict[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
            try:
                return dict(runner(**inputs))
            except (ValueError, RuntimeError) as error:
                raise PiEdgeError(f"{self.path.name} failed to run: {error}") from error

        return run
