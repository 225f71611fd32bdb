"""A model in plain NumPy: forward, loss and gradients by textbook backpropagation, in float64.

Only public attributes of the model are read: `layers` with their `get_config()`, `get_weights()`
and `trainable`, and `loss`. Nothing of the compiled core takes part, so agreement is evidence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from . import layers as L
from .losses import CATEGORICAL, LOSSES, loss_and_gradient
from .optimizers import apply_rule
from .rectifiers import Array
from .regression import EPSILON

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["Network", "forward", "loss_and_gradients", "predict"]

# A last activation that is taken together with the loss, because the two of them have an exact form
# that never takes the logarithm of a probability that was rounded to 0.
FUSED = {
    ("softmax", "categorical_cross_entropy"): "categorical_cross_entropy_logits",
    ("sigmoid", "binary_cross_entropy"): "binary_cross_entropy_logits",
    ("exponential", "poisson"): "poisson_log",
}

# Keras's strings for the losses -> names in LOSSES
LOSS_NAMES = {
    "mse": "squared_error",
    "mean_squared_error": "squared_error",
    "mae": "absolute_error",
    "mean_absolute_error": "absolute_error",
    "msle": "squared_log_error",
    "mean_squared_logarithmic_error": "squared_log_error",
    "mape": "absolute_percentage_error",
    "mean_absolute_percentage_error": "absolute_percentage_error",
    "logcosh": "log_cosh",
    "binary_crossentropy": "binary_cross_entropy",
    "bce": "binary_cross_entropy",
    "categorical_crossentropy": "categorical_cross_entropy",
    "sparse_categorical_crossentropy": "categorical_cross_entropy",
    "kld": "kl_divergence",
}


class Network:
    """Layers and a loss.

    Parameters
    ----------
    layers : sequence of Layer
    loss : mapping, optional
        ``kind``, a name in `losses.LOSSES`, and its parameters; ``divide_by`` ("rows" as in Keras,
        "weights" for their sum, or "none") says what the weighted sum of the rows is divided by,
        ``penalty_per_sample`` whether the penalty is divided by it too.

    Examples
    --------
    One linear unit, y = 2 x, on the point (3, 5): the loss is (6 - 5)^2, its slope 2 (6 - 5) 3.

    >>> network = Network([L.Dense([[[2.0]]])], {"kind": "squared_error"})
    >>> network.loss_and_gradients([[3.0]], [[5.0]])
    (1.0, [array([[6.]])])
    """

    def __init__(self, layers: Sequence[L.Layer], loss: Mapping[str, Any] | None = None) -> None:
        self.layers = list(layers)
        self.loss = dict(loss) if loss is not None else None

    @classmethod
    def from_model(cls, model: Any, draws: Mapping[int, Any] | None = None) -> Network:
        """Copy a model; `draws` are those of `loss_and_gradients`."""
        found: list[L.Layer] = []
        for i, layer in enumerate(model.layers):
            found += _layers_of(layer, (draws or {}).get(i))
        loss = getattr(model, "loss", None)
        return cls(found, None if loss is None else _loss_config(loss))

    # ---------------------------------------------------------------------------- the three passes

    def forward(self, x: npt.ArrayLike, training: bool = False) -> Array:
        """Return the outputs, shape (n, outputs), for `x`, shape (n, ...)."""
        y = _as_rows(x)
        for layer in self.layers:
            y = layer.forward(y, training)
        return y

    def loss_and_gradients(
        self,
        x: npt.ArrayLike,
        y: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
        training: bool = False,
    ) -> tuple[float, list[Array]]:
        """Return the loss of a batch, penalties included, and its gradient for every parameter."""
        if self.loss is None:
            raise ValueError("the model has no loss; compile it first")
        out = self.forward(x, training)
        layers, config = self.layers, dict(self.loss)
        last = layers[-1] if layers else None
        if isinstance(last, L.Activation) and (last.name, config["kind"]) in FUSED:
            config["kind"] = FUSED[last.name, config["kind"]]
            out, layers = last.x, layers[:-1]
        target = _targets(y, out, config["kind"])
        total, dout = loss_and_gradient(config, out, target, sample_weight, reduction="sum")

        count = _denominator(config.get("divide_by", "rows"), len(out), sample_weight)
        # loss = total / count + penalty; scaled by 1 / count here, the penalty's gradient is whole
        per_sample = bool(config.get("penalty_per_sample", False))
        dy = dout if per_sample else dout / count
        for layer in reversed(layers):
            dy = layer.backward(dy)
        penalty = sum(layer.penalty() for layer in layers)
        gradients = [g for layer in self.layers for g in layer.gradients]
        if per_sample:
            return (total + penalty) / count, [g / count for g in gradients]
        return total / count + penalty, gradients

    # ------------------------------------------------------------------------------------ training

    @property
    def parameters(self) -> list[Array]:
        """All parameters in the order of ``model.get_weights()``; the arrays themselves."""
        return [p for layer in self.layers for p in layer.parameters]

    @property
    def trained(self) -> list[bool]:
        """Which of the parameters receive gradients."""
        return [t for layer in self.layers for t in layer.trained]

    def train(
        self,
        x: npt.ArrayLike,
        y: npt.ArrayLike,
        rule: Mapping[str, Any],
        rates: Sequence[float],
        batch_size: int,
        order: npt.ArrayLike | None = None,
        sample_weight: npt.ArrayLike | None = None,
        states: list[dict[str, Any]] | None = None,
        first_step: int = 1,
    ) -> list[float]:
        """Run one step per entry of `rates`, on successive minibatches of the rows ``order``.

        `states`, one empty dictionary per trained parameter at first, carries the optimizer's
        state from one call to the next.

        Returns
        -------
        list of float
            The loss of every minibatch, before its step.
        """
        x, y = np.asarray(x), np.asarray(y)
        rows = np.arange(len(x)) if order is None else np.asarray(order)
        weights = None if sample_weight is None else np.asarray(sample_weight, np.float64)
        learned = [p for p, t in zip(self.parameters, self.trained, strict=True) if t]
        states = [{} for _ in learned] if states is None else states
        losses = []
        for k, rate in enumerate(rates):
            batch = rows[k * batch_size : (k + 1) * batch_size]
            w = None if weights is None else weights[batch]
            loss, gradients = self.loss_and_gradients(x[batch], y[batch], w, training=True)
            gradients = [g for g, t in zip(gradients, self.trained, strict=True) if t]
            new = apply_rule(rule, rate, first_step + k, learned, gradients, states)
            for p, value in zip(learned, new, strict=True):
                p[...] = value
            losses.append(loss)
        return losses


def forward(model: Any, x: npt.ArrayLike, training: bool = False) -> Array:
    """Compute the outputs of a model by NumPy in float64.

    Parameters
    ----------
    model : picaflor.Sequential
    x : array_like, shape (n, ...)
    training : bool, default False
        Whether batch normalization uses the statistics of the batch.

    Returns
    -------
    ndarray of float64, shape (n, outputs)
    """
    return Network.from_model(model).forward(x, training)


def predict(model: Any, x: npt.ArrayLike) -> Array:
    """Compute the outputs of a model in inference mode: ``forward(model, x)``."""
    return forward(model, x)


def loss_and_gradients(
    model: Any,
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    sample_weight: npt.ArrayLike | None = None,
    training: bool = False,
    draws: Mapping[int, Any] | None = None,
) -> tuple[float, list[Array]]:
    """Compute the loss of a compiled model on one batch, and its gradients, by backpropagation.

    Parameters
    ----------
    model : picaflor.Sequential
        Compiled; read only through its public attributes.
    x : array_like, shape (n, ...)
    y : array_like, shape (n,) or (n, c)
        What the model's loss takes: class ids, probabilities or values.
    sample_weight : array_like, shape (n,), optional
    training : bool, default False
        Whether batch normalization uses the statistics of the batch, and dropout is active.
    draws : mapping of int to array_like, optional
        Random draws, by number of the layer in ``model.layers``, which training needs: what a
        dropout layer keeps (bool), what a noise layer adds; shape (n, features).

    Returns
    -------
    loss : float
        Weighted sum of the rows' losses / number of rows + regularization penalties.
    gradients : list of ndarray of float64
        One per entry of ``model.trainable_weights``.

    Raises
    ------
    ValueError
        If the model has no loss, or holds a layer or a loss that is unknown here.
    """
    network = Network.from_model(model, draws)
    loss, gradients = network.loss_and_gradients(x, y, sample_weight, training)
    return loss, [g for g, t in zip(gradients, network.trained, strict=True) if t]


# --------------------------------------------------------------------------------- reading a model


def _layers_of(layer: Any, draw: Any) -> list[L.Layer]:
    """One layer of a model as layers of this package."""
    config, weights, trainable = layer.get_config(), layer.get_weights(), bool(layer.trainable)
    for kind in type(layer).__mro__:  # a subclass without a formula of its own counts as its parent
        match kind.__name__:
            case "InputLayer" | "Flatten":
                return []
            case "Dense":
                penalties = [
                    _l1_l2(getattr(layer, name))
                    for name in ("kernel_regularizer", "bias_regularizer")
                ]
                return [L.Dense(weights, trainable, penalties), *_activation(layer.activation)]
            case "Activation":
                return _activation(layer.activation)
            case "ReLU":
                top = config["max_value"]
                slope, threshold = config["negative_slope"] or 0.0, config["threshold"] or 0.0
                return [
                    L.Activation("clipped_relu", (slope, np.inf if top is None else top, threshold))
                ]
            case "LeakyReLU":
                return [L.Activation("leaky_relu", (config["negative_slope"],))]
            case "ELU":
                return [L.Activation("elu", (config["alpha"],))]
            case "Softmax":
                return [L.Activation("softmax")]
            case "Dropout":
                return [L.Dropout(config["rate"], draw)]
            case "GaussianNoise":
                return [L.GaussianNoise(config["stddev"], draw)]
            case "BatchNormalization":
                return [L.BatchNormalization(weights, trainable, config)]
            case "LayerNormalization":
                return [L.LayerNormalization(weights, trainable, config)]
            case "Rescaling":
                shape = layer.input_shape[1:]
                return [L.Affine(_flat(config["scale"], shape), _flat(config["offset"], shape))]
            case "Normalization":
                return [_normalization(layer, config, weights)]
    raise ValueError(
        f"picaflor.reference has no formula for a layer of type {type(layer).__name__}"
    )


def _flat(value: Any, shape: tuple[int, ...]) -> Array:
    """Spread a number or an array over one sample, and flatten that."""
    return np.broadcast_to(np.asarray(value, dtype=np.float64), shape).ravel()


def _normalization(layer: Any, config: Mapping[str, Any], weights: list[Any]) -> L.Layer:
    """Turn Keras's Normalization, (x - mean) / deviation, into an affine map."""
    shape = layer.input_shape[1:]
    kept = {axis % (len(shape) + 1) for axis in config["axis"]}  # the batch is axis 0
    wanted = [size for axis, size in enumerate(shape, 1) if axis in kept]
    spread = [size if axis in kept else 1 for axis, size in enumerate(shape, 1)]
    mean, variance = (
        _flat(np.broadcast_to(value, wanted).reshape(spread), shape)
        for value in (weights[:2] or (config["mean"], config["variance"]))
    )
    deviation = np.maximum(np.sqrt(variance), EPSILON)
    if config["invert"]:
        return L.Affine(deviation, mean, weights)
    return L.Affine(1 / deviation, -mean / deviation, weights)


