"""Layers as objects that remember what their backward needs: textbook backpropagation.

``layer.forward(x, training)`` gives y; then ``layer.backward(dy)`` gives dx and sets
``layer.gradients``, one per entry of ``layer.parameters``. Everything is float64, rows are samples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from . import normalization as norm
from .activations import activation_backward, activation_forward
from .dense import (
    dense_backward,
    dense_forward,
    log_softmax,
    log_softmax_backward,
    softmax,
    softmax_backward,
)
from .rectifiers import Array

__all__ = [
    "Activation",
    "Affine",
    "BatchNormalization",
    "Dense",
    "Dropout",
    "GaussianNoise",
    "Layer",
    "LayerNormalization",
]


class Layer:
    """What all layers share: parameters and, after `backward`, their gradients.

    Attributes
    ----------
    parameters : list of ndarray
    trained : list of bool
        Which of them receive gradients.
    gradients : list of ndarray
        Of `parameters`; zeros for what is not trained.
    """

    def __init__(self, parameters: Sequence[Any] = (), trained: Sequence[bool] = ()) -> None:
        self.parameters = [np.array(p, dtype=np.float64) for p in parameters]
        self.trained = list(trained)
        self.gradients = [np.zeros_like(p) for p in self.parameters]

    def forward(self, x: Array, training: bool) -> Array:
        """Return y, remembering what `backward` needs."""
        raise NotImplementedError

    def backward(self, dy: Array) -> Array:
        """Return dx and set `gradients`."""
        raise NotImplementedError

    def penalty(self) -> float:
        """Regularization penalty of the parameters."""
        return 0.0

    def _keep(self, *gradients: Array) -> None:
        self.gradients = [
            g if trained else np.zeros_like(g)
            for g, trained in zip(gradients, self.trained, strict=True)
        ]


class Dense(Layer):
    """Affine map: z = x W + b. Its activation is a layer of its own.

    The penalty of a parameter w is l1 sum |w| + l2 sum w^2, so dw gains l1 sign(w) + 2 l2 w.

    Parameters
    ----------
    parameters : sequence of array_like
        Weight (d, m) and, if the layer has one, bias (m,).
    trainable : bool
        A frozen layer has neither gradients nor a penalty.
    penalties : sequence of (l1, l2)
        One pair per parameter.
    """

    def __init__(
        self,
        parameters: Sequence[Any],
        trainable: bool = True,
        penalties: Sequence[tuple[float, float]] = (),
    ) -> None:
        super().__init__(parameters, [trainable] * len(parameters))
        self.penalties = list(penalties) if trainable else []
        self.x = np.empty(0)

    def forward(self, x: Array, training: bool) -> Array:
        """Return x W + b."""
        self.x = x
        return dense_forward(x, *self.parameters)

    def backward(self, dy: Array) -> Array:
        """Gradients of `dense_backward`, and those of the penalties."""
        dx, *gradients = dense_backward(dy, self.x, self.parameters[0])
        self._keep(*gradients[: len(self.parameters)])
        for g, w, (l1, l2) in zip(self.gradients, self.parameters, self.penalties, strict=False):
            g += l1 * np.sign(w) + 2 * l2 * w
        return dx

    def penalty(self) -> float:
        """Sum of l1 |w| + l2 w^2 over the parameters."""
        return sum(
            l1 * float(np.abs(w).sum()) + l2 * float((w * w).sum())
            for w, (l1, l2) in zip(self.parameters, self.penalties, strict=False)
        )


class Activation(Layer):
    """Activation by name, softmax and log_softmax included."""

    def __init__(self, name: str, params: tuple[float, ...] = ()) -> None:
        super().__init__()
        self.name, self.params = name, params
        self.x = self.y = np.empty(0)

    def forward(self, x: Array, training: bool) -> Array:
        """Return f(x)."""
        self.x = x
        if self.name == "softmax":
            self.y = softmax(x)
        elif self.name == "log_softmax":
            self.y = log_softmax(x)
        else:
            self.y = activation_forward(self.name, x, self.params)
        return self.y

    def backward(self, dy: Array) -> Array:
        """Return dy f'(x)."""
        if self.name == "softmax":
            return softmax_backward(dy, self.y)
        if self.name == "log_softmax":
            return log_softmax_backward(dy, self.y)
        return activation_backward(self.name, dy, self.x, self.params)


class Dropout(Layer):
    """Dropout with a mask that the caller draws; the identity when not training."""

    def __init__(self, rate: float, keep: Any = None) -> None:
        super().__init__()
        self.rate, self.keep = rate, keep
        self.active = False

    def forward(self, x: Array, training: bool) -> Array:
        """Return x keep / (1 - rate)."""
        self.active = training and self.rate > 0
        if self.active and self.keep is None:
            raise ValueError("a Dropout layer needs its mask when training; give keep=")
        return norm.dropout_forward(x, self.keep, self.rate) if self.active else x

    def backward(self, dy: Array) -> Array:
        """Return dy keep / (1 - rate)."""
        return norm.dropout_backward(dy, self.keep, self.rate) if self.active else dy


