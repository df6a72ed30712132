"""MNIST on disk: find it, and read a batch of it without holding the rest in memory.

The file is Keras' mnist.npz: x_train, y_train, x_test, y_test, uint8, images [n, 28, 28]
with ink bright on black. Decompressed the training images take 47 MB, as much as the whole
budget beyond TensorFlow itself; so they are unpacked once into a plain file, and a
batch is read from there (the system's page cache is nobody's resident memory).
"""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from pi_edge import files
from pi_edge.errors import BadInput, NotFound

FILE = "mnist.npz"
IMAGE_BYTES = 28 * 28
BESIDE_CHECKOUT = Path(__file__).parents[3] / "shared" / "data"
SPLIT_SEED = 0
SOURCE = "MNIST (Yann LeCun, Corinna Cortes, Christopher J. C. Burges)"
TERMS = "CC BY-SA 3.0"


@dataclass(frozen=True)
class Digits:
    """Images in a plain file of 784 bytes each, with their labels in memory."""

    path: Path
    labels: NDArray[np.uint8]

    def images(self, rows: Iterable[int]) -> NDArray[np.uint8]:
        """Return the images of these rows, [n, 28, 28]."""
        handle = os.open(self.path, os.O_RDONLY)
        try:
            pixels = b"".join(os.pread(handle, IMAGE_BYTES, row * IMAGE_BYTES) for row in rows)
        finally:
            os.close(handle)
        return np.frombuffer(pixels, np.uint8).reshape(-1, 28, 28)


@dataclass(frozen=True)
class Split:
    """Row numbers: those to learn from and those held out to choose by."""

    training: NDArray[np.int64]
    held_out: NDArray[np.int64]


def find(given: Path | None = None) -> Path:
    """Return the path of mnist.npz: the one given, or where users commonly have it.

    `given` may be the file or a folder with it. Without it, the folder named by
    PI_EDGE_DATA, a data folder beside the checkout, and Keras' own are looked into.
    """
    if given is not None:
        path = given / FILE if given.is_dir() else given
        if not path.is_file():
            raise NotFound(f"no MNIST at {path}: --data takes {FILE} or a folder with it")
        return path
    places = [
        BESIDE_CHECKOUT / FILE,
        Path("~/.keras/datasets").expanduser() / FILE,
    ]
    if "PI_EDGE_DATA" in os.environ:
        places.insert(0, Path(os.environ["PI_EDGE_DATA"]) / FILE)
    for path in places:
        if path.is_file():
            return path
    looked = ", ".join(str(path) for path in places)
    raise NotFound(
        f"MNIST is missing (looked for {looked}): put Keras' {FILE} at {places[-1]} "
        "or name it with --data"
    )


def unpack(npz: Path, part: str, folder: Path, sha256: str = "") -> Digits:
    """Unpack one part, `train` or `test`, into `folder`, unless an earlier call did.

    The unpacked file's name says which mnist.npz it came from, by its SHA-256, which who knows it
    already may give.
    """
    labels = read(npz, f"y_{part}")
    path = folder / f"mnist-{part}-{(sha256 or files.sha256(npz))[:12]}.u8"
    with _member(npz, f"x_{part}") as stream:
        shape = _header(npz, f"x_{part}", stream)
        if shape != (len(labels), 28, 28):
            raise BadInput(f"{npz}: x_{part} is {shape}, wanted ({len(labels)}, 28, 28)")
        if not path.is_file():
            with files.replacing(path) as file:
                shutil.copyfileobj(stream, file, 1 << 20)
    return Digits(path, labels)


def read(npz: Path, key: str) -> NDArray[np.uint8]:
    """Return one array of mnist.npz, whole."""
    with _member(npz, key) as stream:
        shape = _header(npz, key, stream)
        return np.frombuffer(stream.read(), np.uint8).reshape(shape)


def split(count: int) -> Split:
    """Divide `count` training images, always alike: a twelfth of them is held out."""
    order = np.random.default_rng(SPLIT_SEED).permutation(count)
    held_out = count // 12
    return Split(training=np.sort(order[held_out:]), held_out=np.sort(order[:held_out]))


def _member(npz: Path, key: str) -> IO[bytes]:
    try:
        return zipfile.ZipFile(npz).open(f"{key}.npy")
    except KeyError:
        raise BadInput(f"{npz} has no {key}: it is not Keras' {FILE}") from None
    except zipfile.BadZipFile:
        raise BadInput(f"{npz} is damaged or no .npz file: fetch {FILE} again") from None


def _header(npz: Path, key: str, stream: IO[bytes]) -> tuple[int, ...]:
    try:
        version = np.lib.format.read_magic(stream)
        if version != (1, 0):
            raise ValueError(f"version {version}")
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream)
    except ValueError as error:
        raise BadInput(f"{npz}: {key} is no NumPy array ({error})") from None
    if fortran or dtype != np.uint8:
        raise BadInput(f"{npz}: {key} holds {dtype}, wanted uint8")
    return tuple(shape)
