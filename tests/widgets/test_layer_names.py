"""Names of layers that are too long for the gutter: what tells them apart stays."""

from __future__ import annotations

import pytest

from owlkit_widgets.layer_names import short_names

from .fake_net import googlenet, resnet152, squeezenet


def short(names: tuple[str, ...], most: int = 12) -> list[str]:
    return list(short_names(names, lambda text: len(text) <= most).values())


@pytest.mark.parametrize("names", [squeezenet(), googlenet(), resnet152()])
def test_names_of_well_known_nets_fit_and_no_two_are_alike(names: tuple[str, ...]) -> None:
    found = short(names)
    assert max(map(len, found)) <= 12
    assert len(set(found)) == len(names)


def test_numbers_stay_and_long_words_give_way() -> None:
    """The cases of js/tests/layers.test.js."""
    assert short(("fire2/squeeze1x1", "fire2/expand3x3")) == ["fire2/sq…1x1", "fire2/ex…3x3"]
    assert short(("inception_3a/3x3", "inception_3a/3x3_reduce")) == ["incep…3a/3x3", "i…3a/3x3_re…"]
    assert short(("inception_3", "inception_4"), most=10) == ["incepti…3", "incepti…4"]
    assert short(("averyverylongname", "averyverylongnumber")) == ["…longname", "…longnumber"]
    assert short(("1234567890123", "b")) == ["12345678901…", "b"]
