"""Small made-up photos and paintings, and a VGG16 that fits in a few kilobytes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

CHANNELS = {1: 3, 2: 4, 3: 6, 4: 6}


def made_photo(seed: int, height: int = 96, width: int = 120) -> np.ndarray:
    """Soft blobs of colour [height, width, 3] uint8."""
    small = np.random.default_rng(seed).integers(0, 256, (5, 6, 3), dtype=np.uint8)
    size = (width, height)
    return np.asarray(Image.fromarray(small).resize(size, Image.Resampling.BICUBIC))


def made_painting(seed: int, height: int = 100, width: int = 80) -> np.ndarray:
    """Hatching in two colours [height, width, 3] uint8, its slope and width by the seed."""
    random = np.random.default_rng([7, seed])
    light, dark = random.integers(120, 256, 3), random.integers(0, 120, 3)
    y, x = np.mgrid[:height, :width]
    wave = 0.5 + 0.5 * np.sin(x * random.uniform(0.3, 1) + y * random.uniform(0.3, 1))
    return (dark + wave[..., None] * (light - dark)).astype(np.uint8)


def write_photos(folder: Path, count: int = 5) -> Path:
    folder.mkdir(parents=True)
    for seed in range(count):
        Image.fromarray(made_photo(seed)).save(folder / f"photo-{seed}.png")
    return folder


def write_paintings(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True)
    for seed, name in enumerate(names):
        Image.fromarray(made_painting(seed)).save(folder / f"{name}.png")
    return folder


def write_vgg(path: Path) -> Path:
    """An .h5 file laid out as the real one, with random kernels of a few channels."""
    import h5py

    random, inputs = np.random.default_rng(3), 3
    counts = {1: 2, 2: 2, 3: 3, 4: 3}
    with h5py.File(path, "w") as file:
        for block, outputs in CHANNELS.items():
            for index in range(counts[block]):
                name = "conv2d" if index == 0 else f"conv2d_{index}"
                kernel = random.normal(0, np.sqrt(2 / (9 * inputs)), (3, 3, inputs, outputs))
                group = f"block{block}/layers/{name}/vars"
                file[f"{group}/0"] = kernel.astype(np.float32)
                file[f"{group}/1"] = np.zeros(outputs, np.float32)
                inputs = outputs
    return path
