"""One INPUT of a command line, answered by a model: what `pi-edge predict` does, here or on
another machine."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pi_edge import catalog, tasks
from pi_edge.errors import BadInput, NotFound

if TYPE_CHECKING:
    from pi_edge.model import Model

STREAM = "-"

Ask = Callable[[str], tuple[dict[str, Any], str]]
"""From an INPUT to the answer for JSON and the same for a person."""

Stream = Callable[[], bytes]
"""Reads standard input, for the INPUT that is called STREAM."""


def asker(entry: catalog.Entry, model: Model, stream: Stream) -> Ask:
    """What answers INPUTs, by ``model``, which is a variant of ``entry``.

    What it returns raises BadInput, NotFound, TooLarge and PiEdgeError as the tasks do.
    """
    if entry.task == "tensors":
        return lambda name: _tensors(model, name, stream)
    task = tasks.get(entry.task)

    def ask(name: str) -> tuple[dict[str, Any], str]:
        request = task.from_body(stream(), "") if name == STREAM else task.from_argument(name)
        answer = task.answer(request, model.run, entry.info)
        return answer, task.to_text(answer)

    return ask


def _tensors(model: Model, name: str, stream: Stream) -> tuple[dict[str, Any], str]:
    outputs = model.run(_arrays(model, name, stream))
    lines = [f"{key} {array.dtype}{list(array.shape)}\n{array}" for key, array in outputs.items()]
    return {"outputs": {key: array.tolist() for key, array in outputs.items()}}, "\n".join(lines)


def _arrays(model: Model, name: str, stream: Stream) -> Mapping[str, Any]:
    """The arrays of a .npy or .npz file by input name, in the dtypes that the model takes."""
    import zipfile

    import numpy as np

    try:
        loaded = np.load(io.BytesIO(stream()) if name == STREAM else Path(name), allow_pickle=False)
        arrays = dict(loaded) if isinstance(loaded, np.lib.npyio.NpzFile) else None
    except FileNotFoundError:
        raise NotFound("there is no such file") from None
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise BadInput(f"this is no .npy or .npz file of numbers: {error}") from error
    if arrays is None:
        if len(model.inputs) != 1:
            names = ", ".join(spec.name for spec in model.inputs)
            raise BadInput(
                f"the model takes several inputs ({names}): send an .npz that names them"
            )
        arrays = {model.inputs[0].name: loaded}
    for spec in model.inputs:
        given = arrays.get(spec.name)
        if given is not None and np.can_cast(given.dtype, spec.dtype, "same_kind"):
            arrays[spec.name] = given.astype(spec.dtype)
    return arrays
