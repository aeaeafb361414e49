// Kernels have the type from cuda_on_cpu.h; cuBLAS's header only names it.
#pragma once
struct __half;
struct __half2;
