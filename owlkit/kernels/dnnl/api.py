"""Constants and signatures of oneDNN's C API (dnnl.h, dnnl_types.h of version 3), as far as owlkit goes."""

from __future__ import annotations

import ctypes as C
from collections.abc import Callable
from functools import cache
from typing import Any

from owlkit.core import forks
from owlkit.core.errors import DeviceError
from owlkit.kernels import Unsupported
from owlkit.kernels.dnnl import library

# dnnl_data_type_t, dnnl_format_tag_any
F32, U8, ANY = 3, 6, 1
# dnnl_prop_kind_t
TRAINING, INFERENCE, BACKWARD, BACKWARD_DATA = 64, 96, 128, 160
# DNNL_ARG_*
SRC, SRC_1, DST, WEIGHTS, BIAS, MEAN, VARIANCE, SCALE, SHIFT, WORKSPACE, SCRATCHPAD = (
    1, 2, 17, 33, 41, 49, 50, 51, 52, 64, 80,
)  # fmt: skip
DIFF_SRC, DIFF_DST, DIFF_WEIGHTS, DIFF_BIAS, DIFF_SCALE, DIFF_SHIFT = 129, 145, 161, 169, 255, 256
MULTIPLE_SRC, ATTR_SCALES, MULTIPLE_POST_OP = 1024, 4096, 32768
# dnnl_query_t: the memory descriptor of each argument
QUERY = {SRC: 129, DIFF_SRC: 130, WEIGHTS: 131, DIFF_WEIGHTS: 132, DST: 133, DIFF_DST: 134, WORKSPACE: 135,
         SCRATCHPAD: 136}  # fmt: skip
QUERY_IMPLEMENTATION = 8
# dnnl_alg_kind_t
CONVOLUTION_DIRECT = 1
RELU, TANH, ELU, SQUARE, ABS, SQRT, LINEAR = 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26
SOFT_RELU, LOGISTIC, EXP, SWISH, LOG = 0x27, 0x29, 0x2A, 0x2C, 0x2D
CLIP, POW, HARDSWISH = 0x2E, 0x30, 0x34
RELU_FROM_DST, TANH_FROM_DST, ELU_FROM_DST = 0x100, 0x101, 0x102
SQRT_FROM_DST, LOGISTIC_FROM_DST, EXP_FROM_DST = 0x103, 0x104, 0x105
POOL_MAX, POOL_AVE_INCLUDE_PADDING, POOL_AVE_EXCLUDE_PADDING = 0x1FF, 0x2FF, 0x3FF
LRN_ACROSS_CHANNELS, SOFTMAX_ACCURATE = 0xAFF, 0x30000
BINARY_ADD, BINARY_MUL, BINARY_MAX, BINARY_DIV, BINARY_SUB = 0x1FFF0, 0x1FFF1, 0x1FFF2, 0x1FFF4, 0x1FFF5
BINARY_GE, BINARY_GT = 0x1FFF6, 0x1FFF7
# dnnl_normalization_flags_t
NORM_GLOBAL_STATS, NORM_SCALE, NORM_SHIFT, NORM_RELU = 1, 2, 4, 8
# dnnl_scratchpad_mode_user: scratch memory is ours, so a net may run in another thread than it was built in
SCRATCHPAD_USER = 1

_STATUS = {
    1: "out of memory",
    2: "invalid arguments",
    3: "unimplemented",
    4: "last implementation reached",
    5: "runtime error",
    6: "not required",
}
Pointer, Int, Unsigned, Float, Long = C.c_void_p, C.c_int, C.c_uint, C.c_float, C.c_int64
Out = C.POINTER(C.c_void_p)  # where a create function writes its handle
Dims = C.POINTER(C.c_int64)

