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
    """index : that of CUDA. capability : (major, minor). clock_hz, memory_clock_hz : the highest.

    memory_bits : width of the memory's bus. shared_bytes : most that one block may have. ecc : whether errors
    in memory are corrected. bus : where it is plugged in, "0000:1b:00". Where the driver does not say, 0.
    """

    index: int
    name: str
    memory_bytes: int
    capability: tuple[int, int]
    multiprocessors: int
    clock_hz: int = 0
    memory_clock_hz: int = 0
    memory_bits: int = 0
    l2_bytes: int = 0
    shared_bytes: int = 0
    ecc: bool = False
    bus: str = ""

    @property
    def memory_bytes_per_second(self) -> float:
        """What the memory's bus can carry: twice its clock (double data rate) times its width."""
        return 2 * self.memory_clock_hz * self.memory_bits / 8


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


def memory_with_swap() -> int | None:
    """Bytes that all processes together can write to; None where unknown."""
    memory = _memory()
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return memory
    swap = sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("SwapTotal:"))
    return memory + swap if memory is not None else None


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


# CUdevice_attribute; clocks are in kHz.
_MULTIPROCESSORS, _MAJOR, _MINOR = 16, 75, 76
_CLOCK, _ECC, _BUS, _SLOT, _DOMAIN = 13, 32, 33, 34, 50
_MEMORY_CLOCK, _MEMORY_BITS, _L2, _SHARED = 36, 37, 38, 97


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

    def tell(attribute: int) -> int:
        value.value = 0  # what an older driver does not know stays 0
        cuda.cuDeviceGetAttribute(ctypes.byref(value), attribute, device)
        return value.value

    return Gpu(
        index,
        name.value.decode(),
        total.value,
        (tell(_MAJOR), tell(_MINOR)),
        tell(_MULTIPROCESSORS),
        clock_hz=tell(_CLOCK) * 1000,
        memory_clock_hz=tell(_MEMORY_CLOCK) * 1000,
        memory_bits=tell(_MEMORY_BITS),
        l2_bytes=tell(_L2),
        shared_bytes=tell(_SHARED),
        ecc=bool(tell(_ECC)),
        bus=f"{tell(_DOMAIN):04x}:{tell(_BUS):02x}:{tell(_SLOT):02x}",
    )
