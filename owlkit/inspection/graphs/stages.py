"""Stages: cards that belong together by name, such as `inception_3a/...` or `res2a_...`, and open and close.

Blocks are cards whose names begin alike, up to the first "/", or up to the first "_" or "-" where there is no
"/". Stages are blocks whose names differ in the letter and number behind the stage's: `res4a`, `res4b1` ...
are `res4`. A group is taken only where the net still flows through it in one direction.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter

from owlkit.inspection.graphs.cards import Sheet

# What holds nearly everything groups nothing.
MOST_OF_ALL = 0.75
# Cards that can be taken in at a glance; a net of more begins with closed stages.
GLANCE = 14
_LETTERED = re.compile(r"^(.*\d)[a-z]\d*$")


@dataclass
class Group:
    """children : keys of cards and groups, in order. key : "stage res4", never that of a card."""

    key: str
    name: str
    children: list[str] = field(default_factory=list)


@dataclass
class Tree:
    """top : keys at the outermost level. groups : by key."""

    top: list[str]
    groups: dict[str, Group]

    def cards(self, key: str) -> Iterator[str]:
        """The cards under a key, itself for a card."""
        if key not in self.groups:
            yield key
            return
        for child in self.groups[key].children:
            yield from self.cards(child)

    def depth(self, key: str) -> int:
        """1 for a group of cards, 2 for one of groups."""
        return 1 + max((self.depth(c) for c in self.groups[key].children if c in self.groups), default=0)


def block_name(name: str) -> str:
    """`inception_3a/1x1` -> `inception_3a`; `res2a_branch1` -> `res2a`; `conv1` -> `conv1`."""
    return name.split("/", 1)[0] if "/" in name else re.split("[_-]", name, maxsplit=1)[0]


def stage_name(block: str) -> str:
    """`res4b12` -> `res4`, `inception_3a` -> `inception_3`; others stay."""
    found = _LETTERED.match(block)
    return found.group(1) if found else block


def make_tree(sheet: Sheet) -> Tree:
    """The groups of a sheet's cards, at most two deep."""
    tree = Tree(list(sheet.cards), {})
    _add_level(tree, sheet, lambda key: block_name(sheet.cards[key].host.name), "block")
    _add_level(tree, sheet, lambda key: _stage_of(tree, sheet, key), "stage")
    return tree


def _stage_of(tree: Tree, sheet: Sheet, key: str) -> str:
    name = tree.groups[key].name if key in tree.groups else block_name(sheet.cards[key].host.name)
    return stage_name(name)


def _add_level(tree: Tree, sheet: Sheet, name_of: Callable[[str], str], kind: str) -> None:
    """Group what lies at the top of the tree by name, one group after the other."""
    members: dict[str, list[str]] = {}
    for key in tree.top:
        # What finishes a layer goes where that layer goes.
        source = sheet.keys.get(key, key)
        members.setdefault(name_of(source if source in tree.top else key), []).append(key)
    most = MOST_OF_ALL * len(tree.top)
    for name, keys in members.items():
        folded = {sheet.keys.get(key, key) for key in keys}
        if len(folded) < 2 or len(keys) > most:
            continue
        group = Group(f"{kind} {name}", name, keys)
        top = _with_group(tree.top, group)
        if _flows(top, {**tree.groups, group.key: group}, sheet):
            tree.top, tree.groups[group.key] = top, group


def _with_group(top: list[str], group: Group) -> list[str]:
    inside = set(group.children)
    first = group.children[0]
    return [group.key if key == first else key for key in top if key == first or key not in inside]


def _flows(top: list[str], groups: dict[str, Group], sheet: Sheet) -> bool:
    """Whether what lies at the top has an order."""
    tree = Tree(top, groups)
    place = {card: key for key in top for card in tree.cards(key)}
    before: dict[str, set[str]] = {key: set() for key in top}
    for wire in sheet.wires:
        if place[wire.source] != place[wire.target]:
            before[place[wire.target]].add(place[wire.source])
    try:
        TopologicalSorter(before).prepare()
    except CycleError:
        return False
    return True


def open_at_first(tree: Tree, glance: int = GLANCE) -> list[str]:
    """The groups to open so that what is seen can be taken in: as fine as possible, else all closed."""
    everything = list(tree.groups)
    stages = [key for key in everything if tree.depth(key) > 1]
    for opened in (everything, stages):
        if visible_count(tree, opened) <= glance:
            return opened
    return []


def visible_count(tree: Tree, opened: Collection[str]) -> int:
    """How many cards and closed groups are seen."""

    def count(key: str) -> int:
        if key not in tree.groups or key not in opened:
            return 1
        return sum(map(count, tree.groups[key].children))

    return sum(map(count, tree.top))
