"""Makes the little .tflite files beside it, which tests drop into models folders.

.venv/bin/python tests/data/make_models.py        # needs the extra [desktop]
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import flatbuffers
import tensorflow as tf
from tensorflow.lite.python import schema_py_generated as schema

HERE = Path(__file__).parent


def convert(name: str, function: Callable[..., dict[str, tf.Tensor]], **inputs: tuple) -> None:
    """Write NAME.tflite, its signature taking ``inputs``: name=(dtype, shape)."""
    signature = [tf.TensorSpec(shape, dtype, key) for key, (dtype, shape) in inputs.items()]
    module = tf.Module()
    module.call = tf.function(function, input_signature=signature)
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(module, folder, signatures=module.call)
        content = tf.lite.TFLiteConverter.from_saved_model(folder).convert()
    (HERE / f"{name}.tflite").write_bytes(content)
    print(f"{name}.tflite {len(content)} bytes")


def power(x: tf.Tensor) -> dict[str, tf.Tensor]:
    """As slow as the input is large: thirty multiplications of square matrices."""
    y = x
    for _ in range(30):
        y = tf.tanh(y @ x)
    return {"y": y}


def as_int4(content: bytes) -> bytes:
    """The model with tensors of four bits instead of UINT8, which no converter makes of inputs."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(bytearray(content), 0))
    for tensor in model.subgraphs[0].tensors:
        if tensor.type == schema.TensorType.UINT8:
            tensor.type = schema.TensorType.INT4
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def endless(x: tf.Tensor) -> dict[str, tf.Tensor]:
    """Never returns, for any input but one that holds a negative number."""
    return {"y": tf.while_loop(lambda y: tf.reduce_min(y) >= 0, lambda y: (y * 0.5 + 1,), [x])[0]}


def hangs(x: tf.Tensor) -> dict[str, tf.Tensor]:
    """Never returns for an input that holds a positive number."""
    return {"y": tf.while_loop(lambda y: tf.reduce_max(y) > 0, lambda y: (y * 0.5 + 1,), [x])[0]}


class Several(tf.Module):
    """Two signatures, of a subgraph each; neither is the usual one."""

    @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float32)])
    def first(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"y": x * 2}

    @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float32)])
    def second(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"y": x * 3}


class Counter(tf.Module):
    """Adds up what it is given, in a variable of its own."""

    def __init__(self) -> None:
        self.sum = tf.Variable(0.0)

    @tf.function(input_signature=[tf.TensorSpec([], tf.float32)])
    def add(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        self.sum.assign_add(x)
        return {"sum": self.sum.read_value()}


def convert_module(name: str, module: tf.Module, keys: list[str], custom: bool = False) -> None:
    """Write NAME.tflite with the module's functions ``keys`` as its signatures."""
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(module, folder, signatures={key: getattr(module, key) for key in keys})
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=keys)
        converter.experimental_enable_resource_variables = True
        converter.allow_custom_ops = custom
        content = converter.convert()
    (HERE / f"{name}.tflite").write_bytes(content)
    print(f"{name}.tflite {len(content)} bytes")


class Custom(tf.Module):
    """Holds an operation that no runtime brings."""

    @tf.function(input_signature=[tf.TensorSpec([4], tf.float32)])
    def run(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"y": tf.raw_ops.Digamma(x=x)}


convert_module("several", Several(), ["second", "first"])
convert_module("counter", Counter(), ["add"])
convert_module("custom", Custom(), ["run"], custom=True)
convert("endless", endless, x=(tf.float32, [None]))
convert("hangs", hangs, x=(tf.float32, [None]))
convert("constant", lambda: {"y": tf.constant([1.0, 2.0])})
convert("scalar", lambda x: {"y": x + 1}, x=(tf.float32, []))
convert("empty", lambda x: {"y": x * 2}, x=(tf.float32, [0, 3]))
convert("double", lambda x: {"y": x * 2}, x=(tf.float32, [None, 3]))
convert("triple", lambda x: {"y": x * 3}, x=(tf.float32, [None, 3]))
convert(
    "sum", lambda a, b: {"sum": a + b, "difference": a - b}, a=(tf.int64, [2]), b=(tf.int64, [2])
)
convert("log", lambda x: {"y": tf.math.log(x)}, x=(tf.float32, [None]))
convert("power", power, x=(tf.float32, [None, None]))
for dtype in (tf.string, tf.bool, tf.float16, tf.uint8, tf.complex64, tf.bfloat16):
    name = f"same-{dtype.name}"
    convert(name, lambda x: {"y": tf.reshape(x, [2, 2])}, x=(dtype, [2, 2]))
(HERE / "same-int4.tflite").write_bytes(as_int4((HERE / "same-uint8.tflite").read_bytes()))
convert("pick", lambda i: {"y": tf.gather(tf.constant([1.0, 2.0, 3.0]), i)}, i=(tf.int32, [None]))
convert(
    "prices",
    lambda prices: {
        "forecast": tf.reduce_mean(prices, 1),
        "low": tf.reduce_min(prices, 1),
        "high": tf.reduce_max(prices, 1),
    },
    prices=(tf.float32, [None, 5, 3]),
)
