"""Photos in the style of a painting, one after the other: by a model that runs here, or the
daemon's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from pi_edge import catalog, files
from pi_edge.errors import BadInput, PiEdgeError
from pi_edge.quiet import quiet

if TYPE_CHECKING:
    from pi_edge.integrations.daemon_client import DaemonClient

# Other endings of the same formats.
_SAME = {".jpeg": ".jpg", ".tiff": ".tif"}


class Painter(Protocol):
    """Paints photos."""

    def paint(self, photo: Path | bytes, target: Path, check: Callable[[], None]) -> None:
        """Paint a photo into a file, which appears whole or not at all.

        Args:
            check: called now and then; what it raises ends the work.

        Raises:
            BadInput, TooLarge: the photo is none, or too large.
            PiEdgeError: it cannot be painted.
            OSError: the file cannot be written.
        """


class OwnPainter:
    """A model of the task style that runs in this process, opened once.

    Args:
        mix: the styles and their weights.
        max_memory: megabytes to take at most; None for the usual.
    """

    def __init__(
        self,
        entry: catalog.Entry,
        variant: str,
        threads: int,
        mix: dict[str, float],
        strength: float = 1.0,
        preserve_color: bool = False,
        max_memory: int | None = None,
    ) -> None:
        from pi_edge.tasks.style import choice, memory, render
        from pi_edge.tasks.style.stylist import Stylist

        if entry.task != "style":
            raise BadInput(f"{entry.name} is no style model: its task is {entry.task}")
        weights = choice.weights(mix, entry.info.get("styles", []))
        most = max_memory or memory.DEFAULT
        self._options = render.Options(weights, strength, preserve_color, max_memory=most)
        variant, file = entry.file(variant)
        with quiet():  # the runtime greets whoever opens the first model
            self._stylist = Stylist(file, entry.info["variants"][variant], threads)

    def paint(self, photo: Path | bytes, target: Path, check: Callable[[], None]) -> None:
        from pi_edge.tasks.style import photo as photos
        from pi_edge.tasks.style import render

        source = photos.open_photo(photo, self._options.max_memory)
        with files.replacing(target) as file:
            render.render(
                self._stylist,
                source,
                self._options,
                file,
                target.suffix.lower(),
                lambda done, total: check(),
            )


class DaemonPainter:
    """The daemon's model of the task style.

    Args:
        styles: one style's name, or a mix as in udnie=0.5,scream=0.5.
    """

    def __init__(
        self,
        client: DaemonClient,
        model: str,
        variant: str,
        styles: str,
        strength: float = 1.0,
        preserve_color: bool = False,
    ) -> None:
        self._client = client
        self._query = {
            "model": model,
            "variant": variant,
            ("styles" if "=" in styles else "style"): styles,
            "strength": f"{strength:g}",
            "preserve_color": "true" if preserve_color else "",
        }

    def paint(self, photo: Path | bytes, target: Path, check: Callable[[], None]) -> None:
        from pi_edge.tasks.style import formats

        media = {ending: name for name, ending in formats.MEDIA_TYPES.items()}
        ending = target.suffix.lower()
        accept = media.get(_SAME.get(ending, ending), "")
        body = photo.read_bytes() if isinstance(photo, Path) else photo
        headers, picture = self._client.post(
            "/tasks/style", body, {"Accept": accept}, **self._query
        )
        if not headers.get_content_type().startswith("image/"):
            raise PiEdgeError("the daemon answered with something else than a picture")
        check()
        files.write_bytes(target, picture)
