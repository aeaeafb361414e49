"""Memory descriptors, attributes and primitives of oneDNN as Python objects that own their handles."""

from __future__ import annotations

import ctypes as C
import inspect
import weakref
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from owlkit.core.device import Device
from owlkit.core.memory import allocate
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels import Unsupported
from owlkit.kernels.dnnl import api, library

_TYPES = {"float32": api.F32, "uint8": api.U8}


class MemoryDescriptor:
    """Shape and layout as oneDNN knows them. Float32 (uint8 for masks): oneDNN computes in no wider type."""

    def __init__(self, handle: int) -> None:
        self.handle = handle

    @classmethod
    def of(cls, descriptor: Descriptor) -> MemoryDescriptor:
        return cls.strided(descriptor.shape, descriptor.strides, descriptor.dtype)

    @classmethod
    def strided(
        cls, shape: Sequence[int], strides: Sequence[int], dtype: str = "float32"
    ) -> MemoryDescriptor:
        if dtype not in _TYPES:
            raise Unsupported(f"oneDNN does not compute in {dtype}")
        create = api.function("memory_desc_create_with_strides")
        return cls(api.new(create, len(shape), api.dims(shape), _TYPES[dtype], api.dims(strides)))

    @classmethod
    def plain(cls, *shape: int) -> MemoryDescriptor:
        """C order."""
        return cls.of(Descriptor(shape))

    @classmethod
    def any(cls, *shape: int) -> MemoryDescriptor:
        """The layout is left to the primitive."""
        create = api.function("memory_desc_create_with_tag")
        return cls(api.new(create, len(shape), api.dims(shape), api.F32, api.ANY))

    @property
    def nbytes(self) -> int:
        size = library.load().dnnl_memory_desc_get_size
        size.argtypes, size.restype = (C.c_void_p,), C.c_size_t
        return int(size(self.handle))

    def same_as(self, other: MemoryDescriptor) -> bool:
        equal = library.load().dnnl_memory_desc_equal
        equal.argtypes = (C.c_void_p, C.c_void_p)
        return bool(equal(self.handle, other.handle))

    def __del__(self) -> None:
        if getattr(self, "handle", 0):
            api.function("memory_desc_destroy")(self.handle)


class Memory:
    """A descriptor bound to an address; keeps `owner` (the array or tensor) alive."""

    __slots__ = ("descriptor", "handle", "owner")

    def __init__(self, descriptor: MemoryDescriptor, address: int, owner: Any) -> None:
        self.descriptor, self.owner = descriptor, owner
        self.handle = api.new(api.function("memory_create"), descriptor.handle, api.engine(), address)

    @classmethod
    def fresh(cls, descriptor: MemoryDescriptor) -> Memory:
        """Zeroed memory of the size that the descriptor asks for."""
        buffer = allocate(max(descriptor.nbytes, 1))
        return cls(descriptor, buffer.ctypes.data, buffer)

    @classmethod
    def of(cls, tensor: Tensor, descriptor: MemoryDescriptor | None = None) -> Memory:
        """The tensor's memory, read as `descriptor` says (by default as the tensor's own)."""
        if descriptor is not None:
            return cls(descriptor, tensor.address, tensor)
        if tensor.native is None:
            # The tensor keeps this memory, so it must not keep the tensor: its flat array is enough.
            tensor.native = cls(MemoryDescriptor.of(tensor.descriptor), tensor.address, tensor.flat)
        memory: Memory = tensor.native
        return memory

    def __del__(self) -> None:
        if getattr(self, "handle", 0):
            api.function("memory_destroy")(self.handle)


#: max(x, 0) as two algorithms (kind, alpha, beta). oneDNN's own makes 0 of NaN: a net that has diverged would
#: go on with a loss that is finite. x * max(0, min(1, steep * x)) keeps it, and is x or 0 to the bit, -0 too:
#: the sum with 0 takes its sign. Caffe's: NaN stays, and minus infinity becomes it.
RELU = ((api.HARDSWISH, 3.4e38, 0.0), (api.LINEAR, 1.0, 0.0))


