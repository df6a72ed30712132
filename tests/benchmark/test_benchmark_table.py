from __future__ import annotations

from pi_edge.benchmark.table import number, short, table


def test_numbers_keep_three_figures() -> None:
    shown = [number(x) for x in (0, 0.02345, 0.5, 1.5, 45.678, 345.6, 39123.4)]
    assert shown == ["0.0000", "0.0234", "0.500", "1.50", "45.7", "346", "39123"]


def test_names_stand_left_and_figures_right() -> None:
    lines = table([("", "model"), ("p50", "ms")], [["a", "1.50"], ["longer", "12.0"]]).splitlines()
    assert lines == ["         p50", "model     ms", "a       1.50", "longer  12.0"]


def test_a_long_name_is_cut_and_says_so() -> None:
    assert short("a-model-with-a-very-long-name") == "a-model-with-a-…"
