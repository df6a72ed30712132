"""A model.json: read, found in its folder, and asked for all that the daemon gets from it."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from targets import refusals

from pi_edge import catalog, proving, repository, verification
from pi_edge.model import TensorSpec
from pi_edge.model_status import ModelStatus, Variant
from pi_edge.server import answers, infer, task_routes
from pi_edge.tasks import regression, stocks

LENGTH, MEGABYTES = 8192, 512
WORDS = (
    *(b'"name"', b'"model"', b'"task"', b'"tensors"', b'"digits"', b'"stocks"', b'"regression"'),
    *(b'"default"', b'"v1"', b'"variants"', b'"file"', b'"a.tflite"', b'"sha256"', b'"tolerance"'),
    *(b'"check"', b'"inputs"', b'"outputs"', b'"x"', b'"labels"', b'"styles"', b'"columns"'),
    *(b'"tickers"', b'"days"', b'"deadline"', b'"horizon_days"', b'"interval"', b'"style"'),
    *(
        b'"../a.tflite"',
        b'"/etc/passwd"',
        b'"\\ud800"',
        b'"\\u0000"',
        b"NaN",
        b"Infinity",
        b"1e400",
    ),
    *(b"[[[[", b"null", b"true", b"-1", b"123456789012345678901234567890", b"{}", b"[]", b"1e-5"),
)

_scratch = tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None)
_models = Path(_scratch.name)
_folder = _models / "model"
_folder.mkdir()
for _name in ("a.tflite", "b.tflite"):
    (_folder / _name).touch()
np.savez(_folder / "check.npz", **{"inputs/x": np.ones(2), "v1/y": np.ones(2)})
_SPECS = (TensorSpec("x", np.dtype(np.float32), (2,), 0),)


def check(data: bytes) -> None:
    (_folder / "model.json").write_bytes(data)
    entries, problems = catalog.find(_models)
    assert list(entries) + list(problems) == ["model"]
    with refusals():
        used(catalog.read(_folder))


def used(entry: catalog.Entry) -> None:
    """What the daemon asks an entry for, of any task."""
    status = ModelStatus(entry, dict.fromkeys(entry.files, Variant("loading")))
    answers.to_json(task_routes.describe(status))
    answers.to_json({"labels": infer.labels(status), "task": entry.task, "name": entry.name})
    repository._deadline(entry, 30)
    assert catalog.read(_folder) == entry
    origins = {variant: repository._origin(entry, variant) for variant in entry.files}
    for variant in entry.files:
        # Looked at again, nothing has changed.
        assert repository._origin(catalog.read(_folder), variant) == origins[variant]
        proving._key("0", entry, variant)
        with refusals():
            verification.tolerance(proving._told(entry, variant))
        with refusals():
            found = verification.expectations(entry, variant, _SPECS)
            if found:
                given = {name: np.zeros(array.shape, "f4") for name, array in found[1].items()}
                verification.differences(given, found[1], 1e-4)
    with refusals():
        answers.to_json(regression.answer(regression.Values(((1.0,),)), _line, entry.info))
    with refusals():
        quotes = stocks.from_body(_PRICES, "text/csv")
        answers.to_json(stocks.answer(quotes, _mean, entry.info))


_PRICES = b"Date,AAA,BBB\n2024-01-01,1,2\n2024-01-02,1,2\n2024-01-03,1,2\n"


def _line(inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {"y": inputs["x"][:, :1]}


def _mean(inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return dict.fromkeys(("forecast", "low", "high"), inputs["prices"].mean(axis=1))
