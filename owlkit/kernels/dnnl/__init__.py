"""oneDNN 3.x through its C API and ctypes: no compile step, no headers. CPU engine.

`library` finds and loads the shared object, `api` holds constants and signatures, `primitive` the three objects
that kernels work with: `MemoryDescriptor`, `Attributes` and `Primitive`.
"""
