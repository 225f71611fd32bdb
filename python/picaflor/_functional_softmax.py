"""Softmax and log-softmax of pf.functional, each with its backward under it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from picaflor import _core

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["log_softmax", "log_softmax_backward", "softmax", "softmax_backward"]


def softmax(x: npt.ArrayLike, axis: int = -1) -> npt.NDArray[Any]:
    """Probabilities from scores: y_j = exp(x_j - top) / sum_k exp(x_k - top), top = max_k x_k.

    A score of -inf has probability 0. Scores among which there is a NaN or +inf, or all of which
    are -inf, give NaN.

    Parameters
    ----------
    x : array_like of real numbers, at least one axis
        float32 is computed in float32, every other dtype in float64. Any strides.
    axis : int, optional
        The axis along which the probabilities sum to one.

    Returns
    -------
    ndarray, shape of `x`

    Raises
    ------
    TypeError
        If `x` does not hold real numbers or `axis` is no integer.
    ValueError
        If `x` has no such axis or no element along it.

    Examples
    --------
    >>> softmax([[1e4, 1e4], [0.0, -1e4]])
    array([[0.5, 0.5],
           [1. , 0. ]])
    """
    return _core.softmax(x, axis)


def softmax_backward(dy: npt.ArrayLike, y: npt.ArrayLike, axis: int = -1) -> npt.NDArray[Any]:
    """Gradient of `softmax`, from its output: dx_j = y_j (dy_j - sum_k dy_k y_k).

    Parameters
    ----------
    dy : array_like, shape of `y`
        Gradient with respect to the output.
    y : array_like of real numbers
        The output of `softmax`. The result is float32 if `dy` and `y` are, else float64.
    axis : int, optional
        As given to `softmax`.

    Returns
    -------
    ndarray, shape of `y`
        Gradient with respect to the scores.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers or `axis` is no integer.
    ValueError
        If `dy` has another shape than `y`, or `y` no such axis or no element along it.

    Examples
    --------
    >>> softmax_backward([[1.0, 0.0]], [[0.5, 0.5]])
    array([[ 0.25, -0.25]])
    """
    return _core.softmax_backward(dy, y, axis)


def log_softmax(x: npt.ArrayLike, axis: int = -1) -> npt.NDArray[Any]:
    """Logarithms of probabilities: y_j = x_j - top - log(sum_k exp(x_k - top)), top = max_k x_k.

    A score of -inf gives -inf. Scores among which there is a NaN or +inf, or all of which are
    -inf, give NaN.

    Parameters
    ----------
    x : array_like of real numbers, at least one axis
        float32 is computed in float32, every other dtype in float64. Any strides.
    axis : int, optional
        The axis along which the probabilities sum to one.

    Returns
    -------
    ndarray, shape of `x`

    Raises
    ------
    TypeError
        If `x` does not hold real numbers or `axis` is no integer.
    ValueError
        If `x` has no such axis or no element along it.

    Examples
    --------
    >>> log_softmax([[0.0, -1e4]])
    array([[     0., -10000.]])
    """
    return _core.log_softmax(x, axis)


def log_softmax_backward(dy: npt.ArrayLike, y: npt.ArrayLike, axis: int = -1) -> npt.NDArray[Any]:
    """Gradient of `log_softmax`, from its output: dx_j = dy_j - exp(y_j) sum_k dy_k.

    Parameters
    ----------
    dy : array_like, shape of `y`
        Gradient with respect to the output.
    y : array_like of real numbers
        The output of `log_softmax`. The result is float32 if `dy` and `y` are, else float64.
    axis : int, optional
        As given to `log_softmax`.

    Returns
    -------
    ndarray, shape of `y`
        Gradient with respect to the scores.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers or `axis` is no integer.
    ValueError
        If `dy` has another shape than `y`, or `y` no such axis or no element along it.

    Examples
    --------
    >>> log_softmax_backward([[1.0, 0.0]], [[-0.6931471805599453, -0.6931471805599453]])
    array([[ 0.5, -0.5]])
    """
    return _core.log_softmax_backward(dy, y, axis)
