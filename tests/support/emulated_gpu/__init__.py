"""A stand-in for a GPU: the same kernels compiled for the CPU, with memory that is not the host's."""

from tests.support.emulated_gpu.device import available, emulated_device

__all__ = ["available", "emulated_device"]