def _activation(activation: Any) -> list[L.Layer]:
    if activation is None:
        return []
    name = activation if isinstance(activation, str) else activation.name
    params = tuple(getattr(activation, "params", ()))
    return [] if name == "linear" else [L.Activation(name, params)]


def _l1_l2(regularizer: Any) -> tuple[float, float]:
    if regularizer is None:
        return 0.0, 0.0
    return float(getattr(regularizer, "l1", 0.0)), float(getattr(regularizer, "l2", 0.0))


def _loss_config(loss: Any) -> dict[str, Any]:
    """Turn a loss object, or Keras's string for one into the mapping that `Network` takes."""
    if hasattr(loss, "_engine"):
        return dict(loss._engine())
    kind = LOSS_NAMES.get(loss, loss) if isinstance(loss, str) else None
    if kind not in LOSSES:
        raise ValueError(f"picaflor.reference has no formula for the loss {loss!r}")
    return {"kind": kind}


def _denominator(divide_by: str, rows: int, sample_weight: npt.ArrayLike | None) -> float:
    if divide_by == "none":
        return 1.0
    if divide_by == "weights" and sample_weight is not None:
        return float(np.sum(np.asarray(sample_weight, dtype=np.float64)))
    return float(rows)


def _as_rows(x: npt.ArrayLike) -> Array:
    rows = np.asarray(x, dtype=np.float64)
    if rows.ndim < 2:
        raise ValueError(f"x must have shape (n, features), got {rows.shape}")
    return rows.reshape(len(rows), int(np.prod(rows.shape[1:])))


def _targets(y: npt.ArrayLike, out: Array, kind: str) -> npt.NDArray[Any]:
    """Targets as the loss takes them: class ids (n,), or the shape of `out`."""
    y = np.asarray(y)
    one_column = y.ndim == 1 or (y.ndim == 2 and y.shape[1] == 1 != out.shape[1])
    if kind in CATEGORICAL and one_column:
        return y.reshape(-1).astype(np.int64)
    return y.reshape(out.shape) if y.ndim == 1 else y
