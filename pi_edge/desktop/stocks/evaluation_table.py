"""The evaluation of a model.json as a table for people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


def table(told: Mapping[str, Any]) -> str:
    """Draw the evaluation that `Evaluation.told` gave, or a model.json has, as a table."""
    lines = [
        f"{told['from']} to {told['to']}: {told['days']} days, "
        f"{_plural(told['tickers'], 'stock')}, "
        f"learned anew {_plural(len(told['refitted']), 'time')}, one day ahead",
        "",
        f"{'':13} {'mean':>8} {'beside the last price’s':>23} {'Diebold-':>9} "
        f"{'direction right':>19} {'10-90 % holds':>19} {'its score':>9}",
        f"{'':13} {'error':>8} {'':>23} {'Mariano p':>9}",
    ]
    for name, one in told["models"].items():
        beside = one["ratio"] or {"value": None, "p": None}
        score_beside = one["interval_ratio"]
        lines.append(
            f"{name:13} {one['mae']:>#8.4g} {_between(beside, _plain):>23} {_p(beside['p']):>9} "
            f"{_between(one['direction'], _percent):>19} {_between(one['coverage'], _percent):>19} "
            f"{_plain(score_beside['value']) if score_beside else '-':>9}"
        )
    lines += [
        "",
        "In brackets 95 % intervals, which allow for stocks and days that move together.",
        "Score: width of the interval and what it was missed by, beside the last price’s; "
        "less is better.",
    ]
    if told["always_up"]:
        ups = _between(told["always_up"], _percent)
        lines.append(f"Calling every day up is right in {ups} of moves.")
    return "\n".join(lines)


def _plain(value: float) -> str:
    return f"{value:.4f}" if value < 10 else f"{value:.1f}"


def _percent(value: float) -> str:
    return f"{100 * value:.1f}"


def _between(one: Mapping[str, Any] | None, written: Callable[[float], str]) -> str:
    if one is None or one["value"] is None:
        return "-"
    unit = " %" * (written is _percent)
    if one["low"] is None:
        return written(one["value"]) + unit
    return f"{written(one['value'])} [{written(one['low'])}, {written(one['high'])}]{unit}"


def _p(p: float | None) -> str:
    if p is None:
        return "-"
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def _plural(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"
