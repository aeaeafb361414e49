"""What this machine has to compute on, found without any library of ours: processor, memory, NVIDIA GPUs."""

from __future__ import annotations

import ctypes
import os
import platform
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cpu:
    """name : as the system calls it. cores : that this process may use. memory_bytes : None where unknown."""

    name: str
    cores: int
    memory_bytes: int | None


@dataclass(frozen=True)
class Gpu:
    """index : that of CUDA. capability : (major, minor)."""

    index: int
    name: str
    memory_bytes: int
    capability: tuple[int, int]
    multiprocessors: int


@dataclass(frozen=True)
class Gpus:
    """found : in CUDA's order. reason : why there are none, "" otherwise. driver : CUDA version (12, 4)."""

    found: tuple[Gpu, ...] = ()
    reason: str = ""
    driver: tuple[int, int] | None = None


def cpu() -> Cpu:
    """The processor."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Cpu(_cpu_name(), usable, _memory())


def _cpu_name() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return None


_MULTIPROCESSORS, _MAJOR, _MINOR = 16, 75, 76  # CUdevice_attribute


def gpus(library: str = "libcuda.so.1") -> Gpus:
    """NVIDIA's GPUs as the driver tells them; no context is made, no memory is taken."""
    try:
        cuda = ctypes.CDLL(library)
    except OSError:
        return Gpus(reason="NVIDIA's driver (libcuda) is not installed")
    status = cuda.cuInit(0)
    if status:
        return Gpus(reason=f"NVIDIA's driver finds none it can use (CUDA error {status})")
    number = ctypes.c_int()
    cuda.cuDriverGetVersion(ctypes.byref(number))
    driver = (number.value // 1000, number.value % 1000 // 10)
    cuda.cuDeviceGetCount(ctypes.byref(number))
    found = tuple(_gpu(cuda, index) for index in range(number.value))
    return Gpus(found, "" if found else "NVIDIA's driver knows of none", driver)


def _gpu(cuda: ctypes.CDLL, index: int) -> Gpu:
    device, value, total = ctypes.c_int(), ctypes.c_int(), ctypes.c_size_t()
    name = ctypes.create_string_buffer(256)
    cuda.cuDeviceGet(ctypes.byref(device), index)
    cuda.cuDeviceGetName(name, len(name), device)
    cuda.cuDeviceTotalMem_v2(ctypes.byref(total), device)
    attributes = []
    for attribute in (_MAJOR, _MINOR, _MULTIPROCESSORS):
        cuda.cuDeviceGetAttribute(ctypes.byref(value), attribute, device)
        attributes.append(value.value)
    return Gpu(index, name.value.decode(), total.value, (attributes[0], attributes[1]), attributes[2])
