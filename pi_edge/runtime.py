"""The TFLite runtime of this machine: the only module that imports one.

LiteRT (``ai_edge_litert``) wherever it is installed, else its predecessor
``tflite_runtime``, which is all that 32-bit ARM has. Both offer the same ``Interpreter``.
"""

from __future__ import annotations

import importlib
import importlib.util
from functools import cache
from pathlib import Path
from typing import Any

from pi_edge.errors import PiEdgeError

# import name -> the distribution whose version we report
_RUNTIMES = {"ai_edge_litert": "ai-edge-litert", "tflite_runtime": "tflite-runtime"}


@cache
def installed() -> tuple[str, str]:
    """Import name and version of the runtime that will be used.

    Raises:
        PiEdgeError: neither runtime is installed.
    """
    from importlib.metadata import version  # here: it takes longer to import than a model to open

    module = _module()
    return module, version(_RUNTIMES[module])


@cache
def _module() -> str:
    for module in _RUNTIMES:
        if importlib.util.find_spec(module):
            return module
    raise PiEdgeError(
        "no TFLite runtime is installed: in a checkout run scripts/run, which installs the one that"
        " fits; elsewhere pip install 'pi-edge[litert]', on 32-bit ARM 'pi-edge[tflite-runtime]'"
    )


def prepares_together() -> bool:
    """Whether this runtime hands a file's graphs to its fast kernels (XNNPACK) only when tensors of
    the first are allocated, and then all: without that the others run ten times slower."""
    return _module() == "tflite_runtime"


def describe() -> dict[str, str]:
    """Name and version of the runtime, for /status, benchmarks and model.json."""
    module, version = installed()
    return {"name": _RUNTIMES[module], "version": version}


@cache
def _interpreter_class() -> Any:
    module = _module()
    try:
        interpreter = importlib.import_module(f"{module}.interpreter")
    except ImportError as error:
        _, version = installed()
        raise PiEdgeError(
            f"{_RUNTIMES[module]} {version} does not import ({error}): delete .venv and run"
            " scripts/run again"
        ) from error
    return interpreter.Interpreter


def preload() -> None:
    """Import the runtime now, for who wants to know what that alone takes.

    Raises:
        PiEdgeError: no runtime is installed, or it does not import.
    """
    _interpreter_class()


def interpreter(path: Path, threads: int = 1, copy: bool = False, xnnpack: bool = True) -> Any:
    """A new ``Interpreter`` over the .tflite file at ``path``, tensors not yet allocated.

    Args:
        xnnpack: whether XNNPACK's kernels run what they can, else the runtime's own do.
        copy: read the file instead of mapping it into memory. A mapped file that somebody
            overwrites in place takes the process down.

    Raises:
        PiEdgeError: no runtime, or the file is not a TFLite model.
    """
    try:
        # The runtimes take no path that is not UTF-8.
        if copy or not str(path).isprintable():
            return interpreter_of(path.read_bytes(), threads, xnnpack)
        return _interpreter_class()(model_path=str(path), num_threads=threads, **_kernels(xnnpack))
    except (ValueError, RuntimeError, OSError) as error:
        raise PiEdgeError(f"{path} is not a TFLite model this runtime can open: {error}") from error


def interpreter_of(contents: bytes, threads: int = 1, xnnpack: bool = True) -> Any:
    """A new ``Interpreter`` over the contents of a .tflite file, tensors not yet allocated.

    Raises:
        PiEdgeError: no runtime is installed.
        ValueError, RuntimeError: the contents are no TFLite model.
    """
    return _interpreter_class()(model_content=contents, num_threads=threads, **_kernels(xnnpack))


def _kernels(xnnpack: bool) -> dict[str, Any]:
    if xnnpack:  # as both runtimes do unless told otherwise
        return {}
    resolvers = importlib.import_module(f"{_module()}.interpreter").OpResolverType
    return {"experimental_op_resolver_type": resolvers.BUILTIN_WITHOUT_DEFAULT_DELEGATES}
