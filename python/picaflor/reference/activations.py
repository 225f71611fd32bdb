"""Smooth activations, each with its backward under it, and every activation by its name.

The conventions are those of `rectifiers`; s(x) is the logistic function 1 / (1 + exp(-x)).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from .rectifiers import (
    Array,
    as_float,
    as_pair,
    clipped_relu,
    clipped_relu_backward,
    elu,
    elu_backward,
    hard_sigmoid,
    hard_sigmoid_backward,
    hard_silu,
    hard_silu_backward,
    leaky_relu,
    leaky_relu_backward,
    linear,
    linear_backward,
    relu,
    relu_backward,
    selu,
    selu_backward,
    step,
    step_backward,
)

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = [
    "activation_backward",
    "activation_forward",
    "exponential",
    "exponential_backward",
    "gelu",
    "gelu_backward",
    "sigmoid",
    "sigmoid_backward",
    "silu",
    "silu_backward",
    "softplus",
    "softplus_backward",
    "softsign",
    "softsign_backward",
    "tanh",
    "tanh_backward",
]

# Beyond +-FAR, exp(-|x|) is 0 in float64; clipping there avoids inf * 0 and changes nothing else.
FAR = 1000.0


def _logistic(x: Array) -> Array:
    e = np.exp(-np.abs(x))  # in (0, 1]: cannot overflow
    return np.where(x >= 0, 1 / (1 + e), e / (1 + e))


# math.erfc keeps its relative accuracy where erfc(x) -> 0; 1 - erf(x) would not.
_erfc = np.vectorize(math.erfc, otypes=[np.float64])


def _normal_distribution(x: Array) -> Array:
    """P(x) = erfc(-x / sqrt(2)) / 2, to a few units in the last place for every x.

    Far in the tail erfc magnifies the rounding d of z = -x / sqrt(2) by 2 z^2, hence the correction
    erfc(z + d) = erfc(z) - 2 / sqrt(pi) exp(-z^2) d. The rounding is found by Dekker's product.
    """
    half_root, rest = 0.7071067811865476, -4.833646656726457e-17  # their sum: 1 / sqrt(2)
    z = -x * half_root
    high = np.float32(half_root).item()
    x_high = x.astype(np.float32).astype(np.float64)
    low, x_low = half_root - high, x - x_high
    d = -(x_high * high + z) - x_high * low - x_low * high - x_low * low - x * rest
    p: Array = (_erfc(z) - 2 / math.sqrt(math.pi) * np.exp(-z * z) * d) / 2
    return p


def sigmoid(x: npt.ArrayLike) -> Array:
    """Logistic function: y = 1 / (1 + exp(-x)), from exp(-|x|) so that it never overflows.

    Examples
    --------
    >>> sigmoid([-1000.0, 0.0, 1000.0])
    array([0. , 0.5, 1. ])
    """
    return _logistic(as_float(x))


def sigmoid_backward(dy: npt.ArrayLike, x: npt.ArrayLike) -> Array:
    """Gradient: dx = dy s(x) s(-x); s(-x) is 1 - s(x) without the cancellation."""
    dy, x = as_pair(dy, x)
    return dy * _logistic(x) * _logistic(-x)


def tanh(x: npt.ArrayLike) -> Array:
    """Hyperbolic tangent: y = tanh(x).

    Examples
    --------
    >>> tanh([0.0, 100.0])
    array([0., 1.])
    """
    return np.tanh(as_float(x))


def tanh_backward(dy: npt.ArrayLike, x: npt.ArrayLike) -> Array:
    """Gradient: dx = dy (1 - tanh(x)^2), as 4 s(2x) s(-2x): no cancellation in the tails."""
    dy, x = as_pair(dy, x)
    x = np.clip(x, -FAR, FAR)
    return dy * 4 * _logistic(2 * x) * _logistic(-2 * x)


def softplus(x: npt.ArrayLike) -> Array:
    """Smooth rectifier: y = log(1 + exp(x)), as max(x, 0) + log(1 + exp(-|x|)).

    Examples
    --------
    >>> softplus([-1000.0, 1000.0])
    array([   0., 1000.])
    """
    x = as_float(x)
    y: Array = np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))
    return y


def softplus_backward(dy: npt.ArrayLike, x: npt.ArrayLike) -> Array:
    """Gradient: dx = dy s(x)."""
    dy, x = as_pair(dy, x)
    return dy * _logistic(x)


def softsign(x: npt.ArrayLike) -> Array:
    """Softsign: y = x / (1 + |x|).

    Examples
    --------
    >>> softsign([-1.0, 3.0])
    array([-0.5 ,  0.75])
    """
    x = np.clip(as_float(x), -1e300, 1e300)
    y: Array = x / (1 + np.abs(x))
    return y


def softsign_backward(dy: npt.ArrayLike, x: npt.ArrayLike) -> Array:
    """Gradient: dx = dy / (1 + |x|)^2."""
    dy, x = as_pair(dy, x)
    dx: Array = dy / (1 + np.abs(x)) / (1 + np.abs(x))
    return dx


def silu(x: npt.ArrayLike) -> Array:
    """Sigmoid linear unit (swish): y = x s(x).

    Examples
    --------
    >>> silu([-1000.0, 0.0, 1000.0])
    array([  -0.,    0., 1000.])
    """
    x = as_float(x)
    return np.maximum(x, -FAR) * _logistic(x)


def silu_backward(dy: npt.ArrayLike, x: npt.ArrayLike) -> Array:
    """Gradient: dx = dy s(x) (1 + x s(-x))."""
    dy, x = as_pair(dy, x)
    x = np.clip(x, -FAR, FAR)
    return dy * _logistic(x) * (1 + x * _logistic(-x))


def gelu(x: npt.ArrayLike) -> Array:
    """Gaussian error linear unit: y = x P(x).

    P(x) = erfc(-x / sqrt(2)) / 2 is the normal distribution function.

    Examples
    --------
    >>> gelu([-10.0, 0.0, 10.0])
    array([-7.61985302e-23,  0.00000000e+00,  1.00000000e+01])
    """
    x = as_float(x)
    y = np.maximum(x, -FAR) * _normal_distribution(np.clip(x, -FAR, FAR))
    # far below zero y is 0, without a sign: the difference max(x, 0) - |x| P(-|x|)
    return np.where((y == 0) & (x < 0), 0.0, y)


def gelu_backward(dy: npt.ArrayLike, x: npt.ArrayLike) -> Array:
    """Gradient: dx = dy (P(x) + x p(x)), p(x) = exp(-x^2 / 2) / sqrt(2 pi) the density."""
    dy, x = as_pair(dy, x)
    x = np.clip(x, -FAR, FAR)
    high = x.astype(np.float32).astype(np.float64)  # its square is exact
    density = (
        np.exp(-high * high / 2) * np.exp(-(x - high) * (x + high) / 2) / math.sqrt(2 * math.pi)
    )
    dx: Array = dy * (_normal_distribution(x) + x * density)
    return dx


def exponential(x: npt.ArrayLike) -> Array:
    """Exponential: y = exp(x); infinity where that is too large for a float.

    Examples
    --------
    >>> exponential([0.0, 1000.0])
    array([ 1., inf])
    """
    with np.errstate(over="ignore"):
        return np.exp(as_float(x))


def exponential_backward(dy: npt.ArrayLike, x: npt.ArrayLike) -> Array:
    """Gradient: dx = dy exp(x)."""
    dy, x = as_pair(dy, x)
    return dy * exponential(x)


# name -> (forward, backward, how many of the three parameters a, b, c they take)
ACTIVATIONS: dict[str, tuple[Callable[..., Array], Callable[..., Array], int]] = {
    "linear": (linear, linear_backward, 0),
    "relu": (relu, relu_backward, 0),
    "clipped_relu": (clipped_relu, clipped_relu_backward, 3),
    "leaky_relu": (leaky_relu, leaky_relu_backward, 1),
    "elu": (elu, elu_backward, 1),
    "selu": (selu, selu_backward, 0),
    "sigmoid": (sigmoid, sigmoid_backward, 0),
    "hard_sigmoid": (hard_sigmoid, hard_sigmoid_backward, 0),
    "tanh": (tanh, tanh_backward, 0),
    "softplus": (softplus, softplus_backward, 0),
    "softsign": (softsign, softsign_backward, 0),
    "silu": (silu, silu_backward, 0),
    "hard_silu": (hard_silu, hard_silu_backward, 0),
    "gelu": (gelu, gelu_backward, 0),
    "exponential": (exponential, exponential_backward, 0),
    "step": (step, step_backward, 0),
}
ALIASES = {"swish": "silu", "hard_swish": "hard_silu"}


def _lookup(name: str) -> tuple[Callable[..., Array], Callable[..., Array], int]:
    name = ALIASES.get(name, name)
    if name not in ACTIVATIONS:
        raise ValueError(f"activation must be one of {', '.join(ACTIVATIONS)}, got {name!r}")
    return ACTIVATIONS[name]


def activation_forward(name: str, x: npt.ArrayLike, params: tuple[float, ...] = ()) -> Array:
    """Apply the elementwise activation of that name; without `params`, with its defaults.

    Examples
    --------
    >>> activation_forward("leaky_relu", [-1.0], (0.5,))
    array([-0.5])
    """
    forward, _, count = _lookup(name)
    return forward(x, *params[:count])


def activation_backward(
    name: str, dy: npt.ArrayLike, x: npt.ArrayLike, params: tuple[float, ...] = ()
) -> Array:
    """Backward of `activation_forward`.

    Examples
    --------
    >>> activation_backward("leaky_relu", [3.0], [-1.0], (0.5,))
    array([1.5])
    """
    _, backward, count = _lookup(name)
    return backward(dy, x, *params[:count])
