"""Gives Python programs that tests start the imagined CUDA, where it is asked for; see the package."""

from tests.support import imagined_cuda

if imagined_cuda.wanted():
    imagined_cuda.begin()
