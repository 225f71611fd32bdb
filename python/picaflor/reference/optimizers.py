"""The rules of the optimizers, one function each.

``<rule>(w, g, state, rate, t, ...)`` returns the new value of a parameter `w` with gradient `g`.
`state` is a dictionary of this parameter's own arrays, empty before the first step and updated in
place; `rate` is the learning rate, `t` = 1, 2, ... the number of the step. Defaults and formulas
are Keras's; where they differ from the paper, the docstring says so.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .rectifiers import Array

__all__ = [
    "adadelta",
    "adagrad",
    "adam",
    "adamax",
    "apply_rule",
    "lion",
    "nadam",
    "rmsprop",
    "sgd",
]

State = dict[str, Any]


def _slot(state: State, name: str, w: Array, value: float = 0.0) -> Array:
    slot: Array = state.setdefault(name, np.full_like(w, value))
    return slot


def sgd(
    w: Array,
    g: Array,
    state: State,
    rate: float,
    t: int,
    momentum: float = 0.0,
    nesterov: bool = False,
) -> Array:
    """Gradient descent: m = momentum m - rate g, w = w + m; Nesterov: w = w + momentum m - rate g.

    Examples
    --------
    >>> sgd(np.array([1.0]), np.array([2.0]), {}, 0.25, 1)
    array([0.5])
    """
    m = state["momentum"] = momentum * _slot(state, "momentum", w) - rate * g
    return w + momentum * m - rate * g if nesterov else w + m


def adam(
    w: Array,
    g: Array,
    state: State,
    rate: float,
    t: int,
    beta_1: float = 0.9,
    beta_2: float = 0.999,
    epsilon: float = 1e-7,
    amsgrad: bool = False,
) -> Array:
    """Adaptive moments, Kingma and Ba (2015), in the form of the end of their section 2.

    ::

        m = beta_1 m + (1 - beta_1) g          v = beta_2 v + (1 - beta_2) g^2
        w = w - rate sqrt(1 - beta_2^t) / (1 - beta_1^t)  m / (sqrt(v) + epsilon)

    AMSGrad (Reddi et al., 2018) puts the largest v so far in the place of v.

    Examples
    --------
    >>> adam(np.array([1.0]), np.array([2.0]), {}, 0.25, 1, epsilon=0.0)
    array([0.75])
    """
    m = state["m"] = beta_1 * _slot(state, "m", w) + (1 - beta_1) * g
    v = state["v"] = beta_2 * _slot(state, "v", w) + (1 - beta_2) * g * g
    if amsgrad:
        v = state["largest"] = np.maximum(_slot(state, "largest", w), v)
    rate = rate * math.sqrt(1 - beta_2**t) / (1 - beta_1**t)
    return w - rate * m / (np.sqrt(v) + epsilon)


def rmsprop(
    w: Array,
    g: Array,
    state: State,
    rate: float,
    t: int,
    rho: float = 0.9,
    momentum: float = 0.0,
    epsilon: float = 1e-7,
    centered: bool = False,
) -> Array:
    """Root mean square, Hinton's lecture 6e (2012): w = w - rate g / sqrt(v + epsilon).

    v is the running mean of g^2; centered, minus the square of the running mean of g. Momentum adds
    up the whole step: b = momentum b + rate g / sqrt(v + epsilon), w = w - b.

    Examples
    --------
    >>> rmsprop(np.array([1.0]), np.array([2.0]), {}, 0.25, 1, rho=0.75, epsilon=0.0)
    array([0.5])
    """
    v = state["v"] = rho * _slot(state, "v", w) + (1 - rho) * g * g
    if centered:
        mean = state["mean"] = rho * _slot(state, "mean", w) + (1 - rho) * g
        v = v - mean * mean
    b = state["momentum"] = momentum * _slot(state, "momentum", w) + rate * g / np.sqrt(v + epsilon)
    return w - b


def adagrad(
    w: Array,
    g: Array,
    state: State,
    rate: float,
    t: int,
    initial_accumulator_value: float = 0.1,
    epsilon: float = 1e-7,
) -> Array:
    """Duchi et al. (2011): a = a + g^2, w = w - rate g / sqrt(a + epsilon), a from 0.1.

    Examples
    --------
    >>> adagrad(np.array([1.0]), np.array([2.0]), {}, 0.25, 1, 0.0, epsilon=0.0)
    array([0.75])
    """
    a = state["a"] = _slot(state, "a", w, initial_accumulator_value) + g * g
    return w - rate * g / np.sqrt(a + epsilon)


def adadelta(
    w: Array,
    g: Array,
    state: State,
    rate: float,
    t: int,
    rho: float = 0.95,
    epsilon: float = 1e-7,
) -> Array:
    """Zeiler (2012), algorithm 1, times the learning rate.

    With v and u the running means of g^2 and step^2::

        step = sqrt(u + epsilon) / sqrt(v + epsilon) g,    w = w - rate step

    Examples
    --------
    >>> adadelta(np.array([1.0]), np.array([2.0]), {}, 1.0, 1, rho=0.0, epsilon=4.0).round(6)
    array([-0.414214])
    """
    v = state["v"] = rho * _slot(state, "v", w) + (1 - rho) * g * g
    u = _slot(state, "u", w)
    step = np.sqrt(u + epsilon) * g / np.sqrt(v + epsilon)
    state["u"] = rho * u + (1 - rho) * step * step
    return w - rate * step


def adamax(
    w: Array,
    g: Array,
    state: State,
    rate: float,
    t: int,
    beta_1: float = 0.9,
    beta_2: float = 0.999,
    epsilon: float = 1e-7,
) -> Array:
    """Adam with the largest gradient, Kingma and Ba (2015), section 7.1: u = max(beta_2 u, |g|).

    w = w - rate / (1 - beta_1^t) m / (u + epsilon); the paper has no epsilon.

    Examples
    --------
    >>> adamax(np.array([1.0]), np.array([2.0]), {}, 0.25, 1, epsilon=0.0)
    array([0.75])
    """
    m = state["m"] = beta_1 * _slot(state, "m", w) + (1 - beta_1) * g
    u = state["u"] = np.maximum(beta_2 * _slot(state, "u", w), np.abs(g))
    return w - rate / (1 - beta_1**t) * m / (u + epsilon)


def nadam(
    w: Array,
    g: Array,
    state: State,
    rate: float,
    t: int,
    beta_1: float = 0.9,
    beta_2: float = 0.999,
    epsilon: float = 1e-7,
) -> Array:
    """Adam with Nesterov's momentum, Dozat (2016).

    With the momentum schedule mu_t = beta_1 (1 - 0.96^t / 2)::

        m_hat = mu_{t+1} m / (1 - mu_1 ... mu_{t+1}) + (1 - mu_t) g / (1 - mu_1 ... mu_t)
        w = w - rate m_hat / (sqrt(v / (1 - beta_2^t)) + epsilon)

    Examples
    --------
    >>> nadam(np.array([1.0]), np.array([2.0]), {}, 0.25, 1, epsilon=0.0).round(6)
    array([0.734303])
    """
    mu, mu_next = (beta_1 * (1 - 0.5 * 0.96**k) for k in (t, t + 1))
    product = state["product"] = state.get("product", 1.0) * mu
    m = state["m"] = beta_1 * _slot(state, "m", w) + (1 - beta_1) * g
    v = state["v"] = beta_2 * _slot(state, "v", w) + (1 - beta_2) * g * g
    m_hat = mu_next * m / (1 - product * mu_next) + (1 - mu) * g / (1 - product)
    step: Array = rate * m_hat / (np.sqrt(v / (1 - beta_2**t)) + epsilon)
    return w - step


def lion(
    w: Array,
    g: Array,
    state: State,
    rate: float,
    t: int,
    beta_1: float = 0.9,
    beta_2: float = 0.99,
) -> Array:
    """Evolved sign momentum, Chen et al. (2023): w = w - rate sign(beta_1 m + (1 - beta_1) g).

    Then m = beta_2 m + (1 - beta_2) g.

    Examples
    --------
    >>> lion(np.array([1.0]), np.array([2.0]), {}, 0.25, 1)
    array([0.75])
    """
    m = _slot(state, "m", w)
    state["m"] = beta_2 * m + (1 - beta_2) * g
    return w - rate * np.sign(beta_1 * m + (1 - beta_1) * g)


RULES: dict[str, Callable[..., Array]] = {
    rule.__name__: rule for rule in (sgd, adam, rmsprop, adagrad, adadelta, adamax, nadam, lion)
}


def apply_rule(
    rule: Mapping[str, Any],
    rate: float,
    t: int,
    parameters: Sequence[Array],
    gradients: Sequence[Array],
    states: Sequence[State],
) -> list[Array]:
    """One step on every parameter, in Keras's order: clip, decay, update.

    Parameters
    ----------
    rule : mapping
        ``kind``, a name in `RULES`, and what that function takes; further ``clipnorm`` (each
        gradient's norm at most that), ``global_clipnorm`` (the joint norm), ``clipvalue`` (each
        entry), and ``weight_decay`` (w is first reduced by weight_decay rate w); None or 0 for
        none.
    rate : float
        Learning rate.
    t : int
        Number of the step, from 1.
    parameters, gradients : sequence of ndarray of float64
    states : sequence of dict
        One per parameter, empty before the first step, updated in place.

    Returns
    -------
    list of ndarray
        The new parameters.

    Examples
    --------
    >>> rule = {"kind": "sgd", "clipnorm": 1.0, "weight_decay": 0.5}
    >>> apply_rule(rule, 1.0, 1, [np.array([4.0, 0.0])], [np.array([3.0, 4.0])], [{}])
    [array([ 1.4, -0.8])]
    """
    update = RULES[rule["kind"]]
    taken = inspect.signature(update).parameters
    hyper = {name: value for name, value in rule.items() if name in taken}
    decay = rule.get("weight_decay") or 0.0
    return [
        update(w - decay * rate * w, g, state, rate, t, **hyper)
        for w, g, state in zip(parameters, clip(rule, gradients), states, strict=True)
    ]


def clip(rule: Mapping[str, Any], gradients: Sequence[Array]) -> list[Array]:
    """Gradients after the clipping that the rule asks for.

    Examples
    --------
    >>> clip({"global_clipnorm": 1.0}, [np.array([3.0]), np.array([4.0])])
    [array([0.6]), array([0.8])]
    """
    if limit := rule.get("clipvalue"):
        return [np.clip(g, -limit, limit) for g in gradients]
    if limit := rule.get("clipnorm"):
        return [g * (limit / max(np.sqrt((g * g).sum()), limit)) for g in gradients]
    if limit := rule.get("global_clipnorm"):
        norm = np.sqrt(sum(float((g * g).sum()) for g in gradients))
        return [g * (limit / max(norm, limit)) for g in gradients]
    return list(gradients)
