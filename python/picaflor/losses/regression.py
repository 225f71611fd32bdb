"""Losses for numbers: means over the c columns of a value per element."""

from __future__ import annotations

from typing import Any

from picaflor._checks import number

from .base import Loss

__all__ = [
    "CosineSimilarity",
    "Huber",
    "LogCosh",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
]


class MeanSquaredError(Loss):
    """Squared error: loss_i = scale * mean_j (p_ij - t_ij)^2.

    Parameters
    ----------
    reduction, name
        See `Loss`.
    scale : float, default 1.0
        Factor of value and gradient; 0.5 gives the half squared error of textbooks, whose gradient
        is p - t.

    Examples
    --------
    >>> MeanSquaredError()([[0.0, 1.0]], [[2.0, 1.0]])
    2.0
    >>> MeanSquaredError(scale=0.5)([[0.0, 1.0]], [[2.0, 1.0]])
    1.0
    """

    _kind = "squared_error"


class MeanAbsoluteError(Loss):
    """Absolute error: loss_i = mean_j |p_ij - t_ij|; the gradient at 0 is 0.

    Parameters
    ----------
    reduction, name, scale
        See `Loss`.

    Examples
    --------
    >>> MeanAbsoluteError()([[0.0, 1.0]], [[2.0, 1.0]])
    1.0
    """

    _kind = "absolute_error"


class MeanAbsolutePercentageError(Loss):
    """Absolute error in per cent of the target: mean_j 100 |p - t| / max(|t|, 1e-7).

    Parameters
    ----------
    reduction, name, scale
        See `Loss`.

    Examples
    --------
    >>> MeanAbsolutePercentageError()([[2.0, 4.0]], [[1.0, 4.0]])
    25.0
    """

    _kind = "absolute_percentage_error"


class MeanSquaredLogarithmicError(Loss):
    """Squared error of logarithms: mean_j (log(1 + p) - log(1 + t))^2, p and t at least 1e-7.

    Parameters
    ----------
    reduction, name, scale
        See `Loss`.

    Examples
    --------
    >>> round(MeanSquaredLogarithmicError()([[0.0]], [[1.0]]), 6)
    0.480453
    """

    _kind = "squared_log_error"


class Huber(Loss):
    """Quadratic near zero, linear beyond: e^2 / 2 for |e| <= delta, else delta |e| - delta^2 / 2.

    The loss of a row is the mean over its columns, with e = p - t [1]_.

    Parameters
    ----------
    delta : float > 0, default 1.0
        Where the loss turns linear.
    reduction, name, scale
        See `Loss`.

    Raises
    ------
    ValueError
        If `delta` is not above 0.

    References
    ----------
    .. [1] P. J. Huber, Robust Estimation of a Location Parameter, Ann. Math. Statist. 35, 1964.

    Examples
    --------
    >>> Huber()([[0.0], [1.0]], [[3.0], [1.5]])
    1.3125
    """

    _kind = "huber"

    def __init__(
        self,
        delta: float = 1.0,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        *,
        scale: float = 1.0,
    ) -> None:
        super().__init__(reduction, name, scale=scale)
        self.delta = number(delta, "delta")
        if not self.delta > 0:
            raise ValueError(f"delta must be above 0, got {delta!r}")

    def _parameters(self) -> dict[str, float]:
        return {"delta": self.delta}

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "delta": self.delta}


class LogCosh(Loss):
    """Logarithm of the hyperbolic cosine: mean_j log cosh(p - t), about e^2 / 2, then |e| - log 2.

    Parameters
    ----------
    reduction, name, scale
        See `Loss`.

    Examples
    --------
    >>> round(LogCosh()([[0.0]], [[1.0]]), 6)
    0.433781
    """

    _kind = "log_cosh"


class Poisson(Loss):
    """Poisson deviance up to a constant, p the expected count: mean_j p - t log(p + 1e-7).

    Parameters
    ----------
    reduction, name, scale
        See `Loss`.

    Examples
    --------
    >>> round(Poisson()([[2.0]], [[2.0]]), 6)
    0.613706
    """

    _kind = "poisson"


class CosineSimilarity(Loss):
    """Minus the cosine of the angle between prediction and target: -1 for the same direction.

    Norms are taken to be at least 1e-7, so that a row of zeros has the loss 0.

    Parameters
    ----------
    axis : int, default -1
        Only -1, the columns, is supported.
    reduction, name, scale
        See `Loss`.

    Raises
    ------
    ValueError
        If `axis` is not -1.

    Examples
    --------
    >>> CosineSimilarity()([[0.0, 2.0]], [[3.0, 4.0]])
    -0.8
    """

    _kind = "cosine_similarity"

    def __init__(
        self,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        *,
        scale: float = 1.0,
    ) -> None:
        super().__init__(reduction, name, scale=scale)
        self.axis = last_axis(axis)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "axis": self.axis}


def last_axis(axis: Any) -> int:
    """Return -1, the one axis that dense networks have beside the rows."""
    if axis not in (-1, 1):
        raise ValueError(f"axis must be -1, rows are samples and columns classes; got {axis!r}")
    return -1
