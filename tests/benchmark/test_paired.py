from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pi_edge.benchmark import paired

Rounds = list[dict[str, Any]]


def a_round(
    p50_ms: float, samples: np.ndarray | list[float] | None = None, **more: Any
) -> dict[str, Any]:
    durations = np.asarray([p50_ms * 1e6] * 5 if samples is None else samples)
    return {
        "error": None, "throttled": [], "runs": 10, "p50_ms": p50_ms, "p95_ms": p50_ms,
        "p99_ms": p50_ms, "throughput": 1000 / p50_ms, "runtime_import_ms": 1.0, "load_ms": 2.0,
        "first_ms": 3.0, "warm_up_seconds": 0.5, "runtime_bytes": 10, "peak_bytes": 20,
        "stable": True, "input": "check.npz", "energy": None,
        "samples_ns": durations.astype(int).tolist(),
    } | more  # fmt: skip


def rounds(*p50s: float) -> Rounds:
    return [a_round(p50) for p50 in p50s]


def test_the_ratio_is_taken_round_by_round() -> None:
    """In the second round both were slow: it must not distort the ratio."""
    assert paired.ratio(rounds(1, 10, 1), rounds(4, 40, 4)) == paired.Ratio(4, 4, 4)


def test_one_round_disturbed_on_one_side_widens_the_interval_but_not_the_value() -> None:
    found = paired.ratio(rounds(1, 1, 1, 1, 1), rounds(4, 4, 12, 4, 4))
    assert found.value == found.low == 4
    assert found.high == 12


def test_the_same_rows_give_the_same_interval() -> None:
    here, there = simulated(5, np.random.default_rng(3))
    assert paired.ratio(here, there) == paired.ratio(here, there)
    assert paired.ratio(here, there, seed=1) != paired.ratio(here, there)


def test_with_one_round_the_interval_is_that_of_its_durations() -> None:
    here, there = simulated(1, np.random.default_rng(3))
    found = paired.ratio(here, there)
    assert found.low < found.value < found.high < found.low * 1.1


def simulated(count: int, random: np.random.Generator) -> tuple[Rounds, Rounds]:
    """A machine and one ten times slower: a drift common to both, noise of each side in each
    round, noise of each duration, and outliers."""

    def side(middle: float, drift: float) -> dict[str, Any]:
        level = middle + drift + random.normal(0, 0.05)
        samples = np.exp(level + random.normal(0, 0.1, 400)) * 1e6
        samples[random.random(400) < 0.02] *= 4
        return a_round(float(np.sort(samples)[199] / 1e6), samples)

    drifts = random.normal(0, 0.2, count)
    return [side(0, d) for d in drifts], [side(np.log(10), d) for d in drifts]


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    random = np.random.default_rng(0)
    found = [paired.ratio(*simulated(5, random)) for _ in range(300)]
    assert np.mean([one.low <= 10 <= one.high for one in found]) > 0.9


def test_the_median_of_a_resample_is_drawn_as_if_the_resample_were() -> None:
    """The short cut through the beta distribution against drawing all durations."""
    samples = np.arange(1, 12) * 1000
    random = np.random.default_rng(0)
    drawn = np.sort(random.choice(samples, (20_000, 11)), axis=1)[:, 5]
    short = paired._medians([a_round(1, samples)], np.zeros((20_000, 1), int), random)
    for quantile in (0.025, 0.25, 0.5, 0.75, 0.975):
        assert np.quantile(short, quantile) == pytest.approx(np.quantile(drawn, quantile), abs=1000)
    assert short.mean() == pytest.approx(drawn.mean(), rel=0.01)


@pytest.mark.parametrize("count", [1, 2, 5, 400])
def test_medians_of_resamples_are_durations_that_occurred(count: int) -> None:
    samples = np.arange(count) + 1
    random = np.random.default_rng(0)
    found = paired._medians([a_round(1, samples)], np.zeros((500, 1), int), random)
    assert set(found.ravel()) <= set(samples)


def test_rounds_are_summed_up_by_medians_and_the_largest_memory() -> None:
    found = paired.summary(
        [
            a_round(1, peak_bytes=20, warm_up_seconds=0.2),
            a_round(9, peak_bytes=30, warm_up_seconds=3.0, stable=False, throttled=["throttled"]),
            a_round(2, peak_bytes=25),
        ]
    )
    assert (found["p50_ms"], found["peak_bytes"], found["runs"]) == (2, 30, 30)
    assert (found["stable"], found["warm_up_seconds"]) == (False, 3.0)
    assert found["throttled"] == ["throttled"]
    assert found["joules"] is None


def test_energy_is_the_median_of_the_rounds_that_could_tell() -> None:
    told = [{"joules": j, "watts": 5.0, "source": "a sensor"} for j in (0.1, 0.3, 0.2)]
    found = paired.summary([a_round(1, energy=one) for one in told] + [a_round(1)])
    assert (found["joules"], found["watts"], found["energy_source"]) == (0.2, 5.0, "a sensor")


def test_a_round_that_did_not_work_leaves_no_figures() -> None:
    failed = {"error": "crashed", "throttled": []}
    assert paired.summary([a_round(1), failed]) == {"error": "crashed", "throttled": []}
