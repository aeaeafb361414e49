"""Convolution by cuDNN: a plan for each of the three calls.

Bias and ReLU are part of the forward plan. The bias's gradient is our own sum, and a weight gradient that is
to be added goes through scratch memory, for cuDNN's convolutions only write. Deconvolution is the same kernel
with the calls exchanged.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from owlkit.core.gpu.device import GpuDevice
from owlkit.core.sizes import size
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels import Unsupported
from owlkit.kernels.cuda.biases import Biases
from owlkit.kernels.cuda.program import check_count, pack, program
from owlkit.kernels.cudnn import B, Plan, Problem, W, X, Y, make_plan

if TYPE_CHECKING:
    from owlkit.kernels.convolution import Convolution

ALIGNMENT = 256  # bytes


class CudnnKernel:
    """See `owlkit.kernels.convolution.make` for the calls. Plans are made for those that will be asked.

    The calls whose names begin with "run" take addresses, that of memory for the plan included.
    most_workspace : bytes; for plans that need more, Unsupported is raised.
    workspace : bytes that the largest plan needs. engines : of the plans, as cuDNN numbers them.
    """

    def __init__(self, device: GpuDevice, spec: Convolution, most_workspace: int | None = None) -> None:
        check_count(spec.x, spec.y)  # cuDNN plans for more, which is tried nowhere
        self._device, self._gpu, self._spec = device, device.gpu, spec
        self._w = Descriptor(spec.weights, spec.x.dtype, spec.weights_channels_last)
        make = partial(self._plan, device)
        fused = spec.bias and spec.relu
        self._forward = make("fprop", bias=spec.bias, relu=fused) if spec.forward else None
        self._data = make("dgrad") if spec.data_gradient else None
        self._params = make("wgrad") if spec.train else None
        self._biases = Biases(device, spec.y) if spec.bias or spec.relu else None
        plans = [plan for plan in (self._forward, self._data, self._params) if plan is not None]
        self.workspace = max(plan.workspace for plan in plans)
        self.engines = " ".join(plan.engine for plan in plans)
        if most_workspace is not None and self.workspace > most_workspace:
            wanted = f"{size(self.workspace)} of workspace, and {size(most_workspace)} are worth it"
            raise Unsupported(f"{self.engines} would take {wanted}")
        self.detail = f"{self.engines}, {size(self.workspace)}"
        device.reserve_scratch(self.workspace)
        if self._params is not None:
            self._prepare_adding(self._params)

    def _plan(self, device: GpuDevice, kind: str, bias: bool = False, relu: bool = False) -> Plan:
        s = self._spec
        return make_plan(device, Problem(kind, s.x, self._w, s.y, s.stride, s.pad, s.dilation, bias, relu))

    def _prepare_adding(self, plan: Plan) -> None:
        """Room for a gradient behind the plan's workspace, and the kernel that adds it."""
        check_count(self._w)
        self._behind = -(-plan.workspace // ALIGNMENT) * ALIGNMENT
        self._device.reserve_scratch(self._behind + self._w.nbytes)
        dtype = self._w.dtype
        self._add = partial(
            program(self._device, "cudnn/add.cu", dtype).function("add").each,
            self._w.count,
            per_thread=pack(dtype),
        )

    def _read(self, tensor: Tensor) -> int:
        return self._gpu.pointer(tensor, reads=True, writes=False)

    def _written(self, tensor: Tensor) -> int:
        return self._gpu.pointer(tensor, reads=False, writes=True)

    def forward(self, x: Tensor, w: Tensor, b: Tensor | None, y: Tensor) -> None:
        self.run_forward(self._read(x), self._read(w), b, y, self._device.workspace())

    def run_forward(self, x: int, w: int, b: Tensor | None, y: Tensor, workspace: int) -> None:
        assert self._forward is not None, "forward was False"
        places = {X: x, W: w}
        if b is not None:
            places[B] = self._read(b)
        places[Y] = self._written(y)
        self._forward(places, workspace)
        if self._spec.relu and b is None and self._biases is not None:
            self._biases.add(y, None, relu=True)

    def backward_data(self, dy: Tensor, w: Tensor, dx: Tensor) -> None:
        assert self._data is not None, "data_gradient was False"
        places = {Y: self._read(dy), W: self._read(w), X: self._written(dx)}
        self._data(places, self._device.workspace())

    def backward_params(
        self, x: Tensor, dy: Tensor, dw: Tensor | None, db: Tensor | None, accumulate: bool
    ) -> None:
        if dw is not None:
            self._weight_gradient(x, dy, dw, accumulate)
        self.sum_biases(dy, db, accumulate)

    def _weight_gradient(self, x: Tensor, dy: Tensor, dw: Tensor, accumulate: bool) -> None:
        workspace = self._device.workspace()
        target = workspace + self._behind if accumulate else self._written(dw)
        self.run_params(self._read(x), dy, target, workspace)
        if accumulate:
            self._add(target, dw)

    def run_params(self, x: int, dy: Tensor, dw: int, workspace: int) -> None:
        assert self._params is not None, "train was False"
        self._params({X: x, Y: self._read(dy), W: dw}, workspace)

    def sum_biases(self, dy: Tensor, db: Tensor | None, accumulate: bool) -> None:
        """db = the sum of dy over each channel, or db += that; nothing where db is None."""
        if db is not None and self._biases is not None:
            self._biases.sum(dy, db, accumulate)
