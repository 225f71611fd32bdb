"""Regression losses: value and gradient together.

Every function takes `pred` and `target` of shape (n, c), or both (n,) for one column, computes one
loss per row and reduces the rows:

- ``"mean"``: sum_i weight_i loss_i / n, divided by the number of rows as Keras does,
- ``"sum"``: sum_i weight_i loss_i,
- ``"none"``: the array of weight_i loss_i, shape (n,).

It returns ``(loss, dpred)``; dpred is the gradient of that loss, reduction included, in the shape
of `pred` (for ``"none"`` that of the sum).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .rectifiers import Array, as_float

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = [
    "cosine_similarity",
    "huber",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "poisson",
    "poisson_log",
]

EPSILON = 1e-7  # Keras's

Result = tuple[Any, Array]  # (float, or array for "none"; gradient)


def as_rows(pred: npt.ArrayLike, target: npt.ArrayLike) -> tuple[Array, Array, tuple[int, ...]]:
    """Both as (n, c), and the shape that the gradient goes back to."""
    pred, target = as_float(pred), as_float(target)
    if pred.ndim not in (1, 2):
        raise ValueError(f"pred must have shape (n,) or (n, c), got {pred.shape}")
    rows = pred[:, None] if pred.ndim == 1 else pred
    if target.ndim == 1 and rows.shape[1] == 1:
        target = target[:, None]
    if target.ndim == 2 and target.shape == rows.shape:
        return rows, target, pred.shape
    raise ValueError(f"target must have the shape of pred, {pred.shape}, got {target.shape}")


def reduce_rows(
    each: Array,
    dpred: Array,
    shape: tuple[int, ...],
    sample_weight: npt.ArrayLike | None,
    reduction: str,
) -> Result:
    """Weight and reduce the losses of the rows, each (n,), and their gradients, dpred (n, c)."""
    n = len(each)
    weight = np.ones(n) if sample_weight is None else as_float(sample_weight)
    if weight.shape != (n,):
        raise ValueError(f"sample_weight must have shape ({n},), got {weight.shape}")
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"reduction must be 'mean', 'sum' or 'none', got {reduction!r}")
    each, dpred = weight * each, (weight[:, None] * dpred).reshape(shape)
    if reduction == "none":
        return each, dpred
    if reduction == "sum":
        return float(each.sum()), dpred
    if n == 0:
        raise ValueError("reduction 'mean' needs at least one row, got 0")
    return float(each.sum()) / n, dpred / n


def mean_squared_error(
    pred: npt.ArrayLike,
    target: npt.ArrayLike,
    sample_weight: npt.ArrayLike | None = None,
    reduction: str = "mean",
) -> Result:
    """Squared error: loss_i = mean_j (p_ij - t_ij)^2.

    Examples
    --------
    >>> mean_squared_error([[3.0], [0.0]], [[1.0], [0.0]])
    (2.0, array([[2.],
           [0.]]))
    """
    pred, target, shape = as_rows(pred, target)
    e = pred - target
    return reduce_rows((e * e).mean(axis=1), 2 * e / e.shape[1], shape, sample_weight, reduction)


def mean_absolute_error(
    pred: npt.ArrayLike,
    target: npt.ArrayLike,
    sample_weight: npt.ArrayLike | None = None,
    reduction: str = "mean",
) -> Result:
    """Absolute error: loss_i = mean_j |p_ij - t_ij|; the gradient of |e| at 0 is 0.

    Examples
    --------
    >>> mean_absolute_error([3.0, 0.0], [1.0, 0.0])
    (1.0, array([0.5, 0. ]))
    """
    pred, target, shape = as_rows(pred, target)
    e = pred - target
    return reduce_rows(
        np.abs(e).mean(axis=1), np.sign(e) / e.shape[1], shape, sample_weight, reduction
    )


def huber(
    pred: npt.ArrayLike,
    target: npt.ArrayLike,
    sample_weight: npt.ArrayLike | None = None,
    delta: float = 1.0,
    reduction: str = "mean",
) -> Result:
    """Huber's loss: mean_j of e^2 / 2 where |e| <= delta, else delta (|e| - delta / 2), e = p - t.

    Examples
    --------
    >>> huber([3.0, 0.5], [0.0, 0.0])
    (1.3125, array([0.5 , 0.25]))
    """
    if not delta > 0:
        raise ValueError(f"delta must be above 0, got {delta!r}")
    pred, target, shape = as_rows(pred, target)
    e = pred - target
    size = np.abs(e)
    near = np.minimum(size, delta)
    each = (near * near / 2 + delta * (size - near)).mean(axis=1)
    return reduce_rows(
        each, np.clip(e, -delta, delta) / e.shape[1], shape, sample_weight, reduction
    )


def log_cosh(
    pred: npt.ArrayLike,
    target: npt.ArrayLike,
    sample_weight: npt.ArrayLike | None = None,
    reduction: str = "mean",
) -> Result:
    """Logarithm of the hyperbolic cosine: loss_i = mean_j log cosh(p_ij - t_ij).

    For |e| >= 1 as |e| + log(1 + exp(-2|e|)) - log 2, which cannot overflow; below as
    log(1 + sinh(e)^2) / 2, which does not cancel.

    Examples
    --------
    >>> log_cosh([1e4], [0.0])
    (9999.30685281944, array([1.]))
    """
    pred, target, shape = as_rows(pred, target)
    e = pred - target
    size = np.abs(e)
    large = size + np.log1p(np.exp(-2 * size)) - np.log(2)
    small = np.log1p(np.sinh(np.minimum(size, 1)) ** 2) / 2
    each = np.where(size >= 1, large, small).mean(axis=1)
    return reduce_rows(each, np.tanh(e) / e.shape[1], shape, sample_weight, reduction)


def mean_squared_logarithmic_error(
    pred: npt.ArrayLike,
    target: npt.ArrayLike,
    sample_weight: npt.ArrayLike | None = None,
    reduction: str = "mean",
) -> Result:
    """Squared error of logarithms: mean_j (log(1 + p) - log(1 + t))^2, p and t at least 1e-7.

    Examples
    --------
    >>> loss, dpred = mean_squared_logarithmic_error([1.0], [0.0])
    >>> round(loss, 6)
    0.480453
    """
    pred, target, shape = as_rows(pred, target)
    p, t = np.maximum(pred, EPSILON), np.maximum(target, EPSILON)
    e = np.log1p(p) - np.log1p(t)
    dpred = np.where(pred > EPSILON, 2 * e / (1 + p), 0.0) / e.shape[1]
    return reduce_rows((e * e).mean(axis=1), dpred, shape, sample_weight, reduction)


def mean_absolute_percentage_error(
    pred: npt.ArrayLike,
    target: npt.ArrayLike,
    sample_weight: npt.ArrayLike | None = None,
    reduction: str = "mean",
) -> Result:
    """Absolute error in per cent of the target: mean_j 100 |p - t| / max(|t|, 1e-7).

    Examples
    --------
    >>> mean_absolute_percentage_error([3.0], [4.0])
    (25.0, array([-25.]))
    """
    pred, target, shape = as_rows(pred, target)
    e = pred - target
    per_cent = 100 / np.maximum(np.abs(target), EPSILON)
    each = (per_cent * np.abs(e)).mean(axis=1)
    return reduce_rows(each, per_cent * np.sign(e) / e.shape[1], shape, sample_weight, reduction)


def poisson(
    pred: npt.ArrayLike,
    target: npt.ArrayLike,
    sample_weight: npt.ArrayLike | None = None,
    reduction: str = "mean",
) -> Result:
    """Poisson deviance up to a constant, p the expected count: mean_j p - t log(p + 1e-7).

    Examples
    --------
    >>> loss, dpred = poisson([2.0], [2.0])
    >>> round(loss, 6)
    0.613706
    """
    pred, target, shape = as_rows(pred, target)
    each = (pred - target * np.log(pred + EPSILON)).mean(axis=1)
    dpred = (1 - target / (pred + EPSILON)) / pred.shape[1]
    return reduce_rows(each, dpred, shape, sample_weight, reduction)


def poisson_log(
    pred: npt.ArrayLike,
    target: npt.ArrayLike,
    sample_weight: npt.ArrayLike | None = None,
    reduction: str = "mean",
) -> Result:
    """Poisson deviance up to a constant, p the logarithm of the count: mean_j exp(p) - t p.

    Examples
    --------
    >>> poisson_log([0.0], [2.0])
    (1.0, array([-1.]))
    """
    pred, target, shape = as_rows(pred, target)
    count = np.exp(pred)
    each = (count - target * pred).mean(axis=1)
    return reduce_rows(each, (count - target) / pred.shape[1], shape, sample_weight, reduction)


def cosine_similarity(
    pred: npt.ArrayLike,
    target: npt.ArrayLike,
    sample_weight: npt.ArrayLike | None = None,
    reduction: str = "mean",
) -> Result:
    """Minus the cosine of the angle between the rows: loss_i = -(p_i / |p_i|) . (t_i / |t_i|).

    Norms are taken to be at least 1e-7.

    Examples
    --------
    >>> cosine_similarity([[2.0, 0.0]], [[1.0, 0.0]])
    (-1.0, array([[-0., -0.]]))
    """
    pred, target, shape = as_rows(pred, target)
    p_norm = np.sqrt((pred * pred).sum(axis=1, keepdims=True))
    t_norm = np.sqrt((target * target).sum(axis=1, keepdims=True))
    t = target / np.maximum(t_norm, EPSILON)
    p = pred / np.maximum(p_norm, EPSILON)
    cosine = (p * t).sum(axis=1, keepdims=True)
    # d(p/|p|) has no part along p, unless the norm is held at epsilon
    along = np.where(p_norm > EPSILON, cosine * p, 0.0)
    dpred = -(t - along) / np.maximum(p_norm, EPSILON)
    return reduce_rows(-cosine[:, 0], dpred, shape, sample_weight, reduction)
