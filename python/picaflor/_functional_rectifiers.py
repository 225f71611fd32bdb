"""Activations of pf.functional that pass positive x through.

Every function takes an array of any shape and any strides and gives y = f(x) of that shape;
``<name>_backward(dy, x)`` gives dx = dy f'(x), dy being the gradient of some loss with respect to
y. float32 is computed in float32, every other dtype in float64; infinite x give the limit, NaN
gives NaN.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from picaflor import _core
from picaflor._checks import number

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = [
    "clipped_relu",
    "clipped_relu_backward",
    "elu",
    "elu_backward",
    "leaky_relu",
    "leaky_relu_backward",
    "linear",
    "linear_backward",
    "relu",
    "relu_backward",
    "selu",
    "selu_backward",
]


def _three(negative_slope: float, max_value: float, threshold: float) -> tuple[float, float, float]:
    return (
        number(negative_slope, "negative_slope"),
        number(max_value, "max_value"),
        number(threshold, "threshold"),
    )


def linear(x: npt.ArrayLike, out: npt.NDArray[Any] | None = None) -> Any:
    """Identity: y = x.

    Parameters
    ----------
    x : array_like of real numbers, any shape
        float32 is computed in float32, every other dtype in float64.
    out : ndarray, optional
        Receives the result: shape of `x`, dtype of the result, any strides. It may be `x`.

    Returns
    -------
    ndarray, or scalar if `x` is one
        `out` itself if it was given.

    Raises
    ------
    TypeError
        If `x` does not hold real numbers or `out` has another dtype.
    ValueError
        If `out` has another shape or is read-only.

    Examples
    --------
    >>> linear([-1.0, 2.0])
    array([-1.,  2.])
    """
    return _core.linear(x, out)


def linear_backward(
    dy: npt.ArrayLike, x: npt.ArrayLike, out: npt.NDArray[Any] | None = None
) -> Any:
    """Gradient of `linear`: dx = dy.

    Parameters
    ----------
    dy : array_like, shape of `x`
        Gradient with respect to the output.
    x : array_like of real numbers, any shape
        The input of `linear`. The result is float32 if `dy` and `x` are, else float64.
    out : ndarray, optional
        Receives the result; it may be `dy` or `x`.

    Returns
    -------
    ndarray, or scalar if `x` is one
        Gradient with respect to `x`.

    Raises
    ------
    TypeError
        If `dy` or `x` does not hold real numbers or `out` has another dtype.
    ValueError
        If `dy` or `out` has another shape than `x`, or `out` is read-only.

    Examples
    --------
    >>> linear_backward([1.0, 2.0], [3.0, 4.0])
    array([1., 2.])
    """
    return _core.linear_backward(dy, x, out)


def relu(x: npt.ArrayLike, out: npt.NDArray[Any] | None = None) -> Any:
    """Rectifier: y = max(x, 0).

    Parameters
    ----------
    x : array_like of real numbers, any shape
        float32 is computed in float32, every other dtype in float64.
    out : ndarray, optional
        Receives the result: shape of `x`, dtype of the result, any strides. It may be `x`.

    Returns
    -------
    ndarray, or scalar if `x` is one
        `out` itself if it was given.

    Raises
    ------
    TypeError
        If `x` does not hold real numbers or `out` has another dtype.
    ValueError
        If `out` has another shape or is read-only.

    Examples
    --------
    >>> relu([-1.0, 2.0])
    array([0., 2.])
    """
    return _core.relu(x, out)


def relu_backward(dy: npt.ArrayLike, x: npt.ArrayLike, out: npt.NDArray[Any] | None = None) -> Any:
    """Gradient of `relu`: dx = dy where x > 0, else 0.

    Parameters
    ----------
    dy : array_like, shape of `x`
        Gradient with respect to the output.
    x : array_like of real numbers, any shape
        The input of `relu`. The result is float32 if `dy` and `x` are, else float64.
    out : ndarray, optional
        Receives the result; it may be `dy` or `x`.

    Returns
    -------
    ndarray, or scalar if `x` is one
        Gradient with respect to `x`.

    Raises
    ------
    TypeError
        If `dy` or `x` does not hold real numbers or `out` has another dtype.
    ValueError
        If `dy` or `out` has another shape than `x`, or `out` is read-only.

    Examples
    --------
    >>> relu_backward([1.0, 2.0], [-3.0, 4.0])
    array([0., 2.])
    """
    return _core.relu_backward(dy, x, out)


def leaky_relu(
    x: npt.ArrayLike, negative_slope: float = 0.2, out: npt.NDArray[Any] | None = None
) -> Any:
    """Rectifier that lets a part through: y = x where x > 0, else negative_slope x.

    Parameters
    ----------
    x : array_like of real numbers, any shape
        float32 is computed in float32, every other dtype in float64.
    negative_slope : float, optional
        Slope for x <= 0.
    out : ndarray, optional
        Receives the result: shape of `x`, dtype of the result, any strides. It may be `x`.

    Returns
    -------
    ndarray, or scalar if `x` is one
        `out` itself if it was given.

    Raises
    ------
    TypeError
        If `x` does not hold real numbers or `out` has another dtype.
    ValueError
        If `out` has another shape or is read-only.

    Examples
    --------
    >>> leaky_relu([-1.0, 2.0])
    array([-0.2,  2. ])
    """
    return _core.leaky_relu(x, out, number(negative_slope, "negative_slope"))


def leaky_relu_backward(
    dy: npt.ArrayLike,
    x: npt.ArrayLike,
    negative_slope: float = 0.2,
    out: npt.NDArray[Any] | None = None,
) -> Any:
    """Gradient of `leaky_relu`: dx = dy where x > 0, else negative_slope dy.

    Parameters
    ----------
    dy : array_like, shape of `x`
        Gradient with respect to the output.
    x : array_like of real numbers, any shape
        The input of `leaky_relu`. The result is float32 if `dy` and `x` are, else float64.
    negative_slope : float, optional
        Slope for x <= 0.
    out : ndarray, optional
        Receives the result; it may be `dy` or `x`.

    Returns
    -------
    ndarray, or scalar if `x` is one
        Gradient with respect to `x`.

    Raises
    ------
    TypeError
        If `dy` or `x` does not hold real numbers or `out` has another dtype.
    ValueError
        If `dy` or `out` has another shape than `x`, or `out` is read-only.

    Examples
    --------
    >>> leaky_relu_backward([1.0, 2.0], [-3.0, 4.0])
    array([0.2, 2. ])
    """
    return _core.leaky_relu_backward(dy, x, out, number(negative_slope, "negative_slope"))


def clipped_relu(
    x: npt.ArrayLike,
    negative_slope: float = 0.0,
    max_value: float = math.inf,
    threshold: float = 0.0,
    out: npt.NDArray[Any] | None = None,
) -> Any:
    """Rectifier with a ceiling and a threshold t (Keras's ReLU layer).

    y = min(x, max_value) where x > t, else negative_slope (x - t).

    Parameters
    ----------
    x : array_like of real numbers, any shape
        float32 is computed in float32, every other dtype in float64.
    negative_slope : float, optional
        Slope up to the threshold.
    max_value : float, optional
        Ceiling of y.
    threshold : float, optional
        Where the function bends.
    out : ndarray, optional
        Receives the result: shape of `x`, dtype of the result, any strides. It may be `x`.

    Returns
    -------
    ndarray, or scalar if `x` is one
        `out` itself if it was given.

    Raises
    ------
    TypeError
        If `x` does not hold real numbers or `out` has another dtype.
    ValueError
        If `out` has another shape or is read-only.

    Examples
    --------
    >>> clipped_relu([-1.0, 2.0, 9.0], negative_slope=0.5, max_value=6.0)
    array([-0.5,  2. ,  6. ])
    """
    return _core.clipped_relu(x, out, *_three(negative_slope, max_value, threshold))


def clipped_relu_backward(
    dy: npt.ArrayLike,
    x: npt.ArrayLike,
    negative_slope: float = 0.0,
    max_value: float = math.inf,
    threshold: float = 0.0,
    out: npt.NDArray[Any] | None = None,
) -> Any:
    """Gradient of `clipped_relu`: dx = 0 where x >= max_value, dy above the threshold.

    Parameters
    ----------
    dy : array_like, shape of `x`
        Gradient with respect to the output.
    x : array_like of real numbers, any shape
        The input of `clipped_relu`. The result is float32 if `dy` and `x` are, else float64.
    negative_slope : float, optional
        Slope up to the threshold.
    max_value : float, optional
        Ceiling of y.
    threshold : float, optional
        Where the function bends.
    out : ndarray, optional
        Receives the result; it may be `dy` or `x`.

    Returns
    -------
    ndarray, or scalar if `x` is one
        Gradient with respect to `x`.

    Raises
    ------
    TypeError
        If `dy` or `x` does not hold real numbers or `out` has another dtype.
    ValueError
        If `dy` or `out` has another shape than `x`, or `out` is read-only.

    Examples
    --------
    >>> clipped_relu_backward([1.0, 1.0], [-3.0, 9.0], max_value=6.0)
    array([0., 0.])
    """
    return _core.clipped_relu_backward(dy, x, out, *_three(negative_slope, max_value, threshold))


def elu(x: npt.ArrayLike, alpha: float = 1.0, out: npt.NDArray[Any] | None = None) -> Any:
    """Exponential linear unit: y = x where x > 0, else alpha (exp(x) - 1) [1]_.

    Parameters
    ----------
    x : array_like of real numbers, any shape
        float32 is computed in float32, every other dtype in float64.
    alpha : float, optional
        The limit for x -> -inf is -alpha.
    out : ndarray, optional
        Receives the result: shape of `x`, dtype of the result, any strides. It may be `x`.

    Returns
    -------
    ndarray, or scalar if `x` is one
        `out` itself if it was given.

    Raises
    ------
    TypeError
        If `x` does not hold real numbers or `out` has another dtype.
    ValueError
        If `out` has another shape or is read-only.

    References
    ----------
    .. [1] Clevert, Unterthiner and Hochreiter, "Fast and accurate deep network learning by
       exponential linear units", arXiv:1511.07289, equation 14.

    Examples
    --------
    >>> elu([-1000.0, 2.0])
    array([-1.,  2.])
    """
    return _core.elu(x, out, number(alpha, "alpha"))


def elu_backward(
    dy: npt.ArrayLike, x: npt.ArrayLike, alpha: float = 1.0, out: npt.NDArray[Any] | None = None
) -> Any:
    """Gradient of `elu`: dx = dy where x > 0, else dy alpha exp(x).

    Parameters
    ----------
    dy : array_like, shape of `x`
        Gradient with respect to the output.
    x : array_like of real numbers, any shape
        The input of `elu`. The result is float32 if `dy` and `x` are, else float64.
    alpha : float, optional
        The limit for x -> -inf is -alpha.
    out : ndarray, optional
        Receives the result; it may be `dy` or `x`.

    Returns
    -------
    ndarray, or scalar if `x` is one
        Gradient with respect to `x`.

    Raises
    ------
    TypeError
        If `dy` or `x` does not hold real numbers or `out` has another dtype.
    ValueError
        If `dy` or `out` has another shape than `x`, or `out` is read-only.

    Examples
    --------
    >>> elu_backward([1.0, 1.0], [-1000.0, 2.0])
    array([0., 1.])
    """
    return _core.elu_backward(dy, x, out, number(alpha, "alpha"))


def selu(x: npt.ArrayLike, out: npt.NDArray[Any] | None = None) -> Any:
    """Self-normalizing unit: y = 1.0507 elu(x, alpha=1.6733), constants of [1]_.

    Parameters
    ----------
    x : array_like of real numbers, any shape
        float32 is computed in float32, every other dtype in float64.
    out : ndarray, optional
        Receives the result: shape of `x`, dtype of the result, any strides. It may be `x`.

    Returns
    -------
    ndarray, or scalar if `x` is one
        `out` itself if it was given.

    Raises
    ------
    TypeError
        If `x` does not hold real numbers or `out` has another dtype.
    ValueError
        If `out` has another shape or is read-only.

    References
    ----------
    .. [1] Klambauer, Unterthiner, Mayr and Hochreiter, "Self-normalizing neural networks",
       arXiv:1706.02515, equation 14.

    Examples
    --------
    >>> selu([0.0, 1.0])
    array([0.        , 1.05070099])
    """
    return _core.selu(x, out)


def selu_backward(dy: npt.ArrayLike, x: npt.ArrayLike, out: npt.NDArray[Any] | None = None) -> Any:
    """Gradient of `selu`: dx = 1.0507 dy where x > 0, else 1.7581 dy exp(x).

    Parameters
    ----------
    dy : array_like, shape of `x`
        Gradient with respect to the output.
    x : array_like of real numbers, any shape
        The input of `selu`. The result is float32 if `dy` and `x` are, else float64.
    out : ndarray, optional
        Receives the result; it may be `dy` or `x`.

    Returns
    -------
    ndarray, or scalar if `x` is one
        Gradient with respect to `x`.

    Raises
    ------
    TypeError
        If `dy` or `x` does not hold real numbers or `out` has another dtype.
    ValueError
        If `dy` or `out` has another shape than `x`, or `out` is read-only.

    Examples
    --------
    >>> selu_backward([1.0, 1.0], [0.0, 2.0])
    array([1.75809934, 1.05070099])
    """
    return _core.selu_backward(dy, x, out)
