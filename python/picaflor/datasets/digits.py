"""The UCI handwritten digits, shipped with the package (see digits.md for source and licence)."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["load_digits"]


def load_digits() -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Return the 1797 handwritten digits that come with the package.

    These are the 8 x 8 images of the test part of "Optical Recognition of Handwritten Digits" [1]_,
    in the order of scikit-learn's ``load_digits``. Neighbours are often by one hand, so shuffle
    before you split.

    Returns
    -------
    x : ndarray of float32, shape (1797, 64)
        Images row by row, each value a whole number from 0 (paper) to 16 (ink).
    y : ndarray of int64, shape (1797,)
        The digit on each image, 0 to 9.

    References
    ----------
    .. [1] E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine
       Learning Repository, 1998, doi:10.24432/C50P49. Licence: CC BY 4.0.

    Examples
    --------
    >>> from picaflor.datasets import load_digits
    >>> x, y = load_digits()
    >>> x.shape, x.dtype, float(x.max()), y[:5].tolist()
    ((1797, 64), dtype('float32'), 16.0, [0, 1, 2, 3, 4])
    """
    with resources.files(__package__).joinpath("digits.npz").open("rb") as file:
        arrays = np.load(file, allow_pickle=False)
        return arrays["x"].astype(np.float32), arrays["y"].astype(np.int64)
