"""An ONNX file: onnx2tf makes a SavedModel of it, ONNX Runtime says what it should compute.

onnx2tf gives pictures the order that TFLite's kernels are fast with, channels last (NHWC), where
ONNX has channels first (NCHW).
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pi_edge.desktop.own import names, onnx_environment, saved_model
from pi_edge.desktop.own.original import Arrays, Original, Tensor
from pi_edge.errors import BadInput

CHILD = Path(__file__).with_name("onnx_child.py")


def read(path: Path, say: Callable[[str], None]) -> Original:
    """The network in an ONNX file.

    Raises:
        BadInput: it cannot be read or converted.
        Unavailable: onnx2tf cannot be installed.
    """
    python = onnx_environment.python(say)
    folder = Path(tempfile.mkdtemp(prefix="pi-edge-onnx-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    said = _child(python, "convert", path.resolve(), folder)
    about = json.loads(said.splitlines()[-1])
    network = saved_model.read(folder / "saved")
    # The SavedModel's inputs keep the ONNX file's names, its outputs their order.
    told = names.readable([name for name, _, _ in about["inputs"]], "input")
    by_source = {names.readable([t.source], "input")[0]: t for t in network.inputs}
    inputs, turned_in = [], []
    for at, ((source, _, shape), name) in enumerate(zip(about["inputs"], told, strict=True)):
        there = by_source.get(name, network.inputs[min(at, len(network.inputs) - 1)])
        inputs.append((replace(there, name=name), there, source))
        turned_in.append(_turned(shape, there.shape))
    places = [network.inputs.index(there) for _, there, _ in inputs]
    told = names.readable([name for name, _, _ in about["outputs"]], "output")
    outputs = tuple(
        replace(tensor, name=name, source=source)
        for name, tensor, (source, _, _) in zip(
            told, network.outputs, about["outputs"], strict=True
        )
    )
    turned_out = [
        _turned(shape, tensor.shape)
        for tensor, (_, _, shape) in zip(outputs, about["outputs"], strict=True)
    ]

    session = _session(python, path, folder)

    def graph(tensors: Sequence[Any]) -> list[Any]:
        given = dict(zip(places, tensors, strict=True))
        return network.graph([given[at] for at in range(len(places))])

    def run(arrays: Mapping[str, NDArray[Any]]) -> Arrays:
        feed: dict[str, Any] = {}
        for (tensor, _, source), turned in zip(inputs, turned_in, strict=True):
            array = arrays[tensor.name]
            feed[source] = np.moveaxis(array, -1, 1) if turned else array
        found = session(feed)
        return {
            tensor.name: _as_served(np.moveaxis(array, 1, -1) if turned else array)
            for tensor, array, turned in zip(outputs, found, turned_out, strict=True)
        }

    tensors = tuple(replace(t, source=source) for t, _, source in inputs)
    return replace(
        network,
        path=path,
        kind="ONNX file",
        inputs=tensors,
        outputs=outputs,
        graph=graph,
        run=run,
        notes=_notes(tensors, turned_in, outputs, turned_out),
        told={"converter": onnx_environment.PACKAGES[0], "runtime": onnx_environment.PACKAGES[2]},
    )


def _session(
    python: Path, path: Path, folder: Path
) -> Callable[[Mapping[str, NDArray[Any]]], list[NDArray[Any]]]:
    """ONNX Runtime in a process of its own, which ends with this one."""
    child = subprocess.Popen(
        [str(python), str(CHILD), "run", str(path.resolve())],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    talk, listen = child.stdin, child.stdout

    def run(feed: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        given, answered = folder / "given.npz", folder / "answered.npz"
        with given.open("wb") as file:
            np.savez(file, **feed)  # type: ignore[arg-type]
        talk.write(json.dumps([str(given), str(answered)]) + "\n")
        talk.flush()
        if (said := listen.readline().strip()) != "ok":
            raise BadInput(f"ONNX Runtime cannot run {path}: {said or 'it ended'}")
        with np.load(answered, allow_pickle=False) as answers:
            return [answers[f"arr_{at}"] for at in range(len(answers.files))]

    return run


def _turned(onnx: Sequence[int | None], here: Sequence[int | None]) -> bool:
    """Whether channels came first in the ONNX file and are last here."""
    if len(onnx) != len(here) or len(onnx) != 4:
        return False
    moved = [onnx[0], *onnx[2:], onnx[1]]
    return all(a == b or None in (a, b) for a, b in zip(moved[1:], here[1:], strict=True))


def _as_served(array: NDArray[Any]) -> NDArray[Any]:
    return array.astype(np.float32) if array.dtype.kind == "f" else array


def _notes(
    inputs: Sequence[Tensor],
    turned_in: Sequence[bool],
    outputs: Sequence[Tensor],
    turned_out: Sequence[bool],
) -> tuple[str, ...]:
    turned = [
        tensor.name
        for tensor, is_turned in zip((*inputs, *outputs), (*turned_in, *turned_out), strict=True)
        if is_turned
    ]
    if not turned:
        return ()
    return (
        f"channels come last now (NHWC), where the ONNX file has them first (NCHW): "
        f"{', '.join(turned)}",
    )


def _child(python: Path, *words: object) -> str:
    """Run onnx_child.py and return what it printed.

    Raises:
        BadInput: it failed; with its reason.
    """
    environment = dict(os.environ) | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    # It calls onnxsim by name.
    environment["PATH"] = f"{python.parent}{os.pathsep}{environment.get('PATH', '')}"
    command = [str(python), str(CHILD), *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode == 0:
        return done.stdout
    if "INVALID_PROTOBUF" in done.stderr or "InvalidProtobuf" in done.stderr:
        raise BadInput(f"{words[1]} is no ONNX file, or a damaged one")
    lines = [line for line in (done.stdout + "\n" + done.stderr).splitlines() if "rror" in line]
    reason = " ".join((lines or ["it gave no reason"])[-1].split())
    raise BadInput(f"{words[1]} cannot be converted: {reason[:300]}")
