"""Metrics from true and false positives and negatives at one or many thresholds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from picaflor._checks import boolean, integer, number

from .base import Array, Metric, row_weights, same_rows

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = [
    "AUC",
    "FalseNegatives",
    "FalsePositives",
    "Precision",
    "Recall",
    "TrueNegatives",
    "TruePositives",
]


def divide(a: Array, b: Array) -> Array:
    """Return a / b, 0 where b is 0."""
    return np.divide(a, b, out=np.zeros_like(a), where=b != 0)


class _Confusion(Metric):
    """Weighted counts of the four outcomes for every threshold; a prediction above it says yes."""

    def __init__(self, thresholds: Array, name: str | None) -> None:
        super().__init__(name)
        self._thresholds = thresholds
        shape = thresholds.shape
        self.true_positives = self.add_variable(shape)
        self.false_positives = self.add_variable(shape)
        self.true_negatives = self.add_variable(shape)
        self.false_negatives = self.add_variable(shape)

    def _add(self, yes: npt.NDArray[np.bool_], pred: Array, weight: Array) -> None:
        """Count elements (k,): sorted once, so any number of thresholds costs k log k."""
        for label, above, below in (
            (True, self.true_positives, self.false_negatives),
            (False, self.false_positives, self.true_negatives),
        ):
            p, w = pred[yes == label], weight[yes == label]
            order = np.argsort(p, kind="stable")
            up_to = np.concatenate([[0.0], np.cumsum(w[order])])  # weight of the k smallest
            kept = up_to[np.searchsorted(p[order], self._thresholds, side="right")]
            below.assign_add(kept)
            above.assign_add(up_to[-1] - kept)

    def update_state(
        self, y_true: Any, y_pred: Any, sample_weight: npt.ArrayLike | None = None
    ) -> None:
        """Add a batch: targets (not 0 means yes) and predictions of one shape, weights (n,)."""
        target, pred = same_rows(y_true, y_pred)
        target, pred = self._select(target, pred.astype(np.float64))
        n, c = pred.shape
        w = np.ones(n) if sample_weight is None else row_weights(sample_weight, n)
        self._add((target != 0).ravel(), pred.ravel(), np.repeat(w, c))

    def _select(self, target: npt.NDArray[Any], pred: Array) -> tuple[npt.NDArray[Any], Array]:
        return target, pred


def _scalar_or_array(values: Array) -> Any:
    return float(values[0]) if len(values) == 1 else np.array(values)


class _Thresholded(_Confusion):
    """A metric at one threshold (a float) or several (an array)."""

    _default = 0.5

    def __init__(self, thresholds: Any = None, name: str | None = None) -> None:
        self.thresholds = thresholds
        values = np.atleast_1d(
            np.asarray(self._default if thresholds is None else thresholds, dtype=np.float64)
        )
        if not np.all((values >= 0) & (values <= 1)) and thresholds is not None:
            raise ValueError(f"thresholds must be in [0, 1], got {thresholds!r}")
        super().__init__(values, name)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "thresholds": self.thresholds}


class TruePositives(_Thresholded):
    """The (weighted) number of predictions above the threshold whose target is not 0.

    Parameters
    ----------
    thresholds : float or list of float in [0, 1], default 0.5
    name : str, default "true_positives"

    Examples
    --------
    >>> TruePositives()([0, 1, 1, 1], [1, 0, 1, 1])
    2.0
    """

    def result(self) -> Any:
        """Return the count, one per threshold."""
        return _scalar_or_array(self.true_positives)


class FalsePositives(_Thresholded):
    """The (weighted) number of predictions above the threshold whose target is 0.

    Parameters
    ----------
    thresholds : float or list of float in [0, 1], default 0.5
    name : str, default "false_positives"

    Examples
    --------
    >>> FalsePositives()([0, 1, 0, 0], [0, 0, 1, 1])
    2.0
    """

    def result(self) -> Any:
        """Return the count, one per threshold."""
        return _scalar_or_array(self.false_positives)


class TrueNegatives(_Thresholded):
    """The (weighted) number of predictions not above the threshold whose target is 0.

    Parameters
    ----------
    thresholds : float or list of float in [0, 1], default 0.5
    name : str, default "true_negatives"

    Examples
    --------
    >>> TrueNegatives()([0, 1, 0, 0], [1, 1, 0, 0])
    2.0
    """

    def result(self) -> Any:
        """Return the count, one per threshold."""
        return _scalar_or_array(self.true_negatives)


class FalseNegatives(_Thresholded):
    """The (weighted) number of predictions not above the threshold whose target is not 0.

    Parameters
    ----------
    thresholds : float or list of float in [0, 1], default 0.5
    name : str, default "false_negatives"

    Examples
    --------
    >>> FalseNegatives()([0, 1, 1, 1], [0, 1, 0, 0])
    2.0
    """

    def result(self) -> Any:
        """Return the count, one per threshold."""
        return _scalar_or_array(self.false_negatives)


class _TopK(_Thresholded):
    """Optionally only the k largest predictions of a row can say yes, or one class is looked at."""

    _direction = "up"

    def __init__(
        self,
        thresholds: Any = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
    ) -> None:
        self.top_k = None if top_k is None else integer(top_k, "top_k", minimum=1)
        self.class_id = None if class_id is None else integer(class_id, "class_id", minimum=0)
        if top_k is not None and thresholds is None:
            self._default = -np.inf  # every one of the k counts
        super().__init__(thresholds, name)

    def _select(self, target: npt.NDArray[Any], pred: Array) -> tuple[npt.NDArray[Any], Array]:
        if self.top_k is not None:
            rank = np.argsort(np.argsort(-pred, axis=1, kind="stable"), axis=1)
            pred = np.where(rank < self.top_k, pred, -np.inf)
        if self.class_id is not None:
            if self.class_id >= pred.shape[1]:
                raise ValueError(f"class_id must be below {pred.shape[1]}, got {self.class_id}")
            keep = slice(self.class_id, self.class_id + 1)
            target, pred = target[:, keep], pred[:, keep]
        return target, pred

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "top_k": self.top_k, "class_id": self.class_id}


class Precision(_TopK):
    """Of the predictions that say yes, the share that is right; 0 where none does.

    Parameters
    ----------
    thresholds : float or list of float in [0, 1], default 0.5
        A prediction above it says yes. With `top_k` the default is minus infinity.
    top_k : int, optional
        Only the k largest predictions of a row can say yes.
    class_id : int, optional
        Look at this column only.
    name : str, default "precision"

    Raises
    ------
    ValueError
        If an argument lies outside its range.

    Examples
    --------
    >>> Precision()([0, 1, 1, 1], [1, 0, 1, 1]).__round__(4)
    0.6667
    """

    def result(self) -> Any:
        """Return the precision, one per threshold."""
        hits = np.asarray(self.true_positives)
        return _scalar_or_array(divide(hits, hits + np.asarray(self.false_positives)))


class Recall(_TopK):
    """Of the targets that are not 0, the share that predictions found; 0 where there is none.

    Parameters
    ----------
    thresholds : float or list of float in [0, 1], default 0.5
        A prediction above it says yes. With `top_k` the default is minus infinity.
    top_k : int, optional
        Only the k largest predictions of a row can say yes.
    class_id : int, optional
        Look at this column only.
    name : str, default "recall"

    Raises
    ------
    ValueError
        If an argument lies outside its range.

    Examples
    --------
    >>> Recall()([0, 1, 1, 1], [1, 0, 1, 1]).__round__(4)
    0.6667
    """

    def result(self) -> Any:
        """Return the recall, one per threshold."""
        hits = np.asarray(self.true_positives)
        return _scalar_or_array(divide(hits, hits + np.asarray(self.false_negatives)))


class AUC(_Confusion):
    """Area under the ROC or the precision-recall curve, from counts at a number of thresholds.

    An approximation, as in Keras: the curve is known at the thresholds only; more of them, or some
    placed where predictions are dense, make it finer. Predictions are probabilities.

    Parameters
    ----------
    num_thresholds : int >= 2, default 200
        Evenly spaced from 0 to 1.
    curve : {"ROC", "PR"}, default "ROC"
    summation_method : {"interpolation", "minoring", "majoring"}, default "interpolation"
        The trapezoidal rule (for PR the interpolation of Davis and Goadrich [1]_), or the smaller
        or larger end of each interval.
    name : str, default "auc"
    thresholds : list of float in [0, 1], optional
        Thresholds of your own in place of `num_thresholds`.
    from_logits : bool, default False
        Whether predictions are scores, of which the sigmoid is taken first.

    Raises
    ------
    ValueError
        If an argument is not one of these.

    References
    ----------
    .. [1] J. Davis, M. Goadrich, The Relationship Between Precision-Recall and ROC Curves,
       ICML 2006.

    Examples
    --------
    >>> AUC(num_thresholds=3)([0, 0, 1, 1], [0, 0.5, 0.3, 0.9])
    0.75
    """

    _direction = "up"

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        thresholds: Any = None,
        from_logits: bool = False,
    ) -> None:
        if curve not in ("ROC", "PR"):
            raise ValueError(f"curve must be 'ROC' or 'PR', got {curve!r}")
        if summation_method not in ("interpolation", "minoring", "majoring"):
            raise ValueError(
                "summation_method must be 'interpolation', 'minoring' or 'majoring', got "
                f"{summation_method!r}"
            )
        self.num_thresholds = integer(num_thresholds, "num_thresholds", minimum=2)
        self.curve = curve
        self.summation_method = summation_method
        self.from_logits = boolean(from_logits, "from_logits")
        self.thresholds = (
            None
            if thresholds is None
            else sorted(number(value, "thresholds") for value in thresholds)
        )
        if self.thresholds is None:
            inner = np.arange(1, num_thresholds - 1) / (num_thresholds - 1)
        else:
            inner = np.array(self.thresholds)
            if not np.all((inner >= 0) & (inner <= 1)):
                raise ValueError(f"thresholds must be in [0, 1], got {thresholds!r}")
        super().__init__(np.concatenate([[-1e-7], inner, [1 + 1e-7]]), name)

    def _select(self, target: npt.NDArray[Any], pred: Array) -> tuple[npt.NDArray[Any], Array]:
        if self.from_logits:
            return target, np.exp(-np.logaddexp(0, -pred))
        return target, pred

    def result(self) -> float:
        """Return the area."""
        hits, false = np.asarray(self.true_positives), np.asarray(self.false_positives)
        missed, right = np.asarray(self.false_negatives), np.asarray(self.true_negatives)
        if self.curve == "PR" and self.summation_method == "interpolation":
            return self._interpolated_pr(hits, false, missed)
        recall = divide(hits, hits + missed)
        if self.curve == "ROC":
            x, y = divide(false, false + right), recall
        else:
            x, y = recall, divide(hits, hits + false)
        left, after = y[:-1], y[1:]
        heights = {
            "interpolation": (left + after) / 2,
            "minoring": np.minimum(left, after),
            "majoring": np.maximum(left, after),
        }[self.summation_method]
        return float(np.sum((x[:-1] - x[1:]) * heights))

    @staticmethod
    def _interpolated_pr(hits: Array, false: Array, missed: Array) -> float:
        """Let hits and positives vary linearly between thresholds, precision as their quotient."""
        positives = hits + false
        d_hits = hits[:-1] - hits[1:]
        slope = divide(d_hits, positives[:-1] - positives[1:])
        intercept = hits[1:] - slope * positives[1:]
        both = (positives[:-1] > 0) & (positives[1:] > 0)
        ratio = np.where(both, divide(positives[:-1], positives[1:]), 1.0)
        areas = slope * (d_hits + intercept * np.log(ratio))
        return float(np.sum(divide(areas, hits[1:] + missed[1:])))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {
            **super().get_config(),
            "num_thresholds": self.num_thresholds,
            "curve": self.curve,
            "summation_method": self.summation_method,
            "thresholds": self.thresholds,
            "from_logits": self.from_logits,
        }
