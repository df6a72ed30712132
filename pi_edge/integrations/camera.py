"""Frames of a camera, each as the bytes of a picture file.

A live source runs on while its frames are looked at, and whoever asks gets the newest: what comes
too quickly is dropped and counted, never queued, so that an answer is about what is there now.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import shutil
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

from pi_edge.errors import BadInput, NotFound, PiEdgeError, Unavailable

PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif")

# Seconds after which a camera that shows nothing is taken for broken.
PATIENCE = 20.0
# Seconds between two looks at whether to stop.
_STEP = 0.2
# A boundary and three header lines have some 70 bytes.
_MAX_LINE = 1000
_MAX_FRAME = 64 * 2**20


@dataclass(frozen=True)
class Frame:
    """One picture.

    Attributes:
        data: a JPEG, or the picture file as it is.
        name: the file's name, or "" of a camera.
    """

    data: bytes
    name: str = ""


class Source(Protocol):
    """Where frames come from."""

    dropped: int
    """Frames that came and that nobody was given."""

    def frame(self, stopped: Callable[[], bool], fresh: bool = False) -> Frame | None:
        """The newest frame that nobody was given yet, waited for where there is none; None at the
        end, or when ``stopped``.

        Args:
            fresh: one that comes from now on.

        Raises:
            PiEdgeError: the source has failed.
        """

    def close(self) -> None:
        """Let go of the camera."""


def open_source(name: str) -> Source:
    """A source by its name: auto, picamera2, a device such as /dev/video0, a folder of pictures, a
    picture or a video file.

    Raises:
        NotFound: there is no such thing.
        Unavailable: what it needs is not installed.
        BadInput: no camera is there.
    """
    if name == "auto":
        name = _found()
    if name == "picamera2":
        return PiCamera()
    path = Path(name)
    if path.is_dir():
        return Pictures(sorted(p for p in path.iterdir() if p.suffix.lower() in PICTURES), path)
    if not path.exists():
        raise NotFound(f"there is no {name}: name picamera2, a device, a folder or a file")
    if path.suffix.lower() in PICTURES and path.is_file():
        return Pictures([path], path)
    if path.is_char_device():
        return Film(["-f", "v4l2", "-i", name], name, endless=True)
    # At its own speed, as a camera would show it.
    return Film(["-re", "-i", f"file:{name}"], name)


def _found() -> str:
    if importlib.util.find_spec("picamera2"):
        return "picamera2"
    devices = sorted(Path("/dev").glob("video[0-9]*"), key=lambda path: (len(path.name), path.name))
    if devices:
        return str(devices[0])
    raise BadInput(
        "no camera is found: for one on the Pi's own connector sudo apt install python3-picamera2"
        " (and a .venv that sees it), or name one with --source"
    )


class Pictures:
    """Picture files, one after the other, none dropped."""

    def __init__(self, paths: list[Path], source: Path) -> None:
        if not paths:
            raise BadInput(f"there are no pictures in {source}")
        self._paths = iter(paths)
        self.dropped = 0

    def frame(self, stopped: Callable[[], bool], fresh: bool = False) -> Frame | None:
        path = next(self._paths, None)
        if path is None or stopped():
            return None
        try:
            return Frame(path.read_bytes(), path.name)
        except OSError as error:
            raise PiEdgeError(f"{path} cannot be read: {error.strerror}") from error

    def close(self) -> None:
        pass


class Film:
    """What ffmpeg makes of a device or a video: JPEGs, each in a part of its own of what it calls
    mpjpeg, which tells the length of each (https://ffmpeg.org/ffmpeg-formats.html#mpjpeg).

    Args:
        source: ffmpeg's options for what it reads.
        name: the same for people.
        endless: its end is a failure.
    """

    def __init__(self, source: list[str], name: str, endless: bool = False) -> None:
        if not shutil.which("ffmpeg"):
            raise Unavailable("cameras and videos need ffmpeg: sudo apt install ffmpeg")
        self.dropped = 0
        self._name, self._endless = name, endless
        self._newest: Frame | None = None
        self._over = False
        self._changed = threading.Condition()
        command = ["ffmpeg", "-v", "error", "-nostdin", *source, "-an", "-sn", "-dn"]
        # Each frame once, when it comes, whatever rate the source claims.
        command += ["-fps_mode", "passthrough"]
        # Full range, as JPEG is; otherwise a camera's limited range becomes a warning a frame.
        form = [
            "-c:v",
            "mjpeg",
            "-q:v",
            "2",
            "-pix_fmt",
            "yuvj420p",
            "-f",
            "mpjpeg",
            "-flush_packets",
            "1",
            "-",
        ]
        self._process = subprocess.Popen(
            [*command, *form],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for us, and we end it
        )
        self._errors = b""
        self._threads = [
            threading.Thread(target=work, name="camera", daemon=True)
            for work in (self._read, self._read_errors)
        ]
        for thread in self._threads:
            thread.start()

    def frame(self, stopped: Callable[[], bool], fresh: bool = False) -> Frame | None:
        with self._changed:
            if fresh and self._newest:
                self._newest = None
                self.dropped += 1
            waited = 0.0
            while not self._newest and not self._over and not stopped():
                if not self._changed.wait(_STEP):
                    waited += _STEP
                if waited > PATIENCE:
                    raise PiEdgeError(f"{self._name} shows nothing for {PATIENCE:g} s")
            frame, self._newest = self._newest, None
        if frame is None and self._over:
            self._check()
        return frame

    def close(self) -> None:
        self._process.kill()
        for thread in self._threads:
            thread.join()
        self._process.wait()
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe:
                pipe.close()

    def _check(self) -> None:
        """Raises PiEdgeError where the end is a failure."""
        status = self._process.wait()
        self._threads[1].join()
        if status or self._endless:
            lines = self._errors.decode(errors="replace").strip().splitlines()
            reason = lines[-1] if lines else "it ended"
            raise PiEdgeError(
                f"{self._name} shows no more ({reason.removeprefix(self._name + ': ')})"
            )

    def _read(self) -> None:
        assert self._process.stdout
        with contextlib.suppress(ValueError, OSError):
            while data := next_part(self._process.stdout):
                with self._changed:
                    if self._newest:
                        self.dropped += 1
                    self._newest = Frame(data)
                    self._changed.notify_all()
        with self._changed:
            self._over = True
            self._changed.notify_all()

    def _read_errors(self) -> None:
        """The end of what ffmpeg complains of; a pipe that nobody reads would stop it."""
        assert self._process.stderr
        while piece := self._process.stderr.read1(4096):  # type: ignore[attr-defined]
            self._errors = (self._errors + piece)[-4096:]


def next_part(stream: IO[bytes]) -> bytes:
    """The body of the next part of a multipart stream, b"" at its end.

    Raises:
        ValueError: a part does not tell its length.
    """
    length = None
    while line := stream.readline(_MAX_LINE):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
        if line in (b"\r\n", b"\n") and length is not None:
            if not 0 < length <= _MAX_FRAME:
                raise ValueError(f"a frame of {length} bytes")
            data = stream.read(length)
            return data if len(data) == length else b""
    return b""


class PiCamera:
    """The camera on the Pi's own connector, through Picamera2, which Raspberry Pi OS packages. It
    keeps the newest frame itself and counts none that it drops.

    https://datasheets.raspberrypi.com/camera/picamera2-manual.pdf, sections 2.2 and 6.2
    """

    def __init__(self) -> None:
        if not importlib.util.find_spec("picamera2"):
            raise Unavailable(
                "picamera2 is not installed: sudo apt install python3-picamera2, and a .venv made"
                " with --system-site-packages"
            )
        import picamera2

        self.dropped = 0
        try:
            self._camera: Any = picamera2.Picamera2()
            # No queue: a frame is one that was begun after it was asked for.
            main = {"size": (1280, 960), "format": "BGR888"}
            self._camera.configure(self._camera.create_preview_configuration(main, queue=False))
            self._camera.start()
        except Exception as error:  # libcamera raises its own kinds, IndexError without a camera
            raise Unavailable(f"the Pi's camera cannot be had ({error})") from error

    def frame(self, stopped: Callable[[], bool], fresh: bool = False) -> Frame | None:
        if stopped():
            return None
        stream = io.BytesIO()
        try:
            self._camera.capture_file(stream, format="jpeg")
        except Exception as error:
            raise PiEdgeError(f"the Pi's camera shows no more ({error})") from error
        return Frame(stream.getvalue())

    def close(self) -> None:
        self._camera.stop()
        self._camera.close()
