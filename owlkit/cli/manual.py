"""The page docs/command-line.md: `python -m owlkit.cli.manual > docs/command-line.md` writes it."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator

from owlkit.cli import compat
from owlkit.cli.catalogue import COMMANDS
from owlkit.cli.main import make_parser
from owlkit.cli.status import MEANINGS

HEAD = """# The command line

Written from the commands' own parsers by `python -m owlkit.cli.manual`; a test compares.

Every command has `--help`. Results go to standard output, everything else (remarks, progress, errors) to
standard error, so that `owlkit ... --json | jq` works. On a terminal a long command draws a bar; elsewhere
it writes a line every ten seconds.

Caffe's spelling is understood everywhere: one dash or two (`-solver`), `_` and `-` alike (`device_query`,
`--resize-height`), `--shuffle=true`, `--noshuffle`, and options after positional words.

Files and sets appear under their names when they are complete; until then what was there before stays.
Ctrl-C and errors leave nothing behind. A command that is killed outright (`kill -9`, a power cut) may leave
a folder `SET.partial`, which its next run replaces, or a hidden file `.owlkit-*.tmp`. While a set is being
written, a second command that would write it ends with an error that names the process which does."""
COMPAT = """## owlkit-compat

`owlkit-compat install [--bin DIR] [--cpu]` writes programs with Caffe's names that call owlkit, so that shell
scripts of before run: {names};
each also with `.bin` behind its name, as in build/tools.
`owlkit-compat remove [--bin DIR]` takes them away. Programs of another maker are never replaced.
`caffe test` runs {iterations} batches where no number is given, `convert_imageset` leaves out images that
cannot be read and says so, and glog's flags are accepted, all as in Caffe. `caffe train`, `test` and `time`
write Caffe's log to standard error (`--caffe_log`), so that what a script greps there, and Caffe's own
parse_log.py, works; with `-log_dir` or GLOG_log_dir they write caffe.INFO there too. A GPU that is not there
is an error, which ends a script with `set -e`; installed with `--cpu`, they compute on the CPU and say so.

```
{examples}
```"""


def page() -> str:
    """The whole page."""
    parser = make_parser()
    commands = next(a for a in parser._actions if isinstance(a, argparse._SubParsersAction)).choices
    parts = [HEAD, _statuses(), _contents()]
    parts += ["\n".join(_section(f"owlkit {name}", commands[name])) for name in COMMANDS]
    examples = compat.EXAMPLES.removeprefix("examples:\n")
    names = ", ".join(f"`{name}`" for name in compat.PROGRAMS)
    parts.append(COMPAT.format(names=names, iterations=compat.TEST_ITERATIONS, examples=examples))
    return "\n\n".join(parts) + "\n"


def _statuses() -> str:
    rows = [f"| {code} | {meaning} |" for code, meaning in MEANINGS.items()]
    return "\n".join(["## Exit status", "", "| status | meaning |", "|---|---|", *rows])


def _contents() -> str:
    lines = ["## Commands"]
    group = ""
    for name, entry in COMMANDS.items():
        if entry.group != group:
            group = entry.group
            lines += ["", f"{group.capitalize()}:", ""]
        lines.append(f"- [`{name}`](#owlkit-{name}): {entry.summary}")
    return "\n".join(lines)


def _section(title: str, parser: argparse.ArgumentParser) -> Iterator[str]:
    yield f"## {title}" if title.count(" ") == 1 else f"### {title}"
    if parser.description:
        yield f"\n{parser.description}"
    yield f"\n```\n{_synopsis(title, parser)}\n```"
    shown = [action for action in parser._actions if not isinstance(action, argparse._HelpAction)]
    inner = [action for action in shown if isinstance(action, argparse._SubParsersAction)]
    rows = [_row(action) for action in shown if action not in inner]
    if rows:
        yield "\n".join(["", "| argument | |", "|---|---|", *rows])
    if parser.epilog:
        examples = re.sub(r"^  ", "", parser.epilog.removeprefix("examples:\n"), flags=re.MULTILINE)
        yield f"\n```sh\n{examples.rstrip()}\n```"
    for action in inner:
        for name, below in action.choices.items():
            yield ""
            yield from _section(f"{title} {name}", below)


def _synopsis(title: str, parser: argparse.ArgumentParser) -> str:
    words = [title]
    options = [action for action in parser._actions if action.option_strings]
    for action in options:
        if action.required:
            words.append(f"{action.option_strings[0]} {action.metavar}")
    if any(not action.required for action in options):
        words.append("[OPTIONS]")
    for action in parser._actions:
        if action.option_strings:
            continue
        name = _metavar(action)
        words.append({"?": f"[{name}]", "+": f"{name} ..."}.get(str(action.nargs), name))
    return " ".join(words)


def _metavar(action: argparse.Action) -> str:
    if action.metavar is not None:
        return str(action.metavar)
    return "|".join(map(str, action.choices)) if action.choices else action.dest


def _row(action: argparse.Action) -> str:
    name = _metavar(action)
    if action.option_strings:
        value = "" if action.nargs == 0 else f" {name}"
        name = ", ".join(action.option_strings) + value
    said = (action.help or "") % {"default": action.default, "prog": "owlkit"}
    if action.choices and action.metavar is not None:
        said += f" ({', '.join(map(str, action.choices))})"
    cell = name.replace("|", "\\|")
    return f"| `{cell}` | {said} |"


if __name__ == "__main__":
    sys.stdout.write(page())
