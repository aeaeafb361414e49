"""Our CUDA kernels: what the comparison with the reference does not cover."""