class Attributes:
    """Post-operations and runtime scales of a primitive; scratch memory is always given by the caller.

    post : ("relu",), ("tanh",), ("eltwise", algorithm, alpha, beta), ("sum", scale) or ("binary",
        algorithm, MemoryDescriptor), in order; a binary's second operand is bound as
        api.post_op_source(its place).
    scales : arguments that are multiplied by one number, given at run time.
    """

    def __init__(self, post: Iterable[tuple[Any, ...]] = (), scales: Iterable[int] = ()) -> None:
        self.handle = api.new(api.function("primitive_attr_create"))
        api.function("primitive_attr_set_scratchpad_mode")(self.handle, api.SCRATCHPAD_USER)
        for argument in scales:
            api.function("primitive_attr_set_scales_mask")(self.handle, argument, 0)
        post = tuple(post)
        if post:
            self._set_post_ops(post)

    def _set_post_ops(self, post: tuple[tuple[Any, ...], ...]) -> None:
        chain = api.new(api.function("post_ops_create"))
        for name, *values in post:
            if name == "relu":
                for algorithm in RELU:
                    api.function("post_ops_append_eltwise")(chain, *algorithm)
            elif name == "tanh":
                api.function("post_ops_append_eltwise")(chain, api.TANH, 0.0, 0.0)
            elif name == "eltwise":
                api.function("post_ops_append_eltwise")(chain, *values)
            elif name == "sum":
                api.function("post_ops_append_sum")(chain, values[0], 0, 0)
            else:
                api.function("post_ops_append_binary")(chain, values[0], values[1].handle)
        api.function("primitive_attr_set_post_ops")(self.handle, chain)
        api.function("post_ops_destroy")(chain)

    def __del__(self) -> None:
        if getattr(self, "handle", 0):
            api.function("primitive_attr_destroy")(self.handle)


class _Argument(C.Structure):
    _fields_ = (("arg", C.c_int), ("memory", C.c_void_p))


