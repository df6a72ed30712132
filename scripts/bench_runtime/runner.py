"""One model in one runtime, in a process of its own, in that runtime's own environment:

    python runner.py RUNTIME MODEL INPUTS.npz THREADS

Its first line tells, as JSON, what it took to load and the outputs; then for every line "SECONDS"
that it is sent, a line with the durations of all inferences of so many seconds, in nanoseconds.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

Arrays = Mapping[str, np.ndarray]
Infer = Callable[[], list[np.ndarray]]


def main(kind: str, model: str, inputs: str, threads: int) -> None:
    # What a runtime prints is not for the one who asks.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    with np.load(inputs, allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    before = _resident()
    began = time.perf_counter()
    prepare = RUNTIMES[kind]()
    imported = time.perf_counter()
    infer = prepare(model, arrays, threads)
    loaded = time.perf_counter()
    outputs = infer()
    first = time.perf_counter()
    _warm(infer)
    told = {
        "import_ms": (imported - began) * 1e3,
        "load_ms": (loaded - imported) * 1e3,
        "first_ms": (first - loaded) * 1e3,
        "bytes": _resident() - before,
        "outputs": [np.asarray(output, float).ravel().tolist() for output in outputs],
    }
    print(json.dumps(told), file=answers)
    for line in sys.stdin:
        print(json.dumps(_durations(infer, float(line))), file=answers)


def _warm(infer: Infer, seconds: float = 1.0) -> None:
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        infer()


def _durations(infer: Infer, seconds: float) -> list[int]:
    durations = []
    end = time.perf_counter_ns() + int(seconds * 1e9)
    now = time.perf_counter_ns()
    while now < end:
        infer()
        begin, now = now, time.perf_counter_ns()
        durations.append(now - begin)
    return durations


def _resident() -> int:
    with open("/proc/self/statm") as file:  # noqa: PTH123  one line, and pathlib counts
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


# --- the runtimes: each imports, then returns what loads a model ---------------------------------


def _pi_edge() -> Any:
    from pathlib import Path

    from pi_edge.model import Model

    def prepare(model: str, arrays: Arrays, threads: int) -> Infer:
        loaded = Model(Path(model), threads)
        return lambda: list(loaded.run(arrays).values())

    return prepare


def _interpreter(module: str) -> Any:
    import importlib

    interpreter_class = importlib.import_module(f"{module}.interpreter").Interpreter

    def prepare(model: str, arrays: Arrays, threads: int) -> Infer:
        interpreter = interpreter_class(model_path=model, num_threads=threads)
        signature = interpreter.get_signature_list()["serving_default"]
        shapes = {}
        for detail in interpreter.get_input_details():
            name = next(n for n in signature["inputs"] if f"_{n}:" in detail["name"])
            shapes[detail["index"]] = arrays[name]
            interpreter.resize_tensor_input(detail["index"], arrays[name].shape)
        interpreter.allocate_tensors()
        outputs = [detail["index"] for detail in interpreter.get_output_details()]

        def infer() -> list[np.ndarray]:
            for index, array in shapes.items():
                interpreter.set_tensor(index, array)
            interpreter.invoke()
            return [interpreter.get_tensor(index) for index in outputs]

        return infer

    return prepare


def _onnxruntime() -> Any:
    import onnxruntime

    def prepare(model: str, arrays: Arrays, threads: int) -> Infer:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        given = {one.name: arrays[_named(one.name, arrays)] for one in session.get_inputs()}
        return lambda: session.run(None, given)

    return prepare


def _pytorch() -> Any:
    import torch

    def prepare(model: str, arrays: Arrays, threads: int) -> Infer:
        torch.set_num_threads(threads)
        network = torch.jit.load(model)
        given = [torch.from_numpy(array) for array in arrays.values()]

        def infer() -> list[np.ndarray]:
            with torch.inference_mode():
                outputs = network(*given)
            return [one.numpy() for one in _listed(outputs)]

        return infer

    return prepare


def _executorch() -> Any:
    import torch
    from executorch.runtime import Runtime

    def prepare(model: str, arrays: Arrays, threads: int) -> Infer:
        method = Runtime.get().load_program(model).load_method("forward")
        given = [torch.from_numpy(array) for array in arrays.values()]
        return lambda: [one.numpy() for one in method.execute(given)]

    return prepare


def _named(tensor: str, arrays: Arrays) -> str:
    return next(name for name in arrays if f"_{name}:" in tensor)


def _listed(outputs: Any) -> list[Any]:
    return list(outputs) if isinstance(outputs, list | tuple) else [outputs]


RUNTIMES: dict[str, Callable[[], Any]] = {
    "pi-edge": _pi_edge,
    "LiteRT": lambda: _interpreter("ai_edge_litert"),
    "tflite-runtime": lambda: _interpreter("tflite_runtime"),
    "ONNX Runtime": _onnxruntime,
    "PyTorch": _pytorch,
    "ExecuTorch": _executorch,
}

if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