SIGNATURES: dict[str, tuple[Any, ...]] = {
    "engine_create": (Out, Int, C.c_size_t),
    "stream_create": (Out, Pointer, Unsigned),
    "memory_desc_create_with_strides": (Out, Int, Dims, Int, Dims),
    "memory_desc_create_with_tag": (Out, Int, Dims, Int, Int),
    "memory_desc_clone": (Out, Pointer),
    "memory_desc_destroy": (Pointer,),
    "memory_create": (Out, Pointer, Pointer, Pointer),
    "memory_destroy": (Pointer,),
    "primitive_create": (Out, Pointer),
    "primitive_destroy": (Pointer,),
    "primitive_desc_destroy": (Pointer,),
    "primitive_desc_query": (Pointer, Int, Int, Pointer),
    "primitive_attr_create": (Out,),
    "primitive_attr_destroy": (Pointer,),
    "primitive_attr_set_scratchpad_mode": (Pointer, Int),
    "primitive_attr_set_scales_mask": (Pointer, Int, Int),
    "primitive_attr_set_post_ops": (Pointer, Pointer),
    "post_ops_create": (Out,),
    "post_ops_destroy": (Pointer,),
    "post_ops_append_eltwise": (Pointer, Int, Float, Float),
    "post_ops_append_sum": (Pointer, Float, C.c_int32, Int),
    "post_ops_append_binary": (Pointer, Int, Pointer),
}
# After (primitive_desc**, engine): what each kind takes before the attributes.
CREATORS: dict[str, tuple[Any, ...]] = {
    "convolution_forward": (Int, Int) + (Pointer,) * 8,
    "convolution_backward_data": (Int,) + (Pointer,) * 8,
    "convolution_backward_weights": (Int,) + (Pointer,) * 9,
    "inner_product_forward": (Int,) + (Pointer,) * 4,
    "inner_product_backward_data": (Pointer,) * 4,
    "inner_product_backward_weights": (Pointer,) * 5,
    "matmul": (Pointer,) * 4,
    "pooling_forward": (Int, Int) + (Pointer,) * 7,
    "pooling_backward": (Int,) + (Pointer,) * 8,
    "lrn_forward": (Int, Int, Pointer, Pointer, Long, Float, Float, Float),
    "lrn_backward": (Int, Pointer, Pointer, Pointer, Long, Float, Float, Float, Pointer),
    "eltwise_forward": (Int, Int, Pointer, Pointer, Float, Float),
    "eltwise_backward": (Int, Pointer, Pointer, Pointer, Float, Float, Pointer),
    "softmax_forward": (Int, Int, Pointer, Pointer, Int),
    "softmax_backward": (Int, Pointer, Pointer, Pointer, Int, Pointer),
    "binary": (Int, Pointer, Pointer, Pointer),
    "prelu_forward": (Int, Pointer, Pointer, Pointer),
    "prelu_backward": (Pointer,) * 6,
    "reduction": (Int, Pointer, Pointer, Float, Float),
    "layer_normalization_forward": (Int, Pointer, Pointer, Pointer, Float, Unsigned),
    "layer_normalization_backward": (Int, Pointer, Pointer, Pointer, Pointer, Float, Unsigned, Pointer),
    "batch_normalization_forward": (Int, Pointer, Pointer, Float, Unsigned),
    "batch_normalization_backward": (Int, Pointer, Pointer, Pointer, Float, Unsigned, Pointer),
}


@cache
def function(name: str) -> Callable[..., None]:
    """dnnl_<name>, raising Unsupported or DeviceError where oneDNN reports a failure."""
    call = getattr(library.load(), f"dnnl_{name}")
    call.argtypes, call.restype = SIGNATURES[name], Int
    call.errcheck = lambda status, _function, _args: check(status, name)
    return call


@cache
def creator(kind: str) -> Callable[..., None]:
    """dnnl_<kind>_primitive_desc_create."""
    name = f"{kind}_primitive_desc_create"
    call = getattr(library.load(), f"dnnl_{name}")
    call.argtypes, call.restype = (Out, Pointer, *CREATORS[kind], Pointer), Int
    call.errcheck = lambda status, _function, _args: check(status, name)
    return call


@cache
def execute() -> Callable[..., int]:
    """dnnl_primitive_execute, for arguments that are C values already; it returns the status.

    No argtypes: ctypes would look at every argument of every call.
    """
    return library.load()["dnnl_primitive_execute"]


def check(status: int, what: str) -> None:
    """Raise for a status other than success: Unsupported where oneDNN has no such primitive."""
    if status == 0:
        return
    text = f"oneDNN: {what}: {_STATUS.get(status, status)}"
    raise Unsupported(text) if status in (2, 3, 4) else DeviceError(text)


def post_op_source(place: int) -> int:
    """The argument that a binary post-operation reads; `place` counts all of the chain, from 0."""
    return MULTIPLE_POST_OP * (place + 1) | SRC_1


def new(call: Callable[..., None], *args: Any) -> int:
    """The handle that a create function writes into its first argument."""
    handle = C.c_void_p()
    call(C.byref(handle), *args)
    assert handle.value is not None
    return handle.value


@cache
def engine() -> int:
    """The CPU engine of this process."""
    return new(function("engine_create"), 1, 0)


@cache
def stream() -> int:
    """An in-order stream; on the CPU it holds no state, so threads may share it. The first call asks."""
    forks.when_forked(library.compute_alone)
    return new(function("stream_create"), engine(), 1)


def dims(values: Any) -> Any:
    """A C array of int64."""
    values = tuple(values)
    return (C.c_int64 * len(values))(*values)
