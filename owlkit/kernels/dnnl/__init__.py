"""oneDNN 3.x through its C API and ctypes: no compile step, no headers. CPU engine.

`library` finds and loads the shared object, `api` has constants and signatures, `primitive` the objects that
kernels work with: `MemoryDescriptor`, `Memory`, `Attributes`, `Primitive` and `Bound`.
"""
