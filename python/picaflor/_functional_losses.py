"""The losses of pf.functional: value and gradient in one pass over the data."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from picaflor import _core
from picaflor._checks import did_you_mean, number

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = [
    "huber",
    "mean_absolute_error",
    "mean_squared_error",
    "sigmoid_cross_entropy",
    "softmax_cross_entropy",
]

Reduction: TypeAlias = Literal["mean", "sum", "none"]
Result: TypeAlias = "tuple[Any, npt.NDArray[Any]]"  # (float, or array for "none"; gradient)

_REDUCTIONS = {"mean": 0, "sum": 1, "none": 2}


def _loss(
    kind: str,
    pred: npt.ArrayLike,
    target: npt.ArrayLike,
    sample_weight: npt.ArrayLike | None,
    reduction: str,
    names: tuple[str, str],
    label_smoothing: float = 0.0,
    delta: float = 1.0,
) -> Result:
    try:
        code = _REDUCTIONS[reduction]
    except (KeyError, TypeError):
        raise ValueError(
            f"reduction must be 'mean', 'sum' or 'none', got {reduction!r}."
            + did_you_mean(reduction, _REDUCTIONS)
        ) from None
    loss, dpred = _core.loss(
        kind, pred, target, sample_weight, label_smoothing, delta, 1.0, inf, code, True, *names
    )
    if code == 2 and sample_weight is not None:
        loss *= np.asarray(sample_weight, dtype=loss.dtype)
    return loss, dpred


def _smoothing(value: float) -> float:
    if not 0.0 <= number(value, "label_smoothing") <= 1.0:
        raise ValueError(f"label_smoothing must be in [0, 1], got {value!r}")
    return float(value)


def softmax_cross_entropy(
    logits: npt.ArrayLike,
    targets: npt.ArrayLike,
    sample_weight: npt.ArrayLike | None = None,
    label_smoothing: float = 0.0,
    reduction: Reduction = "mean",
) -> Result:
    """Softmax and cross-entropy in one pass, with the gradient.

    For row i with logits x and target probabilities t [1]_::

        loss_i = -sum_j t_ij log softmax(x_i)_j = log(sum_k exp(x_ik)) sum_j t_ij - sum_j t_ij x_ij
        dloss_i / dx_ij = softmax(x_i)_j sum_k t_ik - t_ij

    computed with the row's maximum subtracted, so that logits of any size are safe. A target of 0
    contributes 0 even where its logit is -inf; NaN in a row makes its loss NaN.

    Parameters
    ----------
    logits : array_like, shape (n, c), c >= 1
        Unnormalised scores, one row per sample. float32 is computed in float32, every other dtype
        in float64.
    targets : array_like of int, shape (n,), or of float, shape (n, c)
        Class ids in ``[0, c)``, or one row of probabilities per sample.
    sample_weight : array_like, shape (n,), optional
        Factor of each row's loss and gradient.
    label_smoothing : float in [0, 1], default 0.0
        Replaces t by ``t * (1 - label_smoothing) + label_smoothing / c``.
    reduction : {"mean", "sum", "none"}, default "mean"
        The weighted losses of the rows are added up and divided by n, not by the sum of the
        weights (``"mean"``, as in Keras), added up (``"sum"``), or returned (``"none"``).

    Returns
    -------
    loss : float, or ndarray of shape (n,) for ``"none"``
    dlogits : ndarray, shape (n, c), dtype of `logits`
        Gradient of `loss`, the reduction included; for ``"none"``, row i is the gradient of
        ``loss[i]``.

    Raises
    ------
    TypeError
        If `targets` of shape (n,) are not integers, or an argument does not hold real numbers.
    ValueError
        If shapes disagree, a class id lies outside ``[0, c)``, or a mean of no rows is asked for.

    References
    ----------
    .. [1] C. M. Bishop, Pattern Recognition and Machine Learning, Springer 2006, eqs. 4.108-4.109.

    Examples
    --------
    >>> import numpy as np
    >>> loss, dlogits = softmax_cross_entropy(np.array([[0.0, 0.0], [1e4, 0.0]]), [1, 0])
    >>> round(loss, 6)
    0.346574
    >>> dlogits
    array([[ 0.25, -0.25],
           [ 0.  ,  0.  ]])
    """
    return _loss(
        "categorical_cross_entropy_logits",
        logits,
        targets,
        sample_weight,
        reduction,
        ("logits", "targets"),
        label_smoothing=label_smoothing if label_smoothing == 0.0 else _smoothing(label_smoothing),
    )


def sigmoid_cross_entropy(
    logits: npt.ArrayLike,
    targets: npt.ArrayLike,
    sample_weight: npt.ArrayLike | None = None,
    label_smoothing: float = 0.0,
    reduction: Reduction = "mean",
) -> Result:
    """Sigmoid and binary cross-entropy in one pass, with the gradient.

    For row i with logits x, targets t and p = 1 / (1 + exp(-x)) [1]_::

        loss_i = mean_j -t_ij log p_ij - (1 - t_ij) log(1 - p_ij)
        dloss_i / dx_ij = (p_ij - t_ij) / c

    computed from exp(-|x|), so that logits of any size are safe.

    Parameters
    ----------
    logits : array_like, shape (n, c) or (n,)
        One row per sample; (n,) means one column. float32 is computed in float32, every other
        dtype in float64.
    targets : array_like, shape of `logits`
        Probabilities, or labels 0 and 1.
    sample_weight : array_like, shape (n,), optional
        Factor of each row's loss and gradient.
    label_smoothing : float in [0, 1], default 0.0
        Replaces t by ``t * (1 - label_smoothing) + label_smoothing / 2``.
    reduction : {"mean", "sum", "none"}, default "mean"
        The weighted losses of the rows are added up and divided by n (``"mean"``), added up
        (``"sum"``), or returned (``"none"``).

    Returns
    -------
    loss : float, or ndarray of shape (n,) for ``"none"``
    dlogits : ndarray, shape and dtype of `logits`
        Gradient of `loss`, the reduction included; for ``"none"``, row i is the gradient of
        ``loss[i]``.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        If shapes disagree, or a mean of no rows is asked for.

    References
    ----------
    .. [1] C. M. Bishop, Pattern Recognition and Machine Learning, Springer 2006, eqs. 4.90-4.91.

    Examples
    --------
    >>> loss, dlogits = sigmoid_cross_entropy([0.0, 1e4], [1, 1])
    >>> round(loss, 6), dlogits
    (0.346574, array([-0.25,  0.  ]))
    """
    return _loss(
        "binary_cross_entropy_logits",
        logits,
        targets,
        sample_weight,
        reduction,
        ("logits", "targets"),
        label_smoothing=label_smoothing if label_smoothing == 0.0 else _smoothing(label_smoothing),
    )


def mean_squared_error(
    pred: npt.ArrayLike,
    target: npt.ArrayLike,
    sample_weight: npt.ArrayLike | None = None,
    reduction: Reduction = "mean",
) -> Result:
    """Squared error and its gradient: loss_i = mean_j (p_ij - t_ij)^2.

    The gradient is ``dloss_i / dp_ij = 2 (p_ij - t_ij) / c``. There is no factor one half; the
    class `picaflor.losses.MeanSquaredError` has a `scale` for that.

    Parameters
    ----------
    pred : array_like, shape (n, c) or (n,)
        One row per sample; (n,) means one column. float32 is computed in float32, every other
        dtype in float64.
    target : array_like, shape of `pred`
    sample_weight : array_like, shape (n,), optional
        Factor of each row's loss and gradient.
    reduction : {"mean", "sum", "none"}, default "mean"
        The weighted losses of the rows are added up and divided by n (``"mean"``), added up
        (``"sum"``), or returned (``"none"``).

    Returns
    -------
    loss : float, or ndarray of shape (n,) for ``"none"``
    dpred : ndarray, shape and dtype of `pred`
        Gradient of `loss`, the reduction included; for ``"none"``, row i is the gradient of
        ``loss[i]``.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        If shapes disagree, or a mean of no rows is asked for.

    Examples
    --------
    >>> mean_squared_error([3.0, 1.0], [1.0, 1.0])
    (2.0, array([2., 0.]))
    """
    return _loss("squared_error", pred, target, sample_weight, reduction, ("pred", "target"))


def mean_absolute_error(
    pred: npt.ArrayLike,
    target: npt.ArrayLike,
    sample_weight: npt.ArrayLike | None = None,
    reduction: Reduction = "mean",
) -> Result:
    """Absolute error and its gradient: loss_i = mean_j |p_ij - t_ij|.

    The gradient is ``sign(p_ij - t_ij) / c``, 0 where the two are equal.

    Parameters
    ----------
    pred : array_like, shape (n, c) or (n,)
        One row per sample; (n,) means one column. float32 is computed in float32, every other
        dtype in float64.
    target : array_like, shape of `pred`
    sample_weight : array_like, shape (n,), optional
        Factor of each row's loss and gradient.
    reduction : {"mean", "sum", "none"}, default "mean"
        The weighted losses of the rows are added up and divided by n (``"mean"``), added up
        (``"sum"``), or returned (``"none"``).

    Returns
    -------
    loss : float, or ndarray of shape (n,) for ``"none"``
    dpred : ndarray, shape and dtype of `pred`
        Gradient of `loss`, the reduction included; for ``"none"``, row i is the gradient of
        ``loss[i]``.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        If shapes disagree, or a mean of no rows is asked for.

    Examples
    --------
    >>> mean_absolute_error([3.0, 1.0], [1.0, 1.0])
    (1.0, array([0.5, 0. ]))
    """
    return _loss("absolute_error", pred, target, sample_weight, reduction, ("pred", "target"))


def huber(
    pred: npt.ArrayLike,
    target: npt.ArrayLike,
    sample_weight: npt.ArrayLike | None = None,
    delta: float = 1.0,
    reduction: Reduction = "mean",
) -> Result:
    """Huber's loss and its gradient, quadratic near zero and linear beyond `delta` [1]_.

    With e = p - t, loss_i is the mean over j of::

        e^2 / 2                        where |e| <= delta
        delta |e| - delta^2 / 2        elsewhere

    and the gradient e, limited to [-delta, delta], over c.

    Parameters
    ----------
    pred : array_like, shape (n, c) or (n,)
        One row per sample; (n,) means one column. float32 is computed in float32, every other
        dtype in float64.
    target : array_like, shape of `pred`
    sample_weight : array_like, shape (n,), optional
        Factor of each row's loss and gradient.
    delta : float > 0, default 1.0
        Where the loss turns linear.
    reduction : {"mean", "sum", "none"}, default "mean"
        The weighted losses of the rows are added up and divided by n (``"mean"``), added up
        (``"sum"``), or returned (``"none"``).

    Returns
    -------
    loss : float, or ndarray of shape (n,) for ``"none"``
    dpred : ndarray, shape and dtype of `pred`
        Gradient of `loss`, the reduction included; for ``"none"``, row i is the gradient of
        ``loss[i]``.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        If shapes disagree, `delta` is not above 0, or a mean of no rows is asked for.

    References
    ----------
    .. [1] P. J. Huber, Robust Estimation of a Location Parameter, Ann. Math. Statist. 35, 1964.

    Examples
    --------
    >>> huber([3.0, 1.5], [0.0, 1.0])
    (1.3125, array([0.5 , 0.25]))
    """
    if not number(delta, "delta") > 0:
        raise ValueError(f"delta must be above 0, got {delta!r}")
    return _loss(
        "huber", pred, target, sample_weight, reduction, ("pred", "target"), delta=float(delta)
    )
