"""Our kernels are CUDA C++ for a real compiler too: nvcc takes them in every type for an H100."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import owlkit.kernels
from owlkit.core.gpu.compiling import whole_source
from owlkit.kernels.cuda.program import TYPES, read_source

KERNELS = Path(owlkit.kernels.__file__).parent
SOURCES = sorted(path.relative_to(KERNELS).as_posix() for path in KERNELS.glob("*/*.cu"))

_WINDOW = {"KH": 3, "KW": 3, "SH": 2, "SW": 2}
_IMAGES = ("cuda/images.cuh",)
_POOLING = (*_IMAGES, "pooling/window.cuh")
_TENSORS: list[tuple[tuple[str, ...], dict[str, object]]] = [(("eltwise/tensors.cuh",), {"COUNT": 4})]
#: What `program` is given beside the dtype, where a source needs it: (headers, defines); a list of variants.
VARIANTS: dict[str, list[tuple[tuple[str, ...], dict[str, object]]]] = {
    "dropout/dropout.cu": [(("cuda/philox.cuh",), {})],
    "eltwise/sum.cu": _TENSORS,
    "eltwise/product.cu": _TENSORS,
    "eltwise/largest.cu": _TENSORS,
    "elementwise/elementwise.cu": [((), {"KIND": 1})],
    "concat/concat.cu": [((), {"COUNT": 4, "UNIT": "uint4"}), ((), {"COUNT": 2, "UNIT": "unsigned short"})],
    "tile/tile.cu": [((), {"UNIT": "uint2"})],
    "cuda/repeated.cu": [
        ((), {"DIMS": 4, "INNER": 0, "SMALL": "T"}),
        ((), {"DIMS": 2, "INNER": 1, "SMALL": "float"}),
    ],
    "cuda/repeated_sums.cu": [((), {"TERM": 1, "SMALL": "float"}), ((), {"TERM": 3, "SMALL": "T"})],
    "argmax/argmax.cu": [((), {"MODE": mode}) for mode in (1, 2, 3)],
    "class_loss/class_loss.cu": [((), {"KIND": kind, "LABEL": "float", "LOSS": "float"}) for kind in (0, 2)],
    "contrastive_loss/contrastive_loss.cu": [((), {"LEGACY": 0, "LOSS": "float"})],
    "infogain_loss/infogain_loss.cu": [(("softmax/rows.cuh",), {"LABEL": "float", "LOSS": "float"})],
    "recurrent/recurrent.cu": [((), {"LSTM": 1, "STATE": "T"}), ((), {"LSTM": 0, "STATE": "A"})],
    "rank/rank.cu": [((), {"LABEL": "float", "LOSS": "float"})],
    "mvn/mvn.cu": [((), {"SCALED": 1})],
    "rows/rows.cu": [((), {"VEC": 2})],
    "update/update.cu": [((), {"RULE": 5, "L1": 1, "KEEP": 0.9, "KEEP2": 0.999, "DELTA": 1e-8})],
    "cuda/loss_total.cu": [((), {"LOSS": "float", "MODE": 1})],
    "euclidean_loss/euclidean_loss.cu": [((), {"LOSS": "float"})],
    "sigmoid_loss/sigmoid_loss.cu": [((), {"LOSS": "float"})],
    "cast/cast.cu": [((), {"FROM": "float"}), ((), {"FROM": "__half"})],
    "activation/activation.cu": [((), {"KIND": 0})],
    "batchnorm/batchnorm.cu": [
        ((), {"VEC": 2, "P": "float", "RELU": 1, "GLOBAL": 0}),
        ((), {"VEC": 1, "P": "double", "RELU": 0, "GLOBAL": 1}),
    ],
    "softmax/softmax.cu": [(("softmax/rows.cuh",), {})],
    "softmax_loss/softmax_loss.cu": [(("softmax/rows.cuh",), {"LABEL": "float", "LOSS": "float"})],
    "cuda/uniform.cu": [(("cuda/philox.cuh",), {})],
    "convolution/space_to_depth.cu": [
        ((), {"CHANNELS": 3, "STRIDE_H": 4, "STRIDE_W": 4, "DEPTH": 48}),
        ((), {"CHANNELS": 1, "STRIDE_H": 1, "STRIDE_W": 2, "DEPTH": 8, "SOURCE": "float"}),
    ],
    "cuda/columns.cu": [(_IMAGES, {"VEC": 1}), (_IMAGES, {"VEC": 2})],
    "cuda/planes.cu": [((), {f"{name}{i}": 1 for name in "KSPD" for i in range(3)})],
    "cuda/biases.cu": [(_IMAGES, {"VEC": 1}), (_IMAGES, {"VEC": 2})],
    "lrn/lrn.cu": [
        (_IMAGES, {"VEC": 2, "WINDOW": 5, "POWER": 75}),
        (_IMAGES, {"VEC": 1, "WINDOW": 3, "POWER": 0}),
    ],
    "pooling/pooling.cu": [
        (_POOLING, _WINDOW | {"PH": 1, "PW": 1, "VEC": 2, "PLACE": "unsigned char"}),
        (_POOLING, _WINDOW | {"PH": 0, "PW": 0, "VEC": 1, "PLACE": "int"}),
        (_POOLING, {"VEC": 2, "PLACE": "int"}),
    ],
    "pooling/stochastic.cu": [
        (_POOLING, _WINDOW | {"PH": 0, "PW": 0, "VEC": 2, "PLACE": "unsigned char"}),
        (_POOLING, {"VEC": 1, "PLACE": "int"}),
    ],
}


#: Each is compiled as one file: reading CUDA's own headers takes nvcc as long as most of our sources.
GROUPS = [SOURCES[first::4] for first in range(4)]


def _in_one(sources: list[str]) -> str:
    """Sources in every variant and type, each in a namespace, as one file.

    What math.h defines is taken away again, as NVRTC, which compiles at run time, does not have it.
    """
    parts = ["#include <cuda_fp16.h>\n#include <cuda_bf16.h>", "#undef NAN\n#undef INFINITY"]
    parts += [whole_source("", {})]
    for source in sources:
        for number, (headers, defines) in enumerate(VARIANTS.get(source, [((), {})])):
            for dtype, (t, a) in TYPES.items():
                parts += _part(source, f"{dtype}_{number}", headers, {"T": t, "A": a} | defines)
    return "\n".join(parts)


def _in_names(source: str) -> str:
    return re.sub(r"\W", "_", source)


def _part(source: str, variant: str, headers: tuple[str, ...], macros: dict[str, object]) -> Iterator[str]:
    """One variant, of which no macro is left for the next. nvcc tells a mistake by file and line."""
    yield from (f"#define {name} {value}" for name, value in macros.items())
    yield f"namespace {_in_names(source)}_{variant} {{"
    for name in ("cuda/common.cuh", *headers, source):
        text = read_source(name).replace('extern "C" __global__', "__global__")
        macros |= dict.fromkeys(re.findall(r"^ *#define (\w+)", text, re.MULTILINE))
        yield f'#line 1 "{name}"\n{text}'
    yield "}"
    yield from (f"#undef {name}" for name in macros)


def _compiled(sources: list[str], folder: Path) -> list[str]:
    """The kernels, each from its name to its end, in PTX."""
    nvcc = shutil.which("nvcc")
    if nvcc is None:
        pytest.skip("nvcc is not installed")
    whole, result = folder / "whole.cu", folder / "whole.ptx"
    whole.write_text(_in_one(sources))
    command = [nvcc, "-std=c++17", "-arch=sm_90", "-ptx", "-w", "-o", result, whole]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[:4000]
    return result.read_text().split(".entry ")[1:]


@pytest.mark.parametrize("sources", GROUPS, ids=lambda sources: f"{sources[0]} and others")
def test_compile_for_a_real_gpu(sources: list[str], tmp_path: Path) -> None:
    kernels = _compiled(sources, tmp_path)
    for source in sources:
        assert any(_in_names(source) in kernel for kernel in kernels), f"no kernel of {source}"
    slow = [kernel.partition("(")[0] for kernel in kernels if ".local" in kernel]
    assert not slow, "a thread's array is indexed by what the compiler cannot know"


def test_every_source_is_in_a_group() -> None:
    assert sorted(source for group in GROUPS for source in group) == SOURCES


def test_variants_name_sources() -> None:
    assert set(VARIANTS) <= set(SOURCES)
