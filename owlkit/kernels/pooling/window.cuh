// Kernel, stride and padding of windows over images. KH, KW, SH, SW, PH, PW: where they are defined the compiler knows
// them: the loops over a window unroll into independent loads, and divisions by strides become multiplications.
// Otherwise they are what a kernel is given, for windows that follow the images' size.

#ifdef KH
struct Window {
    static constexpr int kh = KH, kw = KW, sh = SH, sw = SW, ph = PH, pw = PW;
    __device__ __forceinline__ Window(int, int, int, int, int, int) {}
#else
struct Window {
    int kh, kw, sh, sw, ph, pw;
    __device__ __forceinline__ Window(int kh, int kw, int sh, int sw, int ph, int pw)
        : kh(kh), kw(kw), sh(sh), sw(sw), ph(ph), pw(pw) {}
#endif
    // How many windows of one axis share a pixel.
    __device__ __forceinline__ constexpr int overlap_h() const { return (kh + sh - 1) / sh; }
    __device__ __forceinline__ constexpr int overlap_w() const { return (kw + sw - 1) / sw; }
};

// How far loops unroll. Constants, as the compiler expands no macros in its pragmas.
#ifdef KH
constexpr bool SMALL = KH * KW <= 32;
constexpr int ROWS = SMALL ? KH : 1, COLUMNS = SMALL ? KW : 4;
constexpr int OVER_ROWS = SMALL ? (KH + SH - 1) / SH : 1, OVER_COLUMNS = SMALL ? (KW + SW - 1) / SW : 4;
#else
constexpr int ROWS = 1, COLUMNS = 4, OVER_ROWS = 1, OVER_COLUMNS = 4;
#endif
