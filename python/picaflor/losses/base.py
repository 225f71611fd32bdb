"""What all losses share: how rows are reduced, what the engine is told, configs."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any

import numpy as np

from picaflor import _core
from picaflor._checks import did_you_mean, number

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["Loss"]

# Keras's reductions: what the sum of the weighted rows is divided by (the engine's name for it),
# and the number of the reduction in _core.loss.
_REDUCTIONS: dict[str | None, tuple[str | None, int]] = {
    "sum_over_batch_size": ("rows", 0),
    "mean": ("rows", 0),
    "mean_with_sample_weight": ("weights", 3),
    "mean_with_penalty": ("weights", 3),
    "sum": ("none", 1),
    "none": (None, 2),
    None: (None, 2),
}


class Loss:
    """One number that says how far predictions are from their targets.

    Every loss first has one value per row (sample); these are multiplied by the sample weights and
    reduced. Training, with the gradient, runs in the compiled engine; calling a loss on arrays
    gives its value.

    Parameters
    ----------
    reduction : str or None, default "sum_over_batch_size"
        What becomes of the weighted losses of n rows:

        - ``"sum_over_batch_size"``, ``"mean"``: their sum over n, whatever the weights;
        - ``"mean_with_sample_weight"``: their sum over the sum of the weights;
        - ``"mean_with_penalty"`` (not in Keras): the same, and the penalties of the model's
          regularizers are divided by that sum too, as scikit-learn's ``alpha`` is;
        - ``"sum"``: their sum;
        - ``"none"``, None: the array of them (a model cannot be trained on it).
    name : str, optional
        Default: the name of the class in snake case.
    scale : float, default 1.0
        Factor of value and gradient (not in Keras).

    Attributes
    ----------
    name, reduction, scale
        The parameters.

    Raises
    ------
    ValueError
        If `reduction` is not one of these.

    Notes
    -----
    Computed in float32 where `y_pred` is float32, in float64 otherwise; rows are added up in
    float64. A loss of your own cannot be made by subclassing: the engine needs its gradient.
    """

    _kind = ""  # name of the LossKind in the engine
    _takes_ids = False  # whether targets are class ids

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        *,
        scale: float = 1.0,
    ) -> None:
        if reduction not in _REDUCTIONS:
            known = [key for key in _REDUCTIONS if key is not None]
            raise ValueError(f"Unknown reduction: {reduction!r}.{did_you_mean(reduction, known)}")
        self.reduction = reduction
        if name is not None and not isinstance(name, str):
            raise TypeError(f"name must be a string, got {name!r}")
        self.name = _snake(type(self).__name__) if name is None else name
        self.scale = number(scale, "scale")

    def __call__(
        self,
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
    ) -> Any:
        """Return the loss of predictions.

        Parameters
        ----------
        y_true : array_like
            Targets: the shape of `y_pred`, or class ids of shape (n,) or (n, 1) for the sparse
            losses. (n,) and (n, 1) are the same.
        y_pred : array_like, shape (n, c) or (n,)
            Predictions; (n,) means n rows of one column.
        sample_weight : array_like, shape (n,) or (n, 1), optional
            Factors of the rows.

        Returns
        -------
        float, or ndarray of shape (n,) where `reduction` is "none"

        Raises
        ------
        ValueError
            If shapes disagree, or there are no rows to take the mean of.
        """
        pred = np.asarray(y_pred)
        weight = None
        if sample_weight is not None:
            weight = np.asarray(sample_weight)
            weight = weight[:, 0] if weight.ndim == 2 and weight.shape[1] == 1 else weight
        _, code = _REDUCTIONS[self.reduction]
        e = self._parameters()
        loss, _ = _core.loss(
            self._kind,
            pred,
            self._targets(y_true, pred.shape),
            weight,
            e.get("label_smoothing", 0.0),
            e.get("delta", 1.0),
            self.scale,
            e.get("ceiling", inf),
            code,
            False,
            "y_pred",
            "y_true",
        )
        if code == 2 and weight is not None:
            loss *= weight.astype(loss.dtype)
        return loss

    def call(self, y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> npt.NDArray[Any]:
        """Return the loss of each row, shape (n,), without weights and reduction."""
        pred = np.asarray(y_pred)
        e = self._parameters()
        loss, _ = _core.loss(
            self._kind,
            pred,
            self._targets(y_true, pred.shape),
            None,
            e.get("label_smoothing", 0.0),
            e.get("delta", 1.0),
            self.scale,
            e.get("ceiling", inf),
            2,
            False,
            "y_pred",
            "y_true",
        )
        return np.asarray(loss)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {"name": self.name, "reduction": self.reduction, "scale": self.scale}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Loss:
        """Return a loss from what `get_config` gave."""
        return cls(**config)

    def __repr__(self) -> str:
        """Return the call that makes it."""
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.get_config().items())
        return f"{type(self).__name__}({arguments})"

    # ---------------------------------------------------------------------------- for the engine

    def _parameters(self) -> dict[str, float]:
        """Return the loss's own numbers: label_smoothing, delta, ceiling."""
        return {}

    def _engine(self) -> dict[str, Any]:
        """Return the keyword arguments of ``Network.set_loss``."""
        divide_by, _ = _REDUCTIONS[self.reduction]
        if divide_by is None:
            raise ValueError(
                f"a model is trained on one number: the reduction of {self.name} must be "
                f"'sum_over_batch_size', 'mean_with_sample_weight' or 'sum', got {self.reduction!r}"
            )
        return {
            "kind": self._kind,
            "label_smoothing": 0.0,
            "delta": 1.0,
            "ceiling": inf,
            **self._parameters(),
            "factor": self.scale,
            "divide_by": divide_by,
            "penalty_per_sample": self.reduction == "mean_with_penalty",
        }

    def _targets(self, y_true: npt.ArrayLike, shape: tuple[int, ...]) -> npt.NDArray[Any]:
        """Return targets in the shape that predictions of `shape` ask for."""
        y = np.asarray(y_true)
        if y.ndim == 1 and len(shape) == 2 and shape[1] == 1:
            return y[:, None]
        if y.ndim == 2 and y.shape[1] == 1 and len(shape) == 1:
            return y[:, 0]
        if y.shape != tuple(shape):
            raise ValueError(f"y_true must have the shape of y_pred, {tuple(shape)}, got {y.shape}")
        return y


def _snake(name: str) -> str:
    import re

    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
