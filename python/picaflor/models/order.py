"""The order in which an epoch goes through its rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from picaflor import _core

if TYPE_CHECKING:
    import numpy.typing as npt

_MOST = 2**32 - 1  # rows that the engine shuffles


def shuffled_rows(
    n: int, source: np.random.Generator | np.random.RandomState
) -> npt.NDArray[np.int64]:
    """Return what shuffling ``arange(n)`` by `source` gives, and leave it as that would.

    Without the branches that take NumPy most of the time.
    """
    if n <= _MOST and type(source) is np.random.Generator:
        bits = source.bit_generator
    elif n <= _MOST and type(source) is np.random.RandomState:
        bits = source._bit_generator
    else:  # a subclass may shuffle otherwise
        rows = np.arange(n, dtype=np.int64)
        source.shuffle(rows)
        return rows
    with bits.lock:
        return _core.shuffled_rows(n, bits.capsule)
