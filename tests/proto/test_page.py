"""Messages as a notebook shows them."""

from __future__ import annotations

import re

from owlkit import Graph, L, NetSpec, Solver, proto, zoo
from owlkit.proto.page import layer_page


def cells(page: str) -> list[str]:
    return re.findall(r"<td[^>]*>(.*?)</td>", page)


def test_a_layer_tells_its_blobs_and_every_field_that_is_set() -> None:
    n = NetSpec("two")
    n.data = L.Input(shape=dict(dim=[1, 3, 8, 8]))
    n.conv = L.Convolution(n.data, num_output=4, kernel_size=[3, 5], weight_filler=dict(type="msra"))
    conv = Graph(n).definition.layer[1]
    page = conv._repr_html_()
    assert page == layer_page(conv)
    assert page.startswith("<b>conv</b> Convolution")
    found = dict(zip(cells(page)[::2], cells(page)[1::2], strict=True))
    assert found["bottom"] == "data"
    assert found["convolution_param.kernel_size"] == "3, 5"
    assert found["convolution_param.weight_filler.type"] == "msra"
    assert "name" not in found


def test_markup_in_names_is_text() -> None:
    layer = proto.net_param(zoo.lenet()).layer[0]
    layer.name = "<script>"
    assert "<script>" not in layer._repr_html_()


def test_nets_and_solvers() -> None:
    net = proto.net_param(zoo.lenet())
    assert "9 layers" in net._repr_html_()
    assert "InnerProduct" in cells(net._repr_html_())
    solver = Solver(zoo.lenet(form="train"), base_lr=0.01, max_iter=5)
    page = solver._repr_html_()
    assert "Solver(SGD, net" in page
    assert "0.01" in cells(page)
    assert "<svg" in page
    assert "net_param.layer" not in page
