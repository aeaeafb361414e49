"""Caffe's spelling of options (gflags) and commands."""

from __future__ import annotations

import argparse
from typing import Any

import pytest

from owlkit.cli.main import main
from owlkit.cli.parser import Parser


def parser() -> Parser:
    made = Parser(prog="p")
    made.add_argument("--resize_height", type=int, default=0)
    made.add_argument("--skip-some", action="store_true")
    made.add_argument("--shuffle", action="store_true")
    made.add_argument("-o", "--output")
    made.add_argument("first")
    made.add_argument("second", nargs="?")
    return made


DEFAULTS = {"resize_height": 0, "skip_some": False, "shuffle": False, "output": None, "second": None}


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("a", {}),
        ("-resize_height 3 a", {"resize_height": 3}),
        ("--resize_height=3 a", {"resize_height": 3}),
        ("-resize-height=3 a", {"resize_height": 3}),
        ("a -skip_some", {"skip_some": True}),
        ("--shuffle a b", {"shuffle": True, "second": "b"}),
        ("a --shuffle b", {"shuffle": True, "second": "b"}),
        ("a --resize_height 3 b", {"resize_height": 3, "second": "b"}),
        ("-shuffle=true a", {"shuffle": True}),
        ("--shuffle=1 a", {"shuffle": True}),
        ("--shuffle=false a", {}),
        ("--noshuffle a", {}),
        ("-noskip_some a", {}),
        ("-o x a", {"output": "x"}),
        ("a -- -b", {"second": "-b"}),
        ("a -", {"second": "-"}),
    ],
)
def test_gflags(words: str, found: dict[str, Any]) -> None:
    args = parser().parse_args(words.split())
    assert vars(args) == {**DEFAULTS, "first": "a", **found}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--shufle a", "no option --shufle (did you mean '--shuffle'?)"),
        ("-nooutput a", "no option -nooutput"),
        ("--shuffle=maybe a", "ignored explicit argument 'maybe'"),
        ("--resize_height=x a", "invalid int value: 'x'"),
    ],
)
def test_what_gflags_would_refuse_too(words: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        parser().parse_args(words.split())
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


def test_a_level_of_commands_leaves_words_to_the_command() -> None:
    top = Parser(prog="top")
    top.add_argument("--shuffle", action="store_true")
    below = top.add_subparsers(dest="command")
    inner: argparse.ArgumentParser = below.add_parser("inner")
    inner.add_argument("--shuffle", action="store_true", dest="mine")
    args = top.parse_args(["inner", "-shuffle"])
    assert (args.shuffle, args.mine) == (False, True)


def test_commands_with_underscores(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["device_query"]) == 0
    assert capsys.readouterr().out.startswith("CPU")


def test_an_unknown_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["convert_imagset", "a"])
    assert stopped.value.code == 2
    assert "no command 'convert_imagset' (did you mean 'convert-imageset'?)" in capsys.readouterr().err
