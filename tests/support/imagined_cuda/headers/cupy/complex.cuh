// What CuPy's elementwise kernels ask of the compiler; they compute with no complex numbers here.
#pragma once
#include <cassert>
#include <cstddef>
#include <cstdint>
using std::ptrdiff_t;
using std::size_t;
inline int __popcll(unsigned long long bits) { return __builtin_popcountll(bits); }
template <class X> struct complex { X real, imaginary; };
