"""What runs in onnx2tf's environment, where pi_edge is not: only its packages are.

    python onnx_child.py convert MODEL.onnx FOLDER
    python onnx_child.py run MODEL.onnx

``convert`` leaves a SavedModel in FOLDER and says on its last line, in JSON, what the ONNX file's
inputs and outputs are. ``run`` computes it by ONNX Runtime: for each line
["INPUTS.npz", "OUTPUTS.npz"] on stdin it says "ok", or what went wrong; the answers are arr_0,
arr_1, ... in the outputs' order.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

TYPES = {
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(float16)": "float16",
    "tensor(int8)": "int8",
    "tensor(int16)": "int16",
    "tensor(int32)": "int32",
    "tensor(int64)": "int64",
    "tensor(uint8)": "uint8",
    "tensor(bool)": "bool",
}
"""ONNX Runtime's words for types, and NumPy's."""


def describe(path: str) -> dict[str, Any]:
    """Inputs and outputs: name, ONNX type and shape, null where any length will do."""
    session = _session(path)

    def told(nodes: Any) -> list[Any]:
        return [
            [n.name, n.type, [m if isinstance(m, int) else None for m in n.shape]] for n in nodes
        ]

    return {"inputs": told(session.get_inputs()), "outputs": told(session.get_outputs())}


def convert(path: str, folder: str) -> None:
    about = describe(path)
    os.chdir(folder)
    # It would fetch this file, with which it looks for wrong axes; any pictures do.
    pictures = np.random.default_rng(0).random((20, 128, 128, 3), np.float32)
    np.save("calibration_image_sample_data_20x128x128x3_float32.npy", pictures)
    import onnx2tf

    # Pictures change from channels first to channels last; what else there is stays as it is.
    kept = [name for name, _, shape in about["inputs"] if len(shape) != 4]
    onnx2tf.convert(
        input_onnx_file_path=path,
        output_folder_path=str(Path(folder) / "saved"),
        output_signaturedefs=True,
        keep_shape_absolutely_input_names=kept or None,
        non_verbose=True,
    )
    print("\n" + json.dumps(about))


def run(path: str) -> None:
    session = _session(path)
    types = {node.name: TYPES.get(node.type) for node in session.get_inputs()}
    for line in sys.stdin:
        given, answered = json.loads(line)
        try:
            with np.load(given, allow_pickle=False) as arrays:
                feed = {name: arrays[name].astype(types[name]) for name in arrays.files}
            answers = session.run(None, feed)
            np.savez(answered, *answers)
            print("ok", flush=True)
        except Exception as error:
            print(" ".join(str(error).split()) or type(error).__name__, flush=True)


def _session(path: str) -> Any:
    import onnxruntime

    onnxruntime.set_default_logger_severity(4)
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


if __name__ == "__main__":
    if sys.argv[1] == "convert":
        convert(sys.argv[2], sys.argv[3])
    else:
        run(sys.argv[2])
