"""argparse with errors that name the misspelt option or the stray word, and the closest option."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from owlkit.core.errors import closest


class Parser(argparse.ArgumentParser):
    """A parser that names the word it does not know before it asks for what is missing."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"allow_abbrev": False, **options})
        self._given: list[str] = []

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        self._given = list(sys.argv[1:] if args is None else args)
        found, unknown = super().parse_known_args(self._given, namespace)
        if unknown:
            self.error(self._about(unknown, []))
        return found, unknown

    def error(self, message: str) -> NoReturn:
        if not self._given and self._subparsers is not None:
            self.print_help(sys.stderr)
            self.exit(2)
        if message.startswith("the following arguments are required"):
            message = self._unknown_word() or message
        super().error(message)

    def _unknown_word(self) -> str:
        """What to say of words that nothing takes, where something required is missing too."""
        given = {word.partition("=")[0] for word in self._given}
        missing = [action.option_strings[0] for action in self._actions if _is_missing(action, given)]
        for action in self._actions:
            action.required = False
        _, unknown = super().parse_known_args(self._given)
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
