"""What a layer makes of an image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from owlkit.core.errors import NetError
from owlkit.inspection.image_input import ImageInput, input_of
from owlkit.inspection.layerwise import silent
from owlkit.inspection.own_image import own_image
from owlkit.inspection.picture import Picture
from owlkit.inspection.prediction import Labels, read_labels
from owlkit.inspection.tiles import tile_grid
from owlkit.inspection.twin import Twin

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from owlkit.net import Net

MOST_CHANNELS = 64
MOST_NAMED = 10
GIVEN = "the image given"


@dataclass(repr=False)
class Activations(Picture):
    """values : the layer's top for one image, (C, H, W) or (C,). image : as the net saw it, uint8.

    about : which image that is. net, prepare, given, labels : what a live view in a notebook goes on with.
    """

    frontend_kind = "activations"

    layer: str
    values: np.ndarray
    image: np.ndarray
    channels: int = MOST_CHANNELS
    net: Net | None = None
    prepare: ImageInput | None = None
    given: np.ndarray | None = None
    labels: list[str] | None = None
    about: str = GIVEN

    def figure(self) -> Figure:
        """The image and one tile per channel, on one scale for all; a line where there is no plane."""
        return self._planes() if self.values.size > len(self.values) else self._line()

    def _planes(self) -> Figure:
        import matplotlib.pyplot as plt

        shown = self.values[: self.channels]
        figure, axes = plt.subplots(1, 2, figsize=(9.5, 4.6), width_ratios=(1, 2), layout="constrained")
        axes[0].imshow(self.image, cmap="gray")
        axes[0].set_title("image", fontsize=10)
        drawn = axes[1].imshow(
            tile_grid(shown, gap=max(1, shown.shape[2] // 16)), cmap="viridis", interpolation="nearest"
        )
        named = (
            f"{self.layer}: {len(shown)} of {len(self.values)} channels, {shown.shape[1]}x{shown.shape[2]}"
        )
        axes[1].set_title(named, fontsize=10)
        figure.colorbar(drawn, ax=axes[1], shrink=0.8, label="activation")
        for axis in axes:
            axis.set_axis_off()
        plt.close(figure)
        return figure

    def _line(self) -> Figure:
        import matplotlib.pyplot as plt

        values = self.values.ravel()
        figure, axes = plt.subplots(1, 2, figsize=(9.5, 3.4), width_ratios=(1, 2.4), layout="constrained")
        axes[0].imshow(self.image, cmap="gray")
        axes[0].set_axis_off()
        axes[1].plot(values, linewidth=0.8, color="#0072b2")
        for unit in np.argsort(values)[::-1][:MOST_NAMED]:
            axes[1].annotate(str(unit), (unit, values[unit]), fontsize=8, ha="center", va="bottom")
        axes[1].set(title=f"{self.layer}: {len(self.values)} units", xlabel="unit", ylabel="activation")
        plt.close(figure)
        return figure

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
    channels: int = MOST_CHANNELS,
    labels: Labels | None = None,
) -> Activations:
    """Run one image through a net and look at the top of a layer (or at a blob, by name).

    image : a photograph or a prepared array, see ImageInput. Without one, `show_activations(net, "conv1")`,
    it is the first of the batch that the net ran last, or else the first that its data layer reads; `about`
    says which. prepare : how photographs become input; by
    default as the net's data layer does it, without one as they are, 0 to 255. channels : how many are drawn
    in the figure; `values` holds all.
    In a notebook with the widgets it is a live view: all channels, other layers, other images. labels : there
    the names of units of layers with as many channels: a list, or a file with one a line.
    Raises NetError for an unknown layer or a top with other axes, DataError for an image that does not fit,
    or where there is none, or labels that cannot be read.
    """
    image, layer = _image_and_layer(image, layer)
    prepare, names = prepare or input_of(net), read_labels(labels)
    twin = Twin(net)
    own = own_image(net, twin.input) if image is None else None
    prepared = prepare(image if own is None else own.values, twin.shape)
    layer_name = twin.layer_of(layer)
    values = twin.run(prepared[None], layer_name)[0]
    if values.ndim not in (1, 3):
        raise NetError(f"{layer}: its top has {values.ndim + 1} axes; (N, C) and (N, C, H, W) can be drawn")
    image = prepare.restore(prepared)
    about = own.about if own is not None else GIVEN
    return Activations(layer, values, image, channels, net, prepare, prepared, names, about)


def _image_and_layer(image: Any, layer: str | None) -> tuple[Any, str]:
    """Both as they are meant: of one argument it is the layer."""
    if layer is not None:
        return image, layer
    if not isinstance(image, str):
        raise NetError("name a layer: show_activations(net, image, 'conv1')")
    return None, image
