"""Graphs laid out: cards, stages, and drawings in which nothing lies over anything else."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from owlkit import Graph, L, NetSpec, zoo
from owlkit.inspection.graphs.cards import make_sheet
from owlkit.inspection.graphs.coordinates import set_heights
from owlkit.inspection.graphs.drawing import Drawing, Place, lay_out
from owlkit.inspection.graphs.facts import facts_of, unique
from owlkit.inspection.graphs.level import Box, Level, Net
from owlkit.inspection.graphs.routes import draw_routes
from owlkit.inspection.graphs.stages import block_name, open_at_first, stage_name, visible_count
from owlkit.inspection.graphs.svg import drawing_svg, rounded_path
from owlkit.inspection.graphs.view import Cards, arrange

NETS: dict[str, tuple[Callable[[], Any], str]] = {
    "lenet": (lambda: zoo.lenet(form="train"), "train"),
    "caffenet": (lambda: zoo.caffenet(form="train"), "train"),
    "googlenet": (lambda: zoo.googlenet(form="train"), "train"),
    "resnet50": (lambda: zoo.resnet(50), "test"),
    "squeezenet": (lambda: zoo.squeezenet(), "test"),
    "resnet_cifar": (lambda: zoo.resnet_cifar(20), "test"),
}


@pytest.fixture(scope="module")
def arranged() -> Callable[[str, bool], Cards]:
    made: dict[tuple[str, bool], Cards] = {}

    def get(name: str, fold: bool = True) -> Cards:
        if (name, fold) not in made:
            definition, phase = NETS[name]
            made[name, fold] = arrange(facts_of(Graph(definition(), phase=phase, seed=1)), fold)
        return made[name, fold]

    return get


# -- cards
def test_finishing_layers_are_in_the_card_of_the_layer_before(arranged: Any) -> None:
    cards = arranged("caffenet")
    keys = ["data", "conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8", "loss"]
    assert list(cards.sheet.cards) == keys
    assert [layer.name for layer in cards.sheet.cards["conv1"].folded] == ["relu1", "pool1", "norm1"]
    assert [layer.name for layer in cards.sheet.cards["fc6"].folded] == ["relu6", "drop6"]


def test_every_layer_is_on_exactly_one_card_folded_or_not(arranged: Any) -> None:
    for name, fold in itertools.product(NETS, (True, False)):
        cards = arranged(name, fold)
        layers = [layer.key for key in cards.tree.top for layer in cards.members(key)]
        assert len(layers) == len(set(layers))
        assert len(layers) == len({x for card in cards.sheet.cards.values() for x in map(id, card.layers)})


def test_a_pooling_that_another_layer_reads_beside_stays_a_card_of_its_own() -> None:
    n = NetSpec("branches")
    n.data = L.Input(shape=dict(dim=[1, 3, 8, 8]))
    n.conv = L.Convolution(n.data, num_output=4, kernel_size=3)
    n.pool = L.Pooling(n.conv, kernel_size=2, stride=2)
    n.other = L.Convolution(n.conv, num_output=4, kernel_size=3)
    sheet = make_sheet(facts_of(Graph(n)))
    assert list(sheet.cards) == ["data", "conv", "pool", "other"]
    assert {(w.source, w.target) for w in sheet.wires} == {
        ("data", "conv"),
        ("conv", "pool"),
        ("conv", "other"),
    }


def test_two_layers_of_one_name_have_keys_of_their_own() -> None:
    assert unique(["a", "b", "a", "a"]) == ["a", "b", "a (2)", "a (3)"]


# -- stages
@pytest.mark.parametrize(
    ("name", "block", "stage"),
    [
        ("inception_3a/5x5_reduce", "inception_3a", "inception_3"),
        ("res4b22_branch2a", "res4b22", "res4"),
        ("res5c", "res5c", "res5"),
        ("fire9/expand3x3", "fire9", "fire9"),
        ("conv1_2", "conv1", "conv1"),
        ("conv4-1", "conv4", "conv4"),
        ("fc6", "fc6", "fc6"),
    ],
)
def test_blocks_and_stages_by_name(name: str, block: str, stage: str) -> None:
    assert block_name(name) == block
    assert stage_name(block) == stage


def test_resnet_has_four_stages_of_3_4_6_and_3_blocks(arranged: Any) -> None:
    tree = arranged("resnet50").tree
    assert tree.top == ["data", "conv1", *(f"stage res{i}" for i in (2, 3, 4, 5)), "pool5", "fc1000", "prob"]
    assert [len(tree.groups[f"stage res{i}"].children) for i in (2, 3, 4, 5)] == [3, 4, 6, 3]
    assert open_at_first(tree) == []
    assert visible_count(tree, []) == 9
    assert visible_count(tree, ["stage res2", "block res2b"]) == 9 - 1 + 2 + 4


def test_folding_moves_no_layer_to_another_stage(arranged: Any) -> None:
    def where(cards: Cards) -> dict[str, str]:
        return {layer.key: key for key in cards.tree.top for layer in cards.members(key) if " " in key}

    folded, whole = arranged("resnet50"), arranged("resnet50", False)
    assert where(folded) == where(whole)


def test_names_that_run_in_a_circle_make_no_stage() -> None:
    """a_1 -> b_1 -> a_2 -> b_2: neither {a_1, a_2} nor {b_1, b_2} can be one box."""
    n = NetSpec("circle")
    n.data = x = L.Input(shape=dict(dim=[1, 3]))
    for name in ("a_1", "b_1", "a_2", "b_2", "c_1", "c_2"):
        n[name] = x = L.InnerProduct(x, num_output=3)
    assert list(arrange(facts_of(Graph(n))).tree.groups) == ["block c"]


# -- drawings
def overlap(a: Place, b: Place) -> bool:
    return a.x < b.x + b.width and b.x < a.x + a.width and a.y < b.y + b.height and b.y < a.y + a.height


def inside(a: Place, b: Place) -> bool:
    return b.x <= a.x and b.y <= a.y and a.x + a.width <= b.x + b.width and a.y + a.height <= b.y + b.height


def check(drawing: Drawing) -> None:
    """Boxes apart, frames apart or within one another, lines upright or level and beside the boxes."""
    boxes = [p for p in drawing.places if p.kind != "frame"]
    assert not [(a.key, b.key) for a, b in itertools.combinations(boxes, 2) if overlap(a, b)]
    for frame in (p for p in drawing.places if p.kind == "frame"):
        for other in drawing.places:
            if other is not frame and overlap(frame, other):
                assert inside(other, frame) or inside(frame, other), (frame.key, other.key)
    for line in drawing.lines:
        for (x0, y0), (x1, y1) in itertools.pairwise(line.points):
            assert abs(y0 - y1) < 0.51 or x0 == x1
            assert x1 >= x0
            low, high = min(y0, y1), max(y0, y1)
            crossed = [
                p.key
                for p in boxes
                if p.x + 1 < x1 and x0 < p.x + p.width - 1 and p.y + 1 < high and low < p.y + p.height - 1
            ]
            assert not crossed, (line.blob, crossed)
    for place in drawing.places:
        assert min(place.x, place.y) >= 0
        assert place.x + place.width <= drawing.width + 0.1
        assert place.y + place.height <= drawing.height + 0.1


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("how", ["closed", "stages", "all", "whole"])
def test_nothing_lies_over_anything_else(name: str, how: str, arranged: Any) -> None:
    cards = arranged(name, how != "whole")
    groups = list(cards.tree.groups)
    opened = {
        "closed": [],
        "stages": [key for key in groups if cards.tree.depth(key) > 1],
        "all": groups,
        "whole": groups,
    }[how]
    drawing = lay_out(cards.sheet, cards.tree, opened)
    check(drawing)
    seen = [p for p in drawing.places if p.kind != "frame"]
    assert len(seen) == visible_count(cards.tree, opened)


def test_the_check_sees_what_is_wrong(arranged: Any) -> None:
    cards = arranged("caffenet")
    drawing = lay_out(cards.sheet, cards.tree)
    drawing.places[3].x -= 60
    with pytest.raises(AssertionError):
        check(drawing)
    drawing = lay_out(cards.sheet, cards.tree)
    drawing.lines[0].points = [(0.0, 60.0), (1000.0, 60.0)]
    with pytest.raises(AssertionError):
        check(drawing)


def test_a_chain_is_straight_and_the_label_goes_round_below(arranged: Any) -> None:
    cards = arranged("caffenet")
    drawing = lay_out(cards.sheet, cards.tree)
    places = {place.key: place for place in drawing.places}
    assert len({place.y for place in drawing.places}) == 1
    main = [line for line in drawing.lines if line.blob != "label"]
    assert all(len(line.points) == 2 for line in main)
    (label,) = (line for line in drawing.lines if line.blob == "label")
    assert (label.source, label.targets, label.note) == ("data", ["loss"], "label, 1")
    assert max(y for _, y in label.points) > places["conv1"].y + places["conv1"].height


def test_the_trunk_of_residual_blocks_is_one_level_line(arranged: Any) -> None:
    """Shortcuts are the trunk: wherever a stage is open, nothing climbs from block to block."""
    cards = arranged("resnet50")
    drawing = lay_out(cards.sheet, cards.tree, ["stage res2", "block res2b", "block res2c"])
    height = {}
    for line in drawing.lines:
        if line.source in ("res2b", "res2c") and len(line.points) == 2:
            height[line.source, line.targets[0]] = line.points[0][1]
    assert len(set(height.values())) == 1


def test_four_branches_fan_out_and_meet(arranged: Any) -> None:
    cards = arranged("googlenet")
    drawing = lay_out(cards.sheet, cards.tree, ["stage inception_3", "block inception_3a"])
    places = {place.key: place for place in drawing.places}
    first = ["1x1", "3x3_reduce", "5x5_reduce", "pool"]
    column = [places[f"inception_3a/{name}"] for name in first]
    assert len({place.x for place in column}) == 1
    assert [place.y for place in column] == sorted(place.y for place in column)
    ends = [line.points[-1] for line in drawing.lines if line.targets == ["inception_3a/output"]]
    assert len(ends) == 4
    assert len({y for _, y in ends}) == 4, "each branch comes in at a place of its own"


def test_crossing_lines_are_sorted_out() -> None:
    """Two pairs that are joined crosswise, given in the wrong order."""
    boxes = {key: Box(key, 10, 10) for key in ("a", "b", "c", "d")}
    level = Level(boxes, [Net("ad", "a", ["d"]), Net("bc", "b", ["c"])])
    level.arrange()
    set_heights(level)
    assert boxes["a"].y < boxes["b"].y
    assert boxes["d"].y < boxes["c"].y
    routes, width = draw_routes(level)
    assert all(len(route.points) == 2 for route in routes)
    assert width == 10 + 24 + 10


def test_corners_are_rounded() -> None:
    assert rounded_path([(0, 0), (20, 0), (20, 30)], 5) == "M0 0L15 0Q20 0 20 5L20 30"
    assert rounded_path([(0, 0), (4, 0), (4, 30)], 5) == "M0 0L2 0Q4 0 4 2L4 30"


def test_svg_says_what_is_on_the_cards(arranged: Any) -> None:
    cards = arranged("googlenet")
    svg = drawing_svg(lay_out(cards.sheet, cards.tree), cards, "GoogleNet: its layers")
    assert svg.startswith("<svg ")
    assert svg.count("<title>") == visible_count(cards.tree, []) == 12
    assert "inception_4: 5 blocks 30 conv, 5 pool 832×14×14" in svg


def test_words_on_cards(arranged: Any) -> None:
    cards = arranged("caffenet")
    conv2 = cards.describe("conv2")
    assert (conv2["type"], conv2["folded"], conv2["shape"]) == (
        "5×5, group 2",
        "relu, pool, norm",
        "256×27×27",
    )
    assert conv2["parameters"] == 256 * 48 * 25 + 256
    assert arranged("googlenet").title("inception_3a/1x1") == "1x1"
    assert arranged("resnet50").title("res2a_branch1") == "branch1"
    assert arranged("resnet50").title("res2a") == "res2a"
