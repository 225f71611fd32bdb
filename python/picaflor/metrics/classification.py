"""Accuracy among the first k, F scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from picaflor._checks import integer, number

from .base import Array, Mean, Metric, row_weights, same_rows
from .engine import class_ids

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = [
    "F1Score",
    "FBetaScore",
    "SparseTopKCategoricalAccuracy",
    "TopKCategoricalAccuracy",
]

EPSILON = 1e-7


def _in_top_k(ids: npt.NDArray[np.int64], pred: npt.NDArray[Any], k: int) -> Array:
    """1 where fewer than k predictions are larger than that of the class id."""
    inside = (ids >= 0) & (ids < pred.shape[1])
    at_id = np.take_along_axis(pred, np.where(inside, ids, 0)[:, None], axis=1)
    found = (pred > at_id).sum(axis=1) < k
    return np.asarray(found & inside & np.isfinite(at_id[:, 0]), dtype=np.float64)


class SparseTopKCategoricalAccuracy(Mean):
    """How often the class id is among the k largest predictions of its row.

    Predictions equal to the k-th largest count as among them, as in Keras.

    Parameters
    ----------
    k : int >= 1, default 5
    name : str, default "sparse_top_k_categorical_accuracy"
    from_sorted_ids : False
        Keras's option for predictions that are ranked ids is not supported.

    Raises
    ------
    ValueError
        If `k` is below 1, or `from_sorted_ids` is true.

    Examples
    --------
    >>> SparseTopKCategoricalAccuracy(k=2)([2, 1], [[0.1, 0.9, 0.8], [0.5, 0.1, 0.4]])
    0.5
    """

    _direction = "up"

    def __init__(
        self,
        k: int = 5,
        name: str | None = "sparse_top_k_categorical_accuracy",
        from_sorted_ids: bool = False,
    ) -> None:
        super().__init__(name)
        self.k = integer(k, "k", minimum=1)
        if from_sorted_ids:
            raise ValueError("from_sorted_ids is not supported: give predictions, one per class")

    def update_state(  # type: ignore[override]
        self,
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
    ) -> None:
        """Add a batch: ids (n,), predictions (n, c), weights (n,)."""
        ids, pred = class_ids(y_true, y_pred)
        super().update_state(_in_top_k(ids, pred, self.k), sample_weight)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "k": self.k}


class TopKCategoricalAccuracy(Mean):
    """How often the largest target's class is among the k largest predictions of its row.

    Parameters
    ----------
    k : int >= 1, default 5
    name : str, default "top_k_categorical_accuracy"

    Raises
    ------
    ValueError
        If `k` is below 1.

    Examples
    --------
    >>> TopKCategoricalAccuracy(k=2)([[0, 0, 1], [0, 1, 0]], [[0.1, 0.9, 0.8], [0.5, 0.1, 0.4]])
    0.5
    """

    _direction = "up"

    def __init__(self, k: int = 5, name: str | None = "top_k_categorical_accuracy") -> None:
        super().__init__(name)
        self.k = integer(k, "k", minimum=1)

    def update_state(  # type: ignore[override]
        self,
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
    ) -> None:
        """Add a batch: targets and predictions (n, c), weights (n,)."""
        target, pred = same_rows(y_true, y_pred)
        super().update_state(_in_top_k(target.argmax(axis=1), pred, self.k), sample_weight)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "k": self.k}


class FBetaScore(Metric):
    """Weighted harmonic mean of precision and recall, per class.

    F = (1 + beta^2) precision recall / (beta^2 precision + recall), 0 where both are 0.

    Parameters
    ----------
    average : {None, "micro", "macro", "weighted"}, default None
        None returns the score of every class; "micro" counts all classes together; "macro" is the
        mean over the classes; "weighted" that mean weighted by the number of true samples.
    beta : float > 0, default 1.0
        How much more recall counts than precision.
    threshold : float in (0, 1], optional
        A prediction above it says "yes". Default: the largest of the row does.
    name : str, default "fbeta_score"

    Raises
    ------
    ValueError
        If an argument lies outside its range.

    Examples
    --------
    >>> y_true = [[1, 1, 1], [1, 0, 0], [1, 1, 0]]
    >>> y_pred = [[0.2, 0.6, 0.7], [0.2, 0.6, 0.6], [0.6, 0.8, 0.0]]
    >>> FBetaScore(beta=2.0, threshold=0.5)(y_true, y_pred).round(4)
    array([0.3846, 0.9091, 0.8333])
    """

    _direction = "up"

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str | None = "fbeta_score",
    ) -> None:
        super().__init__(name)
        if average not in (None, "micro", "macro", "weighted"):
            raise ValueError(
                f"average must be None, 'micro', 'macro' or 'weighted', got {average!r}"
            )
        self.average = average
        self.beta = number(beta, "beta")
        if not self.beta > 0:
            raise ValueError(f"beta must be above 0, got {beta!r}")
        self.threshold = None if threshold is None else number(threshold, "threshold")
        if self.threshold is not None and not 0 < self.threshold <= 1:
            raise ValueError(f"threshold must be in (0, 1], got {threshold!r}")
        self._counts: Array | None = None  # rows: true positives, false positives, false negatives

    def update_state(
        self, y_true: Any, y_pred: Any, sample_weight: npt.ArrayLike | None = None
    ) -> None:
        """Add a batch: targets and predictions (n, c), weights (n,)."""
        target, pred = same_rows(y_true, y_pred)
        t = target.astype(np.float64)
        if self.threshold is None:
            yes = (pred >= pred.max(axis=1, keepdims=True)) & (np.abs(pred) > 1e-9)
        else:
            yes = pred > self.threshold
        p = yes.astype(np.float64)
        w = np.ones(len(t)) if sample_weight is None else row_weights(sample_weight, len(t))
        counts = np.stack([w @ (p * t), w @ (p * (1 - t)), w @ ((1 - p) * t)])
        self._counts = counts if self._counts is None else self._counts + counts

    def result(self) -> Any:
        """Return the score: an array (c,) where `average` is None, else a float."""
        if self._counts is None:
            return 0.0
        counts = self._counts.sum(axis=1) if self.average == "micro" else self._counts
        hits, false, missed = counts
        precision = hits / (hits + false + EPSILON)
        recall = hits / (hits + missed + EPSILON)
        square = self.beta**2
        score = (1 + square) * precision * recall / (square * precision + recall + EPSILON)
        if self.average is None:
            return score
        if self.average == "weighted":
            share = (hits + missed) / ((hits + missed).sum() + EPSILON)
            return float((score * share).sum())
        return float(np.mean(score))

    def reset_state(self) -> None:
        """Forget all batches."""
        self._counts = None

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {
            **super().get_config(),
            "average": self.average,
            "beta": self.beta,
            "threshold": self.threshold,
        }


class F1Score(FBetaScore):
    """Harmonic mean of precision and recall: `FBetaScore` with beta 1.

    Parameters
    ----------
    average, threshold
        See `FBetaScore`.
    name : str, default "f1_score"

    Examples
    --------
    >>> y_true = [[1, 1, 1], [1, 0, 0], [1, 1, 0]]
    >>> y_pred = [[0.2, 0.6, 0.7], [0.2, 0.6, 0.6], [0.6, 0.8, 0.0]]
    >>> F1Score(threshold=0.5)(y_true, y_pred).round(4)
    array([0.5   , 0.8   , 0.6667])
    """

    def __init__(
        self,
        average: str | None = None,
        threshold: float | None = None,
        name: str | None = "f1_score",
    ) -> None:
        super().__init__(average, 1.0, threshold, name)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        config = super().get_config()
        del config["beta"]
        return config
