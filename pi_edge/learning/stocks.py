"""`stocks` learns from newer prices, as each night when the day's closes are known.

Forward, gradient and Adam are in the model's train.tflite; what it sees, the calibration of what
came of that, and the comparison with the model in service are in forecasts/, in NumPy.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pi_edge import catalog, files, model_json
from pi_edge.errors import BadInput, PiEdgeError, WrongUsage
from pi_edge.learning import guard, loop, written
from pi_edge.learning.forecasts import features, measure, network
from pi_edge.learning.forecasts.contest import compared
from pi_edge.learning.forecasts.network import Architecture, Fitted
from pi_edge.learning.forecasts.past import HELD_BACK, Past, batches, divided
from pi_edge.learning.graph import TrainingGraph
from pi_edge.learning.loop import Course, Learned
from pi_edge.learning.order import SCRATCH, Order
from pi_edge.processes import peak_bytes
from pi_edge.quiet import quiet
from pi_edge.tasks import prices
from pi_edge.tasks.prices import Prices

STEPS = 1000
"""Of Adam, at least, as the desktop step takes."""


def learn(
    order: Order,
    *,
    say: Callable[[str], None] = print,
    tell: Callable[..., None] = lambda **_: None,
    stop: Callable[[], bool] = lambda: False,
) -> Path:
    """Let a model of stocks learn from ``order.prices``; the folder it is in afterwards.

    Raises:
        WrongUsage: no prices were named, or something that has no meaning here.
        NotFound, BadInput, TooLarge: they cannot be learned from.
        PiEdgeError: the model cannot learn, or would get worse. What serves stays what it was.
        Stopped: it was told to stop.
    """
    path = order.prices or order.data
    if path is None:
        raise WrongUsage(f"say which closes {order.model.name} is to learn: --prices FILE")
    if order.examples:
        raise WrongUsage("stocks learn from closing prices alone: leave out --examples")
    told = written.training(order.model)
    architecture = _architecture(order.model)
    table = prices.read(path)
    past = divided(table, order.model.info["tickers"], str(path))
    x, y = batches(past, architecture)
    if not len(x):
        raise BadInput(f"{path} has no day to learn from with {features.DAYS} closes before it")
    kept = order.state / "learning" / order.name
    kept.mkdir(parents=True, exist_ok=True)
    with quiet():  # the runtime greets whoever loads a model
        graph = TrainingGraph(written.graph_file(order.model), order.threads)
        graph.weights()
    fewest = math.ceil(STEPS / math.ceil(len(x) / graph.batch))
    sha256 = files.sha256(path)
    course = Course(
        title=order.name,
        count=len(x),
        batch=lambda rows: ({"seen": x[rows]}, y[rows]),
        epochs=order.epochs or max(int(told["epochs"]), fewest),
        rate=float(told["rate"]),
        seed=order.seed,
        plan={
            "graph": told["sha256"], "data": sha256, "epochs": order.epochs, "start": order.start,
            "seed": order.seed, "rate": told["rate"],
        },
        figure="",
        warm_up=50,
    )  # fmt: skip
    checkpoint = kept / "checkpoint.npz"
    learned = loop.learn(
        graph, course, _start(order, architecture), checkpoint, say=_few(say), tell=tell, stop=stop
    )
    _publish(order, past, table, path, sha256, learned, say)
    checkpoint.unlink(missing_ok=True)
    return catalog.owned_models(order.state) / order.name


def _architecture(model: catalog.Entry) -> Architecture:
    """How the model's network is built, as its model.json tells."""
    try:
        told = dict(written.training(model)["architecture"])
        made = Architecture(**{**told, "hidden": tuple(told["hidden"])})
        if made.scale not in features.SCALES:
            raise ValueError(f"scale {made.scale!r}")
        return made
    except (KeyError, TypeError, ValueError) as error:
        raise PiEdgeError(
            f"the model.json of {model.name} tells no network that could learn ({error!r}): convert"
            " it again"
        ) from None


