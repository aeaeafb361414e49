"""The stand-in finds a tensor whose type is not the one that a kernel or a product reads there."""

from __future__ import annotations

import pytest

from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels import activation, inner_product, softmax_loss
from tests.kernels.families.softmax_loss import Given
from tests.support import emulated_gpu

pytestmark = pytest.mark.skipif(not emulated_gpu.available(), reason="needs g++")
X = Descriptor((4, 6), "float16")


def tensors(*descriptors: Descriptor) -> list[Tensor]:
    return [Tensor(descriptor) for descriptor in descriptors]


def test_a_tensor_of_another_type() -> None:
    kernel = activation.make(emulated_gpu.emulated_device(), activation.Activation("relu", X))
    kernel.forward(*tensors(X, X))
    with pytest.raises(AssertionError, match="parameter 2 points to float16, not to float32"):
        kernel.forward(*tensors(X, Descriptor(X.shape)))


@pytest.mark.parametrize(("labels", "loss"), [("float16", "float32"), ("float32", "float16")])
def test_a_type_that_a_macro_names(labels: str, loss: str) -> None:
    kernel = softmax_loss.make(emulated_gpu.emulated_device(), softmax_loss.SoftmaxLoss(X, 1))

    class Own(Given):
        """In the type of the test."""

        def tensor(self) -> Tensor:
            return Tensor(Descriptor((4,), labels))

    given = Own(Tensor(Descriptor((4,))).array, None, "float32")
    with pytest.raises(AssertionError, match="points to float32, not to float16"):
        kernel.forward(*tensors(X, X), given, Tensor(Descriptor((), loss)))


def test_a_factor_of_a_product() -> None:
    y = Descriptor((4, 5), "float16")
    kernel = inner_product.make(
        emulated_gpu.emulated_device(), inner_product.InnerProduct(X, y, 4, 6, 5, bias=False)
    )
    with pytest.raises(AssertionError, match=r"gemm: parameter \d points to float16, not to float32"):
        kernel.forward(Tensor(X), Tensor(Descriptor((5, 6))), None, Tensor(y))


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
def test_its_own_type_fits(dtype: str) -> None:
    x = Descriptor((4, 6), dtype)
    kernel = activation.make(emulated_gpu.emulated_device(), activation.Activation("relu", x))
    kernel.forward(*tensors(x, x))
