"""What `fit` and `predict` are given: samples, sample weights, sparse matrices in pieces."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_array

from picaflor.sklearn.compatibility import validate_data

if TYPE_CHECKING:
    import numpy.typing as npt

Array: TypeAlias = "npt.NDArray[Any]"

_PIECE = 1 << 22  # numbers in a dense piece of a sparse matrix: 32 MB in float64


def checked_weights(sample_weight: Any, n: int) -> Array:
    """Return sample weights as float32 or float64 of shape (n,)."""
    if np.isscalar(sample_weight):
        return np.full(n, sample_weight, dtype=np.float64)
    weights: Array = check_array(
        sample_weight,
        accept_sparse=False,
        ensure_2d=False,
        dtype=[np.float64, np.float32],
        order="C",
        input_name="sample_weight",
    )
    if weights.ndim != 1:
        raise ValueError(
            f"Sample weights must be 1D array or scalar, got {weights.ndim}D array. Expected "
            f"either a scalar value or a 1D array of length {n}."
        )
    if weights.shape != (n,):
        raise ValueError(f"sample_weight.shape == {weights.shape}, expected {(n,)}!")
    if not np.any(weights):
        raise ValueError("Sample weights must contain at least one non-zero number.")
    return weights


def has_simple_samples(estimator: Any, X: Any) -> bool:
    """Tell quickly whether X passes all checks that scikit-learn makes before prediction."""
    return (
        type(X) is np.ndarray
        and X.ndim == 2
        and X.shape[1] == getattr(estimator, "n_features_in_", None)
        and not hasattr(estimator, "feature_names_in_")
        and _is_simple(X)
    )


def validated(estimator: Any, X: Any, y: Any, kinds: str, reset: bool, **options: Any) -> Any:
    """Return what scikit-learn's `validate_data` does, quickly where both are plain arrays.

    Its many small steps take as long as half an epoch on 1000 samples. `kinds` are those of the
    dtypes that y may have on the short way.
    """
    if (
        type(X) is type(y) is np.ndarray
        and X.ndim == 2
        and X.shape[1] > 0
        and y.shape == X.shape[:1]
        and y.dtype.kind in kinds
        and (y.dtype.kind != "f" or _is_simple(y))
        and (_is_simple(X) if reset else has_simple_samples(estimator, X))
    ):
        if reset:
            estimator.n_features_in_ = X.shape[1]
            estimator.__dict__.pop("feature_names_in_", None)  # of an earlier fit, to a frame
        return X, y
    return validate_data(
        estimator,
        X,
        y,
        accept_sparse=["csr", "csc"],
        multi_output=True,
        dtype=(np.float64, np.float32),
        reset=reset,
        **options,
    )


def _is_simple(a: Array) -> bool:
    """Tell whether there are numbers, native floats and all finite."""
    return len(a) > 0 and a.dtype in (np.float64, np.float32) and bool(np.isfinite(a).all())


def dense_pieces(X: Any, order: Array | None, batch_size: int) -> Iterator[tuple[Array, slice]]:
    """Go through the rows of a sparse matrix in this order, some whole minibatches at a time."""
    n, d = X.shape
    rows = max(_PIECE // max(d, 1) // batch_size, 1) * batch_size
    for start in range(0, n, rows):
        part = slice(start, min(start + rows, n))
        yield (X[part] if order is None else X[order[part]]).toarray(), part


def in_rows(X: Any, width: int) -> Iterator[Any]:
    """Go through samples in pieces whose hidden units fit into a cache."""
    n = X.shape[0]
    rows = max((1 << 18) // max(width, 1), 256)
    if n <= rows and not sparse.issparse(X):
        yield X
        return
    for start in range(0, n, rows):
        part = X[start : start + rows]
        yield part.toarray() if sparse.issparse(part) else part
