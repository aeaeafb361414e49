"""What is asked about an image, and the map that answers it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from owlkit.inspection.heatmaps import Heatmap, Place, by_occlusion
from owlkit.inspection.layerwise import Layerwise
from owlkit.inspection.occlusion import OnPlaces
from owlkit.inspection.saliency import METHODS as GRADIENTS
from owlkit.inspection.saliency import Saliency, show_saliency

if TYPE_CHECKING:
    from owlkit.net import Net

METHODS = ("occlusion", *GRADIENTS)


@dataclass(frozen=True)
class Wish:
    """A unit (None: what answers most) at a place (None: where), by a method; patch: side of the square."""

    layer: str
    unit: int | None
    at: tuple[int, int] | None
    method: str
    patch: int | None

    @classmethod
    def of(cls, view: Mapping[str, Any]) -> Wish:
        """What the browser's `view` asks for."""
        at, unit, patch = view.get("at"), view.get("unit"), view.get("patch")
        method = str(view.get("method") or "occlusion")
        return cls(
            str(view.get("layer")),
            None if unit is None else int(unit),
            None if at is None else (int(at[0]), int(at[1])),
            method,
            None if patch is None or method != "occlusion" else int(patch),
        )

    def answer(
        self, net: Net, seen: Layerwise, labels: list[str] | None, on_places: OnPlaces
    ) -> Heatmap | Saliency:
        """Of the image in `seen`. on_places : told how an occlusion goes on; see `occlude`."""
        if self.method == "occlusion":
            place, sizes = Place(self.layer, self.unit, self.at), (self.patch, None)
            return by_occlusion(
                net, seen.prepared, place, seen.prepare, labels, sizes=sizes, on_places=on_places
            )
        return show_saliency(
            net,
            seen.prepared,
            self.layer,
            self.unit,
            at=self.at,
            method=self.method,
            prepare=seen.prepare,
            labels=labels,
        )
