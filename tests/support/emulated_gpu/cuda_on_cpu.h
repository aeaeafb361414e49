// CUDA's language for a C++ compiler: the threads of a block run one after the other, as fibers where they wait for
// each other. Only what the kernels use is here.
#pragma once
#include <setjmp.h>
#include <ucontext.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __shared__ static
#define __constant__ static
#define __restrict__
#define __launch_bounds__(...)
#define __align__(n) __attribute__((aligned(n)))
#define __ldg(pointer) (*(pointer))

struct dim3 { unsigned x, y, z; };
static dim3 gridDim, blockDim, blockIdx, threadIdx;

struct float2 { float x, y; };
struct float4 { float x, y, z, w; };
struct uint2 { unsigned x, y; };
struct uint4 { unsigned x, y, z, w; };
struct int2 { int x, y; };
struct int4 { int x, y, z, w; };

template <class X, class Y> auto min(X a, Y b) { return a < b ? a : b; }
template <class X, class Y> auto max(X a, Y b) { return a > b ? a : b; }
inline float rsqrtf(float x) { return 1.0f / std::sqrt(x); }
inline double rsqrt(double x) { return 1.0 / std::sqrt(x); }
inline float rsqrt(float x) { return 1.0f / std::sqrt(x); }
inline float __expf(float x) { return std::exp(x); }
inline float __logf(float x) { return std::log(x); }
inline float __powf(float x, float y) { return std::pow(x, y); }
inline unsigned __umulhi(unsigned a, unsigned b) { return (unsigned)(((uint64_t)a * b) >> 32); }
inline int __float_as_int(float x) { int i; std::memcpy(&i, &x, 4); return i; }
inline unsigned __float_as_uint(float x) { unsigned i; std::memcpy(&i, &x, 4); return i; }
inline float __int_as_float(int i) { float x; std::memcpy(&x, &i, 4); return x; }
inline int __popc(unsigned x) { return __builtin_popcount(x); }

struct __half {
    _Float16 value;
    __half() = default;
    __half(float x) : value(x) {}
    operator float() const { return value; }
};
struct __nv_bfloat16 {
    uint16_t bits;
    __nv_bfloat16() = default;
    __nv_bfloat16(float x) {
        uint32_t all;
        std::memcpy(&all, &x, 4);
        bits = std::isnan(x) ? 0x7fff : (all + 0x7fff + ((all >> 16) & 1)) >> 16;  // to the nearest, ties to even
    }
    operator float() const {
        uint32_t all = (uint32_t)bits << 16;
        float x;
        std::memcpy(&x, &all, 4);
        return x;
    }
};

template <class X> X atomicAdd(X* place, X value) { X old = *place; *place = X(old + value); return old; }
template <class X> X atomicMax(X* place, X value) { X old = *place; *place = std::max(old, value); return old; }
template <class X> X atomicMin(X* place, X value) { X old = *place; *place = std::min(old, value); return old; }
template <class X> X atomicOr(X* place, X value) { X old = *place; *place = old | value; return old; }
template <class X> X atomicExch(X* place, X value) { X old = *place; *place = value; return old; }
template <class X> X atomicCAS(X* place, X expected, X value) {
    X old = *place;
    if (old == expected) *place = value;
    return old;
}
inline void __threadfence() {}

alignas(64) static unsigned char dynamic_shared_[256 * 1024];
#define DYNAMIC_SHARED(type, name) type* name = reinterpret_cast<type*>(dynamic_shared_)

#ifdef FIBERS
enum State { READY, AT_BLOCK, AT_WARP, DONE };
struct Fiber { ucontext_t context; jmp_buf place; bool begun; State state; dim3 index; };
static const size_t STACK = 96 * 1024;
static Fiber fibers[1024];  // no containers: linking with the C++ library takes long
static size_t alive;        // threads of the block
static ucontext_t scheduler;
static jmp_buf scheduler_place;
static int current;
static void (*body)();

static void wait_as(State state) {
    fibers[current].state = state;
    if (_setjmp(fibers[current].place) == 0) _longjmp(scheduler_place, 1);  // swapcontext would call the system
    threadIdx = fibers[current].index;
}
static void run_fiber() {
    for (;;) {  // a block after the other
        body();
        wait_as(DONE);
    }
}
inline void __syncthreads() { wait_as(AT_BLOCK); }
inline void __syncwarp(unsigned = 0xffffffffu) { wait_as(AT_WARP); }

static uint64_t lanes[1024];
template <class X> X exchange(X value, int from) {
    std::memcpy(&lanes[current], &value, sizeof(X));
    __syncwarp();
    X other;
    int place = current / 32 * 32 + (from & 31);
    std::memcpy(&other, &lanes[place < (int)alive ? place : current], sizeof(X));
    __syncwarp();
    return other;
}
template <class X> X __shfl_sync(unsigned, X value, int lane) { return exchange(value, lane); }
template <class X> X __shfl_xor_sync(unsigned, X value, int mask) { return exchange(value, (current & 31) ^ mask); }
template <class X> X __shfl_down_sync(unsigned, X value, unsigned by) {
    int lane = (current & 31) + by;
    return exchange(value, lane < 32 ? lane : current & 31);
}
template <class X> X __shfl_up_sync(unsigned, X value, unsigned by) {
    int lane = (current & 31) - (int)by;
    return exchange(value, lane >= 0 ? lane : current & 31);
}
inline unsigned __ballot_sync(unsigned, bool vote) {
    unsigned all = 0;
    for (int lane = 0; lane < 32; lane++) all |= (unsigned)exchange((int)vote, lane) << lane;
    return all;
}

