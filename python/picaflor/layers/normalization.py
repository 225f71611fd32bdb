"""Normalization over the batch and over the features."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from picaflor import constraints, initializers
from picaflor._checks import boolean, number
from picaflor.layers.activations import last_axis
from picaflor.layers.base import Layer, LayerOptions, WeightSpec, chosen, features
from picaflor.layers.shapes import Array, Shape

if TYPE_CHECKING:
    import numpy.typing as npt
    from typing_extensions import Unpack


class _Scaled(Layer):
    """The learned scale and shift that both normalizations end with."""

    center: bool
    scale: bool
    gamma_initializer: Any
    beta_initializer: Any
    gamma_constraint: Any
    beta_constraint: Any

    @property
    def gamma(self) -> Array | None:
        """Scale, shape (d,), or None without one; assigning copies into it."""
        return self._weight("gamma") if self.scale else None

    @gamma.setter
    def gamma(self, value: npt.ArrayLike) -> None:
        self._assign("gamma", value)

    @property
    def beta(self) -> Array | None:
        """Shift, shape (d,), or None without one; assigning copies into it."""
        return self._weight("beta") if self.center else None

    @beta.setter
    def beta(self, value: npt.ArrayLike) -> None:
        self._assign("beta", value)

    def _weight_specs(self, shape: Shape) -> list[WeightSpec]:
        d = (features(self, shape),)
        gamma = WeightSpec("gamma", d, self.gamma_initializer, constraint=self.gamma_constraint)
        beta = WeightSpec("beta", d, self.beta_initializer, constraint=self.beta_constraint)
        return [gamma] * self.scale + [beta] * self.center


class BatchNormalization(_Scaled):
    """Normalize each feature over the batch [1]_.

    In training, with mean and biased variance of the batch, ::

        y = gamma (x - mean) / sqrt(variance + epsilon) + beta
        moving = momentum moving + (1 - momentum) batch

    and in inference (or while `trainable` is False) with the moving mean and variance.

    Parameters
    ----------
    axis : int, default -1
        The features; nothing else is possible.
    momentum : float, default 0.99
    epsilon : float, default 0.001
    center, scale : bool, default True
        Whether there is a beta and a gamma.
    beta_initializer, gamma_initializer, moving_mean_initializer, moving_variance_initializer
        Start of each: "zeros", "ones", "zeros", "ones".
    beta_constraint, gamma_constraint : str or Constraint, optional
    **options
        `name`, `trainable`, `input_shape`, `input_dim`: see `Layer`.

    References
    ----------
    .. [1] Ioffe and Szegedy, "Batch Normalization", arXiv:1502.03167, algorithm 1. As in Keras
       the moving variance is the biased one.

    Examples
    --------
    >>> import picaflor as pf
    >>> layer = pf.layers.BatchNormalization()
    >>> layer.build((None, 5))
    >>> [w.shape for w in layer.get_weights()]
    [(5,), (5,), (5,), (5,)]
    """

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**options)
        self.axis = last_axis(axis)
        self.momentum = number(momentum, "momentum", minimum=0)
        self.epsilon = number(epsilon, "epsilon", minimum=0)
        self.center, self.scale = boolean(center, "center"), boolean(scale, "scale")
        self.beta_initializer = chosen(initializers.get, beta_initializer, "beta_initializer")
        self.gamma_initializer = chosen(initializers.get, gamma_initializer, "gamma_initializer")
        self.moving_mean_initializer = chosen(
            initializers.get, moving_mean_initializer, "moving_mean_initializer"
        )
        self.moving_variance_initializer = chosen(
            initializers.get, moving_variance_initializer, "moving_variance_initializer"
        )
        self.beta_constraint = chosen(constraints.get, beta_constraint, "beta_constraint")
        self.gamma_constraint = chosen(constraints.get, gamma_constraint, "gamma_constraint")

    @property
    def moving_mean(self) -> Array:
        """Mean of the features so far, shape (d,)."""
        return self._weight("moving_mean")

    @moving_mean.setter
    def moving_mean(self, value: npt.ArrayLike) -> None:
        self._assign("moving_mean", value)

    @property
    def moving_variance(self) -> Array:
        """Biased variance of the features so far, shape (d,)."""
        return self._weight("moving_variance")

    @moving_variance.setter
    def moving_variance(self, value: npt.ArrayLike) -> None:
        self._assign("moving_variance", value)

    def _weight_specs(self, shape: Shape) -> list[WeightSpec]:
        d = (features(self, shape),)
        return [
            *super()._weight_specs(shape),
            WeightSpec("moving_mean", d, self.moving_mean_initializer, trained=False),
            WeightSpec("moving_variance", d, self.moving_variance_initializer, trained=False),
        ]

    def _operation(self, shape: Shape) -> dict[str, Any]:
        return {
            "op": "batch_norm",
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "center": self.center,
            "scale": self.scale,
            "trainable": self.trainable,
        }


class LayerNormalization(_Scaled):
    """Normalize each sample over its features [1]_.

    ``y = gamma (x - mean(x)) / sqrt(variance(x) + epsilon) + beta``, with the biased variance.

    Parameters
    ----------
    axis : int, default -1
        The features; nothing else is possible.
    epsilon : float, default 0.001
    center, scale : bool, default True
        Whether there is a beta and a gamma.
    beta_initializer, gamma_initializer
        Start of each: "zeros", "ones".
    beta_constraint, gamma_constraint : str or Constraint, optional
    **options
        `name`, `trainable`, `input_shape`, `input_dim`: see `Layer`.

    References
    ----------
    .. [1] Ba, Kiros and Hinton, "Layer Normalization", arXiv:1607.06450, equation 4.

    Examples
    --------
    >>> import picaflor as pf
    >>> pf.layers.LayerNormalization(epsilon=0.0)([[1.0, 3.0]])
    array([[-1.,  1.]])
    """

    def __init__(
        self,
        axis: int = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**options)
        self.axis = last_axis(axis)
        self.epsilon = number(epsilon, "epsilon", minimum=0)
        self.center, self.scale = boolean(center, "center"), boolean(scale, "scale")
        self.beta_initializer = chosen(initializers.get, beta_initializer, "beta_initializer")
        self.gamma_initializer = chosen(initializers.get, gamma_initializer, "gamma_initializer")
        self.beta_constraint = chosen(constraints.get, beta_constraint, "beta_constraint")
        self.gamma_constraint = chosen(constraints.get, gamma_constraint, "gamma_constraint")

    def _operation(self, shape: Shape) -> dict[str, Any]:
        return {
            "op": "layer_norm",
            "epsilon": self.epsilon,
            "center": self.center,
            "scale": self.scale,
            "trainable": self.trainable,
        }
