"""Metrics that the engine computes beside the loss: accuracies, squared and absolute error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from picaflor import _core
from picaflor._checks import number

from .base import Mean, row_weights, same_rows, snake_case

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = [
    "Accuracy",
    "BinaryAccuracy",
    "CategoricalAccuracy",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "SparseCategoricalAccuracy",
]


class _EngineMetric(Mean):
    """The mean over rows of a MetricKind of the engine."""

    _kind = ""
    _threshold = 0.5

    def __init__(self, name: str | None = None) -> None:
        super().__init__(snake_case(type(self).__name__) if name is None else name)

    def _arguments(
        self, y_true: npt.ArrayLike, y_pred: npt.ArrayLike
    ) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        return same_rows(y_true, y_pred)

    def update_state(  # type: ignore[override]
        self,
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
    ) -> None:
        """Add a batch: targets, predictions, and weights of shape (n,).

        Raises
        ------
        ValueError
            If shapes disagree.
        """
        target, pred = self._arguments(y_true, y_pred)
        n = len(pred)
        weight = None if sample_weight is None else row_weights(sample_weight, n)
        total = _core.metric(self._kind, self._threshold, pred, target, weight)
        self.total.assign_add(total)
        self.count.assign_add(n if weight is None else weight.sum())

    def _engine(self) -> dict[str, Any] | None:
        return {"kind": self._kind, "threshold": self._threshold}


class Accuracy(_EngineMetric):
    """How often predictions equal targets, element by element (for class ids, not probabilities).

    The string ``"accuracy"`` in a model means one of the accuracies below, by the shapes; see
    `picaflor.metrics.resolve`.

    Parameters
    ----------
    name : str, default "accuracy"

    Examples
    --------
    >>> Accuracy()([1, 2, 3, 4], [0, 2, 3, 4])
    0.75
    """

    _kind = "accuracy"
    _direction = "up"


class BinaryAccuracy(_EngineMetric):
    """How often a prediction above the threshold meets a target of 1, and one below a 0.

    Parameters
    ----------
    name : str, default "binary_accuracy"
    threshold : float, default 0.5

    Examples
    --------
    >>> BinaryAccuracy()([[1], [1], [0], [0]], [[0.98], [1], [0], [0.6]])
    0.75
    """

    _kind = "binary_accuracy"
    _direction = "up"

    def __init__(self, name: str | None = None, threshold: float = 0.5) -> None:
        super().__init__(name)
        self.threshold = self._threshold = number(threshold, "threshold")

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "threshold": self.threshold}


class CategoricalAccuracy(_EngineMetric):
    """How often the largest prediction of a row stands where the largest target does.

    Parameters
    ----------
    name : str, default "categorical_accuracy"

    Examples
    --------
    >>> CategoricalAccuracy()([[0, 0, 1], [0, 1, 0]], [[0.1, 0.9, 0.8], [0.05, 0.95, 0]])
    0.5
    """

    _kind = "categorical_accuracy"
    _direction = "up"


class SparseCategoricalAccuracy(_EngineMetric):
    """How often the largest prediction of a row stands at the class id. The first maximum wins.

    Parameters
    ----------
    name : str, default "sparse_categorical_accuracy"

    Examples
    --------
    >>> SparseCategoricalAccuracy()([2, 1], [[0.1, 0.6, 0.3], [0.05, 0.95, 0]])
    0.5
    """

    _kind = "sparse_categorical_accuracy"
    _direction = "up"

    def _arguments(
        self, y_true: npt.ArrayLike, y_pred: npt.ArrayLike
    ) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        return class_ids(y_true, y_pred)


class MeanSquaredError(_EngineMetric):
    """Mean of (p - t)^2.

    Parameters
    ----------
    name : str, default "mean_squared_error"

    Examples
    --------
    >>> MeanSquaredError()([[0, 1], [0, 0]], [[1, 1], [0, 0]])
    0.25
    """

    _kind = "squared_error"
    _direction = "down"


class MeanAbsoluteError(_EngineMetric):
    """Mean of |p - t|.

    Parameters
    ----------
    name : str, default "mean_absolute_error"

    Examples
    --------
    >>> MeanAbsoluteError()([[0, 1], [0, 0]], [[1, 1], [0, 0]])
    0.25
    """

    _kind = "absolute_error"
    _direction = "down"


def class_ids(
    y_true: npt.ArrayLike, y_pred: npt.ArrayLike
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Return ids (n,) as int64 and predictions (n, c); an id that is not whole becomes -1."""
    t, p = np.asarray(y_true), np.asarray(y_pred)
    if p.ndim != 2:
        raise ValueError(f"y_pred must have shape (n, c), got {p.shape}")
    if t.ndim == 2 and t.shape[1] == 1:
        t = t[:, 0]
    if t.shape != (len(p),):
        raise ValueError(
            f"y_true must hold one class id per row, shape ({len(p)},), got {np.shape(y_true)}"
        )
    if t.dtype.kind == "f":
        whole = t == np.floor(t)  # false for NaN
        t = np.where(whole, t, -1)
    return t.astype(np.int64), p
