"""The picture of stocks: whole, readable, and saying what the statistics said."""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from pi_edge.desktop.stocks import baselines, data, evaluate, plot
from pi_edge.errors import PiEdgeError
from pi_edge.learning.forecasts.forecast import Closes, Forecast
from pi_edge.learning.forecasts.spans import split
from pi_edge.quiet import quiet

DAYS, SEES = 700, 3
Made = Callable[..., tuple[Path, Path]]


def too_low(closes: Closes, fit: slice, target: slice) -> Forecast:
    last = closes[target.start - 1 : target.stop - 1]
    return Forecast(0.8 * last, 0.7 * last, 0.9 * last)


def history(tickers: int) -> tuple[np.ndarray, np.ndarray]:
    """Dates and closes of stocks of which the first rises throughout, the others hardly."""
    random = np.random.default_rng(tickers)
    steps = random.normal(0.0, 0.01, (DAYS, tickers))
    steps[:, 0] += 0.004
    dates = np.arange("2019-01-01", DAYS, dtype="datetime64[D]")
    return dates, 40 * np.exp(np.cumsum(steps, axis=0))


@pytest.fixture(scope="module")
def made(tensorflow: Any, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Makes a folder with both models, and the CSV of prices they are of."""
    with quiet():
        from pi_edge.desktop.stocks import tflite

    def file(tickers: int, middle: float, off: float) -> bytes:
        def graph(prices: Any) -> dict[str, Any]:
            last = prices[:, -1] * middle
            return {"forecast": last, "low": last * (1 - off), "high": last * (1 + off)}

        return tflite.convert(graph, "float32", np.ones((1, SEES, tickers), np.float32))

    def make(tickers: int = 3) -> tuple[Path, Path]:
        folder = tmp_path_factory.mktemp("models")
        dates, closes = history(tickers)
        names = [f"S{number}" for number in range(tickers)]
        prices = folder / "prices.csv"
        rows = (f"{day},{','.join(map(str, row))}" for day, row in zip(dates, closes, strict=True))
        prices.write_text("\n".join([f"Date,{','.join(names)}", *rows]))
        divided = split(DAYS)
        models = {**baselines.all_models(), "stocks-levels": too_low, "stocks": baselines.ar1}
        told = evaluate.walk_forward(closes, dates, divided, models).told()
        for name, middle, off in (("stocks", 1.0, 0.015), ("stocks-levels", 0.8, 0.1)):
            (folder / name).mkdir()
            (folder / name / "float32.tflite").write_bytes(file(tickers, middle, off))
            document = {
                "name": name,
                "task": "stocks",
                "tickers": names,
                "days": SEES,
                "horizon_days": 1,
                "variants": {"float32": {"file": "float32.tflite"}},
                "trained": {
                    "data": {"source": "prices.csv"},
                    "spans": divided.told(dates),
                    **({"evaluation": told} if name == "stocks" else {}),
                },
            }
            (folder / name / "model.json").write_text(json.dumps(document))
        return folder, prices

    return make


@pytest.fixture(scope="module")
def three(made: Made) -> tuple[Path, Path]:
    return made()


def drawn(folder: Path, prices: Path) -> plot.Drawn:
    return plot.drawn(folder, data.load(prices), prices)


def picture(models: Path, prices: Path, subject: str = "stocks") -> Figure:
    one, two = (drawn(models / name, prices) for name in (subject, plot.COMPANIONS[subject]))
    return plot.picture(one, two)


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(Text) if text.get_visible()]


def clipped(figure: Figure) -> list[str]:
    """Texts that reach beyond the picture."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    out = []
    for text in figure.findobj(Text):
        if not text.get_visible() or not text.get_text().strip() or text in not_drawn(figure):
            continue
        box = text.get_window_extent(canvas.get_renderer())
        inside = box.x0 >= 0 and box.y0 >= 0
        if not (inside and box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1):
            out.append(text.get_text())
    return out


def not_drawn(figure: Figure) -> list[Text]:
    """Labels of ticks beyond the ends of their axis, which Matplotlib keeps but does not draw."""
    return [
        tick.label1
        for axes in figure.axes
        for axis in (axes.xaxis, axes.yaxis)
        for tick in axis.get_major_ticks()
        if not min(axis.get_view_interval()) <= tick.get_loc() <= max(axis.get_view_interval())
    ]


def test_a_png_is_wide_enough_to_read(three: tuple[Path, Path], tmp_path: Path) -> None:
    output = tmp_path / "stocks.png"
    plot.plot(three[0] / "stocks", output=output, prices=three[1])
    contents = output.read_bytes()
    assert contents.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", contents[16:24])
    assert (width, height) == (1800, 1200)


def test_an_svg_is_one_and_the_same_each_time(three: tuple[Path, Path], tmp_path: Path) -> None:
    outputs = [tmp_path / "one.svg", tmp_path / "two.svg"]
    for output in outputs:
        plot.plot(three[0] / "stocks", output=output, prices=three[1])
    assert ElementTree.parse(outputs[0]).getroot().tag.endswith("svg")
    assert outputs[0].read_bytes() == outputs[1].read_bytes()


@pytest.mark.parametrize("tickers", [1, 3, 50])
@pytest.mark.parametrize("subject", ["stocks", "stocks-levels"])
def test_no_text_is_cut_off(made: Made, tickers: int, subject: str) -> None:
    assert clipped(picture(*made(tickers), subject)) == []


def test_the_headline_is_what_the_statistics_decided(three: tuple[Path, Path]) -> None:
    told = drawn(three[0] / "stocks", three[1]).evaluation
    assert told is not None
    p = told["models"]["stocks"]["ratio"]["p"]
    assert p >= 0.05
    times = told["models"]["stocks-levels"]["ratio"]["value"]
    headline = f"Beside the last price, stocks errs as much (p = {p:.2f}), stocks-levels errs "
    assert f"{headline}{times:.2g} times as much" in texts(picture(*three))


def test_the_headline_owns_up_to_a_worse_model(three: tuple[Path, Path]) -> None:
    one = drawn(three[0] / "stocks", three[1])
    told = json.loads(json.dumps(one.told))
    told["trained"]["evaluation"]["models"]["stocks"]["ratio"] |= {"value": 1.031, "p": 0.001}
    figure = plot.picture(replace(one, told=told), None)
    assert any("stocks errs 3.1 % more" in text for text in texts(figure))


def test_the_subject_comes_first_in_the_headline(three: tuple[Path, Path]) -> None:
    assert any(
        text.startswith("Beside the last price, stocks-levels errs")
        for text in texts(picture(*three, "stocks-levels"))
    )


def test_every_model_of_the_evaluation_has_a_row(three: tuple[Path, Path]) -> None:
    shown = texts(picture(*three))
    for name in ("last price", "mean return", "AR(1)", "ridge", "stocks-levels", "stocks"):
        assert name in shown


def test_the_stock_shown_has_outgrown_its_training_span(three: tuple[Path, Path]) -> None:
    one, two = (drawn(three[0] / name, three[1]) for name in ("stocks", "stocks-levels"))
    assert np.median(one.closes[:, 0]) > one.highest[0]
    assert plot.representative([one, two]) == "S0"


def test_the_stock_shown_is_in_the_middle_where_none_has_outgrown(
    three: tuple[Path, Path],
) -> None:
    one, two = (
        replace(drawn(three[0] / name, three[1]), highest=np.full(3, 1e9))
        for name in ("stocks", "stocks-levels")
    )
    forecast = two.closes * np.array([0.9, 0.5, 0.7])
    assert plot.representative([one, replace(two, outputs={"forecast": forecast})]) == "S2"


def test_what_is_drawn_was_forecast_the_day_before(three: tuple[Path, Path]) -> None:
    one = drawn(three[0] / "stocks", three[1])
    dates, closes = history(3)
    start = split(DAYS).test.start
    np.testing.assert_array_equal(one.dates, dates[start:])
    np.testing.assert_allclose(one.closes, closes[start:])
    np.testing.assert_allclose(one.outputs["forecast"], closes[start - 1 : -1], rtol=1e-6)


def test_a_longer_horizon_is_compared_with_the_close_it_was_for(
    three: tuple[Path, Path], tmp_path: Path
) -> None:
    folder = tmp_path / "stocks"
    shutil.copytree(three[0] / "stocks", folder)
    told = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps(told | {"horizon_days": 5}))
    one = drawn(folder, three[1])
    _, closes = history(3)
    start = split(DAYS).test.start
    np.testing.assert_allclose(one.closes, closes[start + 4 :])
    np.testing.assert_allclose(one.outputs["forecast"], closes[start - 1 : -5], rtol=1e-6)
    assert any("5 trading days before" in text for text in texts(plot.picture(one, None)))


