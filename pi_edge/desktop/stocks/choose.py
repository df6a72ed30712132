"""Choose the network of `stocks` by a rule, on the validation span alone.

The simplest candidate is taken unless a richer one is better by more than chance. With a
dozen candidates the best of them looks good by luck alone; so what has to be beaten is 5 %
divided by how many were tried (Bonferroni), in a Diebold-Mariano test on the validation days.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pi_edge.desktop.stocks.layers import Step
from pi_edge.desktop.stocks.network import Architecture, Fitted, fit, predict
from pi_edge.learning.forecasts import features, statistics
from pi_edge.learning.forecasts.forecast import Closes
from pi_edge.learning.forecasts.spans import Spans

HIDDEN: tuple[tuple[int, ...], ...] = ((), (8,), (32, 32))
LOOKBACKS = (5, 10, 20)
JOINT: tuple[tuple[int, ...], ...] = ((), (32,))
HORIZONS = (1, 2, 5)
MOST_JOINT_INPUTS = 500
LEVEL = 0.05

RULE = (
    "The simplest network and the shortest horizon, unless another is better on the validation "
    "days at the 5 % level divided by the number of others (Diebold-Mariano, two-sided): a "
    "network than the simplest, a longer horizon than the last price. The volatility's weights "
    "likewise, by the interval score, with quantiles of the training span. Nothing is known of "
    "the test span."
)

Floats = NDArray[np.float64]


@dataclass
class Tried:
    """What has been tried so far; a training that goes on is given it back.

    Attributes:
        rows: of the table, in order, ready for JSON.
        losses: row's key -> loss a day on validation, in parts of the last price's.
    """

    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    losses: dict[str, Floats] = field(default_factory=dict)


def fits(tickers: int) -> int:
    """Return how many networks `choose` will train."""
    return len(list(_networks(tickers))) + len(HORIZONS) - 1


def choose(
    closes: Closes,
    spans: Spans,
    seed: int,
    tried: Tried,
    *,
    step: Step = lambda: None,
    keep: Callable[[], None] = lambda: None,
) -> Architecture:
    """Try every candidate that is not in `tried` yet, and return the one the rule takes.

    Args:
        keep: called when something was added to `tried`.
    """
    closes = closes[: spans.validation.stop]
    simplest = replace(next(_networks(closes.shape[1])), scale=_scale(closes, spans, tried))
    networks = [replace(each, scale=simplest.scale) for each in _networks(closes.shape[1])]
    level = LEVEL / fits(closes.shape[1])
    for horizon in HORIZONS:
        _references(closes, spans, replace(simplest, horizon=horizon), tried)
    for each in networks:
        _try(closes, spans, each, seed, tried, step, keep)
    chosen = simplest
    for each in networks:
        against = statistics.diebold_mariano(
            tried.losses[_key(each)][:, None], tried.losses[_key(simplest)][:, None]
        )
        better = against is not None and against.difference < 0 and against.p < level
        if better and _loss(tried, each) < _loss(tried, chosen):
            chosen = each
    for horizon in HORIZONS[1:]:
        _try(closes, spans, replace(chosen, horizon=horizon), seed, tried, step, keep)
    for horizon in HORIZONS[1:]:
        longer = replace(chosen, horizon=horizon)
        row = tried.rows[_key(longer)]
        if row["ratio"] < 1 and row["p"] < level:
            return longer
    return chosen


def told(tried: Tried, chosen: Architecture, tickers: int) -> dict[str, Any]:
    """The validation table for model.json."""
    return {
        "rule": RULE,
        "level": round(LEVEL / fits(tickers), 5),
        "chosen": _key(chosen),
        "volatility": [row for key, row in tried.rows.items() if key.startswith("volatility")],
        "table": [row for key, row in tried.rows.items() if not key.startswith("volatility")],
    }


def lines(table: dict[str, Any]) -> Iterator[str]:
    """The validation table for a person."""
    yield f"  {'on validation':26} {'days ahead':>10} {'error/last':>11} {'p':>7} {'times':>6}"
    for row in table["table"]:
        shrinkage = f"{row['shrinkage']:.1f}" if "shrinkage" in row else ""
        chance = f"{row['p']:.3f}" if row["p"] is not None else ""
        mark = " <- chosen" if row["key"] == table["chosen"] else ""
        yield (
            f"  {row['model']:26} {row['horizon']:>10} {row['ratio']:>11.5f} {chance:>7} "
            f"{shrinkage:>6}{mark}"
        )


def _networks(tickers: int) -> Iterator[Architecture]:
    """All candidates, simplest first."""
    for hidden in HIDDEN:
        for lookback in LOOKBACKS:
            yield Architecture(hidden, lookback)
    for hidden in JOINT:
        # One ticker has nothing to be joined with; hundreds have weights beyond all reason.
        if 1 < tickers <= MOST_JOINT_INPUTS / LOOKBACKS[0]:
            yield Architecture(hidden, LOOKBACKS[0], joint=True)


def _key(each: Architecture) -> str:
    return f"{each.name}, {each.lookback} days, horizon {each.horizon}"


def _loss(tried: Tried, each: Architecture) -> float:
    return float(np.nanmean(tried.losses[_key(each)]))


def _try(
    closes: Closes,
    spans: Spans,
    each: Architecture,
    seed: int,
    tried: Tried,
    step: Step,
    keep: Callable[[], None],
) -> None:
    if _key(each) in tried.rows:
        return
    fitted = fit(closes, spans.train, spans.validation, each, seed, step)
    rows = features.usable(spans.validation, each.horizon)
    unshrunk = _measure(closes, rows, replace(fitted, shrinkage=1.0))[0]
    measured = _measure(closes, rows, fitted)
    _add(
        tried,
        _key(each),
        *measured,
        model=f"{each.name}, {each.lookback} days",
        horizon=each.horizon,
        shrinkage=fitted.shrinkage,
        unshrunk=round(unshrunk, 6),
    )
    keep()


def _add(tried: Tried, key: str, ratio: float, losses: Floats, one: Floats, **more: Any) -> None:
    tried.losses[key] = np.asarray(np.nanmean(losses, axis=1))
    against = statistics.diebold_mariano(losses, one, horizon=more["horizon"])
    tried.rows[key] = {
        "key": key,
        "model": more.pop("model"),
        "horizon": more.pop("horizon"),
        "ratio": round(ratio, 6),
        "p": None if against is None else round(against.p, 5),
        **more,
    }


def _references(closes: Closes, spans: Spans, like: Architecture, tried: Tried) -> None:
    """Add the last price and the mean return of the training span, for one horizon."""
    rows = features.usable(spans.train, like.horizon)
    came = features.targets(closes, rows, like.horizon, like.weights)
    drift = float(np.nanmean(np.clip(came, -features.CLIP, features.CLIP)))
    rows = features.usable(spans.validation, like.horizon)
    scale = features.volatility(closes, rows, like.weights)
    for model, standard in (("last price", 0.0), ("mean return", drift)):
        middle = features.prices(closes[rows - 1], scale, np.full(1, standard), like.horizon)
        measured = _relative(closes, rows, middle, like.horizon)
        _add(
            tried, f"{model}, horizon {like.horizon}", *measured, model=model, horizon=like.horizon
        )


def _measure(
    closes: Closes, rows: NDArray[np.int64], fitted: Fitted
) -> tuple[float, Floats, Floats]:
    middle = predict(closes, rows, fitted).middle
    return _relative(closes, rows, middle, fitted.architecture.horizon)


def _relative(
    closes: Closes, rows: NDArray[np.int64], middle: Floats, horizon: int
) -> tuple[float, Floats, Floats]:
    """Return the ratio of errors, and the losses of forecast and last price [rows, tickers].

    Losses are in parts of the ticker's mean error with the last price, so that a price of
    500 counts no more than one of 5.
    """
    last, came = closes[rows - 1], closes[rows - 1 + horizon]
    one = np.where(np.isfinite(middle), np.abs(came - last), np.nan)
    usual = statistics.mean_absolute_error(came, np.where(np.isfinite(middle), last, np.nan))
    usual = np.where(usual > 0, usual, np.nan)
    losses = np.abs(came - middle) / usual
    ratio = statistics.mean_absolute_error(came, middle) / usual
    return float(np.nanmean(ratio)), losses, one / usual


def _scale(closes: Closes, spans: Spans, tried: Tried) -> str:
    """Choose how the volatility is measured, by how good its intervals are on validation."""
    train, validation = features.usable(spans.train), features.usable(spans.validation)
    scores = {}
    for name, weights in features.SCALES.items():
        came = features.targets(closes, train, 1, weights)
        low, high = np.nanquantile(came, [0.1, 0.9])
        scale = features.volatility(closes, validation, weights)
        last, actual = closes[validation - 1], closes[validation]
        bounds = [features.prices(last, scale, np.full(1, each)) for each in (low, high)]
        usual = statistics.mean_absolute_error(actual, last)
        usual = np.where(usual > 0, usual, np.nan)
        score = statistics.interval_score(actual, bounds[0], bounds[1], 0.8) / usual
        scores[name] = score
        tried.rows[f"volatility {name}"] = {
            "weights": name,
            "interval_score": round(float(np.nanmean(score)), 5),
            "coverage": round(float(np.nanmean(statistics.inside(actual, *bounds))), 5),
        }
    best = features.SCALE
    for name, score in scores.items():
        against = statistics.diebold_mariano(score, scores[features.SCALE])
        better = against is not None and against.difference < 0
        if better and against is not None and against.p < LEVEL / (len(scores) - 1):
            best = min(best, name, key=lambda each: float(np.nanmean(scores[each])))
        if against is not None:
            tried.rows[f"volatility {name}"]["p"] = round(against.p, 5)
    return best
