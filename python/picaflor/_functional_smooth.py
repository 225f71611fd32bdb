"""Smooth units of pf.functional.

Every function takes an array of any shape and any strides and gives y = f(x) of that shape;
``<name>_backward(dy, x)`` gives dx = dy f'(x), dy being the gradient of some loss with respect to
y. float32 is computed in float32, every other dtype in float64; infinite x give the limit, NaN
gives NaN.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from picaflor import _core

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = [
    "exponential",
    "exponential_backward",
    "gelu",
    "gelu_backward",
    "hard_silu",
    "hard_silu_backward",
    "silu",
    "silu_backward",
    "softplus",
    "softplus_backward",
]


def softplus(x: npt.ArrayLike, out: npt.NDArray[Any] | None = None) -> Any:
    """Smooth rectifier: y = log(1 + exp(x)).

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
    >>> softplus([-1000.0, 1000.0])
    array([   0., 1000.])
    """
    return _core.softplus(x, out)


def softplus_backward(
    dy: npt.ArrayLike, x: npt.ArrayLike, out: npt.NDArray[Any] | None = None
) -> Any:
    """Gradient of `softplus`: dx = dy / (1 + exp(-x)).

    Parameters
    ----------
    dy : array_like, shape of `x`
        Gradient with respect to the output.
    x : array_like of real numbers, any shape
        The input of `softplus`. The result is float32 if `dy` and `x` are, else float64.
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
    >>> softplus_backward([1.0, 1.0], [0.0, 1000.0])
    array([0.5, 1. ])
    """
    return _core.softplus_backward(dy, x, out)


def silu(x: npt.ArrayLike, out: npt.NDArray[Any] | None = None) -> Any:
    """Sigmoid-weighted unit, also called swish: y = x / (1 + exp(-x)) [1]_.

    Within 4 units in the last place for every x, the tail towards 0 included.

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
    .. [1] Elfwing, Uchibe and Doya, "Sigmoid-weighted linear units for neural network function
       approximation in reinforcement learning", arXiv:1702.03118, equation 3.

    Examples
    --------
    >>> silu([-1000.0, 0.0, 1000.0])
    array([  -0.,    0., 1000.])
    """
    return _core.silu(x, out)


def silu_backward(dy: npt.ArrayLike, x: npt.ArrayLike, out: npt.NDArray[Any] | None = None) -> Any:
    """Gradient of `silu`: dx = dy s (1 + x (1 - s)), s = 1 / (1 + exp(-x)).

    Parameters
    ----------
    dy : array_like, shape of `x`
        Gradient with respect to the output.
    x : array_like of real numbers, any shape
        The input of `silu`. The result is float32 if `dy` and `x` are, else float64.
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
    >>> silu_backward([1.0, 1.0], [0.0, 1000.0])
    array([0.5, 1. ])
    """
    return _core.silu_backward(dy, x, out)


def hard_silu(x: npt.ArrayLike, out: npt.NDArray[Any] | None = None) -> Any:
    """SiLU in pieces: y = x hard_sigmoid(x).

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
    >>> hard_silu([-3.0, 1.5, 3.0])
    array([-0.   ,  1.125,  3.   ])
    """
    return _core.hard_silu(x, out)


def hard_silu_backward(
    dy: npt.ArrayLike, x: npt.ArrayLike, out: npt.NDArray[Any] | None = None
) -> Any:
    """Gradient of `hard_silu`: dx = dy (x / 3 + 1 / 2) where -3 < x < 3, dy above, 0 below.

    Parameters
    ----------
    dy : array_like, shape of `x`
        Gradient with respect to the output.
    x : array_like of real numbers, any shape
        The input of `hard_silu`. The result is float32 if `dy` and `x` are, else float64.
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
    >>> hard_silu_backward([1.0, 1.0], [0.0, 9.0])
    array([0.5, 1. ])
    """
    return _core.hard_silu_backward(dy, x, out)


def gelu(x: npt.ArrayLike, out: npt.NDArray[Any] | None = None) -> Any:
    """Gaussian error linear unit: y = x P(x), P(x) = erfc(-x / sqrt(2)) / 2 [1]_.

    The exact form, not the approximation by tanh; within 7 units in the last place for every x (5
    where the processor has fused multiply-adds), the tail towards 0 included.

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
    .. [1] Hendrycks and Gimpel, "Gaussian error linear units (GELUs)", arXiv:1606.08415,
       section 2.

    Examples
    --------
    >>> gelu([0.0, 1000.0])
    array([   0., 1000.])
    """
    return _core.gelu(x, out)


def gelu_backward(dy: npt.ArrayLike, x: npt.ArrayLike, out: npt.NDArray[Any] | None = None) -> Any:
    """Gradient of `gelu`: dx = dy (P(x) + x p(x)), p the normal density.

    Parameters
    ----------
    dy : array_like, shape of `x`
        Gradient with respect to the output.
    x : array_like of real numbers, any shape
        The input of `gelu`. The result is float32 if `dy` and `x` are, else float64.
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
    >>> gelu_backward([1.0, 1.0], [0.0, 1000.0])
    array([0.5, 1. ])
    """
    return _core.gelu_backward(dy, x, out)


def exponential(x: npt.ArrayLike, out: npt.NDArray[Any] | None = None) -> Any:
    """Y = exp(x).

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
    >>> exponential([0.0, 1000.0])
    array([ 1., inf])
    """
    return _core.exponential(x, out)


def exponential_backward(
    dy: npt.ArrayLike, x: npt.ArrayLike, out: npt.NDArray[Any] | None = None
) -> Any:
    """Gradient of `exponential`: dx = dy exp(x).

    Parameters
    ----------
    dy : array_like, shape of `x`
        Gradient with respect to the output.
    x : array_like of real numbers, any shape
        The input of `exponential`. The result is float32 if `dy` and `x` are, else float64.
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
    >>> exponential_backward([1.0, 2.0], [0.0, 0.0])
    array([1., 2.])
    """
    return _core.exponential_backward(dy, x, out)
