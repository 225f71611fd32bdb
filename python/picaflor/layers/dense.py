"""Fully connected layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from picaflor import activations, constraints, initializers, regularizers
from picaflor._checks import boolean, integer
from picaflor.layers.base import Layer, LayerOptions, WeightSpec, chosen, features
from picaflor.layers.shapes import Array, Shape

if TYPE_CHECKING:
    import numpy.typing as npt
    from typing_extensions import Unpack


class Dense(Layer):
    """Fully connected layer: ``y = activation(x @ kernel + bias)``.

    Parameters
    ----------
    units : int
        Number m of outputs.
    activation : str or Activation, optional
        See `picaflor.activations`. A softmax or sigmoid at the end of a model is computed
        together with a matching cross-entropy, in the stable form.
    use_bias : bool, default True
    kernel_initializer : str or Initializer, default "glorot_uniform"
    bias_initializer : str or Initializer, default "zeros"
    kernel_regularizer, bias_regularizer : str or Regularizer, optional
        L1, L2 or both; the string ``"l2"`` means a factor of 0.01.
    kernel_constraint, bias_constraint : str or Constraint, optional
        Applied after each update. They run in Python between minibatches.
    **options
        `name`, `trainable`, `input_shape`, `input_dim`: see `Layer`.

    Attributes
    ----------
    kernel : ndarray, shape (d, m)
    bias : ndarray, shape (m,), or None

    Raises
    ------
    TypeError, ValueError
        If `units` is not a positive integer, or a name is not known.

    Examples
    --------
    >>> import picaflor as pf
    >>> model = pf.Sequential([pf.Input((3,)), pf.layers.Dense(2, activation="relu")])
    >>> model.layers[0].kernel.shape, model.layers[0].count_params()
    ((3, 2), 8)
    """

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**options)
        self.units = integer(units, "units", minimum=1)
        self.activation = chosen(activations.get, activation, "activation")
        self.use_bias = boolean(use_bias, "use_bias")
        self.kernel_initializer = chosen(initializers.get, kernel_initializer, "kernel_initializer")
        self.bias_initializer = chosen(initializers.get, bias_initializer, "bias_initializer")
        self.kernel_regularizer = chosen(regularizers.get, kernel_regularizer, "kernel_regularizer")
        self.bias_regularizer = chosen(regularizers.get, bias_regularizer, "bias_regularizer")
        self.kernel_constraint = chosen(constraints.get, kernel_constraint, "kernel_constraint")
        self.bias_constraint = chosen(constraints.get, bias_constraint, "bias_constraint")
        self._penalty = {
            **_penalty("kernel", self.kernel_regularizer),
            **_penalty("bias", self.bias_regularizer),
        }

    @property
    def kernel(self) -> Array:
        """Weights (d, m); assigning copies into them."""
        return self._weight("kernel")

    @kernel.setter
    def kernel(self, value: npt.ArrayLike) -> None:
        self._assign("kernel", value)

    @property
    def bias(self) -> Array | None:
        """Biases (m,), or None without them; assigning copies into them."""
        return self._weight("bias") if self.use_bias else None

    @bias.setter
    def bias(self, value: npt.ArrayLike) -> None:
        self._assign("bias", value)

    def _weight_specs(self, shape: Shape) -> list[WeightSpec]:
        d = features(self, shape)
        kernel = WeightSpec(
            "kernel",
            (d, self.units),
            self.kernel_initializer,
            constraint=self.kernel_constraint,
        )
        if not self.use_bias:
            return [kernel]
        bias = WeightSpec(
            "bias", (self.units,), self.bias_initializer, constraint=self.bias_constraint
        )
        return [kernel, bias]

    def _output_shape(self, shape: Shape) -> Shape:
        return (self.units,)

    def _operation(self, shape: Shape) -> dict[str, Any]:
        return {
            "op": "dense",
            "units": self.units,
            "use_bias": self.use_bias,
            "activation": self.activation.name,
            "activation_params": tuple(self.activation.params),
            "trainable": self.trainable,
            **self._penalty,
        }


def _penalty(name: str, regularizer: Any) -> dict[str, float]:
    if regularizer is None:
        return {f"{name}_l1": 0.0, f"{name}_l2": 0.0}
    if not (hasattr(regularizer, "l1") or hasattr(regularizer, "l2")):
        raise ValueError(
            f"{name}_regularizer must be L1, L2 or L1L2, got {type(regularizer).__name__}"
        )
    return {
        f"{name}_l1": float(getattr(regularizer, "l1", 0.0)),
        f"{name}_l2": float(getattr(regularizer, "l2", 0.0)),
    }
