"""What has more values than a kernel's indices reach is refused before memory is taken for it."""

from __future__ import annotations

import pytest

from owlkit.core.tensor import Descriptor
from owlkit.kernels import Unsupported
from owlkit.kernels.batchnorm import BatchNorm
from owlkit.kernels.batchnorm.cuda import BatchNormKernel
from owlkit.kernels.convolution import Convolution
from owlkit.kernels.convolution.cudnn import CudnnKernel
from owlkit.kernels.cuda.program import LARGEST_INDEX
from owlkit.kernels.lstm_unit import LSTMUnit
from owlkit.kernels.lstm_unit.cuda import LSTMUnitKernel
from owlkit.kernels.recurrent import Recurrent
from owlkit.kernels.recurrent.cuda import RecurrentKernel
from owlkit.kernels.softmax import Softmax
from owlkit.kernels.softmax.cuda import SoftmaxKernel
from tests.support import emulated_gpu

STREAMS, UNITS = 1 << 14, 1 << 16  # 2^30 states, which an index reaches; not so their 2^32 gates


@pytest.mark.parametrize("kernel", [RecurrentKernel, LSTMUnitKernel])
def test_an_lstm_counts_its_gates(kernel: type) -> None:
    assert STREAMS * UNITS < LARGEST_INDEX < 4 * STREAMS * UNITS
    device = emulated_gpu.emulated_device(1 << 40)
    recurrent = kernel is RecurrentKernel
    spec = Recurrent("lstm", 1, STREAMS, UNITS) if recurrent else LSTMUnit(STREAMS, UNITS)
    with pytest.raises(Unsupported, match=f"{4 * STREAMS * UNITS} values are more than"):
        kernel(device, spec)
    assert device.gpu.driver.used == 0


@pytest.mark.parametrize(
    ("kernel", "spec"),
    [
        (BatchNormKernel, BatchNorm(Descriptor((2, STREAMS, UNITS)), 1e-5)),
        (SoftmaxKernel, Softmax(Descriptor((2, STREAMS, UNITS)), 1)),
    ],
)
def test_layers_over_a_whole_blob(kernel: type, spec: object) -> None:
    device = emulated_gpu.emulated_device(1 << 40)
    with pytest.raises(Unsupported, match=f"{2 * STREAMS * UNITS} values are more than"):
        kernel(device, spec)
    assert device.gpu.driver.used == 0


def test_a_convolution_counts_what_it_reads() -> None:
    """With a stride that is more than it writes."""
    x, y = (Descriptor((700, 64, size, size), "float16", True) for size in (224, 112))
    spec = Convolution(x, y, (64, 64, 2, 2), (2, 2), (0, 0), (1, 1), weights_channels_last=True)
    assert y.count < LARGEST_INDEX < x.count
    device = emulated_gpu.emulated_device(1 << 40, cudnn=True)
    with pytest.raises(Unsupported, match=f"{x.count} values are more than"):
        CudnnKernel(device, spec)
    assert device.gpu.driver.used == 0
