"""Central differences, the third witness of every gradient."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

# The error of (f(x + h) - f(x - h)) / 2h is about f''' h^2 / 6 + eps |f| / h, least near cbrt(eps).
STEP = float(np.cbrt(np.finfo(np.float64).eps))


def slopes(f: Callable[[Array], float], x: npt.ArrayLike) -> Array:
    """Gradient of f at x, entry by entry, for f smooth within the step."""
    x = np.array(x, dtype=np.float64)
    gradient = np.empty_like(x)
    for i in np.ndindex(x.shape):
        at, h = x[i], STEP * max(1.0, abs(x[i]))
        x[i] = at + h
        above = f(x)
        x[i] = at - h
        below = f(x)
        gradient[i] = (above - below) / ((at + h) - (at - h))
        x[i] = at
    return gradient


def worst(actual: Array, expected: Array, scale: float | None = None) -> float:
    """Largest error relative to the largest entry expected, or to `scale`; NaN if any is NaN."""
    if np.shape(actual) != np.shape(expected):
        raise AssertionError(f"shapes differ: {np.shape(actual)} and {np.shape(expected)}")
    if not np.size(expected):
        return 0.0
    top = float(np.max(np.abs(expected))) if scale is None else scale
    error = float(np.max(np.abs(np.asarray(actual, np.float64) - expected)))
    return error / top if top else error
