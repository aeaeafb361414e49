"""What NetSpec says of mistakes, in the cell where they are made."""

# ruff: noqa: E501 - a mistake and its message on one line
from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from owlkit.core.errors import NetError
from owlkit.spec import LAYER_TYPES, L, NetSpec, SpecError, UnknownTypeError, to_proto


def _x() -> Any:
    return L.Input(shape=dict(dim=[1]))


MISTAKES = [
    (lambda: L.Convolution(_x(), kernal_size=3), "Convolution has no parameter 'kernal_size' (did you mean 'kernel_size'?)"),
    (lambda: L.ReLU(_x(), zzz=3), "ReLU has no parameter 'zzz'; it takes negative_slope, engine"),
    (lambda: L.ReLU(_x(), inplace=True), "ReLU has no parameter 'inplace' (did you mean 'in_place'?)"),
    (lambda: L.ReLU(_x(), type="x"), "ReLU has no parameter 'type'"),
    (lambda: L.Pooling(_x(), pool="AVG"), "Pooling: pool must be one of MAX, AVE, STOCHASTIC, found 'AVG' (did you mean 'AVE'?)"),
    (lambda: L.Pooling(_x(), kernel_size=[3, 3]), "Pooling: kernel_size must be a whole number from 0, found [3, 3]"),
    (lambda: L.InnerProduct(_x(), num_output=2.5), "InnerProduct: num_output must be a whole number from 0, found 2.5"),
    (lambda: L.InnerProduct(_x(), num_output=-1), "InnerProduct: num_output must be a whole number from 0, found -1"),
    (lambda: L.Reshape(_x(), axis=2**40), "Reshape: axis cannot be 1099511627776"),
    (lambda: L.InnerProduct(_x(), weight_filler=3), "weight_filler is a FillerParameter: give a dict such as dict(type=...)"),
    (lambda: L.InnerProduct(_x(), weight_filler=dict(typ="xavier")), "FillerParameter has no field 'typ' (did you mean 'type'?)"),
    (lambda: L.Dropout(_x(), dropout_ratio="0.5"), "Dropout: dropout_ratio must be a number, found '0.5'"),
    (lambda: L.Convolution(_x(), bias_term="no"), "Convolution: bias_term must be True or False, found 'no'"),
    (lambda: L.Data(source=3), "Data: source must be a string, found 3"),
    (lambda: L.Data(scale=0.5), "Data: scale belongs in transform_param=dict(scale=...)"),
    (lambda: L.ReLU("data"), "ReLU: bottoms are tops of other layers, such as n.data, not its name; found 'data'"),
    (lambda: L.ReLU(L.Data(ntop=2)), "a layer gave 2 tops: pass one of them, or all with a star before"),
    (lambda: L.Data(ntop=-1), "Data: ntop must be a whole number from 0, found -1"),
    (lambda: L.Eltwise(_x(), _x(), in_place=True), "Eltwise: in_place needs exactly one bottom and one top"),
    (lambda: NetSpec("x", force_backwards=True), "has no field 'force_backwards' (did you mean 'force_backward'?)"),
    (lambda: setattr(NetSpec(), "data", L.Data(ntop=2)), "Data has 2 tops: give each a name, n.data, n.other = L.Data(...)"),
    (lambda: setattr(NetSpec(), "data", "x"), "n.data must be a layer or a top made by L, found 'x'"),
    (lambda: setattr(NetSpec(), "tops", _x()), "'tops' is NetSpec's own; write n['tops']"),
    (lambda: setattr(NetSpec(), "save", _x()), "'save' is NetSpec's own; write n['save']"),
]  # fmt: skip


@pytest.mark.parametrize(("mistake", "told"), MISTAKES)
def test_mistakes_are_told_in_the_call(mistake: Any, told: str) -> None:
    with pytest.raises(SpecError) as caught:
        mistake()
    assert told in str(caught.value)
    assert isinstance(caught.value, (NetError, TypeError))


def test_unknown_types() -> None:
    with pytest.raises(
        UnknownTypeError, match=r"no layer type is called 'Convolutoin' \(did you mean 'Convolution'"
    ):
        L.Convolutoin
    assert not hasattr(L, "_repr_html_")
    assert "Convolution" in dir(L)
    LAYER_TYPES.add("Tripled")
    try:
        assert to_proto(L.Tripled(_x(), loss_weight=1)).layer[1].type == "Tripled"
    finally:
        LAYER_TYPES.remove("Tripled")


def test_a_misspelt_filler_is_refused_in_its_cell() -> None:
    with pytest.raises(
        SpecError, match=r"weight_filler must be of a type in .*'xaveir' \(did you mean 'xavier'\?\)"
    ):
        L.Convolution(_x(), num_output=1, kernel_size=1, weight_filler=dict(type="xaveir"))


def test_a_forgotten_ntop_is_told() -> None:
    with pytest.raises(SpecError, match="Data makes one top here; give ntop=2"):
        _data, _label = L.Data(source="somewhere", batch_size=1)


def test_names_of_other_toolkits_lead_to_caffes() -> None:
    from owlkit.spec.types import ELSEWHERE

    with pytest.raises(UnknownTypeError, match=r"'Conv2d' \(in Caffe it is 'Convolution'\)"):
        L.Conv2d
    assert set(ELSEWHERE.values()) <= LAYER_TYPES


def test_a_mistake_is_told_once() -> None:
    with pytest.raises(SpecError) as told:
        L.InnerProduct(num_output="ten")
    assert str(told.value) == "InnerProduct: num_output must be a whole number from 0, found 'ten'"


def test_an_array_where_a_path_belongs_is_told_by_its_shape() -> None:
    """Ten thousand images took 15 s to be written out into the error."""
    with pytest.raises(SpecError) as told:
        L.Data(source=np.zeros((1000, 3, 32, 32), np.uint8), batch_size=4, ntop=2)
    assert "an array of shape (1000, 3, 32, 32)" in str(told.value)
    assert "from_arrays" in str(told.value)
    with pytest.raises(SpecError) as told:
        L.InnerProduct(bias_term="x" * 5000)
    assert len(str(told.value)) < 400


@pytest.mark.parametrize(
    ("mistake", "told"),
    [
        (lambda: L.Convolution(16, 3), r"by name, as in L.Convolution\(bottom, num_output=16\)"),
        (lambda: L.InnerProduct(weight_filler="kaiming"), "in Caffe it is 'msra'"),
        (lambda: L.Data(shuffle=True), "shuffle them when the set is made"),
        (lambda: L.Data(batchsize=3), "did you mean 'batch_size'"),
        (lambda: L.Add, "in Caffe it is 'Eltwise'"),
    ],
)
def test_habits_from_elsewhere_are_answered(mistake: Any, told: str) -> None:
    with pytest.raises(NetError, match=told):
        mistake()
