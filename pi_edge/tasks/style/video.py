"""Videos, frame by frame through the system's ffmpeg; sound is kept as it is.

The normalisation's statistics are averaged over frames from all along the video and then stay
fixed: what moves does not make the rest of the picture change its colours.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pi_edge.errors import BadInput, Unavailable
from pi_edge.tasks.style import frames, render
from pi_edge.tasks.style.stylist import Stylist

SAMPLES = 9  # frames that statistics are taken from


@dataclass(frozen=True)
class Video:
    """A video's picture: size in pixels as shown, frames a second, seconds."""

    height: int
    width: int
    rate: Fraction
    seconds: float


def probe(path: Path) -> Video:
    """What ffprobe says of a video.

    Raises:
        Unavailable: ffmpeg is not installed.
        BadInput: this is no video that it reads.
    """
    for program in ("ffmpeg", "ffprobe"):
        if not shutil.which(program):
            raise Unavailable(f"videos need {program}: sudo apt install ffmpeg")
    command = ["ffprobe", "-v", "error", "-select_streams", "v:0", "-of", "json"]
    wanted = "stream=width,height,r_frame_rate:stream_side_data=rotation:format=duration"
    done = subprocess.run(
        [*command, "-show_entries", wanted, f"file:{path}"], capture_output=True, text=True
    )
    try:
        told = json.loads(done.stdout)
        stream: dict[str, Any] = told["streams"][0]
        height, width = int(stream["height"]), int(stream["width"])
        turns = [int(side.get("rotation", 0)) for side in stream.get("side_data_list", [])]
        if any(turn % 180 for turn in turns):
            height, width = width, height
        seconds = float(told["format"].get("duration", 0))
        return Video(height, width, Fraction(stream["r_frame_rate"]), seconds)
    except (ValueError, KeyError, IndexError, ZeroDivisionError) as error:
        reason = done.stderr.strip().splitlines()
        raise BadInput(f"this is no video ({reason[-1] if reason else 'no pictures'})") from error


def stylize(
    stylist: Stylist,
    source: Path,
    target: Path,
    options: render.Options,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Style a video into `target`, which appears whole or not at all.

    Raises:
        Unavailable: ffmpeg is not installed.
        BadInput: ffmpeg cannot read the video, or cannot write one with this ending.
    """
    video = probe(source)
    height, width = (length // 2 * 2 for length in (video.height, video.width))
    tile = stylist.tile(_modulation(stylist, source, video, options))
    # WebM takes nothing but Opus and Vorbis.
    codec = "libopus" if target.suffix.lower() == ".webm" else "copy"
    total = max(1, round(video.seconds * video.rate))
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.stem}.") as scratch:
        made = Path(scratch) / f"styled{target.suffix}"
        fix = f"crop={width}:{height}:0:0"
        reading = ["ffmpeg", "-v", "error", "-nostdin", "-i", f"file:{source}", "-map", "0:v:0"]
        raw = ["-f", "rawvideo", "-pix_fmt", "rgb24"]
        into = [*reading, "-vf", fix, "-fps_mode", "cfr", "-r", str(video.rate), *raw, "-"]
        form = ["-s", f"{width}x{height}", "-r", str(video.rate), "-i", "-"]
        sound = ["-i", f"file:{source}", "-map", "0:v", "-map", "1:a?", "-c:a", codec]
        out = ["ffmpeg", "-v", "error", "-y", *raw, *form, *sound, "-pix_fmt", "yuv420p"]
        with (
            tempfile.TemporaryFile() as errors,
            subprocess.Popen(into, stdout=subprocess.PIPE, stderr=errors) as decoder,
            subprocess.Popen(
                [*out, f"file:{made}"], stdin=subprocess.PIPE, stderr=errors
            ) as encoder,
        ):
            assert decoder.stdout
            assert encoder.stdin
            frame = np.empty((height, width, 3), np.uint8)
            done = 0
            try:
                while decoder.stdout.readinto(frame.data.cast("B")) == frame.size:  # type: ignore[attr-defined]
                    encoder.stdin.write(frames.styled(tile, frame, options).data)
                    done += 1
                    report(min(done, total), total)
                encoder.stdin.close()
                failed = decoder.wait() != 0 or encoder.wait() != 0
            except BrokenPipeError:
                failed = True
            finally:
                for process in (decoder, encoder):
                    if process.poll() is None:
                        process.kill()
            if failed or not done:
                errors.seek(0)
                lines = errors.read().decode(errors="replace").strip().splitlines()
                raise BadInput(f"ffmpeg gave up ({lines[-1] if lines else 'no frames'})")
        made.replace(target)


def _modulation(
    stylist: Stylist, source: Path, video: Video, options: render.Options
) -> NDArray[np.float32]:
    """The mean modulation of frames from all along the video."""
    height, width = video.height, video.width
    found = []
    for index in range(SAMPLES):
        at = video.seconds * (index + 0.5) / SAMPLES
        command = ["ffmpeg", "-v", "error", "-nostdin", "-ss", f"{at:.3f}", "-i", f"file:{source}"]
        one = ["-frames:v", "1", "-s", f"{width}x{height}", "-f", "rawvideo", "-pix_fmt", "rgb24"]
        data = subprocess.run([*command, *one, "-"], capture_output=True).stdout
        if len(data) == height * width * 3:
            frame = np.frombuffer(data, np.uint8).reshape(height, width, 3)
            found.append(stylist.modulation(frames.windows(frame), options.style))
    if not found:
        raise BadInput("no frame of the video can be read")
    return np.asarray(np.mean(found, axis=0), np.float32)
