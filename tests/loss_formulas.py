"""Every loss kind in NumPy float64: the value of each row and its gradient, straight from the formulas.

The second witness of tests/test_losses.py. The formulas follow Keras 3 (epsilon 1e-7); where a clip is
active, the derivative is that of the clipped value.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Result = tuple[Array, Array]

EPSILON = 1e-7


def inside(x: Array, low: float, high: float) -> Array:
    """1 where a clip to [low, high] lets the derivative through."""
    return ((x >= low) & (x <= high)).astype(np.float64)


def mean(value: Array, slope: Array) -> Result:
    """The mean over the columns."""
    c = value.shape[1]
    return value.mean(axis=1), slope / c


def squared_error(o: Array, t: Array) -> Result:
    return mean((o - t) ** 2, 2 * (o - t))


def absolute_error(o: Array, t: Array) -> Result:
    return mean(np.abs(o - t), np.sign(o - t))


def huber(o: Array, t: Array, delta: float = 1.0) -> Result:
    d = o - t
    linear = delta * np.abs(d) - delta**2 / 2
    return mean(np.where(np.abs(d) <= delta, d**2 / 2, linear), np.clip(d, -delta, delta))


def log_cosh(o: Array, t: Array) -> Result:
    d = o - t
    return mean(np.logaddexp(d, -d) - np.log(2), np.tanh(d))


def squared_log_error(o: Array, t: Array) -> Result:
    p = np.maximum(o, EPSILON)
    d = np.log1p(p) - np.log1p(np.maximum(t, EPSILON))
    return mean(d**2, 2 * d / (1 + p) * inside(o, EPSILON, np.inf))


def absolute_percentage_error(o: Array, t: Array) -> Result:
    k = 100 / np.maximum(np.abs(t), EPSILON)
    return mean(k * np.abs(o - t), k * np.sign(o - t))


def poisson(o: Array, t: Array) -> Result:
    return mean(o - t * np.log(o + EPSILON), 1 - t / (o + EPSILON))


def poisson_log(o: Array, t: Array) -> Result:
    return mean(np.exp(o) - t * o, np.exp(o) - t)


def hinge(o: Array, t: Array) -> Result:
    label = np.where(t == 0, -1, t)
    margin = 1 - label * o
    return mean(np.maximum(margin, 0), -label * (margin > 0))


def squared_hinge(o: Array, t: Array) -> Result:
    label = np.where(t == 0, -1, t)
    margin = np.maximum(1 - label * o, 0)
    return mean(margin**2, -2 * margin * label)


def categorical_hinge(o: Array, t: Array) -> Result:
    n = np.arange(len(o))
    best = np.argmax((1 - t) * o, axis=1)
    margin = 1 + ((1 - t) * o)[n, best] - np.sum(t * o, axis=1)
    slope = -t
    slope[n, best] += 1 - t[n, best]
    return np.maximum(margin, 0), slope * (margin > 0)[:, None]


def kl_divergence(o: Array, t: Array) -> Result:
    p, q = np.clip(o, EPSILON, 1), np.clip(t, EPSILON, 1)
    return np.sum(q * np.log(q / p), axis=1), -q / p * inside(o, EPSILON, 1)


def cosine_similarity(o: Array, t: Array) -> Result:
    def norm(x: Array) -> Array:
        return np.sqrt(np.maximum(np.sum(x**2, axis=1, keepdims=True), EPSILON**2))

    o_norm, t_unit = norm(o), t / norm(t)
    o_unit = o / o_norm
    value = -np.sum(o_unit * t_unit, axis=1, keepdims=True)
    through = np.linalg.norm(o, axis=1, keepdims=True) >= EPSILON
    return value[:, 0], -(t_unit + through * value * o_unit) / o_norm


def binary_cross_entropy(o: Array, t: Array, label_smoothing: float = 0.0) -> Result:
    t = t * (1 - label_smoothing) + label_smoothing / 2
    p = np.clip(o, EPSILON, 1 - EPSILON)
    slope = (1 - t) / (1 - p) - t / p
    value = -t * np.log(p) - (1 - t) * np.log(1 - p)
    return mean(value, slope * inside(o, EPSILON, 1 - EPSILON))


def binary_cross_entropy_logits(o: Array, t: Array, label_smoothing: float = 0.0) -> Result:
    t = t * (1 - label_smoothing) + label_smoothing / 2
    sigmoid = np.exp(-np.logaddexp(0, -o))
    return mean(t * np.logaddexp(0, -o) + (1 - t) * np.logaddexp(0, o), sigmoid - t)


def categorical_cross_entropy(o: Array, t: Array, label_smoothing: float = 0.0) -> Result:
    t = t * (1 - label_smoothing) + label_smoothing / o.shape[1]
    total = o.sum(axis=1, keepdims=True)
    q = o / total
    p = np.clip(q, EPSILON, 1 - EPSILON)
    slope = -t / p * inside(q, EPSILON, 1 - EPSILON)
    value = -np.sum(t * np.log(p), axis=1)
    return value, (slope - np.sum(slope * q, axis=1, keepdims=True)) / total


def categorical_cross_entropy_logits(o: Array, t: Array, label_smoothing: float = 0.0) -> Result:
    t = t * (1 - label_smoothing) + label_smoothing / o.shape[1]
    z = o - o.max(axis=1, keepdims=True)
    log_p = z - np.log(np.sum(np.exp(z), axis=1, keepdims=True))
    return -np.sum(t * log_p, axis=1), np.exp(log_p) * t.sum(axis=1, keepdims=True) - t


FORMULAS: dict[str, Callable[..., Result]] = {
    f.__name__: f
    for f in (
        squared_error,
        absolute_error,
        huber,
        log_cosh,
        squared_log_error,
        absolute_percentage_error,
        poisson,
        poisson_log,
        hinge,
        squared_hinge,
        categorical_hinge,
        kl_divergence,
        cosine_similarity,
        binary_cross_entropy,
        binary_cross_entropy_logits,
        categorical_cross_entropy,
        categorical_cross_entropy_logits,
    )
}
