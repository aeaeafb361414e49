"""The types of numbers that nets compute in, by their names."""

from __future__ import annotations

from owlkit.core.errors import NetError

WIDE = ("float32", "float64")
#: Half precision: two bytes a value. Weights, losses and sums stay in float32 beside it.
HALF = ("float16", "bfloat16")


def is_half(dtype: str) -> bool:
    return dtype in HALF


def wide(dtype: str) -> str:
    """The type of what must not be rounded to half precision: float32 beside it, otherwise `dtype` itself."""
    return "float32" if dtype in HALF else dtype


def checked_dtype(dtype: object) -> str:
    """The name of a type that nets compute in.

    dtype : a name, or anything with one (numpy.float32). Raises NetError for another type, and for bfloat16
    where the package that teaches NumPy this type is missing.
    """
    name = dtype if isinstance(dtype, str) else str(getattr(dtype, "__name__", dtype))
    if name not in (*WIDE, *HALF):
        raise NetError(f"dtype {name!r}: nets compute in {', '.join(WIDE + HALF[:1])} or {HALF[1]}")
    if name == "bfloat16":
        try:
            import ml_dtypes  # noqa: F401 (makes "bfloat16" a type of NumPy)
        except ImportError as error:
            raise NetError(
                "dtype 'bfloat16' needs the package ml_dtypes: pip install 'owlkit[gpu]' brings it"
            ) from error
    return name
