"""Rectifiers and other activations in pieces, each with its backward under it.

Every function takes an array of any shape. ``<name>(x)`` gives y = f(x); ``<name>_backward(dy, x)``
gives dx = dy f'(x), with dy the gradient of some loss with respect to y, of the shape of x.

Where f has a kink, the docstring says which slope is taken: relu'(0) = 0. Infinite inputs give the
limit, NaN gives NaN.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = [
    "clipped_relu",
    "clipped_relu_backward",
    "elu",
    "elu_backward",
    "hard_sigmoid",
    "hard_sigmoid_backward",
    "hard_silu",
    "hard_silu_backward",
    "leaky_relu",
    "leaky_relu_backward",
    "linear",
    "linear_backward",
    "relu",
    "relu_backward",
    "selu",
    "selu_backward",
    "step",
    "step_backward",
]

Array: TypeAlias = "npt.NDArray[np.float64]"

# Klambauer et al., Self-Normalizing Neural Networks (2017), equation 14.
SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946


def as_float(x: npt.ArrayLike) -> Array:
    """Return `x` in float64, the dtype of everything here."""
    return np.asarray(x, dtype=np.float64)


def as_pair(dy: npt.ArrayLike, x: npt.ArrayLike) -> tuple[Array, Array]:
    """Return `dy` and `x` in float64, of one shape."""
    dy, x = as_float(dy), as_float(x)
    if dy.shape != x.shape:
        raise ValueError(f"dy must have the shape of x, {x.shape}, got {dy.shape}")
    return dy, x


def linear(x: npt.ArrayLike) -> Array:
    """Identity: y = x.

    Examples
    --------
    >>> linear([-1.0, 2.0])
    array([-1.,  2.])
    """
    return np.array(x, dtype=np.float64)


def linear_backward(dy: npt.ArrayLike, x: npt.ArrayLike) -> Array:
    """Gradient: dx = dy."""
    return np.array(as_pair(dy, x)[0])


def relu(x: npt.ArrayLike) -> Array:
    """Rectified linear unit: y = max(x, 0).

    Examples
    --------
    >>> relu([-1.0, 2.0])
    array([0., 2.])
    """
    return np.maximum(as_float(x), 0.0)


def relu_backward(dy: npt.ArrayLike, x: npt.ArrayLike) -> Array:
    """Gradient: dx = dy where x > 0, else 0."""
    dy, x = as_pair(dy, x)
    return np.where(np.isnan(x), np.nan, np.where(x > 0, dy, 0.0))


def leaky_relu(x: npt.ArrayLike, negative_slope: float = 0.2) -> Array:
    """Leaky rectifier: y = x where x > 0, else negative_slope x.

    Examples
    --------
    >>> leaky_relu([-1.0, 2.0])
    array([-0.2,  2. ])
    """
    x = as_float(x)
    return np.where(x > 0, x, negative_slope * x)


def leaky_relu_backward(dy: npt.ArrayLike, x: npt.ArrayLike, negative_slope: float = 0.2) -> Array:
    """Gradient: dx = dy where x > 0, else negative_slope dy."""
    dy, x = as_pair(dy, x)
    return np.where(np.isnan(x), np.nan, np.where(x > 0, dy, negative_slope * dy))


def clipped_relu(
    x: npt.ArrayLike,
    negative_slope: float = 0.0,
    max_value: float = math.inf,
    threshold: float = 0.0,
) -> Array:
    """Rectifier with a ceiling, a threshold t, and a slope below it (Keras's ReLU layer).

    y = min(x, max_value) where x > t, else negative_slope (x - t).

    Examples
    --------
    >>> clipped_relu([-1.0, 2.0, 9.0], negative_slope=0.5, max_value=6.0)
    array([-0.5,  2. ,  6. ])
    """
    x = as_float(x)
    below = np.zeros_like(x) if negative_slope == 0 else negative_slope * (x - threshold)
    y = np.where(x > threshold, np.minimum(x, max_value), below)
    return np.where(np.isnan(x), np.nan, y)


def clipped_relu_backward(
    dy: npt.ArrayLike,
    x: npt.ArrayLike,
    negative_slope: float = 0.0,
    max_value: float = math.inf,
    threshold: float = 0.0,
) -> Array:
    """Gradient: dx = 0 where x >= max_value, dy above the threshold, else negative_slope dy."""
    dy, x = as_pair(dy, x)
    slope = np.where(x > threshold, np.where(x >= max_value, 0.0, 1.0), negative_slope)
    return np.where(np.isnan(x), np.nan, dy * slope)


def elu(x: npt.ArrayLike, alpha: float = 1.0) -> Array:
    """Exponential linear unit: y = x where x > 0, else alpha (exp(x) - 1).

    Examples
    --------
    >>> elu([-1000.0, 2.0])
    array([-1.,  2.])
    """
    x = as_float(x)
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0.0)))


def elu_backward(dy: npt.ArrayLike, x: npt.ArrayLike, alpha: float = 1.0) -> Array:
    """Gradient: dx = dy where x > 0, else dy alpha exp(x)."""
    dy, x = as_pair(dy, x)
    return dy * np.where(x > 0, 1.0, alpha * np.exp(np.minimum(x, 0.0)))


def selu(x: npt.ArrayLike) -> Array:
    """Scaled exponential linear unit: y = scale elu(x, alpha).

    The constants keep mean 0 and variance 1 from layer to layer.

    Examples
    --------
    >>> selu([-1000.0, 1.0]).round(6)
    array([-1.758099,  1.050701])
    """
    return SELU_SCALE * elu(x, SELU_ALPHA)


def selu_backward(dy: npt.ArrayLike, x: npt.ArrayLike) -> Array:
    """Gradient: dx = scale elu'(x) dy."""
    return SELU_SCALE * elu_backward(dy, x, SELU_ALPHA)


def hard_sigmoid(x: npt.ArrayLike) -> Array:
    """Piecewise linear sigmoid: y = x / 6 + 1 / 2, kept inside [0, 1].

    Examples
    --------
    >>> hard_sigmoid([-3.0, 0.0, 3.0])
    array([0. , 0.5, 1. ])
    """
    return np.clip(as_float(x) / 6 + 0.5, 0.0, 1.0)


def hard_sigmoid_backward(dy: npt.ArrayLike, x: npt.ArrayLike) -> Array:
    """Gradient: dx = dy / 6 where -3 < x < 3, else 0."""
    dy, x = as_pair(dy, x)
    return np.where(np.isnan(x), np.nan, np.where(np.abs(x) < 3, dy / 6, 0.0))


def hard_silu(x: npt.ArrayLike) -> Array:
    """Piecewise SiLU: y = x hard_sigmoid(x).

    Examples
    --------
    >>> hard_silu([-3.0, 1.5, 3.0])
    array([-0.   ,  1.125,  3.   ])
    """
    x = as_float(x)
    return np.maximum(x, -3.0) * hard_sigmoid(x)


def hard_silu_backward(dy: npt.ArrayLike, x: npt.ArrayLike) -> Array:
    """Gradient: dx = dy (x / 3 + 1 / 2) where -3 < x < 3, dy above and 0 below."""
    dy, x = as_pair(dy, x)
    slope = np.where(np.abs(x) < 3, np.clip(x, -3, 3) / 3 + 0.5, np.where(x >= 3, 1.0, 0.0))
    return np.where(np.isnan(x), np.nan, dy * slope)


def step(x: npt.ArrayLike) -> Array:
    """Rosenblatt's threshold: y = 1 where x > 0, else 0.

    Examples
    --------
    >>> step([-1.0, 0.0, 2.0])
    array([0., 0., 1.])
    """
    x = as_float(x)
    return np.where(np.isnan(x), np.nan, np.where(x > 0, 1.0, 0.0))


def step_backward(dy: npt.ArrayLike, x: npt.ArrayLike) -> Array:
    """Gradient: dx = 0: a step has no slope to descend."""
    return np.zeros_like(as_pair(dy, x)[0])
