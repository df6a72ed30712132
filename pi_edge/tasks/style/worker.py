"""One photo styled in a process of its own, for a server: whatever a decoder or a model does, it
does it here.

    python -m pi_edge.tasks.style.worker ORDER < PHOTO > PICTURE

ORDER is an ``Order`` as JSON. The picture goes out while later tiles are still being computed.
Exit code 0 says that it is whole. With 1 the last line on stderr is ``{"status", "error"}``: the
HTTP status that fits, and what is wrong. After each tile an empty line on stderr is a sign of
life.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from pi_edge.errors import PiEdgeError, TooLarge

NICENESS = 10
"""Of the process: those who wait for a digit go first."""

SPARE = 2
"""The process is denied more than this many times the memory allowed. What it asks the system
for is more than what it comes to use: 260 MB where 150 were used."""


@dataclass(frozen=True)
class Order:
    """What to do.

    Attributes:
        folder, variant: the model.
        style: weights of its styles, summing to one.
        ending: which format to write, one of ``photo.ENDINGS``; "" for the photo's own.
        max_memory: megabytes the process may take.
        strength, preserve_color, scale, preview: as ``render.Options``.
    """

    folder: str
    variant: str
    style: list[float]
    ending: str
    max_memory: int
    threads: int
    strength: float = 1.0
    preserve_color: bool = False
    scale: str = "normal"
    preview: bool = False

    def command(self) -> list[str]:
        """The command line of a process that does it."""
        # -P: the folder that the daemon runs in is its state, no place for code.
        return [sys.executable, "-P", "-m", __name__, json.dumps(asdict(self))]


def main(text: str) -> int:
    """Do the order in this process."""
    os.nice(NICENESS)
    with contextlib.suppress(OSError):  # should memory run out, this goes before the daemon
        Path("/proc/self/oom_score_adj").write_text("500")
    # The runtime and libvips may chat on standard output: only the picture shall be there.
    picture = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    order = Order(**json.loads(text))
    try:
        _limit_memory(order.max_memory)
        with _spooled(sys.stdin.buffer) as photo:
            _style(order, photo, picture)
    except PiEdgeError as error:
        # Who reads this has a daemon before him, not the command line.
        message = str(error).replace("--max-memory", "the setting style_memory")
        return _failed(error, message)
    except MemoryError:
        return _failed(TooLarge(), _OUT_OF_MEMORY)
    except OSError as error:
        return _failed(PiEdgeError(), f"the picture cannot be made: {error.strerror or error}")
    return 0


_OUT_OF_MEMORY = "the picture needs more memory than the setting style_memory allows"


def _failed(error: PiEdgeError, message: str) -> int:
    told = {"status": error.status, "kind": error.kind, "error": message}
    print(json.dumps(told), file=sys.stderr, flush=True)
    return 1


def _limit_memory(megabytes: int) -> None:
    """Deny this process what no picture should need, before the whole machine runs short."""
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    limit = SPARE * megabytes * 1_000_000
    if most == resource.RLIM_INFINITY or limit < most:
        resource.setrlimit(resource.RLIMIT_DATA, (limit, most))


@contextmanager
def _spooled(stream: BinaryIO) -> Iterator[Path | bytes]:
    """What comes from a stream, kept in a file without a name, which goes with the process: a
    photo is read more than once, and its file may be larger than the memory there is."""
    with tempfile.TemporaryFile(prefix="pi-edge-") as file:
        shutil.copyfileobj(stream, file)
        file.flush()
        path = Path(f"/proc/self/fd/{file.fileno()}")
        if path.exists():
            yield path
        else:  # not Linux
            file.seek(0)
            yield file.read()


def _style(order: Order, source: Path | bytes, picture: BinaryIO) -> None:
    import numpy as np

    from pi_edge import catalog
    from pi_edge.tasks.style import formats, photo, render
    from pi_edge.tasks.style.stylist import Stylist

    entry = catalog.read(Path(order.folder))
    variant, file = entry.file(order.variant)
    opened = photo.open_photo(source, order.max_memory)
    options = render.Options(
        style=np.array(order.style, np.float32),
        strength=order.strength,
        preserve_color=order.preserve_color,
        scale=order.scale,
        preview=order.preview,
        max_memory=order.max_memory,
    )
    stylist = Stylist(file, entry.info["variants"][variant], order.threads)
    ending = order.ending or formats.MEDIA_TYPES.get(formats.of(_head(source)), ".jpg")
    if ending != ".tif":
        render.render(stylist, opened, options, picture, ending, _alive)
        return
    with tempfile.TemporaryFile(prefix="pi-edge-") as aside:  # a TIFF is not written in order
        render.render(stylist, opened, options, aside, ending, _alive)
        aside.seek(0)
        shutil.copyfileobj(aside, picture)


def _head(source: Path | bytes) -> bytes:
    from pi_edge.tasks.style import formats

    if isinstance(source, bytes):
        return source[: formats.HEAD]
    with source.open("rb") as file:
        return file.read(formats.HEAD)


def _alive(_done: int, _total: int) -> None:
    os.write(2, b"\n")


if __name__ == "__main__":
    code = main(sys.argv[1])
    os._exit(code)  # a library that crashes on its way out has still done its work
