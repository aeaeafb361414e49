"""What a layer makes of an image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from owlkit.core.errors import NetError
from owlkit.inspection.channels import Channels, ChannelView
from owlkit.inspection.image_input import ImageInput, input_of
from owlkit.inspection.layerwise import silent
from owlkit.inspection.own_image import GIVEN, image_and_layer, prepared_image
from owlkit.inspection.picture import Picture
from owlkit.inspection.prediction import Labels, read_labels
from owlkit.inspection.receptive_field import ReceptiveField, receptive_fields
from owlkit.inspection.twin import Twin

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from owlkit.net import Net


@dataclass(repr=False)
class Activations(Picture):
    """values : the layer's top for one image, (C, H, W) or (C,). image : as the net saw it, uint8.

    about : which image that is. type : of the layer. sees : what a unit of it sees. net, prepare, given,
    labels : what a live view in a notebook goes on with.
    """

    frontend_kind = "activations"

    layer: str
    values: np.ndarray
    image: np.ndarray
    channels: int | None = None
    net: Net | None = None
    prepare: ImageInput | None = None
    given: np.ndarray | None = None
    labels: list[str] | None = None
    about: str = GIVEN
    type: str = ""
    sees: ReceptiveField | None = None

    def figure(self, view: ChannelView | None = None) -> Figure:
        """The channels as the live view shows them, the one that is picked over the image, and numbers.

        view : order, scale and choice; by default those that the live view begins with.
        """
        from owlkit.inspection.activations_figure import ActivationsFigure

        return ActivationsFigure(self, Channels(self.values, view)).figure

    def __repr__(self) -> str:
        shape = "x".join(map(str, self.values.shape))
        dead = len(silent(self.values.reshape(len(self.values), -1, 1)))
        which = "" if self.about == GIVEN else f"; {self.about}"
        return f"Activations({self.layer!r}, {shape}, {dead} channels without any positive value{which})"


def show_activations(
    net: Net,
    image: Any = None,
    layer: str | None = None,
    *,
    prepare: ImageInput | None = None,
    channels: int | None = None,
    labels: Labels | None = None,
) -> Activations:
    """Run one image through a net and look at the top of a layer (or at a blob, by name).

    image : a photograph or a prepared array, see ImageInput. Without one, `show_activations(net, "conv1")`,
    it is the first of the batch that the net ran last, or else the first that its data layer reads; `about`
    says which. prepare : how photographs become input; by
    default as the net's data layer does it, without one as they are, 0 to 255. channels : how many are drawn
    in the figure, None for all; `values` holds all.
    In a notebook with the widgets it is a live view: all channels, other layers, other images. labels : there
    the names of units of layers with as many channels: a list, or a file with one a line.
    Raises NetError for an unknown layer or a top with other axes, DataError for an image that does not fit,
    or where there is none, or labels that cannot be read.
    """
    image, layer = image_and_layer(image, layer, "show_activations")
    prepare, names = prepare or input_of(net), read_labels(labels)
    twin = Twin(net)
    prepared, about = prepared_image(net, image, prepare, twin)
    layer_name = twin.layer_of(layer)
    values = twin.run(prepared[None], layer_name)[0]
    if values.ndim not in (1, 3):
        raise NetError(f"{layer}: its top has {values.ndim + 1} axes; (N, C) and (N, C, H, W) can be drawn")
    image = prepare.restore(prepared)
    graph = twin.net.graph
    kind = twin.net.layer_dict[layer_name].type
    sees = receptive_fields(graph).get(twin.net.top_names[layer_name][0])
    return Activations(layer, values, image, channels, net, prepare, prepared, names, about, kind, sees)
