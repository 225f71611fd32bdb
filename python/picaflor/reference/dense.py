"""Dense layers and softmax, each forward with its backward under it.

Letters: n rows (samples), d inputs, m outputs, c classes. The gradient of the loss with respect to
`x` is called `dx`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .activations import activation_forward
from .rectifiers import Array, as_float, as_pair

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = [
    "dense_backward",
    "dense_forward",
    "log_softmax",
    "log_softmax_backward",
    "softmax",
    "softmax_backward",
]


def dense_forward(
    x: npt.ArrayLike,
    weight: npt.ArrayLike,
    bias: npt.ArrayLike | None = None,
    activation: Any = None,
) -> Array:
    """Affine map of rows and an activation: y = f(x W + b).

    Parameters
    ----------
    x : array_like, shape (n, d)
    weight : array_like, shape (d, m)
    bias : array_like, shape (m,), optional
        Zero if not given.
    activation : str or picaflor.activations.Activation, optional
        None is the identity; ``"softmax"`` and ``"log_softmax"`` go over each row.

    Returns
    -------
    ndarray of float64, shape (n, m)

    Raises
    ------
    ValueError
        If the shapes do not fit each other or the activation is unknown.

    Examples
    --------
    >>> dense_forward([[1.0, 2.0]], [[1.0], [1.0]], [-1.0], "relu")
    array([[2.]])
    """
    x, weight = as_float(x), as_float(weight)
    if x.ndim != 2 or weight.ndim != 2 or x.shape[1] != weight.shape[0]:
        raise ValueError(f"x (n, d) and weight (d, m) expected, got {x.shape} and {weight.shape}")
    y = x @ weight
    if bias is not None:
        bias = as_float(bias)
        if bias.shape != (weight.shape[1],):
            raise ValueError(f"bias must have shape ({weight.shape[1]},), got {bias.shape}")
        y = y + bias
    if activation is None:
        return y
    name = activation if isinstance(activation, str) else activation.name
    if name == "softmax":
        return softmax(y)
    if name == "log_softmax":
        return log_softmax(y)
    return activation_forward(name, y, tuple(getattr(activation, "params", ())))


def dense_backward(
    dy: npt.ArrayLike, x: npt.ArrayLike, weight: npt.ArrayLike
) -> tuple[Array, Array, Array]:
    """Gradients of y = x W + b: dx = dy W^T, dW = x^T dy, db = sum of the rows of dy.

    Parameters
    ----------
    dy : array_like, shape (n, m)
        Gradient with respect to y, before any activation.
    x : array_like, shape (n, d)
    weight : array_like, shape (d, m)

    Returns
    -------
    dx : ndarray of float64, shape (n, d)
    dweight : ndarray of float64, shape (d, m)
    dbias : ndarray of float64, shape (m,)

    Raises
    ------
    ValueError
        If the shapes do not fit each other.

    Examples
    --------
    >>> dx, dweight, dbias = dense_backward([[3.0]], [[1.0, 2.0]], [[5.0], [7.0]])
    >>> dx, dweight, dbias
    (array([[15., 21.]]), array([[3.],
           [6.]]), array([3.]))
    """
    dy, x, weight = as_float(dy), as_float(x), as_float(weight)
    if (
        dy.ndim != 2
        or x.shape != (dy.shape[0], weight.shape[0])
        or weight.shape[1:] != dy.shape[1:]
    ):
        raise ValueError(
            f"dy (n, m), x (n, d) and weight (d, m) expected, "
            f"got {dy.shape}, {x.shape} and {weight.shape}"
        )
    return dy @ weight.T, x.T @ dy, dy.sum(axis=0)


def softmax(x: npt.ArrayLike, axis: int = -1) -> Array:
    """Probabilities from scores: y_j = exp(x_j - top) / sum_k exp(x_k - top), top = max_k x_k.

    Subtracting the largest score changes nothing but keeps every exp in [0, 1].

    Examples
    --------
    >>> softmax([[1e4, 1e4], [0.0, -1e4]])
    array([[0.5, 0.5],
           [1. , 0. ]])
    """
    x = as_float(x)
    e = np.exp(x - _top(x, axis))
    y: Array = e / e.sum(axis=axis, keepdims=True)
    return y


def softmax_backward(dy: npt.ArrayLike, y: npt.ArrayLike, axis: int = -1) -> Array:
    """Gradient, from the output y: dx_j = y_j (dy_j - sum_k dy_k y_k).

    Examples
    --------
    >>> softmax_backward([[1.0, 0.0]], [[0.5, 0.5]])
    array([[ 0.25, -0.25]])
    """
    dy, y = as_pair(dy, y)
    dx: Array = y * (dy - (dy * y).sum(axis=axis, keepdims=True))
    return dx


def log_softmax(x: npt.ArrayLike, axis: int = -1) -> Array:
    """Logarithms of probabilities: y_j = x_j - top - log(sum_k exp(x_k - top)).

    Examples
    --------
    >>> log_softmax([[0.0, -1e4]])
    array([[     0., -10000.]])
    """
    x = as_float(x)
    shifted = x - _top(x, axis)
    y: Array = shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))
    return y


def log_softmax_backward(dy: npt.ArrayLike, y: npt.ArrayLike, axis: int = -1) -> Array:
    """Gradient, from the output y: dx_j = dy_j - exp(y_j) sum_k dy_k.

    Examples
    --------
    >>> log_softmax_backward([[1.0, 0.0]], [[-0.6931471805599453, -0.6931471805599453]])
    array([[ 0.5, -0.5]])
    """
    dy, y = as_pair(dy, y)
    dx: Array = dy - np.exp(y) * dy.sum(axis=axis, keepdims=True)
    return dx


def _top(x: Array, axis: int) -> Array:
    if x.shape[axis] == 0:
        raise ValueError(f"softmax needs at least one score along axis {axis}, got shape {x.shape}")
    top: Array = x.max(axis=axis, keepdims=True)
    return top