static void resume(Fiber& fiber) {
    if (_setjmp(scheduler_place)) return;
    if (fiber.begun) _longjmp(fiber.place, 1);
    fiber.begun = true;
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = std::malloc(STACK);
    fiber.context.uc_stack.ss_size = STACK;
    fiber.context.uc_link = nullptr;
    makecontext(&fiber.context, run_fiber, 0);
    swapcontext(&scheduler, &fiber.context);
}

static bool release(size_t first, size_t last, State state) {
    bool any = false, ended = false;
    for (size_t i = first; i < last; i++) {
        if (fibers[i].state != state && fibers[i].state != DONE) return false;
        (fibers[i].state == DONE ? ended : any) = true;
    }
    if (any && ended && state == AT_WARP) {
        std::fprintf(stderr, "a shuffle among threads of which some have ended\n");
        std::abort();
    }
    for (size_t i = first; any && i < last; i++)
        if (fibers[i].state == state) fibers[i].state = READY;
    return any;
}
static void run_block() {
    size_t count = blockDim.x * blockDim.y * blockDim.z;
    alive = count;
    for (size_t i = 0; i < count; i++) {
        fibers[i].state = READY;
        fibers[i].index = {unsigned(i % blockDim.x), unsigned(i / blockDim.x % blockDim.y),
                           unsigned(i / blockDim.x / blockDim.y)};
    }
    for (;;) {
        bool ran = false;
        for (size_t i = 0; i < count; i++) {
            if (fibers[i].state != READY) continue;
            current = i, ran = true;
            threadIdx = fibers[i].index;
            resume(fibers[i]);
        }
        if (ran) continue;
        bool freed = false;
        for (size_t w = 0; w < count; w += 32) freed |= release(w, std::min(w + 32, count), AT_WARP);
        if (!freed) freed = release(0, count, AT_BLOCK);
        if (freed) continue;
        for (size_t i = 0; i < count; i++)
            if (fibers[i].state != DONE) {
                std::fprintf(stderr, "a kernel's threads wait for each other for ever\n");
                std::abort();
            }
        return;
    }
}
#else  // nobody waits: plain calls
inline void __syncthreads() { std::abort(); }
template <class X> X __shfl_xor_sync(unsigned, X, int) { std::abort(); }
static void (*body)();
static void run_block() {
    for (threadIdx.z = 0; threadIdx.z < blockDim.z; threadIdx.z++)
        for (threadIdx.y = 0; threadIdx.y < blockDim.y; threadIdx.y++)
            for (threadIdx.x = 0; threadIdx.x < blockDim.x; threadIdx.x++) body();
}
#endif

static void run_grid(const unsigned* grid, const unsigned* block) {
    gridDim = {grid[0], grid[1], grid[2]};
    blockDim = {block[0], block[1], block[2]};
    for (blockIdx.z = 0; blockIdx.z < grid[2]; blockIdx.z++)
        for (blockIdx.y = 0; blockIdx.y < grid[1]; blockIdx.y++)
            for (blockIdx.x = 0; blockIdx.x < grid[0]; blockIdx.x++) run_block();
}

// What a kernel's parameters point to, a letter each: '.' for numbers, and for what is no type of a blob.
template <class X> struct Letter { static const char value = '.'; };
template <> struct Letter<float> { static const char value = 'f'; };
template <> struct Letter<double> { static const char value = 'd'; };
template <> struct Letter<__half> { static const char value = 'h'; };
template <> struct Letter<__nv_bfloat16> { static const char value = 'b'; };
template <class X> struct Pointed { static const char value = '.'; };
template <class X> struct Pointed<X*> { static const char value = Letter<X>::value; };
template <class X> struct Pointed<const X*> { static const char value = Letter<X>::value; };
template <class... Types>
const char* letters(void (*)(Types...)) {
    static const char found[] = {Pointed<Types>::value..., 0};
    return found;
}

// Calls a kernel with arguments that lie at given addresses.
static void** arguments;
template <class... Types, size_t... I>
void call(void (*kernel)(Types...), std::index_sequence<I...>) { kernel(*(Types*)arguments[I]...); }
template <class... Types>
void call(void (*kernel)(Types...)) { call(kernel, std::index_sequence_for<Types...>()); }
#define LAUNCHER(name)                                                                               \
    extern "C" void launch_##name(const unsigned* grid, const unsigned* block, void** args) { \
        arguments = args;                                                                            \
        body = [] { call(name); };                                                                   \
        run_grid(grid, block);                                                                       \
    }                                                                                                \
    extern "C" const char* types_##name() { return letters(name); }
