"""From an estimator's parameters and weights to a `Sequential`, and forward without one."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from scipy import sparse

from picaflor import Input, Sequential, layers, regularizers
from picaflor import functional as F
from picaflor.sklearn.inputs import in_rows
from picaflor.sklearn.parameters import InvalidParameterError

if TYPE_CHECKING:
    import numpy.typing as npt

Array: TypeAlias = "npt.NDArray[Any]"

# scikit-learn's names for what has another here
ACTIVATIONS = {"identity": "linear", "logistic": "sigmoid", "exp": "exponential"}


def hidden_sizes(estimator: Any) -> list[int]:
    """Return the numbers of units of the hidden layers."""
    if estimator.n_layers is not None or estimator.width is not None:
        count = 1 if estimator.n_layers is None else estimator.n_layers
        return [100 if estimator.width is None else estimator.width] * count
    sizes = estimator.hidden_layer_sizes
    sizes = list(sizes) if hasattr(sizes, "__iter__") else [sizes]
    if not all(isinstance(size, Integral) for size in sizes):
        raise InvalidParameterError(f"hidden_layer_sizes must be whole numbers, got {sizes}.")
    if np.any(np.array(sizes) <= 0):
        raise ValueError(f"hidden_layer_sizes must be > 0, got {sizes}.")
    return sizes


def hidden_activations(estimator: Any, count: int) -> list[Any]:
    """Return the activation of each of `count` hidden layers, in picaflor's names."""
    return [
        ACTIVATIONS.get(item, item) if isinstance(item, str) else item
        for item in _one_each(estimator.activation, "activation", count)
    ]


def _one_each(value: Any, name: str, count: int) -> list[Any]:
    """Return one item per hidden layer, from a list or from what is the same for all."""
    if isinstance(value, str) or not hasattr(value, "__len__"):
        return [value] * count
    if len(value) != count:
        raise ValueError(f"{name} must have one entry per hidden layer, {count}, got {len(value)}")
    return list(value)


def normalizes(estimator: Any) -> bool:
    """Tell whether there are weights that are neither in `coefs_` nor in `intercepts_`."""
    return bool(estimator.batch_norm or estimator.layer_norm)


def signature(estimator: Any, dtype: Any) -> tuple[Any, ...]:
    """Return what a `Sequential` was made for; another one is made when it has changed."""
    shapes = tuple(coef.shape for coef in estimator.coefs_)
    return (
        shapes,
        np.dtype(dtype).name,
        estimator.out_activation_,
        repr(estimator.activation),
        float(estimator.alpha),
        repr(estimator.dropout),
        bool(estimator.batch_norm),
        bool(estimator.layer_norm),
    )


def build(estimator: Any, dtype: Any, seed: int) -> Sequential:
    """Return a `Sequential` for an estimator that has weights; its own are not set yet.

    A hidden layer is Dense, BatchNormalization or LayerNormalization, the activation, Dropout.
    """
    d, *widths = [len(estimator.coefs_[0]), *(coef.shape[1] for coef in estimator.coefs_)]
    count = len(widths) - 1
    functions = hidden_activations(estimator, count)
    rates = _one_each(estimator.dropout, "dropout", count)
    penalty = regularizers.L2(estimator.alpha / 2) if estimator.alpha else None
    options: dict[str, Any] = {"kernel_regularizer": penalty, "kernel_initializer": "zeros"}
    stack: list[layers.Layer] = []
    for units, function, rate in zip(widths[:-1], functions, rates, strict=True):
        if normalizes(estimator):
            stack.append(layers.Dense(units, **options))
            if estimator.batch_norm:
                stack.append(layers.BatchNormalization())
            if estimator.layer_norm:
                stack.append(layers.LayerNormalization())
            stack.append(layers.Activation(function))
        else:
            stack.append(layers.Dense(units, function, **options))
        if rate:
            stack.append(layers.Dropout(rate))
    out = ACTIVATIONS.get(estimator.out_activation_, estimator.out_activation_)
    stack.append(layers.Dense(widths[-1], out, **options))
    return Sequential([Input((d,)), *stack], dtype=dtype, seed=seed)


def dense_layers(model: Sequential) -> list[layers.Dense]:
    """Return the layers that `coefs_` and `intercepts_` belong to."""
    return [layer for layer in model.layers if isinstance(layer, layers.Dense)]


def put_weights(model: Sequential, coefs: Sequence[Array], intercepts: Sequence[Array]) -> None:
    """Copy an estimator's weights into a model."""
    for layer, coef, intercept in zip(dense_layers(model), coefs, intercepts, strict=True):
        layer.kernel = coef
        layer.bias = intercept


def take_weights(model: Sequential) -> tuple[list[Array], list[Array]]:
    """Return copies of a model's weights as `coefs_` and `intercepts_`."""
    pairs = [layer.get_weights() for layer in dense_layers(model)]
    return [kernel for kernel, _ in pairs], [bias for _, bias in pairs]


def copy_optimizer_state(source: Sequential, target: Sequential, x: Any, y: Array) -> None:
    """Give a compiled model the optimizer state of another one with the same weights.

    One sample makes the state exist; the optimizer itself, which counts the steps, is the same.
    """
    for model in (source, target):
        model.test_on_batch(x.toarray() if sparse.issparse(x) else x, y)
    for old, new in zip(source.optimizer_state, target.optimizer_state, strict=True):
        if [a.shape for a in old] == [a.shape for a in new]:
            for a, b in zip(old, new, strict=True):
                b[...] = a


def forward(estimator: Any, X: Any) -> Array:
    """Return the outputs for samples from `coefs_` and `intercepts_` alone."""
    coefs, intercepts = estimator.coefs_, estimator.intercepts_
    names = _names(estimator, len(coefs))
    pieces = []
    for h in in_rows(X, max(coef.shape[1] for coef in coefs)):
        for coef, intercept, name in zip(coefs, intercepts, names, strict=True):
            h = F.dense_forward(h, coef, intercept, name)
        pieces.append(h)
    return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)


def _names(estimator: Any, count: int) -> list[Any]:
    out = estimator.out_activation_
    return [*hidden_activations(estimator, count - 1), ACTIVATIONS.get(out, out)]
