"""Videos made for a test."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from support import missing


def film(path: Path, *source: str, rate: int = 10) -> Path:
    """A video of what ffmpeg makes of its own options for input."""
    if not shutil.which("ffmpeg"):
        missing("ffmpeg is not installed: sudo apt install ffmpeg")
    form = ["-r", str(rate), "-vf", "scale=320:-2", "-pix_fmt", "yuv420p", str(path)]
    subprocess.run(["ffmpeg", "-v", "error", "-y", *source, *form], check=True)
    return path
