"""argparse that understands Caffe's spelling, and names the word it does not know with the closest option.

Caffe's tools take their options from gflags: one dash or two (`-solver`), `=` or a space, `-` and `_` alike,
`--shuffle=true`, `--noshuffle`. A command declares `--solver` or `--shuffle` once; the rest is done here.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

from owlkit.cli.status import USAGE
from owlkit.core.errors import closest

TRUTH = {"1": True, "t": True, "true": True, "y": True, "yes": True}
TRUTH |= {"0": False, "f": False, "false": False, "n": False, "no": False}


class Parser(argparse.ArgumentParser):
    """A parser of one command, or of a level of commands."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"allow_abbrev": False, **options})
        self._given: list[str] = []

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        words = list(sys.argv[1:] if args is None else args)
        # Below a level of commands each word belongs to the command that is named.
        self._given = self._named(words) if self._subparsers is not None else list(self._options_first(words))
        found, unknown = super().parse_known_args(self._given, namespace)
        if unknown:
            self.error(self._about(unknown, []))
        return found, unknown

    # -- Caffe's spelling
    def _named(self, words: list[str]) -> list[str]:
        """The words with the first that names something in our spelling: convert_mnist is convert-mnist."""
        place = next((i for i, word in enumerate(words) if not word.startswith("-")), None)
        if place is None:
            return words
        choices = [name for action in self._actions if action.choices for name in action.choices]
        ours = words[place].replace("_", "-")
        return [*words[:place], ours if ours in choices else words[place], *words[place + 1 :]]

    def _options_first(self, words: Sequence[str]) -> Iterator[str]:
        """The words in our spelling, options before positional ones: gflags lets them stand anywhere."""
        positional: list[str] = []
        queue = list(words)
        while queue:
            word = queue.pop(0)
            if word == "--":
                positional += queue
                break
            if not word.startswith("-") or word == "-":
                positional.append(word)
                continue
            for option in self._spelled(word):
                yield option
                action = self._option_string_actions.get(option)
                if action is not None and action.nargs is None and queue:
                    yield queue.pop(0)
        if positional:
            if any(word.startswith("-") and word != "-" for word in positional):
                yield "--"
            yield from positional

    def _spelled(self, word: str) -> list[str]:
        """An option as it was declared; none where it switches off what is off by default."""
        name, equals, value = word.lstrip("-").partition("=")
        option = self._declared(word.partition("=")[0], name)
        if option is None:
            return [] if name.startswith("no") and self._is_switch(self._declared("", name[2:])) else [word]
        if equals and self._is_switch(option) and value.lower() in TRUTH:
            return [option] if TRUTH[value.lower()] else []
        return [option + equals + value]

    def _declared(self, given: str, name: str) -> str | None:
        spellings = (given, f"--{name}", f"--{name.replace('-', '_')}", f"--{name.replace('_', '-')}")
        return next((each for each in spellings if each in self._option_string_actions), None)

    def _is_switch(self, option: str | None) -> bool:
        action = self._option_string_actions.get(option or "")
        return action is not None and action.nargs == 0 and action.const is True

    # -- mistakes
    def error(self, message: str) -> NoReturn:
        if not self._given and self._subparsers is not None:
            self.print_help(sys.stderr)
            self.exit(USAGE)
        if message.startswith("the following arguments are required"):
            message = self._unknown_word() or message
        super().error(message)

    def _unknown_word(self) -> str:
        """What to say of words that nothing takes, where something required is missing too."""
        given = {word.partition("=")[0] for word in self._given}
        missing = [action.option_strings[0] for action in self._actions if _is_missing(action, given)]
        required = [action for action in self._actions if action.required]
        for action in required:
            action.required = False
        try:
            _, unknown = super().parse_known_args(self._given)
        finally:
            for action in required:
                action.required = True
        return self._about(unknown, missing) if unknown else ""

    def _about(self, unknown: Sequence[str], missing: Sequence[str]) -> str:
        word = unknown[0]
        if word.startswith("-"):
            option = word.partition("=")[0]
            near = closest(option, [name for name in self._option_string_actions if name.startswith("--")])
            return f"there is no option {option}{near}"
        hint = f"; write {missing[0]} {word}" if missing else ""
        return f"{word!r} stands alone: no option takes it{hint}"


def _is_missing(action: argparse.Action, given: set[str]) -> bool:
    return action.required and bool(action.option_strings) and not given & set(action.option_strings)
