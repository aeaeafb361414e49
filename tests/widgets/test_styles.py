"""One style sheet for all widgets: no rule of one reaches into another on the same page."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

SRC = Path(__file__).resolve().parents[2] / "widgets" / "js" / "src"
# What a sheet's rules begin with; those of tokens.css and base.css are everybody's.
ROOTS = {
    "looks": "lk",
    "monitor": "mon",
    "panels": "mon",
    "inspector": "insp",
    "gradients": "grd",
    "show_filters": "fv",
    "activations": "act",
    "drivers": "drv",
    "patches": "pt",
    "embedding": "em",
}
WIDGETS = ["activations", "drivers", "embedding", "filters", "gradients", "inspector", "monitor", "patches"]


def without_comments(path: Path) -> str:
    return re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.S)


def split_outside_brackets(selectors: str) -> Iterator[str]:
    """Parts of a selector list; the commas within :is(...) separate nothing here."""
    depth, start = 0, 0
    for at, char in enumerate(selectors):
        depth += (char == "(") - (char == ")")
        if char == "," and not depth:
            yield selectors[start:at].strip()
            start = at + 1
    yield selectors[start:].strip()


def selectors(css: str) -> list[str]:
    """Every selector of the sheet, also those within @container and @media."""
    heads = [head.strip() for head in re.findall(r"([^{};]+)\{", css)]
    return [part for head in heads if not head.startswith("@") for part in split_outside_brackets(head)]


def roots(sheet: str, code: str) -> list[str]:
    """Selectors of the sheet that may match something outside the widgets of that class."""
    mine = re.compile(rf"\.owl(\.\w+)*\.{code}(?![\w-])")
    return [s for s in selectors(sheet) if not mine.match(s)]


def test_every_sheet_is_in_the_one_sheet_and_in_this_table() -> None:
    imported = re.findall(r'@import "\./([\w-]+)\.css"', (SRC / "owlkit.css").read_text(encoding="utf-8"))
    assert sorted(imported) == sorted(p.stem for p in SRC.glob("*.css") if p.stem != "owlkit")
    assert imported[:3] == ["tokens", "base", "looks"], "what others refine comes first"
    assert sorted(imported[2:]) == sorted(ROOTS)
    scripts = {p.name: p.read_text(encoding="utf-8") for p in SRC.glob("*.js")}
    assert not [name for name, text in scripts.items() if re.search(r'^import "[^"]+\.css"', text, re.M)]


@pytest.mark.parametrize(("sheet", "code"), ROOTS.items())
def test_rules_of_a_widget_touch_no_other(sheet: str, code: str) -> None:
    found = roots(without_comments(SRC / f"{sheet}.css"), code)
    assert not found, f"{sheet}.css: begin these with .owl.{code}, or move them to base.css: {found}"


def test_rules_for_all_stay_within_widgets() -> None:
    within = re.compile(r'(\[data-jp-theme-light="false"\] )?\.owl\b')
    for name in ("tokens", "base"):
        assert not [s for s in selectors(without_comments(SRC / f"{name}.css")) if not within.match(s)]


def test_the_classes_are_those_of_the_widgets_roots() -> None:
    root = re.compile(r'h\("div", \{ class: "owl ([\w ]+)", role: "region"')
    found = [words for path in SRC.glob("*.js") for words in root.findall(path.read_text(encoding="utf-8"))]
    assert sorted(words.removeprefix("lk ") for words in found) == sorted(set(ROOTS.values()) - {"lk"})


def test_what_reaches_out_is_found() -> None:
    css = ".owl.act .a, .owl .b { x: y } @container owl (max-width: 9px) { .owl.action .c { x: y } }"
    assert roots(css, "act") == [".owl .b", ".owl.action .c"]
    assert roots(".owl.lk.drv :is(.a, .b) { x: y }", "drv") == []


@pytest.mark.parametrize("module", WIDGETS)
def test_every_widget_brings_the_same_sheet(module: str) -> None:
    pytest.importorskip("anywidget")
    from owlkit_widgets.assets import STYLES, asset

    kinds = vars(importlib.import_module(f"owlkit_widgets.{module}")).values()
    sheets = {str(kind._css) for kind in kinds if isinstance(kind, type) and hasattr(kind, "_css")}
    assert sheets == {asset(STYLES).read_text(encoding="utf-8")}