def _start(order: Order, architecture: Architecture) -> dict[str, NDArray[np.float32]]:
    """The weights to begin with, before shrinkage, as the training graph calls them."""
    told = written.training(order.model)
    if order.start == SCRATCH:
        drawn = loop.scratch(told["weights"], order.seed)
        return {key: value for key, value in drawn.items() if key.startswith("dense")}
    known = network.from_constants(written.read(order.model), architecture, told["shrinkage"])
    return {key.replace("/", "_"): value for key, value in known.weights.items()}


def _publish(
    order: Order,
    past: Past,
    table: Prices,
    path: Path,
    sha256: str,
    learned: Learned,
    say: Callable[[str], None],
) -> None:
    """Calibrate what was learned, write the model that comes of it, and let it go live."""
    model = order.model
    weights = {key.replace("_", "/"): value for key, value in learned.weights.items()}
    raw = Fitted(_architecture(model), weights, 1.0, 0.0, 0.0)
    fitted = network.calibrated(past.closes[: past.validation.stop], past.validation, raw)
    days, horizon = int(model.info["days"]), int(model.info["horizon_days"])
    rows = measure.full(past.closes, past.held_back, days, horizon)
    command = f"pi-edge learn {model.name} --prices {path.name}"
    with quiet(), guard.making(order) as made:
        paths = written.write(model, network.constants(fitted), made)
        default = model.default if model.default in paths else next(iter(paths))
        variants = {}
        for variant, file in paths.items():
            outputs = measure.answers(file, past.closes, rows, days)
            found = measure.measured(past.closes, rows, horizon, outputs)
            tolerance = model.info["variants"][variant]["tolerance"]
            variants[variant] = model_json.variant(
                file, command, **found.told(), tolerance=tolerance
            )
        held_back = compared(order, past, paths[default], rows)
        beside = written.beside(model, paths, made)
        beside["training"]["shrinkage"] = fitted.shrinkage
        last = past.closes[rows - 1].astype(np.float32)
        usual = measure.measured(past.closes, rows, horizon, dict.fromkeys(measure.OUTPUTS, last))
        document = {
            **{key: value for key, value in model.info.items() if key != "left_out"},
            "name": order.name,
            "default": default,
            "variants": variants,
            "last_price_mae": usual.told()["mae"],
            **beside,
            "measured": model_json.measured_on(),
            "trained": {
                **{key: model.info["trained"].get(key) for key in ("network", "parameters")},
                "architecture": beside["training"]["architecture"],
                "shrinkage": fitted.shrinkage,
                "low": fitted.low,
                "high": fitted.high,
                "data": {
                    "source": path.name,
                    "terms": "the user's own",
                    "sha256": sha256,
                    "days": len(table.dates),
                    "path": str(path.resolve()),
                },
                "spans": past.told(),
                "seed": order.seed,
            },
            "learned": {
                "from": model.name,
                "start": order.start,
                "method": "Adam, within the TFLite runtime",
                "data": {"file": path.name, "sha256": sha256, "days": len(table.dates)},
                "until": str(past.dates[past.validation.stop - 1]),
                "examples": len(past.dates) - HELD_BACK,
                "seed": order.seed,
                "epochs": learned.history[-1:],
                "seconds": round(learned.seconds, 1),
                "peak_bytes": peak_bytes(),
                "date": datetime.now(UTC).isoformat(timespec="seconds"),
            },
        }
        said = guard.go_live(made, order, document, held_back)
    say(f"  shrinkage {fitted.shrinkage}, interval {fitted.low:+.3f} to {fitted.high:+.3f}")
    say(said)


def _few(say: Callable[[str], None]) -> Callable[[str], None]:
    """Say only what is no line about an epoch: a short history takes hundreds."""

    def some(line: str) -> None:
        if " epoch " not in line:
            say(line)

    return some
