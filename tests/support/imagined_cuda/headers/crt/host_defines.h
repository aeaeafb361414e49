// What CUDA's headers expect of a compiler; NVIDIA's own file of this name is in a package that nothing else needs.
#pragma once
#define __host__
#define __device__
#define __align__(n) __attribute__((aligned(n)))
#define __builtin_align__(n) __align__(n)
#define __device_builtin__
#define __cudart_builtin__
#define CUDARTAPI
