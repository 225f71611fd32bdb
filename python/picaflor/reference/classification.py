"""Classification losses: value and gradient together.

The conventions are those of `regression`: one loss per row, then sample weights and the reduction.
Binary losses are means over the c columns of a row, categorical ones are sums over its classes.

Cross-entropies exist twice: on unnormalised scores (logits), which is the exact and safe way, and
on probabilities, which are kept 1e-7 away from 0 and 1 as in Keras.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .activations import sigmoid
from .dense import log_softmax, softmax
from .rectifiers import Array, as_float
from .regression import EPSILON, Result, as_rows, reduce_rows

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = [
    "binary_cross_entropy",
    "categorical_cross_entropy",
    "categorical_hinge",
    "hinge",
    "kl_divergence",
    "sigmoid_cross_entropy",
    "softmax_cross_entropy",
    "squared_hinge",
]


def one_hot(targets: npt.ArrayLike, c: int) -> Array:
    """Rows of probabilities from class ids: t_ij = 1 where j = id_i, else 0.

    Examples
    --------
    >>> one_hot([2, 0], 3)
    array([[0., 0., 1.],
           [1., 0., 0.]])
    """
    ids = np.asarray(targets)
    if ids.dtype.kind not in "iu":
        raise TypeError(f"targets of shape (n,) must be integer class ids, got dtype {ids.dtype}")
    if ids.size and not np.all((ids >= 0) & (ids < c)):
        bad = ids[~((ids >= 0) & (ids < c))][0]
        raise ValueError(f"targets must be class ids in [0, {c}), got {bad}")
    return np.asarray(ids[:, None] == np.arange(c), dtype=np.float64)


def _class_targets(
    pred: npt.ArrayLike, target: npt.ArrayLike, label_smoothing: float
) -> tuple[Array, Array]:
    """Scores and target probabilities, both (n, c), the latter smoothed: t (1 - s) + s / c."""
    pred, target = as_float(pred), np.asarray(target)
    if pred.ndim != 2 or pred.shape[1] == 0:
        raise ValueError(f"a categorical loss needs predictions of shape (n, c), got {pred.shape}")
    if target.ndim == 1 and len(target) == len(pred):
        target = one_hot(target, pred.shape[1])
    if target.shape != pred.shape:
        raise ValueError(f"targets must have shape (n,) or {pred.shape}, got {target.shape}")
    return pred, as_float(target) * (1 - label_smoothing) + label_smoothing / pred.shape[1]


# --------------------------------------------------------------------------------------- on logits


def softmax_cross_entropy(
    logits: npt.ArrayLike,
    targets: npt.ArrayLike,
    sample_weight: npt.ArrayLike | None = None,
    label_smoothing: float = 0.0,
    reduction: str = "mean",
) -> Result:
    """Softmax and cross-entropy in one: loss_i = -sum_j t_ij log softmax(x_i)_j.

    With probabilities t that sum to T_i (1 for any distribution) the gradient is
    dx_ij = T_i softmax(x_i)_j - t_ij. Targets are class ids (n,) or probabilities (n, c).

    Examples
    --------
    >>> loss, dlogits = softmax_cross_entropy([[0.0, 0.0]], [1])
    >>> round(loss, 6), dlogits
    (0.693147, array([[ 0.5, -0.5]]))
    """
    x, t = _class_targets(logits, targets, label_smoothing)
    # 0 * -inf, for a class of target 0 and a score of -inf, counts as 0: p log p -> 0
    each = -np.where(t == 0, 0.0, t * np.where(t == 0, 0.0, log_softmax(x))).sum(axis=1)
    dx = t.sum(axis=1, keepdims=True) * softmax(x) - t
    return reduce_rows(each, dx, x.shape, sample_weight, reduction)


def sigmoid_cross_entropy(
    logits: npt.ArrayLike,
    targets: npt.ArrayLike,
    sample_weight: npt.ArrayLike | None = None,
    label_smoothing: float = 0.0,
    reduction: str = "mean",
) -> Result:
    """Sigmoid and binary cross-entropy in one: mean_j of -t log s(x) - (1 - t) log(1 - s(x)).

    With -log s(x) = max(-x, 0) + log(1 + exp(-|x|)) this is max(x, 0) - t x + log(1 + exp(-|x|)),
    and the gradient s(x) - t. Smoothing makes t (1 - s) + s / 2 of t.

    Examples
    --------
    >>> sigmoid_cross_entropy([1e4, 1e4], [1.0, 0.0])
    (5000.0, array([0. , 0.5]))
    """
    x, t, shape = as_rows(logits, targets)
    t = t * (1 - label_smoothing) + label_smoothing / 2
    each = (np.maximum(x, 0) - t * x + np.log1p(np.exp(-np.abs(x)))).mean(axis=1)
    return reduce_rows(each, (sigmoid(x) - t) / x.shape[1], shape, sample_weight, reduction)


# -------------------------------------------------------------------------------- on probabilities


def categorical_cross_entropy(
    pred: npt.ArrayLike,
    target: npt.ArrayLike,
    sample_weight: npt.ArrayLike | None = None,
    label_smoothing: float = 0.0,
    reduction: str = "mean",
) -> Result:
    """Cross-entropy of probabilities: loss_i = -sum_j t_ij log(p_ij / sum_k p_ik).

    The quotient is kept in [1e-7, 1 - 1e-7]; outside, the gradient is 0.

    Examples
    --------
    >>> loss, dpred = categorical_cross_entropy([[0.5, 0.5]], [1])
    >>> round(loss, 6), dpred
    (0.693147, array([[ 1., -1.]]))
    """
    p, t = _class_targets(pred, target, label_smoothing)
    total = p.sum(axis=1, keepdims=True)
    q = p / total
    kept = np.clip(q, EPSILON, 1 - EPSILON)
    each = -(t * np.log(kept)).sum(axis=1)
    dq = np.where(q == kept, -t / kept, 0.0)
    dpred = (dq - (dq * q).sum(axis=1, keepdims=True)) / total  # through the quotient
    return reduce_rows(each, dpred, p.shape, sample_weight, reduction)


def binary_cross_entropy(
    pred: npt.ArrayLike,
    target: npt.ArrayLike,
    sample_weight: npt.ArrayLike | None = None,
    label_smoothing: float = 0.0,
    reduction: str = "mean",
) -> Result:
    """Binary cross-entropy of probabilities: mean_j of -t log p - (1 - t) log(1 - p).

    p is kept in [1e-7, 1 - 1e-7]; outside, the gradient is 0. Smoothing makes t (1 - s) + s / 2
    of t.

    Examples
    --------
    >>> loss, dpred = binary_cross_entropy([0.5], [1.0])
    >>> round(loss, 6), dpred
    (0.693147, array([-2.]))
    """
    pred, t, shape = as_rows(pred, target)
    t = t * (1 - label_smoothing) + label_smoothing / 2
    p = np.clip(pred, EPSILON, 1 - EPSILON)
    each = -(t * np.log(p) + (1 - t) * np.log1p(-p)).mean(axis=1)
    dpred = np.where(p == pred, (p - t) / (p * (1 - p)), 0.0) / p.shape[1]
    return reduce_rows(each, dpred, shape, sample_weight, reduction)


def kl_divergence(
    pred: npt.ArrayLike,
    target: npt.ArrayLike,
    sample_weight: npt.ArrayLike | None = None,
    reduction: str = "mean",
) -> Result:
    """Kullback-Leibler divergence: loss_i = sum_j t_ij log(t_ij / p_ij), both kept in [1e-7, 1].

    Examples
    --------
    >>> loss, dpred = kl_divergence([[0.5, 0.5]], [[1.0, 0.0]])
    >>> round(loss, 5), dpred.round(5)
    (0.69315, array([[-2., -0.]]))
    """
    pred, target, shape = as_rows(pred, target)
    p, t = np.clip(pred, EPSILON, 1), np.clip(target, EPSILON, 1)
    each = (t * np.log(t / p)).sum(axis=1)
    return reduce_rows(each, np.where(p == pred, -t / p, 0.0), shape, sample_weight, reduction)


# ----------------------------------------------------------------------------------------- margins


def hinge(
    pred: npt.ArrayLike,
    target: npt.ArrayLike,
    sample_weight: npt.ArrayLike | None = None,
    reduction: str = "mean",
) -> Result:
    """Margin loss: mean_j max(1 - t p, 0), t in {-1, 1}; labels all in {0, 1} are mapped there.

    Examples
    --------
    >>> hinge([0.5, -2.0], [1, 0])
    (0.25, array([-0.5,  0. ]))
    """
    p, t, shape = as_rows(pred, target)
    t = _signs(t)
    margin = np.maximum(1 - t * p, 0)
    dpred = np.where(margin > 0, -t, 0.0) / p.shape[1]
    return reduce_rows(margin.mean(axis=1), dpred, shape, sample_weight, reduction)


def squared_hinge(
    pred: npt.ArrayLike,
    target: npt.ArrayLike,
    sample_weight: npt.ArrayLike | None = None,
    reduction: str = "mean",
) -> Result:
    """Squared margin loss: mean_j max(1 - t p, 0)^2, with `hinge`'s labels.

    Examples
    --------
    >>> squared_hinge([0.0, -2.0], [1, 0])
    (0.5, array([-1.,  0.]))
    """
    p, t, shape = as_rows(pred, target)
    t = _signs(t)
    margin = np.maximum(1 - t * p, 0)
    dpred = -2 * t * margin / p.shape[1]
    return reduce_rows((margin**2).mean(axis=1), dpred, shape, sample_weight, reduction)


def _signs(t: Array) -> Array:
    return 2 * t - 1 if np.all((t == 0) | (t == 1)) else t


def categorical_hinge(
    pred: npt.ArrayLike,
    target: npt.ArrayLike,
    sample_weight: npt.ArrayLike | None = None,
    reduction: str = "mean",
) -> Result:
    """Margin to the best wrong class: max(max_j (1 - t_ij) p_ij - sum_j t_ij p_ij + 1, 0).

    Where several j reach the maximum, the first takes the gradient.

    Examples
    --------
    >>> categorical_hinge([[0.25, 0.5]], [1])
    (0.75, array([[ 1., -1.]]))
    """
    p, t = _class_targets(pred, target, 0.0)
    wrong = (1 - t) * p
    best = wrong.argmax(axis=1)
    margin = wrong.max(axis=1) - (t * p).sum(axis=1) + 1
    dpred = -t + np.where(np.arange(p.shape[1]) == best[:, None], 1 - t, 0.0)
    dpred = np.where(margin[:, None] > 0, dpred, 0.0)
    return reduce_rows(np.maximum(margin, 0), dpred, p.shape, sample_weight, reduction)
