"""Losses as metrics: the mean over the rows, divided by the sum of the weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from picaflor import losses

from .base import Mean, snake_case

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = [
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalHinge",
    "Hinge",
    "KLDivergence",
    "LogCoshError",
    "LossMetric",
    "MeanAbsolutePercentageError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
]


class LossMetric(Mean):
    """The weighted mean of a loss.

    Parameters
    ----------
    loss : picaflor.losses.Loss
    name : str, optional
        Default: the name of the loss.

    Examples
    --------
    >>> from picaflor import losses
    >>> LossMetric(losses.Huber(2.0))([[0.0], [1.0]], [[1.0], [1.0]])
    0.25
    """

    _direction = "down"

    def __init__(self, loss: losses.Loss, name: str | None = None) -> None:
        super().__init__(loss.name if name is None else name)
        self._loss = loss

    def update_state(  # type: ignore[override]
        self,
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
    ) -> None:
        """Add a batch: targets and predictions as the loss takes them, weights (n,)."""
        super().update_state(self._loss.call(y_true, y_pred), sample_weight)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {"loss": losses.serialize(self._loss), "name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> LossMetric:
        """Return a metric from what `get_config` gave."""
        if "loss" in config:
            config = {**config, "loss": losses.get(config["loss"])}
        return cls(**config)


class _Named(LossMetric):
    """A loss's metric with a class of its own."""

    _of: type[losses.Loss]

    def __init__(self, name: str | None = None, **arguments: Any) -> None:
        self._arguments = arguments
        super().__init__(
            self._of(**arguments), snake_case(type(self).__name__) if name is None else name
        )

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {"name": self.name, **self._arguments}


class BinaryCrossentropy(_Named):
    """Mean binary cross-entropy.

    Parameters
    ----------
    name : str, default "binary_crossentropy"
    from_logits : bool, default False
    label_smoothing : float in [0, 1], default 0

    Examples
    --------
    >>> BinaryCrossentropy()([[0, 1], [0, 0]], [[0.6, 0.4], [0.4, 0.6]]).__round__(6)
    0.814924
    """

    _of = losses.BinaryCrossentropy

    def __init__(
        self, name: str | None = None, from_logits: bool = False, label_smoothing: float = 0.0
    ) -> None:
        super().__init__(name, from_logits=from_logits, label_smoothing=label_smoothing)


class CategoricalCrossentropy(_Named):
    """Mean categorical cross-entropy, targets as rows of probabilities.

    Parameters
    ----------
    name : str, default "categorical_crossentropy"
    from_logits : bool, default False
    label_smoothing : float in [0, 1], default 0
    axis : int, default -1
        Only -1, the columns, is supported.

    Examples
    --------
    >>> metric = CategoricalCrossentropy()
    >>> metric([[0, 1, 0], [0, 0, 1]], [[0.05, 0.95, 0], [0.1, 0.8, 0.1]]).__round__(6)
    1.176939
    """

    _of = losses.CategoricalCrossentropy

    def __init__(
        self,
        name: str | None = None,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
    ) -> None:
        super().__init__(name, from_logits=from_logits, label_smoothing=label_smoothing, axis=axis)


class SparseCategoricalCrossentropy(_Named):
    """Mean categorical cross-entropy, targets as class ids.

    Parameters
    ----------
    name : str, default "sparse_categorical_crossentropy"
    from_logits : bool, default False
    axis : int, default -1
        Only -1, the columns, is supported.

    Examples
    --------
    >>> metric = SparseCategoricalCrossentropy()
    >>> metric([1, 2], [[0.05, 0.95, 0], [0.1, 0.8, 0.1]]).__round__(6)
    1.176939
    """

    _of = losses.SparseCategoricalCrossentropy

    def __init__(self, name: str | None = None, from_logits: bool = False, axis: int = -1) -> None:
        super().__init__(name, from_logits=from_logits, axis=axis)


class KLDivergence(_Named):
    """Mean Kullback-Leibler divergence.

    Parameters
    ----------
    name : str, default "kl_divergence"

    Examples
    --------
    >>> KLDivergence()([[0, 1], [0, 0]], [[0.6, 0.4], [0.4, 0.6]]).__round__(5)
    0.45814
    """

    _of = losses.KLDivergence

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)


class Poisson(_Named):
    """Mean Poisson deviance up to a constant: p - t log(p + 1e-7).

    Parameters
    ----------
    name : str, default "poisson"

    Examples
    --------
    >>> Poisson()([[0, 1], [0, 0]], [[1, 1], [0, 0]]).__round__(4)
    0.5
    """

    _of = losses.Poisson

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)


class Hinge(_Named):
    """Mean of max(1 - t p, 0), targets -1 and 1, or 0 and 1.

    Parameters
    ----------
    name : str, default "hinge"

    Examples
    --------
    >>> Hinge()([[0, 1], [0, 0]], [[0.6, 0.4], [0.4, 0.6]]).__round__(4)
    1.3
    """

    _of = losses.Hinge

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)


class SquaredHinge(_Named):
    """Mean of max(1 - t p, 0)^2, targets -1 and 1, or 0 and 1.

    Parameters
    ----------
    name : str, default "squared_hinge"

    Examples
    --------
    >>> SquaredHinge()([[0, 1], [0, 0]], [[0.6, 0.4], [0.4, 0.6]]).__round__(4)
    1.86
    """

    _of = losses.SquaredHinge

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)


class CategoricalHinge(_Named):
    """Mean margin to the best wrong class.

    Parameters
    ----------
    name : str, default "categorical_hinge"

    Examples
    --------
    >>> CategoricalHinge()([[0, 1], [0, 0]], [[0.6, 0.4], [0.4, 0.6]]).__round__(4)
    1.4
    """

    _of = losses.CategoricalHinge

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)


class LogCoshError(_Named):
    """Mean of log cosh(p - t).

    Parameters
    ----------
    name : str, default "logcosh"

    Examples
    --------
    >>> LogCoshError()([[0, 1], [0, 0]], [[1, 1], [0, 0]]).__round__(6)
    0.108445
    """

    _of = losses.LogCosh

    def __init__(self, name: str | None = None) -> None:
        super().__init__("logcosh" if name is None else name)


class MeanAbsolutePercentageError(_Named):
    """Mean of 100 |p - t| / max(|t|, 1e-7).

    Parameters
    ----------
    name : str, default "mean_absolute_percentage_error"

    Examples
    --------
    >>> MeanAbsolutePercentageError()([[2.0], [4.0]], [[1.0], [4.0]])
    25.0
    """

    _of = losses.MeanAbsolutePercentageError

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)


class MeanSquaredLogarithmicError(_Named):
    """Mean of (log(1 + p) - log(1 + t))^2.

    Parameters
    ----------
    name : str, default "mean_squared_logarithmic_error"

    Examples
    --------
    >>> MeanSquaredLogarithmicError()([[0, 1], [0, 0]], [[1, 1], [0, 0]]).__round__(6)
    0.120113
    """

    _of = losses.MeanSquaredLogarithmicError

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)
