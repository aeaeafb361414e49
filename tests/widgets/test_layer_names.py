"""Names of layers that are too long for the gutter: what tells them apart stays."""

from __future__ import annotations

import json
import subprocess

import pytest

from owlkit_widgets.layer_names import short_names

from .fake_net import googlenet, resnet50, resnet152, squeezenet
from .test_js import JS, NODE, needs_node

NETS = [squeezenet(), googlenet(), resnet50(), resnet152(), (*squeezenet(), "conv10_mine")]
WIDTHS = range(3, 15)


def short(names: tuple[str, ...], most: int = 12) -> list[str]:
    return list(short_names(names, lambda text: len(text) <= most).values())


@pytest.mark.parametrize("most", range(4, 15))
@pytest.mark.parametrize("names", NETS)
def test_names_of_well_known_nets_fit_and_no_two_are_alike(names: tuple[str, ...], most: int) -> None:
    """Four characters hold the number of each of 156 layers."""
    found = short(names, most)
    assert max(map(len, found)) <= most
    assert len(set(found)) == len(names)


def test_what_tells_apart_is_seen_in_a_narrow_gutter() -> None:
    fire = ("fire2/squeeze1x1", "fire2/expand1x1", "fire2/expand3x3")
    assert short(fire, 8) == ["fi2/s1x1", "fi2/e1x1", "fi2/e3x3"]
    assert short(fire, 6) == ["f2s1x1", "f2e1x1", "f2e3x3"]
    assert short(("res2a_branch2a", "res2a_branch2b"), 8) == ["re2a_b2a", "re2a_b2b"]
    assert short(("conv1", *fire), 4) == ["co…1", "#2", "#3", "#4"]


def test_a_name_that_fits_stays_where_another_would_be_cut_to_the_same() -> None:
    assert short(("fi2/s1x1", "fire2/squeeze1x1"), 8) == ["fi2/s1x1", "fir2s1x1"]


@needs_node
def test_the_browser_writes_the_same() -> None:
    nets = [*NETS, ("averyverylongname", "averyverylongnumber", "1234567890123", "b", "a.b.c.d.e.f.g.h.i.j")]
    script = f"""
        import {{ shortNames }} from "{(JS / "src" / "layers-names.js").as_uri()}";
        const nets = {json.dumps(nets)};
        const short = (names, most) => [...shortNames(names, (text) => text.length <= most).values()];
        const written = (most) => nets.map((names) => short(names, most));
        console.log(JSON.stringify({json.dumps(list(WIDTHS))}.map(written)));
    """
    command = [str(NODE), "--input-type=module", "--eval", script]
    told = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    assert json.loads(told) == [[short(names, most) for names in nets] for most in WIDTHS]


def test_numbers_stay_and_long_words_give_way() -> None:
    """The cases of js/tests/layers.test.js."""
    assert short(("fire2/squeeze1x1", "fire2/expand3x3")) == ["fire2/sq…1x1", "fire2/ex…3x3"]
    assert short(("inception_3a/3x3", "inception_3a/3x3_reduce")) == ["incep…3a/3x3", "i…3a/3x3_re…"]
    assert short(("inception_3", "inception_4"), most=10) == ["incepti…3", "incepti…4"]
    assert short(("averyverylongname", "averyverylongnumber")) == ["…longname", "…longnumber"]
    assert short(("1234567890123", "b")) == ["12345678901…", "b"]