class GaussianNoise(Layer):
    """Added noise that the caller draws; the identity when not training."""

    def __init__(self, stddev: float, noise: Any = None) -> None:
        super().__init__()
        self.stddev, self.noise = stddev, noise

    def forward(self, x: Array, training: bool) -> Array:
        """Return x + noise."""
        if not training or self.stddev == 0:
            return x
        if self.noise is None:
            raise ValueError("a GaussianNoise layer needs its noise when training; give noise=")
        return x + np.asarray(self.noise, dtype=np.float64)

    def backward(self, dy: Array) -> Array:
        """Return dy."""
        return dy


class Affine(Layer):
    """Constant affine map of the columns: y = x scale + offset.

    `parameters` are weights of the model that scale and offset were worked out from; they are not
    trained.
    """

    def __init__(self, scale: Any, offset: Any, parameters: Sequence[Any] = ()) -> None:
        super().__init__(parameters, [False] * len(parameters))
        self.scale, self.offset = np.asarray(scale, np.float64), np.asarray(offset, np.float64)

    def forward(self, x: Array, training: bool) -> Array:
        """Return x scale + offset."""
        return x * self.scale + self.offset

    def backward(self, dy: Array) -> Array:
        """Return dy scale."""
        return dy * self.scale


class _Normalization(Layer):
    """Shared by batch and layer normalization: optional gamma (scale) and beta (center)."""

    def __init__(
        self, parameters: Sequence[Any], trained: Sequence[bool], config: Mapping[str, Any]
    ) -> None:
        super().__init__(parameters, trained)
        self.epsilon = float(config["epsilon"])
        self.has = [bool(config["scale"]), bool(config["center"])]
        self.x = np.empty(0)

    def _gamma_beta(self, d: int) -> tuple[Array, Array]:
        given = iter(self.parameters)
        gamma = next(given) if self.has[0] else np.ones(d)
        return gamma, next(given) if self.has[1] else np.zeros(d)

    def _chosen(self, dgamma: Array, dbeta: Array) -> list[Array]:
        return [g for g, there in zip((dgamma, dbeta), self.has, strict=True) if there]


class BatchNormalization(_Normalization):
    """Batch normalization; the last two parameters are the moving mean and variance.

    Training, the statistics of the batch are used, and the moving ones follow them:
    new = momentum old + (1 - momentum) batch. Frozen, the layer always uses the moving ones.
    """

    def __init__(
        self, parameters: Sequence[Any], trainable: bool, config: Mapping[str, Any]
    ) -> None:
        learned = len(parameters) - 2
        super().__init__(parameters, [trainable] * learned + [False, False], config)
        self.trainable, self.momentum = trainable, float(config["momentum"])
        self.batch = False

    def forward(self, x: Array, training: bool) -> Array:
        """Normalise with the statistics of the batch, or from the moving ones."""
        self.x, self.batch = x, training and self.trainable
        gamma, beta = self._gamma_beta(x.shape[1])
        if not self.batch:
            mean, variance = self.parameters[-2:]
            return norm.batch_normalization_inference(x, gamma, beta, mean, variance, self.epsilon)
        y, *statistics = norm.batch_normalization_forward(x, gamma, beta, self.epsilon)
        for moving, batch in zip(self.parameters[-2:], statistics, strict=True):
            moving[...] = self.momentum * moving + (1 - self.momentum) * batch
        return y

    def backward(self, dy: Array) -> Array:
        """Gradients through the statistics that `forward` used."""
        gamma, _ = self._gamma_beta(dy.shape[1])
        if self.batch:
            dx, *gradients = norm.batch_normalization_backward(dy, self.x, gamma, self.epsilon)
        else:
            mean, variance = self.parameters[-2:]
            dx, *gradients = norm.batch_normalization_inference_backward(
                dy, self.x, gamma, mean, variance, self.epsilon
            )
        zeros = np.zeros(dy.shape[1])
        self._keep(*self._chosen(*gradients), zeros, zeros)
        return dx


class LayerNormalization(_Normalization):
    """Layer normalization over the columns of each row."""

    def __init__(
        self, parameters: Sequence[Any], trainable: bool, config: Mapping[str, Any]
    ) -> None:
        super().__init__(parameters, [trainable] * len(parameters), config)

    def forward(self, x: Array, training: bool) -> Array:
        """Return gamma (x - mean) / sqrt(var + eps) + beta."""
        self.x = x
        return norm.layer_normalization_forward(x, *self._gamma_beta(x.shape[1]), self.epsilon)

    def backward(self, dy: Array) -> Array:
        """Gradients of `layer_normalization_backward`."""
        gamma, _ = self._gamma_beta(dy.shape[1])
        dx, *gradients = norm.layer_normalization_backward(dy, self.x, gamma, self.epsilon)
        self._keep(*self._chosen(*gradients))
        return dx
