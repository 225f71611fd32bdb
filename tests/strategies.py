"""Arrays as they come in real life: strided, Fortran-ordered, read-only, misaligned."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

# Sizes on both sides of the vector widths (4, 8, 16 floats) and of one, two and three of them.
EDGE_SIZES = (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65)


def sizes(most: int = 130) -> st.SearchStrategy[int]:
    """Sizes from 1 to `most`, those around a vector width more often."""
    return st.sampled_from([n for n in EDGE_SIZES if n <= most]) | st.integers(1, most)


def as_is(a: npt.NDArray) -> npt.NDArray:
    """C-contiguous and aligned."""
    return np.ascontiguousarray(a)


def fortran(a: npt.NDArray) -> npt.NDArray:
    """Columns contiguous."""
    return np.asfortranarray(a)


def strided(a: npt.NDArray) -> npt.NDArray:
    """Every second element on each axis of a larger array that holds NaN or 77 elsewhere."""
    garbage = np.nan if np.issubdtype(a.dtype, np.floating) else 77
    big = np.full([2 * n for n in a.shape], garbage).astype(a.dtype)
    view = big[tuple(slice(None, None, 2) for _ in a.shape)]
    view[...] = a
    return view


def backwards(a: npt.NDArray) -> npt.NDArray:
    """Negative strides on every axis."""
    turn = tuple(slice(None, None, -1) for _ in a.shape)
    return np.ascontiguousarray(a[turn])[turn]


def read_only(a: npt.NDArray) -> npt.NDArray:
    """Contiguous, not writable."""
    copy = np.array(a, order="C")
    copy.flags.writeable = False
    return copy


def misaligned(a: npt.NDArray) -> npt.NDArray:
    """Contiguous, at an address that is one byte past a multiple of the item size."""
    raw = np.zeros(a.nbytes + a.itemsize + 1, dtype=np.uint8)
    start = (-raw.ctypes.data) % a.itemsize + 1
    view = raw[start : start + a.nbytes].view(a.dtype).reshape(a.shape)
    view[...] = a
    return view


# Layouts that keep the values of an array.
LAYOUTS: dict[str, Callable[[npt.NDArray], npt.NDArray]] = {
    "as_is": as_is,
    "fortran": fortran,
    "strided": strided,
    "backwards": backwards,
    "read_only": read_only,
    "misaligned": misaligned,
}


def layouts() -> st.SearchStrategy[Callable[[npt.NDArray], npt.NDArray]]:
    """Functions that give an array another layout in memory and the same values."""
    return st.sampled_from(list(LAYOUTS.values()))