class Primitive:
    """A compiled operation. `layout(ARG)` tells the layout it wants, `bind` gives a call without arguments.

    Raises Unsupported where oneDNN has no fast implementation: its own reference loops are 100 to 1000 times
    slower, so owlkit refuses them.
    """

    def __init__(
        self,
        device: Device,
        kind: str,
        *args: Any,
        attributes: Attributes | None = None,
    ) -> None:
        self.kind, self._device = kind, device
        attributes = attributes or Attributes()
        handles = [a.handle if isinstance(a, (MemoryDescriptor, Primitive)) else a for a in args]
        self.handle: int = self._describe(kind, handles, attributes.handle)
        self._primitive = 0
        self.implementation = self._query_implementation()
        if "ref" in self.implementation:
            raise Unsupported(f"oneDNN has only its slow {self.implementation} for {kind}")
        self._primitive = api.new(api.function("primitive_create"), self.handle)
        self._scratchpad = self.layout(api.SCRATCHPAD)
        if self._scratchpad is not None:
            device.reserve_scratch(self._scratchpad.nbytes)

    @staticmethod
    def _describe(kind: str, handles: list[Any], attributes: int) -> int:
        if kind == "reorder":
            create = library.load().dnnl_reorder_primitive_desc_create
            create.argtypes = (api.Out, api.Pointer, api.Pointer, api.Pointer, api.Pointer, api.Pointer)
            out = C.c_void_p()
            source, target = handles
            status = create(C.byref(out), source, api.engine(), target, api.engine(), attributes)
            api.check(status, kind)
            return out.value or 0
        if kind in ("sum", "concat"):
            return Primitive._describe_many(kind, handles, attributes)
        return api.new(api.creator(kind), api.engine(), *handles, attributes)

    @staticmethod
    def _describe_many(kind: str, handles: list[Any], attributes: int) -> int:
        """sum takes (target, scales, sources), concat takes (target, axis, sources)."""
        target, extra, sources = handles
        out, count = C.c_void_p(), len(sources)
        array = (C.c_void_p * count)(*[source.handle for source in sources])
        create = getattr(library.load(), f"dnnl_{kind}_primitive_desc_create")
        if kind == "sum":
            create.argtypes = (
                api.Out,
                api.Pointer,
                api.Pointer,
                api.Int,
                C.POINTER(C.c_float),
                api.Out,
                api.Pointer,
            )
            extra = (C.c_float * count)(*extra)
        else:
            create.argtypes = (api.Out, api.Pointer, api.Pointer, api.Int, api.Int, api.Out, api.Pointer)
        api.check(create(C.byref(out), api.engine(), target, count, extra, array, attributes), kind)
        return out.value or 0

    def _query_implementation(self) -> str:
        text = C.c_char_p()
        api.function("primitive_desc_query")(self.handle, api.QUERY_IMPLEMENTATION, 0, C.byref(text))
        return (text.value or b"").decode()

    def layout(self, argument: int) -> MemoryDescriptor | None:
        """The memory descriptor of an argument, None where the primitive has no such argument."""
        query = library.load().dnnl_primitive_desc_query_md
        query.argtypes, query.restype = (C.c_void_p, C.c_int, C.c_int), C.c_void_p
        found = query(self.handle, api.QUERY[argument], 0)
        if not found:
            return None
        layout = MemoryDescriptor(api.new(api.function("memory_desc_clone"), found))
        return layout if layout.nbytes else None

    def workspace(self) -> Memory | None:
        """Memory that the forward pass fills for the backward pass, where the primitive has one."""
        layout = self.layout(api.WORKSPACE)
        return Memory.fresh(layout) if layout else None

    def bind(self, memories: dict[int, Memory]) -> Callable[[], None]:
        """A call without arguments that runs the primitive on these memories."""
        if self._scratchpad is not None:
            buffer = self._device.scratch()
            memories = memories | {api.SCRATCHPAD: Memory(self._scratchpad, buffer.ctypes.data, buffer)}
        arguments = (_Argument * len(memories))(*[_Argument(k, m.handle) for k, m in memories.items()])
        # As C values from the start: ctypes then converts nothing in the call, a third of its own time.
        primitive, stream = C.c_void_p(self._primitive), C.c_void_p(api.stream())
        execute, count, pointer = api.execute(), C.c_int(len(memories)), C.cast(arguments, C.c_void_p)
        kind = self.kind

        def run(_keep: Any = (self, memories, arguments)) -> None:
            status = execute(primitive, stream, count, pointer)
            if status:
                api.check(status, f"{kind} execute")

        return run

    def __del__(self) -> None:
        if getattr(self, "_primitive", 0):
            api.function("primitive_destroy")(self._primitive)
        if getattr(self, "handle", 0):
            api.function("primitive_desc_destroy")(self.handle)


def reorder(device: Device, source: Memory, target: Memory) -> Callable[[], None]:
    """A call that copies `source` into the layout of `target`."""
    primitive = Primitive(device, "reorder", source.descriptor, target.descriptor)
    return primitive.bind({api.SRC: source, api.DST: target})


def in_sequence(*calls: Callable[[], None]) -> Callable[[], None]:
    """One call that makes all of these, in order."""
    if len(calls) == 1:
        return calls[0]
    if len(calls) == 2:
        first, second = calls

        def both() -> None:
            first()
            second()

        return both

    def every() -> None:
        for call in calls:
            call()

    return every


Binding = tuple[Tensor | None, ...]


class Bound:
    """Calls bound to tensors, made on first use and remembered by the tensors' identity.

    make : makes a call. A kernel's own method is referred to weakly: the kernel keeps its Bound, and a circle
    would keep the tensors' memory after the net is dropped, until the garbage collector comes round.
    """

    __slots__ = ("_calls", "_make")

    def __init__(self, make: Callable[..., Callable[[], None]]) -> None:
        self._make = weakref.WeakMethod(make) if inspect.ismethod(make) else lambda: make
        self._calls: dict[Binding, Callable[[], None]] = {}

    def __call__(self, *tensors: Tensor | None) -> None:
        call = self._calls.get(tensors)
        if call is None:
            make = self._make()
            assert make is not None, "the kernel that this belongs to is gone; keep the kernel"
            call = self._calls[tensors] = make(*tensors)
        call()
