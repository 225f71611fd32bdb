"""Activations of pf.functional between two limits.

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
    "hard_sigmoid",
    "hard_sigmoid_backward",
    "sigmoid",
    "sigmoid_backward",
    "softsign",
    "softsign_backward",
    "step",
    "step_backward",
    "tanh",
    "tanh_backward",
]


def step(x: npt.ArrayLike, out: npt.NDArray[Any] | None = None) -> Any:
    """Rosenblatt's threshold: y = 1 where x > 0, else 0.

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
    >>> step([-1.0, 0.0, 2.0])
    array([0., 0., 1.])
    """
    return _core.step(x, out)


def step_backward(dy: npt.ArrayLike, x: npt.ArrayLike, out: npt.NDArray[Any] | None = None) -> Any:
    """Gradient of `step`: dx = 0, a step has no slope to descend.

    Parameters
    ----------
    dy : array_like, shape of `x`
        Gradient with respect to the output.
    x : array_like of real numbers, any shape
        The input of `step`. The result is float32 if `dy` and `x` are, else float64.
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
    >>> step_backward([1.0, 1.0], [-1.0, 2.0])
    array([0., 0.])
    """
    return _core.step_backward(dy, x, out)


def sigmoid(x: npt.ArrayLike, out: npt.NDArray[Any] | None = None) -> Any:
    """Logistic function: y = 1 / (1 + exp(-x)).

    Within 2 units in the last place for every x, the tail towards 0 included.

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
    >>> sigmoid([-1000.0, 0.0, 1000.0])
    array([0. , 0.5, 1. ])
    """
    return _core.sigmoid(x, out)


def sigmoid_backward(
    dy: npt.ArrayLike, x: npt.ArrayLike, out: npt.NDArray[Any] | None = None
) -> Any:
    """Gradient of `sigmoid`: dx = dy y (1 - y), without cancellation.

    Parameters
    ----------
    dy : array_like, shape of `x`
        Gradient with respect to the output.
    x : array_like of real numbers, any shape
        The input of `sigmoid`. The result is float32 if `dy` and `x` are, else float64.
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
    >>> sigmoid_backward([4.0, 4.0], [0.0, 1000.0])
    array([1., 0.])
    """
    return _core.sigmoid_backward(dy, x, out)


def hard_sigmoid(x: npt.ArrayLike, out: npt.NDArray[Any] | None = None) -> Any:
    """Sigmoid in pieces: y = min(max(x + 3, 0), 6) / 6.

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
    >>> hard_sigmoid([-3.0, 0.0, 3.0])
    array([0. , 0.5, 1. ])
    """
    return _core.hard_sigmoid(x, out)


def hard_sigmoid_backward(
    dy: npt.ArrayLike, x: npt.ArrayLike, out: npt.NDArray[Any] | None = None
) -> Any:
    """Gradient of `hard_sigmoid`: dx = dy / 6 where -3 < x < 3, else 0.

    Parameters
    ----------
    dy : array_like, shape of `x`
        Gradient with respect to the output.
    x : array_like of real numbers, any shape
        The input of `hard_sigmoid`. The result is float32 if `dy` and `x` are, else float64.
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
    >>> hard_sigmoid_backward([6.0, 6.0], [0.0, 9.0])
    array([1., 0.])
    """
    return _core.hard_sigmoid_backward(dy, x, out)


def tanh(x: npt.ArrayLike, out: npt.NDArray[Any] | None = None) -> Any:
    """Hyperbolic tangent: y = (exp(x) - exp(-x)) / (exp(x) + exp(-x)).

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
    >>> tanh([0.0, 100.0])
    array([0., 1.])
    """
    return _core.tanh(x, out)


def tanh_backward(dy: npt.ArrayLike, x: npt.ArrayLike, out: npt.NDArray[Any] | None = None) -> Any:
    """Gradient of `tanh`: dx = dy / cosh(x)^2.

    Parameters
    ----------
    dy : array_like, shape of `x`
        Gradient with respect to the output.
    x : array_like of real numbers, any shape
        The input of `tanh`. The result is float32 if `dy` and `x` are, else float64.
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
    >>> tanh_backward([1.0, 1.0], [0.0, 100.0])
    array([1.00000000e+00, 5.53558611e-87])
    """
    return _core.tanh_backward(dy, x, out)


def softsign(x: npt.ArrayLike, out: npt.NDArray[Any] | None = None) -> Any:
    """Y = x / (1 + abs(x)).

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
    >>> softsign([-1.0, 3.0])
    array([-0.5 ,  0.75])
    """
    return _core.softsign(x, out)


def softsign_backward(
    dy: npt.ArrayLike, x: npt.ArrayLike, out: npt.NDArray[Any] | None = None
) -> Any:
    """Gradient of `softsign`: dx = dy / (1 + abs(x))^2.

    Parameters
    ----------
    dy : array_like, shape of `x`
        Gradient with respect to the output.
    x : array_like of real numbers, any shape
        The input of `softsign`. The result is float32 if `dy` and `x` are, else float64.
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
    >>> softsign_backward([1.0, 1.0], [-1.0, 3.0])
    array([0.25  , 0.0625])
    """
    return _core.softsign_backward(dy, x, out)
