"""An ONNX model for PyTorch (TorchScript) and for ExecuTorch (with XNNPACK), in the environment
that has both:

    python to_torch.py MODEL.onnx INPUTS.npz MODEL.pt MODEL.pte
"""

from __future__ import annotations

import sys
from functools import reduce
from pathlib import Path

import numpy as np
import onnx
import torch
from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
from executorch.exir import to_edge_transform_and_lower
from onnx2torch import convert


def main(model: str, inputs: str, torchscript: str, executorch: str) -> None:
    network = convert(onnx.load(model)).eval()
    _fix_shapes(network)
    with np.load(inputs, allow_pickle=False) as archive:
        given = tuple(torch.from_numpy(archive[name]) for name in archive.files)
    with torch.inference_mode():
        torch.jit.save(torch.jit.freeze(torch.jit.trace(network, given)), torchscript)
    exported = torch.export.export(network, given)
    lowered = to_edge_transform_and_lower(exported, partitioner=[XnnpackPartitioner()])
    Path(executorch).write_bytes(lowered.to_executorch().buffer)


def _fix_shapes(network: torch.fx.GraphModule) -> None:
    """Let reshapes know their shapes instead of reading them from tensors, which cannot be
    exported."""
    for node in list(network.graph.nodes):
        if node.op != "call_module":
            continue
        if type(network.get_submodule(node.target)).__name__ == "OnnxReshape":
            tensor, shape = node.args
            known = reduce(getattr, shape.target.split("."), network).tolist()
            with network.graph.inserting_before(node):
                reshaped = network.graph.call_function(torch.reshape, (tensor, tuple(known)))
            node.replace_all_uses_with(reshaped)
            network.graph.erase_node(node)
    network.recompile()


if __name__ == "__main__":
    main(*sys.argv[1:])
