"""What convert needs to know of a trained model of stocks, of whichever kind it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pi_edge.desktop.stocks import learner, levels, levels_learner, network, tflite
from pi_edge.desktop.stocks.constants import Places
from pi_edge.desktop.stocks.train import Trained, fitted
from pi_edge.learning.forecasts import features
from pi_edge.learning.forecasts.levels import constants


@dataclass(frozen=True)
class Source:
    """What is converted: a graph, and what it needs to be told about.

    Attributes:
        graph: prices [n, days, tickers] -> forecast, low, high [n, tickers], in TensorFlow.
        days: rows of prices it takes.
        horizon: days ahead.
        about: for model.json.
        file: variant of constants.VARIANTS and examples -> the file, and where its constants are.
        training: folder and places by variant -> train.tflite in it, and what model.json tells.
    """

    graph: tflite.Graph
    days: int
    horizon: int
    about: dict[str, Any]
    file: Callable[[str, NDArray[np.float32]], tuple[bytes, Places]]
    training: Callable[[Path, Mapping[str, Places]], dict[str, Any]]


def source_of(result: Trained, tickers: int) -> Source:
    """What is to be converted of a finished training, with so many tickers."""
    if result.name == "stocks":
        made = fitted(result)
        about = {
            "network": f"{made.architecture.name}, {made.architecture.lookback} days",
            "parameters": sum(int(value.size) for value in made.weights.values()),
            **result.story["fitted"],
            "validation": result.story["validation"],
            "evaluation": result.story["evaluation"],
        }
        graph = network.graph(made, tickers)
        return Source(
            graph,
            features.DAYS,
            made.architecture.horizon,
            about,
            lambda variant, examples: learner.file(made, tickers, variant, examples),
            lambda folder, places: learner.write(folder, made, tickers, places),
        )
    known = levels.from_arrays(result.values)
    about = {
        "network": f"dense {'-'.join(map(str, levels.HIDDEN))} with ELU on scaled prices",
        "parameters": sum(int(value.size) for value in (*known.kernels, *known.biases)),
        "rounds": result.story["rounds"],
        "validation_loss": result.story["validation_loss"],
    }
    return Source(
        levels.graph(known),
        known.days,
        1,
        about,
        lambda variant, examples: levels_learner.file(constants(known), variant, examples),
        lambda folder, places: levels_learner.write(folder, known, places),
    )