def test_a_model_alone_is_drawn_alone(three: tuple[Path, Path], tmp_path: Path) -> None:
    for name in ("stocks", "stocks-levels"):
        shutil.copytree(three[0] / name, tmp_path / name / name)
        plot.plot(tmp_path / name / name, output=tmp_path / f"{name}.png", prices=three[1])
        assert clipped(plot.picture(drawn(tmp_path / name / name, three[1]), None)) == []


def test_prices_without_its_tickers_are_refused_and_nothing_is_written(
    three: tuple[Path, Path], tmp_path: Path
) -> None:
    other = tmp_path / "other.csv"
    other.write_text(three[1].read_text().replace("S1", "NEW", 1))
    output = tmp_path / "stocks.png"
    output.write_bytes(b"before")
    with pytest.raises(PiEdgeError, match="no prices of S1"):
        plot.plot(three[0] / "stocks", output=output, prices=other)
    assert output.read_bytes() == b"before"
    assert sorted(tmp_path.iterdir()) == [other, output]


def test_a_folder_of_something_else_is_refused(tmp_path: Path, three: tuple[Path, Path]) -> None:
    (tmp_path / "model.json").write_text('{"name": "digits", "task": "digits"}')
    with pytest.raises(PiEdgeError, match="is no model of stocks"):
        plot.plot(tmp_path, output=tmp_path / "a.png", prices=three[1])


def test_drawing_needs_no_tensorflow(three: tuple[Path, Path], tmp_path: Path) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom pi_edge.desktop.stocks.plot import plot\n"
        "plot(Path(sys.argv[1]), output=Path(sys.argv[3]), prices=Path(sys.argv[2]))\n"
        "assert 'tensorflow' not in sys.modules\nassert 'matplotlib.pyplot' not in sys.modules\n"
    )
    output = tmp_path / "a.png"
    arguments = [str(three[0] / "stocks"), str(three[1]), str(output)]
    subprocess.run([sys.executable, "-c", code, *arguments], check=True, capture_output=True)
    assert output.exists()
