"""Metrics for numbers that need more than the engine's mean: roots and variances."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from picaflor._checks import integer

from .base import Array, Mean, Metric, row_weights, same_rows

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["CosineSimilarity", "R2Score", "RootMeanSquaredError"]


class RootMeanSquaredError(Mean):
    """Square root of the mean of (p - t)^2 over all rows.

    Parameters
    ----------
    name : str, default "root_mean_squared_error"

    Examples
    --------
    >>> RootMeanSquaredError()([[0, 1], [0, 0]], [[1, 1], [0, 0]])
    0.5
    """

    _direction = "down"

    def __init__(self, name: str | None = "root_mean_squared_error") -> None:
        super().__init__(name)

    def update_state(  # type: ignore[override]
        self,
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
    ) -> None:
        """Add a batch: targets and predictions of one shape, weights (n,)."""
        target, pred = same_rows(y_true, y_pred)
        super().update_state((pred.astype(np.float64) - target) ** 2, sample_weight)

    def result(self) -> float:
        """Return the root of the mean."""
        return float(np.sqrt(super().result()))


class CosineSimilarity(Mean):
    """Mean cosine of the angle between prediction and target: 1 for the same direction.

    Parameters
    ----------
    name : str, default "cosine_similarity"
    axis : int, default -1
        Only -1, the columns, is supported.

    Raises
    ------
    ValueError
        If `axis` is not -1.

    Examples
    --------
    >>> CosineSimilarity()([[0.0, 2.0]], [[3.0, 4.0]])
    0.8
    """

    _direction = "up"

    def __init__(self, name: str | None = "cosine_similarity", axis: int = -1) -> None:
        super().__init__(name)
        if axis not in (-1, 1):
            raise ValueError(f"axis must be -1, got {axis!r}")
        self.axis = -1

    def update_state(  # type: ignore[override]
        self,
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
    ) -> None:
        """Add a batch: targets and predictions (n, c), weights (n,)."""
        target, pred = same_rows(y_true, y_pred)
        t, p = (
            a / np.maximum(np.linalg.norm(a, axis=1, keepdims=True), 1e-7)
            for a in (target.astype(np.float64), pred.astype(np.float64))
        )
        super().update_state((t * p).sum(axis=1), sample_weight)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "axis": self.axis}


class R2Score(Metric):
    """Coefficient of determination: 1 - sum w (t - p)^2 / sum w (t - mean t)^2.

    1 for perfect predictions, 0 for the mean of the targets, negative for worse. Where all targets
    of a column are equal, its score is 0 (NaN where the predictions are right, as in Keras).

    Parameters
    ----------
    class_aggregation : {"uniform_average", "variance_weighted_average", None}
        How the scores of the columns make one: their mean (the default), their mean weighted by
        the targets' variances, or not at all.
    num_regressors : int >= 0, default 0
        Number of independent regressors, for the adjusted score; 0 for the ordinary one.
    name : str, default "r2_score"

    Raises
    ------
    ValueError
        If an argument lies outside its range, or the adjusted score has too few rows.

    Examples
    --------
    >>> R2Score()([[1], [4], [3]], [[2], [4], [4]]).__round__(6)
    0.571429
    """

    _direction = "up"

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str | None = "r2_score",
    ) -> None:
        super().__init__(name)
        if class_aggregation not in (None, "uniform_average", "variance_weighted_average"):
            raise ValueError(
                "class_aggregation must be None, 'uniform_average' or "
                f"'variance_weighted_average', got {class_aggregation!r}"
            )
        self.class_aggregation = class_aggregation
        self.num_regressors = integer(num_regressors, "num_regressors", minimum=0)
        self.reset_state()

    def reset_state(self) -> None:
        """Forget all batches."""
        self._weight = 0.0
        self._rows = 0
        # per column: mean of the targets, sum w (t - mean)^2, sum w (t - p)^2
        self._mean: Array | float = 0.0
        self._spread: Array | float = 0.0
        self._residual: Array | float = 0.0

    def update_state(
        self, y_true: Any, y_pred: Any, sample_weight: npt.ArrayLike | None = None
    ) -> None:
        """Add a batch: targets and predictions of one shape, weights (n,)."""
        target, pred = same_rows(y_true, y_pred)
        t = target.astype(np.float64)
        w = np.ones(len(t)) if sample_weight is None else row_weights(sample_weight, len(t))
        total = w.sum()
        if total == 0:
            return
        # Two sets' means and sums of squares make those of their union (Chan, Golub and LeVeque
        # 1979); sum t^2 - (sum t)^2 / n would cancel.
        mean = w @ t / total
        shift = mean - self._mean
        both = self._weight + total
        self._spread = self._spread + w @ (t - mean) ** 2 + shift**2 * self._weight * total / both
        self._mean = self._mean + shift * total / both
        self._residual = self._residual + w @ (t - pred) ** 2
        self._weight = both
        self._rows += int(np.count_nonzero(w))

    def result(self) -> Any:
        """Return the score: an array (c,) where `class_aggregation` is None, else a float."""
        if self._rows == 0:
            return 0.0
        spread, residual = np.asarray(self._spread), np.asarray(self._residual)
        with np.errstate(divide="ignore", invalid="ignore"):
            scores = 1 - residual / spread
        scores = np.where(np.isinf(scores), 0.0, scores)
        score: Any = scores
        if self.class_aggregation == "uniform_average":
            score = float(scores.mean())
        elif self.class_aggregation == "variance_weighted_average":
            score = float((scores * spread).sum() / spread.sum())
        if self.num_regressors:
            free = self._rows - self.num_regressors - 1
            if free <= 0:
                raise ValueError(
                    f"the adjusted score of {self.num_regressors} regressors needs at least "
                    f"{self.num_regressors + 2} rows, got {self._rows}"
                )
            score = 1 - (1 - score) * (self._rows - 1) / free
        return score

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {
            **super().get_config(),
            "class_aggregation": self.class_aggregation,
            "num_regressors": self.num_regressors,
        }
