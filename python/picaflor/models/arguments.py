"""Arguments of `fit` and its kin, checked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from picaflor._checks import integer


def xy_tuple(validation_data: Any) -> tuple[Any, Any, Any]:
    """Return validation data as (x, y, sample_weight), the last None where it was not given."""
    if not isinstance(validation_data, (tuple, list)) or len(validation_data) not in (2, 3):
        raise ValueError(
            "validation_data must be a tuple (x, y) or (x, y, sample_weight), got "
            f"{type(validation_data).__name__}"
            + (f" of {len(validation_data)}" if isinstance(validation_data, (tuple, list)) else "")
        )
    x, y, *weight = validation_data
    return x, y, weight[0] if weight else None


def positive(value: Any, name: str) -> int | None:
    """Return an integer of at least 1, or None where there is none."""
    return None if value is None else integer(value, name, minimum=1)


def verbosity(verbose: Any, auto: int) -> int:
    """Return 0, 1 or 2; `auto` is what "auto" means."""
    if isinstance(verbose, str) and verbose == "auto":
        return auto
    if not isinstance(verbose, (int, np.integer)) or verbose not in (0, 1, 2):
        raise ValueError(f"verbose must be 'auto', 0, 1 or 2, got {verbose!r}")
    return int(verbose)


def validation_due(freq: Any) -> Callable[[int], bool]:
    """Return a function that tells after which epochs, counted from 1, to validate."""
    if isinstance(freq, (list, tuple, set)) or (isinstance(freq, np.ndarray) and freq.ndim):
        due = {integer(epoch, "validation_freq", minimum=1) for epoch in freq}
        return lambda epoch: epoch in due
    every = integer(freq, "validation_freq", minimum=1)
    return lambda epoch: epoch % every == 0
