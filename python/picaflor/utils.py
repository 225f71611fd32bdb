"""Small helpers around training."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import numpy as np

from picaflor._checks import as_real_array, integer

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["set_random_seed", "to_categorical"]


def set_random_seed(seed: int) -> None:
    """Seed Python's `random` and NumPy's global generator, so that a whole script repeats.

    Models made with ``seed=None`` draw their seed from Python's `random`; data sets and
    scikit-learn with ``random_state=None`` draw from NumPy's global generator.

    Parameters
    ----------
    seed : int
        At least 0 and below 2**32.

    Raises
    ------
    TypeError, ValueError
        If `seed` is no integer, or outside the range.

    Examples
    --------
    >>> import picaflor as pf
    >>> seeds = []
    >>> for _ in range(2):
    ...     pf.utils.set_random_seed(7)
    ...     seeds.append(pf.Sequential([pf.Input((2,)), pf.layers.Dense(1)]).seed)
    >>> seeds[0] == seeds[1]
    True
    """
    seed = integer(seed, "seed", minimum=0)
    if seed >= 2**32:
        raise ValueError(f"seed must be below 2**32, got {seed}")
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002  (its purpose is the global generator)


def to_categorical(x: npt.ArrayLike, num_classes: int | None = None) -> npt.NDArray[Any]:
    """Return class ids as rows of zeros with a one (one-hot).

    Parameters
    ----------
    x : array_like of int, shape (...)
        Class ids of at least 0. A last dimension of 1 is dropped.
    num_classes : int, optional
        Number c of classes; one more than the largest id by default.

    Returns
    -------
    ndarray of float32, shape (..., c)

    Raises
    ------
    ValueError
        If an id is negative, not whole, or not below `num_classes`.

    Examples
    --------
    >>> to_categorical([0, 2, 1])
    array([[1., 0., 0.],
           [0., 0., 1.],
           [0., 1., 0.]], dtype=float32)
    """
    array = as_real_array(x, "x")
    if array.ndim > 1 and array.shape[-1] == 1:
        array = array[..., 0]
    ids = array.astype(np.int64)
    if array.dtype.kind == "f" and not np.array_equal(ids, array):
        raise ValueError("x must hold class ids, got numbers that are not whole")
    top = int(ids.max(initial=-1))
    c = top + 1 if num_classes is None else integer(num_classes, "num_classes", minimum=1)
    if ids.size and (ids.min() < 0 or top >= c):
        odd = int(ids.min()) if ids.min() < 0 else top
        raise ValueError(f"x must hold class ids in [0, {c}), got {odd}")
    result = np.zeros((*ids.shape, c), dtype=np.float32)
    np.put_along_axis(result, ids[..., None], 1.0, axis=-1)
    return result
