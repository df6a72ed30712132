"""`stocks` and `stocks-levels` learn from newer prices, as each night when the closes are known.

Forward, gradient and Adam are in the model's train.tflite; what it sees, the calibration of what
came of that, and the comparison with the model in service are in forecasts/, in NumPy.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np

from pi_edge import catalog, files, model_json
from pi_edge.errors import BadInput, PiEdgeError, WrongUsage
from pi_edge.learning import guard, loop, written
from pi_edge.learning.checkpoint import FILE
from pi_edge.learning.forecasts import lesson_levels, lesson_returns, measure
from pi_edge.learning.forecasts.contest import compared
from pi_edge.learning.forecasts.lesson import Calibrated, Lesson
from pi_edge.learning.forecasts.past import HELD_BACK, Past, divided
from pi_edge.learning.loop import Course, Learned
from pi_edge.learning.order import Order
from pi_edge.quiet import quiet
from pi_edge.tasks import prices
from pi_edge.tasks.prices import Prices

STEPS = 1000
"""Of Adam, at least, as the desktop step takes."""

RETURNS, LEVELS = "returns", "levels"
KINDS = {RETURNS: lesson_returns, LEVELS: lesson_levels}
"""By what model.json tells under "training"; a network of returns tells nothing there."""


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
    kind = _kind(order.model)
    table = prices.read(path)
    past = divided(table, order.model.info["tickers"], str(path))
    lesson: Lesson = kind.lesson(order, past)
    x, y = lesson.seen, lesson.came
    if not len(x):
        days = order.model.info["days"]
        raise BadInput(f"{path} has no day to learn from with {days} closes before it")
    graph = written.graph(order.model, order.threads)
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
    checkpoint = order.kept() / FILE
    learned = loop.learn(
        graph, course, lesson.start, checkpoint, say=_few(say), tell=tell, stop=stop
    )
    _publish(order, past, table, path, sha256, learned, lesson.calibrated(learned), say)
    checkpoint.unlink(missing_ok=True)
    return catalog.owned_models(order.state) / order.name


def _kind(model: catalog.Entry) -> ModuleType:
    """What teaches networks of a model's kind."""
    kind = written.training(model).get("kind", RETURNS)
    if kind not in KINDS:
        raise PiEdgeError(f"{model.name} cannot learn: nothing here teaches networks of {kind!r}")
    return KINDS[kind]


def _publish(
    order: Order,
    past: Past,
    table: Prices,
    path: Path,
    sha256: str,
    learned: Learned,
    calibrated: Calibrated,
    say: Callable[[str], None],
) -> None:
    """Write the model that came of learning, and let it go live."""
    model = order.model
    days, horizon = int(model.info["days"]), int(model.info["horizon_days"])
    rows = measure.full(past.closes, past.held_back, days, horizon)
    command = f"pi-edge learn {model.name} --prices {path.name}"
    with quiet(), guard.making(order) as made:
        paths = written.write(model, calibrated.constants, made)
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
        beside["training"] |= calibrated.training
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
                **calibrated.trained,
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
                **learned.told(),
                "epochs": learned.history[-1:],
            },
        }
        said = guard.go_live(made, order, document, held_back)
    say(f"  {calibrated.line}")
    say(said)


def _few(say: Callable[[str], None]) -> Callable[[str], None]:
    """Say only what is no line about an epoch: a short history takes hundreds."""

    def some(line: str) -> None:
        if " epoch " not in line:
            say(line)

    return some
