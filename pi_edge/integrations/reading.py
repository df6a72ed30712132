"""What a model says of a picture: one that runs here, or the daemon's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from pi_edge import catalog, tasks
from pi_edge.errors import BadInput, PiEdgeError
from pi_edge.quiet import quiet

if TYPE_CHECKING:
    import numpy as np

    from pi_edge.integrations.daemon_client import DaemonClient
    from pi_edge.model import Model

# Of the classes of a picture so many are told in JSON.
_TOP = 5


class Reader(Protocol):
    """Looks at pictures."""

    def read(self, picture: bytes) -> dict[str, Any]:
        """The answer for the bytes of a picture file, ready for JSON, with model and variant.

        Raises:
            BadInput: it is no picture.
            PiEdgeError: the model does not answer.
        """


class OwnReader:
    """A model of the task digits that runs in this process, or one that takes a picture and
    answers with classes."""

    def __init__(self, entry: catalog.Entry, variant: str, threads: int) -> None:
        from pi_edge.model import Model  # here: asking for help must not wait for NumPy

        self._entry = entry
        self._variant, file = entry.file(variant)
        with quiet():  # the runtime greets whoever loads the first model
            self._model = Model(file, threads)
        if entry.task == "tensors":
            _picture_size(entry.name, self._model)
        elif entry.task != "digits":
            raise BadInput(f"{entry.name} does not look at pictures: its task is {entry.task}")

    def read(self, picture: bytes) -> dict[str, Any]:
        if self._entry.task == "tensors":
            answer = _classes(self._entry, self._model, picture)
        else:
            task = tasks.get(self._entry.task)
            request = task.from_body(picture, "")
            answer = task.answer(request, self._model.run, self._entry.info)
        return {"model": self._entry.name, "variant": self._variant, **answer}


class DaemonReader:
    """The daemon's model of the task digits."""

    def __init__(self, client: DaemonClient, model: str, variant: str) -> None:
        self._client, self._model, self._variant = client, model, variant

    def read(self, picture: bytes) -> dict[str, Any]:
        _, body = self._client.post(
            "/tasks/digits", picture, model=self._model, variant=self._variant
        )
        return dict(json.loads(body))


def in_a_line(answer: Mapping[str, Any]) -> str:
    """An answer for a person, with the probability of its least sure part."""
    if "classes" in answer:
        return ", ".join(f"{one['label']} {one['score']:.1%}" for one in answer["classes"][:1])
    if not answer["digits"]:
        return str(answer["message"])
    sure = min(max(digit["probabilities"]) for digit in answer["digits"])
    return f"{answer['number']}  {sure:.1%}"


def _picture_size(name: str, model: Model) -> tuple[int, int, int]:
    """Height, width and channels of the picture that a model takes.

    Raises:
        BadInput: it takes something else, or answers with something else than a list of scores.
    """
    one = model.inputs[0]
    shape = [abs(length) for length in one.shape]
    fits = (
        len(model.inputs) == 1
        and len(shape) == 4
        and shape[3] in (1, 3)
        and min(one.shape[1:]) > 1 - (shape[3] == 1)
        and one.dtype.name in ("float32", "uint8")
    )
    if not fits or len(model.outputs) != 1 or len(model.outputs[0].shape) != 2:
        raise BadInput(
            f"{name} takes no picture: one input [1,h,w,3] or [1,h,w,1] of float32 or uint8, 0 to"
            " 255, and one output [1,classes] would do"
        )
    return shape[1], shape[2], shape[3]


def _classes(entry: catalog.Entry, model: Model, picture: bytes) -> dict[str, Any]:
    """The likeliest classes of a picture, squeezed into what the model takes."""
    import numpy as np

    from pi_edge.tasks import images

    height, width, channels = _picture_size(entry.name, model)
    pixels = images.decode(picture, 4 * max(height, width)).pixels
    taken = _resized(pixels, height, width, channels).astype(model.inputs[0].dtype)
    (scores,) = model.run({model.inputs[0].name: taken[None]}).values()
    row = scores[0].astype(np.float64)
    if scores.dtype == np.uint8:
        row /= 255
    if not np.isfinite(row).all():
        raise PiEdgeError(f"{entry.name} answers with NaN or infinity")
    labels = entry.info.get("labels") or []
    best = np.argsort(-row, kind="stable")[:_TOP]
    return {
        "classes": [
            {
                "class": int(i),
                "label": labels[i] if i < len(labels) else f"class {i}",
                "score": float(row[i]),
            }
            for i in best
        ]
    }


def _resized(
    pixels: np.ndarray[Any, np.dtype[np.uint8]], height: int, width: int, channels: int
) -> np.ndarray[Any, np.dtype[np.uint8]]:
    import numpy as np
    import PIL.Image

    image = PIL.Image.fromarray(pixels).convert("L" if channels == 1 else "RGB")
    image = image.resize((width, height), PIL.Image.Resampling.BILINEAR, reducing_gap=2.0)
    return np.asarray(image, np.uint8).reshape(height, width, channels)
