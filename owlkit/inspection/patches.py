"""What excites a unit most, over a set of images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from owlkit.core import frontends
from owlkit.core.errors import DataError, NetError
from owlkit.core.progress import Progress
from owlkit.inspection.answers import Answers, Patch, Search
from owlkit.inspection.image_input import ImageInput, input_of
from owlkit.inspection.image_source import ImageSource
from owlkit.inspection.picture import Picture, closed_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from owlkit.net import Net

MOST_UNITS = 16
CELL_INCHES = 0.95


class TopPatches(Picture):
    """Where there is a live view, that one looks through the images; else this does, when it is made.

    net, source, prepare, count : what is looked for, in what. units : those that are drawn. answers : what
    was found, of so many images as were seen, None before.
    """

    frontend_kind = "patches"

    def __init__(
        self,
        net: Net,
        source: ImageSource,
        layer: str,
        units: Sequence[int],
        *,
        count: int = 9,
        prepare: ImageInput | None = None,
    ) -> None:
        self.net, self.source, self.layer, self.units = net, source, layer, list(units)
        self.count, self.prepare = count, prepare or input_of(net)
        self.answers: Answers | None = None
        self._cut: tuple[Answers, dict[int, list[Patch]]] | None = None

    def find(self, *, progress: bool = True) -> Answers:
        """Look through all images, if that has not been done."""
        if self.answers is None:
            search = Search(self.net, self.source, self.layer, self.count, self.prepare)
            line = Progress(progress, "looking at", f"{len(self.source)} images")
            try:
                for _ in search.batches():
                    line.tick(f", {search.seen} done")
            finally:
                line.finish()
            self.answers = search.answers
        return self.answers

    @property
    def images(self) -> int:
        """How many were looked at."""
        return self.answers.seen if self.answers is not None else 0

    @property
    def patches(self) -> dict[int, list[Patch]]:
        """unit -> its patches, the largest value first, at most one per image."""
        found = self.find()
        if self._cut is None or self._cut[0] is not found:
            self._cut = found, self._cut_out(found)
        return self._cut[1]

    def _cut_out(self, found: Answers) -> dict[int, list[Patch]]:
        wanted = found.images[self.units].ravel().tolist()
        pictures = {
            index: self.prepare.restore(self.prepare(image, found.input_shape))
            for index, image in self.source.pick(wanted)
        }
        patches: dict[int, list[Patch]] = {}
        for unit in self.units:
            patches[unit] = []
            for rank, index in enumerate(found.images[unit].tolist()):
                box = found.box(unit, rank)
                pixels = pictures[index][box[0] : box[2], box[1] : box[3]]
                value = float(found.values[unit, rank])
                patches[unit].append(Patch(value, index, box, pixels, self.source.name(index)))
        return patches

    def figure(self) -> Figure:
        """One row per unit."""
        patches = self.patches
        rows, columns = len(patches), max(map(len, patches.values()))
        size = (columns * CELL_INCHES + 0.6, rows * CELL_INCHES * 1.12 + 0.3)
        figure, axes = closed_figure(rows, columns, figsize=size, squeeze=False, layout="constrained")
        for cell in axes.flat:
            cell.set(xticks=[], yticks=[])
            cell.set_frame_on(False)
        for row, (unit, found) in zip(axes, patches.items(), strict=True):
            row[0].set_ylabel(str(unit), rotation=0, ha="right", va="center", fontsize=9)
            for cell, patch in zip(row, found, strict=False):
                cell.imshow(patch.pixels, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
                cell.set_title(f"{patch.value:.3g}", fontsize=7, pad=2)
        figure.suptitle(f"{self.layer}: what excites a unit most, of {self.images} images", fontsize=10)
        if self.source.remark:
            figure.supxlabel(self.source.remark, fontsize=7, wrap=True)
        return figure

    def __repr__(self) -> str:
        seen = f"of {self.images} images" if self.answers is not None else f"in {len(self.source)} images"
        remark = f"; {self.source.remark}" if self.source.remark else ""
        return f"TopPatches({self.layer!r}, {len(self.units)} units, {seen}{remark})"


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
    Images that cannot be read are left out, counted and named.
    An image counts once per unit, with the place where the unit answers most. Source: the nine patches of
    Zeiler and Fergus 2014, arXiv:1311.2901, figure 2.
    In a notebook with the widgets it is a live view, which fills while the images are looked through: all
    units, other layers, whole images; `units` are then those of the figure.
    Raises NetError for an unknown layer or unit, or a layer whose receptive field cannot be told,
    DataError where there are no images, or none can be read.
    """
    prepare, images = prepare or input_of(net), ImageSource(source, limit)
    if not len(images):
        raise DataError("there are no images to look at; give at least one")
    channels = Search(net, images, layer, count, prepare).units
    wanted = list(units) if units is not None else list(range(min(channels, MOST_UNITS)))
    if not wanted or not all(0 <= unit < channels for unit in wanted):
        raise NetError(f"{layer}: units are {wanted}, expected some of 0 to {channels - 1}")
    made = TopPatches(net, images, layer, wanted, count=count, prepare=prepare)
    if not frontends.shows(made):
        made.find(progress=progress)
    return made
