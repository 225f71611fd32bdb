"""What the two estimators minimize, with scikit-learn's way of keeping the books.

The engine's losses are means over the columns; scikit-learn's log loss and Poisson deviance are
sums over them. Its squared error is half the mean over the columns in value, but half the sum in
gradient: the engine minimizes the sum, and the value is put right with the mean squared error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from scipy.special import xlogy

from picaflor import losses, metrics

if TYPE_CHECKING:
    import numpy.typing as npt

Array: TypeAlias = "npt.NDArray[Any]"

REDUCTION = "mean_with_penalty"  # losses and alpha's penalty over the sum of the weights


class Objective:
    """The loss of one kind of output.

    Parameters
    ----------
    kind : {"softmax", "logistic", "identity", "exp"}
        scikit-learn's name of the activation at the end of the network.
    columns : int
    dtype : dtype
        That of the predictions. scikit-learn keeps probabilities at its eps, so that -log p is at
        most 36.04 in float64 and 15.94 in float32; the gradient does not show it.
    """

    def __init__(self, kind: str, columns: int, dtype: npt.DTypeLike) -> None:
        self.kind = kind
        self.columns = columns
        self.ceiling = -float(np.log(np.finfo(dtype).eps))

    def loss(self) -> losses.Loss:
        """Return the loss that the engine minimizes."""
        if self.kind == "softmax":
            return losses.SparseCategoricalCrossentropy(reduction=REDUCTION, ceiling=self.ceiling)
        if self.kind == "logistic":
            return losses.BinaryCrossentropy(
                reduction=REDUCTION, scale=self.columns, ceiling=self.ceiling
            )
        if self.kind == "exp":
            return losses.Poisson(reduction=REDUCTION, scale=self.columns)
        return losses.MeanSquaredError(reduction=REDUCTION, scale=0.5 * self.columns)

    @property
    def metrics(self) -> list[Any]:
        """What the engine has to report besides the loss."""
        return [metrics.MeanSquaredError(name="error")] if self._averages else []

    @property
    def needs_single_batches(self) -> bool:
        """Whether the value can only be put right batch by batch where there are weights."""
        return self._averages

    @property
    def _averages(self) -> bool:
        return self.kind == "identity" and self.columns > 1

    def targets(self, y: Array) -> Array:
        """Return targets (n, columns) as the engine takes them: class ids for the softmax."""
        return y.argmax(axis=1) if self.kind == "softmax" else y

    def value(self, logs: dict[str, float]) -> float:
        """Return scikit-learn's loss from what the engine reports of an epoch."""
        if self._averages:
            return logs["loss"] - 0.5 * (self.columns - 1) * logs["error"]
        return logs["loss"]

    def value_of_gradient_loss(self, loss: float, penalty: float) -> float:
        """Return scikit-learn's loss from the one whose gradient is taken."""
        return (loss - penalty) / self.columns + penalty if self._averages else loss

    def constant(self, y: Array) -> Array | None:
        """Return what the engine leaves out of each row's loss because no weight changes it."""
        if self.kind != "exp":
            return None
        rows: Array = (xlogy(y, y) - y).sum(axis=1)
        return rows

    def data_loss(self, y: Array, output: Array, weights: Array | None) -> float:
        """Return the loss of predictions without penalty; y is (n, columns)."""
        if self.kind == "identity":
            return float(0.5 * np.average((y - output) ** 2, weights=weights, axis=0).mean())
        if self.kind == "exp":
            rows = xlogy(y, y / output) - y + output
        else:
            eps = np.finfo(output.dtype).eps
            p = np.clip(output, eps, 1 - eps)
            rows = -xlogy(y, p)
            if self.kind == "logistic":
                rows -= xlogy(1 - y.astype(output.dtype), 1 - p)
        return float(np.average(rows, weights=weights, axis=0).sum())
