"""Distances in units in the last place, and float32 numbers that stand for all of them."""

import numpy as np
import numpy.typing as npt

# What a sweep over bit patterns can miss.
SPECIAL = [0.0, -0.0, np.inf, -np.inf, 1e-45, -1e-45, 1.1754944e-38, -1.1754944e-38, 3.4028235e38]


def every_float32(step: int) -> npt.NDArray[np.float32]:
    """Every `step`-th float32 by its bits, both signs, and the special ones; no NaN."""
    bits = np.arange(0, 2**32, step, dtype=np.uint64).astype(np.uint32)
    x = np.concatenate([bits.view(np.float32), np.array(SPECIAL, dtype=np.float32)])
    return x[~np.isnan(x)]


def ulp_error(y: npt.NDArray, exact: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return abs(y - exact) in units in the last place that `exact` has in the dtype of `y`.

    Infinities of one sign agree; a NaN is infinitely far from everything but a NaN.
    """
    info = np.finfo(y.dtype)
    with np.errstate(all="ignore"):
        rounded = exact.astype(y.dtype)
        _, exponent = np.frexp(np.abs(exact))
        unit = np.ldexp(1.0, np.maximum(exponent - 1, info.minexp) - info.nmant)
        error = np.abs(y.astype(np.float64) - exact) / unit
    same = (y == rounded) & ~np.isfinite(rounded) | np.isnan(y) & np.isnan(exact)
    error = np.where(same, 0.0, error)
    return np.where(np.isnan(error), np.inf, error)


def worst(x: npt.NDArray, y: npt.NDArray, exact: npt.NDArray[np.float64]) -> tuple[float, str]:
    """Return the largest error and where it is."""
    error = ulp_error(y, exact)
    i = int(np.argmax(error))
    return float(error[i]), f"f({x[i]!r}) = {y[i]!r}, exactly {exact[i]!r}: {error[i]:.3f} units"
