"""The driver for CuPy multiplies matrices by cuBLAS."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from owlkit.core.errors import DeviceError
from owlkit.core.gpu import cublas
from owlkit.core.gpu.cupy_driver import CupyDriver
from owlkit.core.gpu.driver import Matrix
from owlkit.core.gpu.gpu import CaptureError, Gpu, OutOfMemoryError
from tests.core.on_fake_cuda import fetched
from tests.support.fake_cublas import FakeCublas
from tests.support.fake_cuda import FakeCuda

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
@pytest.mark.parametrize("turns", [(a, b, c) for a in (0, 1) for b in (0, 1) for c in (0, 1)])
@pytest.mark.parametrize("stack", [1, 3])
@pytest.mark.usefixtures("products")
def test_gemm(driver: CupyDriver, dtype: str, turns: tuple[int, int, int], stack: int) -> None:
    m, n, k, gap = 3, 4, 5, 2
    real = np.dtype(ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype)
    shapes, buffers, matrices, arrays = ((m, k), (k, n), (m, n)), [], [], []
    for shape, turned in zip(shapes, turns, strict=True):
        rows, width = (shape[1], shape[0]) if turned else shape
        whole = RNG.standard_normal((stack, rows, width + gap)).astype(real)
        buffers.append(driver.allocate(whole.nbytes))
        driver.upload(buffers[-1].pointer, whole)
        pitch = width + gap
        matrices.append(Matrix(buffers[-1].pointer, pitch, bool(turned), rows * pitch))
        seen = whole[:, :, :width]
        arrays.append((seen.swapaxes(1, 2) if turned else seen).astype(np.float64))
    driver.gemm((m, n, k), *matrices, dtype=dtype, beta=0.5, stack=stack)
    rows, width = (n, m) if turns[2] else (m, n)
    found = fetched(driver, buffers[2].pointer, np.empty((stack, rows, width + gap), real))[:, :, :width]
    result = (found.swapaxes(1, 2) if turns[2] else found).astype(np.float64)
    tolerance = {"float32": 1e-5, "float64": 1e-12, "float16": 4e-3, "bfloat16": 3e-2}[dtype]
    np.testing.assert_allclose(result, arrays[0] @ arrays[1] + 0.5 * arrays[2], tolerance, 4 * tolerance)


def test_gemm_rounds_to_tf32_only_when_asked(driver: CupyDriver, products: FakeCublas) -> None:
    x = driver.allocate(64)
    for dtype, tf32 in (("float32", False), ("float32", True), ("float64", True), ("float16", True)):
        matrix = Matrix(x.pointer, 2)
        driver.gemm((2, 2, 2), matrix, matrix, matrix, dtype=dtype, tf32=tf32)
    assert products.kinds == [68, 77, 70, 68]
    assert all(handle["mode"] == 16 for handle in products.handles.values()), "sums in float32"


def test_what_cublas_refuses_is_an_error(driver: CupyDriver, products: FakeCublas) -> None:
    x = driver.allocate(64)
    bad, good = Matrix(x.pointer, 1), Matrix(x.pointer, 2)
    with pytest.raises(DeviceError, match=r"cublasGemmEx: an unsupported value \(7\)"):
        driver.gemm((2, 2, 2), bad, good, good, dtype="float32")
    with pytest.raises(CaptureError, match=r"cannot be captured: cublasGemmEx"):
        Gpu(driver).capture(lambda: driver.gemm((2, 2, 2), bad, good, good, dtype="float32"))
    driver.gemm((0, 2, 2), good, good, good, dtype="float32")
    driver.gemm((2, 2, 2), good, good, good, dtype="float32", stack=0)
    assert products.kinds == []


@pytest.mark.usefixtures("products")
def test_no_memory_for_cublas(driver: CupyDriver, cuda: FakeCuda) -> None:
    matrix = Matrix(driver.allocate(64).pointer, 2)
    cuda.limit = cuda.used["device"] + 1000
    with pytest.raises(OutOfMemoryError, match=r"0\.0336 GB more"):
        driver.gemm((2, 2, 2), matrix, matrix, matrix, dtype="float32")


def test_no_cublas() -> None:
    with pytest.raises(DeviceError, match=r"libcublas\.so\.7.*pip install nvidia-cublas-cu7"):
        cublas.load(7)
