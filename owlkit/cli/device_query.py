"""`owlkit device-query`: what there is to compute on."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict
from importlib import metadata
from typing import Any

from owlkit.cli.options import add_command, add_json, print_json
from owlkit.cli.status import NO_DEVICE, OK

EXAMPLES = """  owlkit device-query
  owlkit device_query -gpu 0          # status 4 where there is no such GPU
  owlkit device-query --json
"""
DESCRIPTION = """Show the processor and NVIDIA's GPUs, and what owlkit uses of them. With --gpu the
GPUs that are named must be there."""


def add_arguments(subparsers: Any) -> None:
    parser = add_command(subparsers, "device-query", DESCRIPTION, EXAMPLES)
    parser.add_argument("--gpu", metavar="ID[,ID]", help="GPUs that must be there: numbers, or all")
    add_json(parser)
    parser.set_defaults(run=run, wrong_usage=parser.error)


def run(args: argparse.Namespace) -> int:
    """Print what there is; 4 where a GPU that is asked for is not there."""
    from owlkit.core import machine

    cpu, gpus = machine.cpu(), machine.gpus()
    there = [gpu.index for gpu in gpus.found]
    onednn, (usable, refused), missing = _onednn(), _usable(there), _missing(args, there)
    if args.json:
        found = {"cpu": asdict(cpu), "onednn": onednn, "gpus": [asdict(gpu) for gpu in gpus.found]}
        print_json(
            {
                **found,
                "gpu_driver": gpus.driver,
                "no_gpu_because": gpus.reason,
                "used": usable,
                "not_used": refused,
            }
        )
    else:
        print("\n".join(_lines(cpu, gpus, onednn)))
        print(f"used   {', '.join(usable)}")
        for name, reason in refused.items():
            print(f"       not {name} ({reason})")
    if missing:
        print(f"owlkit device-query: {missing}", file=sys.stderr)
        return NO_DEVICE
    return OK


def _onednn() -> str | None:
    """oneDNN's version; None where it is not there."""
    from owlkit.kernels.dnnl import library

    try:
        return library.version()
    except ImportError:
        return None


def _cupy() -> str:
    """CuPy's version and CUDA's, told without importing it; or what to install."""
    for package in ("cupy-cuda13x", "cupy-cuda12x", "cupy"):
        try:
            return f"{metadata.version(package)} ({package})"
        except metadata.PackageNotFoundError:
            continue
    return "not installed; pip install 'owlkit[gpu]', or 'owlkit[gpu12]' for CUDA 12"


def _usable(indices: Sequence[int]) -> tuple[list[str], dict[str, str]]:
    """(the devices that can be computed on, GPU -> why it cannot). indices : of the GPUs that are there."""
    from owlkit.core.device import resolve_device
    from owlkit.core.errors import DeviceError

    names, refused = [], {}
    for name in ("cpu", *(f"gpu:{index}" for index in indices)):
        try:
            names.append(resolve_device(name).name)
        except DeviceError as error:
            refused[name] = str(error)
    return names, refused


def _missing(args: argparse.Namespace, there: list[int]) -> str:
    if args.gpu is None:
        return ""
    if args.gpu == "all":
        return "" if there else "there is no GPU"
    wanted = args.gpu.split(",")
    if not all(word.strip().isdigit() for word in wanted):
        args.wrong_usage(f"--gpu {args.gpu!r}: give numbers with commas between, or all")
    absent = [word for word in wanted if int(word) not in there]
    known = f"there are {', '.join(map(str, there))}" if there else "there is none at all"
    return f"there is no GPU {', '.join(absent)}: {known}" if absent else ""


def _details(gpu: Any) -> list[str]:
    """Clocks, memory and place of a GPU, as far as the driver tells them."""
    lines = []
    if gpu.memory_bits and gpu.memory_clock_hz:
        ecc = ", errors corrected (ECC)" if gpu.ecc else ""
        rate = f"{gpu.memory_bytes_per_second / 1e9:,.0f} GB/s"
        lines.append(f"       memory {gpu.memory_bits} bits wide, {rate} at most{ecc}")
    if gpu.l2_bytes:
        shared = f"{gpu.shared_bytes / 2**10:.0f} KiB shared memory for a block"
        lines.append(f"       L2 cache {gpu.l2_bytes / 2**20:.0f} MiB, {shared}")
    if gpu.clock_hz:
        lines.append(f"       clock {gpu.clock_hz / 1e6:,.0f} MHz at most, PCI {gpu.bus}")
    return lines


def _lines(cpu: Any, gpus: Any, onednn: str | None) -> list[str]:
    memory = "" if cpu.memory_bytes is None else f", {cpu.memory_bytes / 2**30:.1f} GiB"
    lines = [f"CPU    {cpu.name}", f"       {cpu.cores} cores for this process{memory}"]
    lines.append(f"       kernels: {f'oneDNN {onednn}' if onednn else 'NumPy; oneDNN is not there'}")
    for gpu in gpus.found:
        lines.append(f"GPU {gpu.index}  {gpu.name}, {gpu.memory_bytes / 2**30:.1f} GiB")
        capability = ".".join(map(str, gpu.capability))
        lines.append(f"       compute capability {capability}, {gpu.multiprocessors} multiprocessors")
        lines += _details(gpu)
    if gpus.found:
        lines.append(f"       CuPy: {_cupy()}")
    if gpus.driver:
        lines.append(f"       driver: CUDA {'.'.join(map(str, gpus.driver))}")
    if not gpus.found:
        lines.append(f"GPU    none: {gpus.reason}")
    return lines
