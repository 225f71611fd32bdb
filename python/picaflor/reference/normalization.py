"""Dropout, batch and layer normalization, each forward with its backward under it.

Letters: n rows (samples), d columns (features).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .rectifiers import Array, as_float

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = [
    "batch_normalization_backward",
    "batch_normalization_forward",
    "batch_normalization_inference",
    "batch_normalization_inference_backward",
    "dropout_backward",
    "dropout_forward",
    "layer_normalization_backward",
    "layer_normalization_forward",
]


def dropout_forward(x: npt.ArrayLike, keep: npt.ArrayLike, rate: float) -> Array:
    """Drop what is not kept, and scale the rest so that the mean stays: y = x keep / (1 - rate).

    Srivastava et al., Dropout (2014), in its "inverted" form. `keep` is an array of bool in the
    shape of `x`, drawn by the caller with probability 1 - rate.

    Examples
    --------
    >>> dropout_forward([[1.0, 2.0]], [[True, False]], 0.5)
    array([[2., 0.]])
    """
    return np.where(np.asarray(keep, dtype=bool), as_float(x) / (1 - rate), 0.0)


def dropout_backward(dy: npt.ArrayLike, keep: npt.ArrayLike, rate: float) -> Array:
    """Gradient: dx = dy keep / (1 - rate).

    Examples
    --------
    >>> dropout_backward([[1.0, 2.0]], [[True, False]], 0.5)
    array([[2., 0.]])
    """
    return np.where(np.asarray(keep, dtype=bool), as_float(dy) / (1 - rate), 0.0)


def batch_normalization_forward(
    x: npt.ArrayLike,
    gamma: npt.ArrayLike,
    beta: npt.ArrayLike,
    epsilon: float = 1e-3,
) -> tuple[Array, Array, Array]:
    """Normalise every column over the batch: y = gamma (x - mean) / sqrt(var + eps) + beta.

    Ioffe and Szegedy, Batch Normalization (2015), algorithm 1; var is the biased variance.

    Returns
    -------
    y : ndarray of float64, shape (n, d)
    mean, variance : ndarray of float64, shape (d,)
        Of the batch, for the moving averages.

    Examples
    --------
    >>> y, mean, variance = batch_normalization_forward([[1.0], [3.0]], [1.0], [5.0], epsilon=0.0)
    >>> y.tolist(), mean, variance
    ([[4.0], [6.0]], array([2.]), array([1.]))
    """
    x = as_float(x)
    mean = x.mean(axis=0)
    variance = ((x - mean) ** 2).mean(axis=0)
    y = as_float(gamma) * (x - mean) / np.sqrt(variance + epsilon) + as_float(beta)
    return y, mean, variance


def batch_normalization_backward(
    dy: npt.ArrayLike,
    x: npt.ArrayLike,
    gamma: npt.ArrayLike,
    epsilon: float = 1e-3,
) -> tuple[Array, Array, Array]:
    """Gradients through the statistics of the batch.

    With h = (x - mean) / sqrt(var + eps) and dh = gamma dy, per column::

        dx = (dh - mean(dh) - h mean(dh h)) / sqrt(var + eps),  dgamma = sum dy h,  dbeta = sum dy

    Returns
    -------
    dx : ndarray of float64, shape (n, d)
    dgamma, dbeta : ndarray of float64, shape (d,)

    Examples
    --------
    >>> dx, dgamma, dbeta = batch_normalization_backward([[1.0], [0.0]], [[1.0], [3.0]], [1.0], 0.0)
    >>> dx.tolist(), dgamma, dbeta
    ([[0.0], [0.0]], array([-1.]), array([1.]))
    """
    dy, x = as_float(dy), as_float(x)
    mean = x.mean(axis=0)
    scale = 1 / np.sqrt(((x - mean) ** 2).mean(axis=0) + epsilon)
    h = (x - mean) * scale
    dh = as_float(gamma) * dy
    dx = (dh - dh.mean(axis=0) - h * (dh * h).mean(axis=0)) * scale
    return dx, (dy * h).sum(axis=0), dy.sum(axis=0)


def batch_normalization_inference(
    x: npt.ArrayLike,
    gamma: npt.ArrayLike,
    beta: npt.ArrayLike,
    mean: npt.ArrayLike,
    variance: npt.ArrayLike,
    epsilon: float = 1e-3,
) -> Array:
    """Normalise with given statistics: y = gamma (x - mean) / sqrt(var + eps) + beta.

    Examples
    --------
    >>> batch_normalization_inference([[4.0]], [2.0], [1.0], [1.0], [9.0], epsilon=0.0)
    array([[3.]])
    """
    h = (as_float(x) - as_float(mean)) / np.sqrt(as_float(variance) + epsilon)
    return as_float(gamma) * h + as_float(beta)


def batch_normalization_inference_backward(
    dy: npt.ArrayLike,
    x: npt.ArrayLike,
    gamma: npt.ArrayLike,
    mean: npt.ArrayLike,
    variance: npt.ArrayLike,
    epsilon: float = 1e-3,
) -> tuple[Array, Array, Array]:
    """Gradients with constant statistics: dx = gamma dy / sqrt(var + eps).

    Examples
    --------
    >>> batch_normalization_inference_backward([[3.0]], [[4.0]], [2.0], [1.0], [9.0], 0.0)
    (array([[2.]]), array([3.]), array([3.]))
    """
    dy = as_float(dy)
    scale = 1 / np.sqrt(as_float(variance) + epsilon)
    h = (as_float(x) - as_float(mean)) * scale
    return as_float(gamma) * dy * scale, (dy * h).sum(axis=0), dy.sum(axis=0)


def layer_normalization_forward(
    x: npt.ArrayLike,
    gamma: npt.ArrayLike,
    beta: npt.ArrayLike,
    epsilon: float = 1e-3,
) -> Array:
    """Normalise every row over its columns: y = gamma (x - mean) / sqrt(var + eps) + beta.

    Ba, Kiros and Hinton, Layer Normalization (2016), section 3.

    Examples
    --------
    >>> layer_normalization_forward([[1.0, 3.0]], [1.0, 1.0], [0.0, 0.0], epsilon=0.0)
    array([[-1.,  1.]])
    """
    return as_float(gamma) * _normalised_rows(as_float(x), epsilon)[0] + as_float(beta)


def layer_normalization_backward(
    dy: npt.ArrayLike,
    x: npt.ArrayLike,
    gamma: npt.ArrayLike,
    epsilon: float = 1e-3,
) -> tuple[Array, Array, Array]:
    """Gradients, with h the normalised rows and dh = gamma dy.

    Per row dx = (dh - mean(dh) - h mean(dh h)) / sqrt(var + eps); per column dgamma = sum dy h and
    dbeta = sum dy.

    Examples
    --------
    >>> x, gamma = [[1.0, 3.0]], [1.0, 1.0]
    >>> dx, dgamma, dbeta = layer_normalization_backward([[1.0, 0.0]], x, gamma, 0.0)
    >>> dx.tolist(), dgamma, dbeta
    ([[0.0, 0.0]], array([-1.,  0.]), array([1., 0.]))
    """
    dy = as_float(dy)
    h, scale = _normalised_rows(as_float(x), epsilon)
    dh = as_float(gamma) * dy
    along = (dh * h).mean(axis=1, keepdims=True)
    dx = (dh - dh.mean(axis=1, keepdims=True) - h * along) * scale
    return dx, (dy * h).sum(axis=0), dy.sum(axis=0)


def _normalised_rows(x: Array, epsilon: float) -> tuple[Array, Array]:
    centred = x - x.mean(axis=1, keepdims=True)
    scale = 1 / np.sqrt((centred**2).mean(axis=1, keepdims=True) + epsilon)
    return centred * scale, scale
