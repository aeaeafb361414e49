"""What excites a unit most, over a set of images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from owlkit.core.errors import NetError
from owlkit.inspection.answers import Patch, find_answers
from owlkit.inspection.image_input import ImageInput
from owlkit.inspection.image_source import ImageSource
from owlkit.inspection.picture import Picture
from owlkit.inspection.progress import Progress
from owlkit.inspection.twin import Twin

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from owlkit.net import Net

MOST_UNITS = 16
CELL_INCHES = 0.95


@dataclass(repr=False)
class TopPatches(Picture):
    """patches : unit -> its patches, the largest value first, at most one per image."""

    layer: str
    patches: dict[int, list[Patch]]
    images: int

    def figure(self) -> Figure:
        """One row per unit."""
        import matplotlib.pyplot as plt

        rows, columns = len(self.patches), max(map(len, self.patches.values()))
        size = (columns * CELL_INCHES + 0.6, rows * CELL_INCHES * 1.12 + 0.3)
        figure, axes = plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")
        for cell in axes.flat:
            cell.set(xticks=[], yticks=[])
            cell.set_frame_on(False)
        for row, (unit, patches) in zip(axes, self.patches.items(), strict=True):
            row[0].set_ylabel(str(unit), rotation=0, ha="right", va="center", fontsize=9)
            for cell, patch in zip(row, patches, strict=False):
                cell.imshow(patch.pixels, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
                cell.set_title(f"{patch.value:.3g}", fontsize=7, pad=2)
        figure.suptitle(f"{self.layer}: what excites a unit most, of {self.images} images", fontsize=10)
        plt.close(figure)
        return figure

    def __repr__(self) -> str:
        return f"TopPatches({self.layer!r}, {len(self.patches)} units, of {self.images} images)"


def show_top_patches(
    net: Net,
    source: Any,
    layer: str,
    units: Sequence[int] | None = None,
    *,
    count: int = 9,
    prepare: ImageInput | None = None,
    limit: int | None = None,
    progress: bool = True,
) -> TopPatches:
    """For each unit the `count` patches of images that it answers to most, cut by its receptive field.

    source : folder of images, LMDB set or a sequence, see ImageSource. units : channels of the layer's top,
    by default the first 16. prepare : how photographs become input. limit : look at so many images at most.
    An image counts once per unit, with the place where the unit answers most. Source: the nine patches of
    Zeiler and Fergus 2014, arXiv:1311.2901, figure 2.
    Raises NetError for an unknown layer or unit, or a layer whose receptive field cannot be told.
    """
    prepare = prepare or ImageInput()
    images = ImageSource(source, limit)
    twin = Twin(net)
    channels = twin.top(twin.layer_of(layer)).shape[1]
    wanted = list(units) if units is not None else list(range(min(channels, MOST_UNITS)))
    if not wanted or not all(0 <= unit < channels for unit in wanted):
        raise NetError(f"{layer}: units are {wanted}, expected some of 0 to {channels - 1}")
    line = Progress(progress, "looking at", f"{len(images)} images")
    found = find_answers(
        net, images, layer, count=count, prepare=prepare, on_images=lambda seen: line.tick(f", {seen} done")
    )
    pictures = {
        index: prepare.restore(prepare(image, found.input_shape))
        for index, image in images.pick(found.images[wanted].ravel().tolist())
    }
    line.finish()
    patches: dict[int, list[Patch]] = {}
    for unit in wanted:
        patches[unit] = []
        for rank, index in enumerate(found.images[unit].tolist()):
            box = found.box(unit, rank)
            pixels = pictures[index][box[0] : box[2], box[1] : box[3]]
            patches[unit].append(Patch(float(found.values[unit, rank]), index, box, pixels))
    return TopPatches(layer, patches, found.seen)
