"""What every layer is: Caffe's four methods, plus `prepare`, which makes kernels once the shapes are known.

The life of a layer: `setup` reads its parameters and declares its learned blobs, `reshape` infers the shapes
of its tops (no memory, no device, so a net can be looked at without allocating it), `prepare` makes kernels
for these shapes, then `forward` and `backward` run. Validation belongs into the first two: the hot path has
no checks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from owlkit.core.blob import Blob
from owlkit.core.claims import Claims
from owlkit.core.device import Device
from owlkit.core.dtypes import wide
from owlkit.core.errors import NetError, closest
from owlkit.core.tensor import Tensor

Blobs = Sequence[Blob]
#: A type by name; None: as it comes.
Dtype = str | None


@dataclass(frozen=True)
class Arity:
    """How many bottoms or tops a layer takes; None means no limit on that side."""

    minimum: int = 0
    maximum: int | None = None

    @classmethod
    def exactly(cls, count: int) -> Arity:
        return cls(count, count)

    def allows(self, count: int) -> bool:
        return count >= self.minimum and (self.maximum is None or count <= self.maximum)

    def __str__(self) -> str:
        if self.minimum == self.maximum:
            return f"{self.minimum}"
        return f"{self.minimum} to {self.maximum}" if self.maximum is not None else f"at least {self.minimum}"


class Layer:
    """Base of all layers. Subclasses are named as their type in prototxt.

    param : LayerParameter, the definition.
    phase : "train" or "test".
    rng : numpy Generator of this layer alone, seeded from the net's seed and the layer's name.
    dtype : what it computes in; `half_net` : whether the net computes in half precision; `bottom_dtypes` :
        what it takes of each bottom. Set before `setup`.
    blobs : learned parameters, in the order of the caffemodel.
    working : what kernels take for each of `blobs`: these themselves, or in a net of half precision blobs
        beside them, whose data are rounded to what the layer computes in and whose gradients are added to
        theirs (`net.working`).
    claims : what its step takes beside the net's blobs, since it was last prepared.
    cast_bottoms : by index, the blobs that it takes in place of bottoms in another type (`net.casts`);
        cast_from : by index, these types; known before `prepare`.
    fillers : the FillerParameter (or None: zeros) that initialises each of `blobs`.
    loss_weights : per top; 0 where the top is no loss.
    param_propagate_down : per parameter, whether its gradient is wanted.
    propagate_down : per bottom, whether its gradient is wanted; known before `prepare`.
    """

    type: ClassVar[str] = ""
    bottoms: ClassVar[Arity] = Arity.exactly(1)
    tops: ClassVar[Arity] = Arity.exactly(1)
    #: Whether bottom and top may be the same blob.
    in_place: ClassVar[bool] = False
    #: Whether backward reads the bottom's data, so that running in place needs a copy of it (BatchNorm).
    wants_private_bottom: ClassVar[bool] = False
    #: Whether the layer is a source of data with a position (has `state` and `restore_state`).
    is_data: ClassVar[bool] = False
    #: Bottoms that never get a gradient (labels), by index; `setup` may set it.
    no_gradient: tuple[int, ...] = ()
    #: Whether missing tops are made up with a name of their own, up to the minimum (loss layers).
    auto_tops: ClassVar[bool] = False
    #: Whether forward may reshape the tops (Filter, Python): the plan then renews what follows. A layer may
    #: set it for itself in `setup`.
    reshapes_in_forward: bool = False
    #: Loss weight of top 0 where the definition gives none.
    default_loss_weight: ClassVar[float] = 0.0
    #: What it computes in where the net's precision is half. "follow": what its bottoms have; "half": half
    #: precision whatever comes in (products with weights); "wide": float32.
    precision: ClassVar[str] = "follow"
    #: Bottoms (labels, numbers of rows) and tops (losses) that are float32 in every case, by index.
    wide_bottoms: ClassVar[tuple[int, ...]] = ()
    wide_tops: ClassVar[tuple[int, ...]] = ()

    def __init__(self, param: Any, phase: str, rng: np.random.Generator | None = None) -> None:
        self.param = param
        self.name: str = param.name
        self.phase = phase
        self.rng = rng if rng is not None else np.random.default_rng(0)
        self.dtype, self.half_net = "float32", False
        self.blobs: list[Blob] = []
        self.working: list[Blob] = []
        self.bottom_dtypes: list[str] = []
        self.cast_bottoms: dict[int, Blob] = {}
        self.cast_from: dict[int, str] = {}
        self.fillers: list[Any] = []
        self.loss_weights: list[float] = []
        self.param_propagate_down: list[bool] = []
        self.propagate_down: list[bool] = []
        self.absorbed: list[Layer] = []
        self.claims: Claims | None = None

    # -- what a layer type defines
    def setup(self, bottom: Blobs, top: Blobs) -> None:
        """Read and check the parameters; declare learned blobs by `add_param`."""

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        """Set the shapes of the tops from those of the bottoms."""
        raise TypeError(f"{type(self).__name__} does not define reshape")

    def prepare(self, device: Device, bottom: Blobs, top: Blobs) -> None:
        """Make kernels for the present shapes; called again whenever shapes change."""

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        """Compute the tops' data from the bottoms' data."""
        raise TypeError(f"{type(self).__name__} does not define forward")

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        """Write the bottoms' diffs (where `propagate_down` says so) and add to the parameters' diffs."""
        raise TypeError(f"{type(self).__name__} does not define backward")

    def check_bottoms(self, bottom: Blobs) -> None:
        """Raise DataError for bottoms that make no sense (labels out of range).

        Asked where a loss is not finite: kernels on a GPU cannot raise, and give NaN for such bottoms.
        """

    def dtypes(self, half: str, given: Sequence[str], tops: int) -> tuple[str, list[Dtype], list[str]]:
        """In a net of half precision: what it computes in, wants of each bottom, and gives in each top.

        half : the net's type. given : what the bottoms have.
        """
        counted = [dtype for i, dtype in enumerate(given) if i not in self.wide_bottoms]
        narrow = self.precision == "half" or (self.precision == "follow" and half in counted)
        mine = half if narrow else "float32"
        wanted: list[Dtype] = ["float32" if i in self.wide_bottoms else mine for i in range(len(given))]
        return mine, wanted, ["float32" if i in self.wide_tops else mine for i in range(tops)]

    def macs(self, bottom: Blobs, top: Blobs) -> int:
        """Multiply-adds of one forward pass."""
        return 0

    def absorb(self, follower: Layer) -> bool:
        """Take over the work of the in-place layer that follows, where one kernel can do both.

        Called before `prepare`. A layer that returns True has appended `follower` to `absorbed`, and its
        forward and backward then do the follower's part too, leaving every visible blob as if both had run.
        """
        return False

    def top_survives(self, follower: Layer) -> bool:
        """Whether backward still works after the in-place `follower` has overwritten the top's data.

        False for layers whose backward reads their own top. The plan then gives them a top of their own.
        """
        return all(layer.top_survives(follower) for layer in self.absorbed)

    def reads_uncast(self, index: int) -> bool:
        """Whether its kernels, once prepared, read bottom `index` as it comes, in the type of `cast_from`."""
        return False

    def passes_gradient(self, index: int) -> bool:
        """Whether the gradient of bottom `index` equals the top's, so that both may share memory."""
        return False

    def describe(self) -> str:
        """The parameters that matter, in a few words, for tables: "20 of 5x5, stride 2"."""
        return ""

    @property
    def implementation(self) -> str:
        """Which kernel implementation is in use, for the plan's table."""
        return str(getattr(getattr(self, "kernel", None), "implementation", ""))

    # -- state that a snapshot must carry for a bit-identical resume
    def state(self) -> dict[str, Any]:
        """JSON-able state beyond the learned blobs (positions); the generator's state is kept by the net."""
        return {}

    def restore_state(self, state: dict[str, Any]) -> None:
        """Go on from what `state` returned."""

    # -- state that a forward pass changes for good
    def moving(self) -> Sequence[Tensor]:
        """What forward changes besides the tops, of tensors that kernels use: counts of random numbers,
        running averages, states that are carried on. Known after `prepare`.
        """
        return ()

    @property
    def draws_on_host(self) -> bool:
        """Whether forward draws from `rng`. Known after `prepare`."""
        return False

    # -- memory of the device beside that of blobs and kernels
    def lane_bytes(self) -> tuple[int, int]:
        """What batches on their way to the device take there: (in all, already)."""
        return 0, 0

    def take_lanes(self) -> None:
        """Take that now."""

    # -- help for subclasses
    def add_param(self, shape: Sequence[int], filler: Any = None) -> Blob:
        """Declare a learned blob, `shape`, initialised by `filler` (FillerParameter; None: zeros).

        Kernels take the one of `working` that belongs to it.
        """
        name = f"{self.name}[{len(self.blobs)}]"
        blob = Blob(tuple(shape), wide(self.dtype), name, parameter=True)
        self.blobs.append(blob)
        self.working.append(self._beside(blob) if self.half_net else blob)
        self.fillers.append(filler)
        self.param_propagate_down.append(True)
        return blob

    def _beside(self, blob: Blob) -> Blob:
        """The working blob of a learned one in a net of half precision."""
        mine = self.dtype if self.precision == "half" else blob.dtype
        working = Blob(blob.shape, mine, blob.name, parameter=True)
        if mine == blob.dtype:
            working.share_data(blob)
        return working

    def begin_accumulate(self) -> bool:
        """Whether the wanted parameter gradients must be added to (True) or written over (False).

        Where only some were cleared (one of them is shared with another layer), these are zeroed and all are
        added to.
        """
        wanted = self.param_propagate_down
        cleared = [blob for i, blob in enumerate(self.working) if wanted[i] and not blob.begin_accumulate()]
        if len(cleared) == wanted.count(True):
            return False
        for blob in cleared:
            blob.diff_tensor.zero()
        return True

    def filters(self) -> list[Blob]:
        """Learned blobs, with their working ones, that may lie channels-last in memory where a device wants
        filters so.
        """
        return []

    def param_tensors(self) -> tuple[Any, Any]:
        """(weights, bias) as kernels take them; None where there is no bias."""
        blobs = self.working
        return blobs[0].data_tensor, blobs[1].data_tensor if len(blobs) > 1 else None

    def param_gradients(self) -> tuple[Any, Any]:
        """Where the gradients of (weights, bias) go; None where one is not wanted, or there is no bias."""
        blobs, wanted = self.working, self.param_propagate_down
        dw = blobs[0].diff_tensor if wanted[0] else None
        return dw, blobs[1].diff_tensor if len(blobs) > 1 and wanted[1] else None

    @property
    def wants_params(self) -> bool:
        """Whether the gradient of any parameter is wanted."""
        return True in self.param_propagate_down

    def wants_param(self, index: int) -> bool:
        """Whether the gradient of parameter `index` is wanted (False where its lr_mult is 0)."""
        return index < len(self.blobs) and self.param_propagate_down[index]

    def error(self, message: str, blob: Blob | None = None) -> NetError:
        """The error to raise: names the layer, and the blob where one is to blame."""
        where = f" (blob {blob.given_name!r}, shape {blob.shape})" if blob is not None else ""
        return NetError(f"{self.name} ({self.type}): {message}{where}")

    def __repr__(self) -> str:
        return f"{self.type}({self.name!r})"


LAYERS: dict[str, type[Layer]] = {}
#: Types that users define with `owlkit.layer`, in a cell or a script.
NAMED: dict[str, type[Layer]] = {}


def register(name: str) -> Callable[[type[Layer]], type[Layer]]:
    """Class decorator: make a layer known under its prototxt type."""

    def add(cls: type[Layer]) -> type[Layer]:
        known = LAYERS.get(name)
        if known is not None and known.__module__ != cls.__module__:
            raise ValueError(f"layer type {name!r} is already registered by {known.__module__}")
        cls.type = name
        LAYERS[name] = cls
        return cls

    return add


def create(param: Any, phase: str, rng: np.random.Generator | None = None) -> Layer:
    """The layer that a LayerParameter defines.

    Raises NetError for a type that is not known, with the closest name.
    """
    cls = LAYERS.get(param.type) or NAMED.get(param.type)
    if cls is None:
        hint = closest(param.type, [*LAYERS, *NAMED])
        raise NetError(
            f"{param.name}: this version of owlkit has no layer type {param.type!r}{hint}; "
            "for one of your own, run the cell that defines it (@owlkit.layer)"
        )
    return cls(param, phase, rng)
