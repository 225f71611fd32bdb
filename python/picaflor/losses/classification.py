"""Losses for classes: cross-entropies on probabilities or logits, margins, divergence.

Binary losses are means over the c columns of a row, categorical ones sums over its classes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from picaflor._checks import boolean, number

from .base import Loss
from .regression import last_axis

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = [
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalHinge",
    "Hinge",
    "KLDivergence",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
]


class _CrossEntropy(Loss):
    """From probabilities or from logits, with or without smoothed labels."""

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        *,
        scale: float = 1.0,
        ceiling: float | None = None,
    ) -> None:
        super().__init__(reduction, name, scale=scale)
        self.ceiling = _positive_or_none(ceiling)
        self.from_logits = boolean(from_logits, "from_logits")
        self.label_smoothing = number(label_smoothing, "label_smoothing")
        if not 0.0 <= self.label_smoothing <= 1.0:
            raise ValueError(f"label_smoothing must be in [0, 1], got {label_smoothing!r}")
        self.axis = last_axis(axis)

    def _parameters(self) -> dict[str, float]:
        return {"label_smoothing": self.label_smoothing, **_limit(self.ceiling)}

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {
            **super().get_config(),
            "from_logits": self.from_logits,
            "label_smoothing": self.label_smoothing,
            "axis": self.axis,
            "ceiling": self.ceiling,
        }


class BinaryCrossentropy(_CrossEntropy):
    """Cross-entropy of yes-or-no labels: mean_j of -t log p - (1 - t) log(1 - p).

    Probabilities are kept in [1e-7, 1 - 1e-7]; with ``from_logits=True``, p = 1 / (1 + exp(-x)) is
    never formed, and logits of any size are safe. In a model, a last layer with sigmoid activation
    and this loss are computed together in that form.

    Parameters
    ----------
    from_logits : bool, default False
        Whether predictions are unnormalised scores x instead of probabilities p.
    label_smoothing : float in [0, 1], default 0.0
        Replaces t by ``t * (1 - label_smoothing) + label_smoothing / 2``.
    axis : int, default -1
        Only -1, the columns, is supported.
    reduction, name, scale
        See `Loss`.
    ceiling : float > 0, optional
        The largest value of an element (not in Keras); the gradient does not see it. It is how
        scikit-learn's log loss behaves, which keeps probabilities at the machine epsilon.

    Raises
    ------
    ValueError
        If `label_smoothing` lies outside [0, 1], `ceiling` is not above 0, or `axis` is not -1.

    Examples
    --------
    >>> round(BinaryCrossentropy()([[1.0], [0.0]], [[0.5], [0.5]]), 6)
    0.693147
    >>> BinaryCrossentropy(from_logits=True)([[1.0], [0.0]], [[-1e4], [0.0]]).__round__(4)
    5000.3466
    """

    @property
    def _kind(self) -> str:  # type: ignore[override]
        return "binary_cross_entropy_logits" if self.from_logits else "binary_cross_entropy"


class CategoricalCrossentropy(_CrossEntropy):
    """Cross-entropy of one class out of c, targets as rows of probabilities: -sum_j t_j log p_j.

    Probabilities are divided by their sum and kept in [1e-7, 1 - 1e-7]; with ``from_logits=True``,
    p = softmax(x) is never formed, and logits of any size are safe. In a model, a last layer with
    softmax activation and this loss are computed together in that form.

    Parameters
    ----------
    from_logits : bool, default False
        Whether predictions are unnormalised scores x instead of probabilities p.
    label_smoothing : float in [0, 1], default 0.0
        Replaces t by ``t * (1 - label_smoothing) + label_smoothing / c``.
    axis : int, default -1
        Only -1, the columns, is supported.
    reduction, name, scale
        See `Loss`.
    ceiling : float > 0, optional
        The largest value of a row (not in Keras); the gradient does not see it. It is how
        scikit-learn's log loss behaves, which keeps probabilities at the machine epsilon.

    Raises
    ------
    ValueError
        If `label_smoothing` lies outside [0, 1], `ceiling` is not above 0, or `axis` is not -1.

    Examples
    --------
    >>> round(CategoricalCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]]), 6)
    0.693147
    """

    @property
    def _kind(self) -> str:  # type: ignore[override]
        if self.from_logits:
            return "categorical_cross_entropy_logits"
        return "categorical_cross_entropy"

    def _targets(self, y_true: npt.ArrayLike, shape: tuple[int, ...]) -> npt.NDArray[Any]:
        return _rows_of_classes(y_true, shape)


class SparseCategoricalCrossentropy(Loss):
    """Cross-entropy of one class out of c, targets as class ids y: -log p_y.

    The same as `CategoricalCrossentropy` of the one-hot rows.

    Parameters
    ----------
    from_logits : bool, default False
        Whether predictions are unnormalised scores x instead of probabilities p.
    ignore_class : None
        Keras's option to leave a class out is not supported: give its rows a sample weight of 0.
    axis : int, default -1
        Only -1, the columns, is supported.
    reduction, name, scale
        See `Loss`.
    ceiling : float > 0, optional
        The largest value of a row (not in Keras); the gradient does not see it. It is how
        scikit-learn's log loss behaves, which keeps probabilities at the machine epsilon.

    Raises
    ------
    ValueError
        If `ignore_class` is not None, `ceiling` is not above 0, or `axis` is not -1.

    Examples
    --------
    >>> round(SparseCategoricalCrossentropy()([1, 0], [[0.5, 0.5], [0.25, 0.75]]), 6)
    1.039721
    """

    _takes_ids = True

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: None = None,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        *,
        scale: float = 1.0,
        ceiling: float | None = None,
    ) -> None:
        super().__init__(reduction, name, scale=scale)
        self.ceiling = _positive_or_none(ceiling)
        self.from_logits = boolean(from_logits, "from_logits")
        if ignore_class is not None:
            raise ValueError(
                f"ignore_class is not supported, got {ignore_class!r}: give the rows of that class "
                "a sample weight of 0"
            )
        self.axis = last_axis(axis)

    @property
    def _kind(self) -> str:  # type: ignore[override]
        if self.from_logits:
            return "categorical_cross_entropy_logits"
        return "categorical_cross_entropy"

    def _parameters(self) -> dict[str, float]:
        return _limit(self.ceiling)

    def _targets(self, y_true: npt.ArrayLike, shape: tuple[int, ...]) -> npt.NDArray[Any]:
        y = np.asarray(y_true)
        if len(shape) != 2:
            raise ValueError(f"y_pred must have shape (n, c), got {tuple(shape)}")
        if y.ndim == 2 and y.shape[1] == 1:
            y = y[:, 0]
        if y.shape != (shape[0],):
            raise ValueError(
                f"y_true must hold one class id per row, shape ({shape[0]},), got {y.shape}; rows "
                "of probabilities go with CategoricalCrossentropy"
            )
        if y.dtype.kind == "f":
            ids = y.astype(np.int64)
            if not np.array_equal(ids, y):
                odd = np.flatnonzero(ids != y)[0]
                raise ValueError(f"y_true must hold class ids, got {y[odd]} at row {odd}")
            return ids
        return y.astype(np.int64) if y.dtype.kind == "b" else y

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {
            **super().get_config(),
            "from_logits": self.from_logits,
            "ignore_class": None,
            "axis": self.axis,
            "ceiling": self.ceiling,
        }


class KLDivergence(Loss):
    """Kullback-Leibler divergence: sum_j t_j log(t_j / p_j), both kept in [1e-7, 1].

    Parameters
    ----------
    reduction, name, scale
        See `Loss`.

    Examples
    --------
    >>> round(KLDivergence()([[1.0, 0.0]], [[0.5, 0.5]]), 5)
    0.69315
    """

    _kind = "kl_divergence"

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        *,
        scale: float = 1.0,
    ) -> None:
        super().__init__(reduction, "kl_divergence" if name is None else name, scale=scale)

    def _targets(self, y_true: npt.ArrayLike, shape: tuple[int, ...]) -> npt.NDArray[Any]:
        return _rows_of_classes(y_true, shape)


class Hinge(Loss):
    """Margin loss: mean_j max(1 - t p, 0), targets -1 and 1.

    A target of 0 counts as -1, so that labels 0 and 1 serve too. (Keras does the same where a
    batch holds nothing but zeros and ones; labels -1, 0 and 1 mixed have no meaning.)

    Parameters
    ----------
    reduction, name, scale
        See `Loss`.

    Examples
    --------
    >>> Hinge()([[1.0], [0.0]], [[0.5], [-2.0]])
    0.25
    """

    _kind = "hinge"


class SquaredHinge(Loss):
    """Squared margin loss: mean_j max(1 - t p, 0)^2, with the targets of `Hinge`.

    Parameters
    ----------
    reduction, name, scale
        See `Loss`.

    Examples
    --------
    >>> SquaredHinge()([[1.0], [0.0]], [[0.5], [-2.0]])
    0.125
    """

    _kind = "squared_hinge"


class CategoricalHinge(Loss):
    """Margin to the best wrong class: max(max_j (1 - t_j) p_j - sum_j t_j p_j + 1, 0).

    Targets are one-hot rows. Where several classes reach the maximum, the first has the gradient.

    Parameters
    ----------
    reduction, name, scale
        See `Loss`.

    Examples
    --------
    >>> CategoricalHinge()([[0.0, 1.0]], [[0.25, 0.5]])
    0.75
    """

    _kind = "categorical_hinge"

    def _targets(self, y_true: npt.ArrayLike, shape: tuple[int, ...]) -> npt.NDArray[Any]:
        return _rows_of_classes(y_true, shape)


def _rows_of_classes(y_true: npt.ArrayLike, shape: tuple[int, ...]) -> npt.NDArray[Any]:
    y = np.asarray(y_true)
    if len(shape) != 2:
        raise ValueError(f"y_pred must have shape (n, c), got {tuple(shape)}")
    if y.ndim == 1 and shape[1] == 1:
        y = y[:, None]
    if y.shape != tuple(shape):
        hint = "; class ids go with SparseCategoricalCrossentropy" if y.ndim == 1 else ""
        raise ValueError(
            f"y_true must have the shape of y_pred, {tuple(shape)}, got {y.shape}{hint}"
        )
    return y


def _positive_or_none(ceiling: Any) -> float | None:
    if ceiling is None:
        return None
    value = number(ceiling, "ceiling")
    if not value > 0:
        raise ValueError(f"ceiling must be above 0, got {ceiling!r}")
    return value


def _limit(ceiling: float | None) -> dict[str, float]:
    return {} if ceiling is None else {"ceiling": ceiling}
