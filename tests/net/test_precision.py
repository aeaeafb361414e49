"""What layers compute in, in a net of half precision: settled with the graph, without a device."""

from __future__ import annotations

from typing import Any

import pytest

from owlkit import L, NetSpec, P
from owlkit.core.errors import NetError
from owlkit.net.graph import Graph


def product(**options: Any) -> NetSpec:
    n = NetSpec("half")
    n.data = L.Input(shape=dict(dim=[2, 4]))
    n.fc = L.InnerProduct(n.data, num_output=4, bias_term=False, **options)
    return n


def types(n: NetSpec) -> dict[str, str]:
    return {name: blob.dtype for name, blob in Graph(n, dtype="float16").blobs.items()}


def test_it_begins_with_a_product_and_ends_with_a_class() -> None:
    n = product()
    n.before = L.TanH(n.data)
    n.after = L.TanH(n.fc)
    n.best = L.ArgMax(n.after)
    found = types(n)
    wide = {"data", "before", "best", *(name for name in found if "split" in name)}
    assert {name for name, dtype in found.items() if dtype == "float32"} == wide
    assert {found["fc"], found["after"]} == {"float16"}


def test_what_selects_or_measures_stays_as_it_is() -> None:
    n = product()
    n.chosen = L.Input(shape=dict(dim=[2, 1]))
    n.image = L.Input(shape=dict(dim=[1, 1, 6, 6]))
    n.like = L.Input(shape=dict(dim=[1, 1, 4, 4]))
    n.some = L.Filter(n.fc, n.chosen)
    n.part = L.Crop(n.image, n.like, offset=[1])
    found = types(n)
    assert (found["some"], found["chosen"], found["part"]) == ("float16", "float32", "float32")


def test_what_is_wide_cannot_run_in_place_on_what_is_half() -> None:
    n = product()
    n.own = L.Python(n.fc, module="collections", layer="Counter", in_place=True)
    with pytest.raises(
        NetError, match=r"own .*computes in float32 and cannot run in place on a blob in float16"
    ):
        Graph(n, dtype="float16")


def test_a_shared_parameter_has_one_type() -> None:
    n = product(param=dict(name="w"))
    n.same = L.Parameter(param=dict(name="w", share_mode=P.ParamSpec.PERMISSIVE), shape=dict(dim=[4, 4]))
    message = r"same .*'w' is used in float32 here but in float16 in layer 'fc'; give the two their own"
    with pytest.raises(NetError, match=message):
        Graph(n, dtype="float16")
    assert Graph(n).parameters.owners[0].name == "fc[0]"
