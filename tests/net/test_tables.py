"""Tables of nets: narrow enough for a window, and free of folders."""

from __future__ import annotations

import re
from pathlib import Path

from owlkit import datasets, zoo
from owlkit.net import Net, tables


def test_lenet_fits_into_a_window() -> None:
    train, test = datasets.digits("train"), datasets.digits("test")
    text = repr(Net(zoo.lenet(train, test), phase="train", seed=1))
    assert max(map(len, text.splitlines())) <= 120
    assert Path(train).name in text
    assert str(Path(train).parent) not in text


def test_a_cell_of_several_lines() -> None:
    text = tables.text_table(("a", "b"), [("one", "first\nsecond"), ("two", "third")])
    assert text.splitlines()[2:] == ["one  first", "     second", "two  third"]


def test_a_wide_table_scrolls_in_a_page() -> None:
    made = tables.html_table(("a", "n"), [("<b>", "1 M")], right=(1,))
    assert made.startswith('<div style="overflow-x:auto"><table>')
    texts, numbers = re.findall(r'<td style="([^"]*)"', made)
    assert "nowrap" not in texts, "a table that is too wide for the page breaks them first"
    assert "nowrap" in numbers
    assert tables.html_table(("a",), [("pool2/3x3_s2",)], names=(0,)).count("<wbr>") == 2
