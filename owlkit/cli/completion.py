"""`owlkit completion`: completion for a shell, from the parsers themselves."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

from owlkit.cli.options import add_command
from owlkit.cli.status import OK

SHELLS = ("bash", "zsh", "tcsh")
EXAMPLES = """  # bash, for you:
  owlkit completion bash > ~/.local/share/bash-completion/completions/owlkit
  # zsh, where a folder of $fpath is yours:
  owlkit completion zsh > ~/.zfunc/_owlkit
  # tcsh:
  owlkit completion tcsh > ~/.owlkit.tcsh
  echo source ~/.owlkit.tcsh >> ~/.tcshrc
  # try it in this shell:
  eval "$(owlkit completion bash)"
"""
DESCRIPTION = "Print the script that completes commands, options and file names."
# What metavars stand for.
FILES: tuple[str, ...] = ("FILE", "FILE[,FILE]", "NET", "WEIGHTS", "SOLVER", "LOG", "LIST", "NEW", "A", "B")
FILES += ("IMAGE", "IMAGES", "LABELS")
FOLDERS = ("DIR", "ROOT", "SET")


def add_arguments(subparsers: Any) -> None:
    parser = add_command(subparsers, "completion", DESCRIPTION, EXAMPLES)
    parser.add_argument("shell", choices=SHELLS, help="whose script")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the script; 0."""
    print(script(args.shell))
    return OK


def script(shell: str) -> str:
    """The script for a shell: "bash", "zsh" or "tcsh"."""
    import shtab

    from owlkit.cli.main import make_parser

    parser = make_parser()
    kinds = {**dict.fromkeys(FILES, shtab.FILE), **dict.fromkeys(FOLDERS, shtab.DIRECTORY)}
    for action in actions_of(parser):
        if isinstance(action.metavar, str) and action.metavar in kinds:
            action.complete = kinds[action.metavar]  # type: ignore[attr-defined]
        if action.help:
            # zsh's script holds the helps in double quotes.
            action.help = action.help.replace("`", "").replace("$", "")
        if isinstance(action, argparse._SubParsersAction):
            for summary in action._choices_actions:  # a description's first line breaks off in its midst
                action.choices[summary.dest].description = summary.help
    text: str = shtab.complete(parser, shell=shell)
    if shell == "tcsh":
        # Its script knows the first word that a command takes, and says that none follows.
        return text.replace("'p/*/()/'", "'p/*/f/'")
    # zsh's has words that may be given several times complete once.
    return text.replace('"(*):', '"*:') if shell == "zsh" else text


def actions_of(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """All arguments of a parser and of the commands below it."""
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                yield from actions_of(inner)
