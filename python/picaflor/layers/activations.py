"""Activations as layers of their own."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from picaflor import activations
from picaflor._checks import integer, number
from picaflor.layers.base import Layer, LayerOptions, chosen, features
from picaflor.layers.shapes import Shape

if TYPE_CHECKING:
    from typing_extensions import Unpack

_OVER_A_ROW = ("softmax", "log_softmax")


def _operation(name: str, a: float = 0.0, b: float = 0.0, c: float = 0.0) -> dict[str, Any]:
    return {"op": "activation", "activation": name, "activation_params": (a, b, c)}


class Activation(Layer):
    """Apply an activation to each value (or, for softmax, to each row).

    Parameters
    ----------
    activation : str or Activation
        See `picaflor.activations`.
    **options
        `name`, `trainable`, `input_shape`, `input_dim`: see `Layer`.

    Examples
    --------
    >>> import picaflor as pf
    >>> pf.layers.Activation("relu")([[-1.0, 2.0]])
    array([[0., 2.]])
    """

    def __init__(self, activation: Any, **options: Unpack[LayerOptions]) -> None:
        super().__init__(**options)
        self.activation = chosen(activations.get, activation, "activation")

    def _weight_specs(self, shape: Shape) -> list[Any]:
        if self.activation.name in _OVER_A_ROW:
            features(self, shape)
        return []

    def _operation(self, shape: Shape) -> dict[str, Any]:
        return _operation(self.activation.name, *self.activation.params)


class ReLU(Layer):
    """Rectified linear unit with options.

    ::

        f(x) = max_value                     if x >= max_value
        f(x) = x                             if threshold <= x < max_value
        f(x) = negative_slope (x - threshold)   otherwise

    Parameters
    ----------
    max_value : float >= 0, optional
        None for no maximum.
    negative_slope : float >= 0, default 0.0
    threshold : float >= 0, default 0.0
    **options
        `name`, `trainable`, `input_shape`, `input_dim`: see `Layer`.

    Examples
    --------
    >>> import picaflor as pf
    >>> pf.layers.ReLU(max_value=6)([[-1.0, 2.0, 8.0]])
    array([[0., 2., 6.]])
    """

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**options)
        self.max_value = None if max_value is None else number(max_value, "max_value", minimum=0)
        self.negative_slope = number(negative_slope, "negative_slope", minimum=0)
        self.threshold = number(threshold, "threshold", minimum=0)

    def _operation(self, shape: Shape) -> dict[str, Any]:
        if self.max_value is None and self.threshold == 0:
            if self.negative_slope == 0:
                return _operation("relu")
            return _operation("leaky_relu", self.negative_slope)
        top = math.inf if self.max_value is None else self.max_value
        return _operation("clipped_relu", self.negative_slope, top, self.threshold)


class LeakyReLU(Layer):
    """Rectified linear unit with a slope below zero: ``x if x >= 0 else negative_slope * x``.

    Parameters
    ----------
    negative_slope : float >= 0, default 0.3
        The activation string ``"leaky_relu"`` has 0.2, as in Keras.
    **options
        `name`, `trainable`, `input_shape`, `input_dim`: see `Layer`.

    Examples
    --------
    >>> import picaflor as pf
    >>> pf.layers.LeakyReLU(negative_slope=0.5)([[-1.0, 2.0]])
    array([[-0.5,  2. ]])
    """

    def __init__(self, negative_slope: float = 0.3, **options: Unpack[LayerOptions]) -> None:
        super().__init__(**options)
        self.negative_slope = number(negative_slope, "negative_slope", minimum=0)

    def _operation(self, shape: Shape) -> dict[str, Any]:
        return _operation("leaky_relu", self.negative_slope)


class ELU(Layer):
    """Exponential linear unit: ``x if x > 0 else alpha * (exp(x) - 1)``.

    Parameters
    ----------
    alpha : float >= 0, default 1.0
    **options
        `name`, `trainable`, `input_shape`, `input_dim`: see `Layer`.

    Examples
    --------
    >>> import picaflor as pf
    >>> pf.layers.ELU()([[0.0, 2.0]])
    array([[0., 2.]])
    """

    def __init__(self, alpha: float = 1.0, **options: Unpack[LayerOptions]) -> None:
        super().__init__(**options)
        self.alpha = number(alpha, "alpha", minimum=0)

    def _operation(self, shape: Shape) -> dict[str, Any]:
        return _operation("elu", self.alpha)


class Softmax(Layer):
    """Softmax over the features: ``exp(x_ij) / sum_k exp(x_ik)``.

    Parameters
    ----------
    axis : int, default -1
        Only the last axis is possible.
    **options
        `name`, `trainable`, `input_shape`, `input_dim`: see `Layer`.

    Raises
    ------
    ValueError
        If `axis` is another one, or a sample is not a vector.

    Examples
    --------
    >>> import picaflor as pf
    >>> pf.layers.Softmax()([[0.0, 0.0]])
    array([[0.5, 0.5]])
    """

    def __init__(self, axis: int = -1, **options: Unpack[LayerOptions]) -> None:
        super().__init__(**options)
        self.axis = last_axis(axis)

    def _weight_specs(self, shape: Shape) -> list[Any]:
        features(self, shape)
        return []

    def _operation(self, shape: Shape) -> dict[str, Any]:
        return _operation("softmax")


def last_axis(axis: Any) -> int:
    """Return `axis` where it names the features of inputs of shape (n, features).

    Raises
    ------
    ValueError
        If it names another axis.
    """
    if isinstance(axis, (list, tuple)) and len(axis) == 1:
        axis = axis[0]
    if integer(axis, "axis") not in (-1, 1):
        raise ValueError(f"axis must be -1 (the features), got {axis}")
    return int(axis)
