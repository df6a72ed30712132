"""Made pictures.onnx: a convolution over pictures, channels first, and five classes.

python make_onnx.py, with the package onnx installed.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

random = np.random.default_rng(0)


def constant(name: str, spread: float, *shape: int) -> onnx.TensorProto:
    return numpy_helper.from_array(random.normal(0, spread, shape).astype(np.float32), name)


weights = [
    constant("w", 0.3, 8, 3, 3, 3),
    constant("b", 0.1, 8),
    constant("d", 0.3, 8, 5),
    constant("e", 0.1, 5),
]
nodes = [
    helper.make_node(
        "Conv", ["image", "w", "b"], ["c"], kernel_shape=[3, 3], pads=[1] * 4, strides=[2, 2]
    ),
    helper.make_node("Relu", ["c"], ["r"]),
    helper.make_node("GlobalAveragePool", ["r"], ["g"]),
    helper.make_node("Flatten", ["g"], ["f"]),
    helper.make_node("Gemm", ["f", "d", "e"], ["z"]),
    helper.make_node("Softmax", ["z"], ["scores"], axis=1),
]
graph = helper.make_graph(
    nodes,
    "pictures",
    [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 3, 16, 12])],
    [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["N", 5])],
    weights,
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
onnx.checker.check_model(model)
onnx.save(model, Path(__file__).with_name("pictures.onnx"))
