"""The flags that families declare, as argparse and the command line see them."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pi_edge import cli
from pi_edge.desktop import flags
from pi_edge.desktop.flags import Flag, flag
from pi_edge.errors import WrongUsage

FAMILIES: Mapping[str, Mapping[str, Flag]] = {
    "oak": {"given": flags.DATA, "seed": flags.SEED, "fresh": flags.FRESH},
    "elm": {"given": flags.DATA, "height": flag("--height", type=float, help="in metres")},
    "ash": {},
}


@pytest.fixture
def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="grow")
    flags.add(parser, FAMILIES)
    return parser


def given(parser: argparse.ArgumentParser, family: str, *arguments: str) -> dict[str, Any]:
    return flags.given(parser.parse_args(list(arguments)), family, FAMILIES)


def test_what_is_given_goes_to_the_step_by_its_parameter_s_name(
    parser: argparse.ArgumentParser,
) -> None:
    assert given(parser, "oak", "--data", "here", "--seed", "3", "--fresh") == {
        "given": Path("here"),
        "seed": 3,
        "fresh": True,
    }


def test_what_is_not_given_is_left_to_the_step(parser: argparse.ArgumentParser) -> None:
    assert given(parser, "oak") == {}
    assert given(parser, "elm", "--height", "2.5") == {"height": 2.5}


def test_a_flag_that_only_another_family_has_is_refused(parser: argparse.ArgumentParser) -> None:
    with pytest.raises(WrongUsage, match="elm has no --seed"):
        given(parser, "elm", "--seed", "3")
    with pytest.raises(WrongUsage, match="ash has no --data"):
        given(parser, "ash", "--data", "here")


def test_help_says_which_families_a_flag_is_for(parser: argparse.ArgumentParser) -> None:
    told = " ".join(parser.format_help().split())
    assert "or its folder (for oak, elm)" in told
    assert "in metres (for elm)" in told


@pytest.mark.parametrize("text", ["-1", "1.5", "many", ""])
def test_a_number_that_makes_no_sense_is_wrong_usage(
    parser: argparse.ArgumentParser, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        parser.parse_args(["--seed", text])
    assert stopped.value.code == 2
    assert "argument --seed: " in capsys.readouterr().err


def test_the_least_number_is_accepted(parser: argparse.ArgumentParser) -> None:
    assert given(parser, "oak", "--seed", "0") == {"seed": 0}


def test_a_number_too_small_is_told_the_least(
    parser: argparse.ArgumentParser, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parser.parse_args(["--seed", "-1"])
    assert "-1 is too small: at least 0 is needed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["train", "mnist-mlp", "--prices", "closes.csv"], "mnist has no --prices"),
        (["train", "stocks", "--data", "closes.csv"], "stocks has no --data"),
        (["train", "fire-theft", "--epochs", "100"], "fire-theft has no --epochs"),
        (["train", "mnist", "--name", "mine"], "mnist has no --name"),
        (["convert", "fire-theft", "--prices", "closes.csv"], "fire-theft has no --prices"),
        (["verify", "mnist-mlp", "--prices", "closes.csv"], "mnist has no --prices"),
        (["verify", "stocks", "--data", "closes.csv"], "stocks has no --data"),
        (["plot", "stocks", "-o", "x.png", "--data", "x.csv"], "stocks has no --data"),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, list) else None,
)
def test_the_command_line_refuses_another_family_s_flag_in_one_line(
    arguments: list[str], complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main([*arguments, "--state", str(tmp_path)]) == 2
    assert capsys.readouterr().err == f"pi-edge: {complaint}\n"
    assert not list(tmp_path.iterdir())


def test_two_families_may_mean_different_parameters_by_one_option() -> None:
    families: Mapping[str, Mapping[str, Flag]] = {
        "oak": {"name": flag("--name", help="of the tree")},
        "elm": {"called": flag("--name", help="of the tree")},
    }
    parser = argparse.ArgumentParser()
    flags.add(parser, families)
    args = parser.parse_args(["--name", "Quercus"])
    assert flags.given(args, "oak", families) == {"name": "Quercus"}
    assert flags.given(args, "elm", families) == {"called": "Quercus"}
