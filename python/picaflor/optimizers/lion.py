"""Lion."""

from __future__ import annotations

from typing import Any

from picaflor.optimizers.base import LearningRate, Optimizer

__all__ = ["Lion"]


class Lion(Optimizer):
    """Lion: the sign of an interpolated momentum, times the learning rate.

    With gradient g [1]_::

        w -= lr sign(beta_1 m + (1 - beta_1) g),    m = beta_2 m + (1 - beta_2) g

    Parameters
    ----------
    learning_rate : float, LearningRateSchedule or callable, default 0.001
        The step size, to be chosen three to ten times smaller than Adam's.
    beta_1, beta_2 : float, default 0.9 and 0.99
        Weight of the old momentum in the step and in the momentum, in [0, 1).
    weight_decay, clipnorm, clipvalue, global_clipnorm, name, **kwargs
        See `Optimizer`.

    References
    ----------
    .. [1] X. Chen et al., "Symbolic discovery of optimization algorithms", arXiv:2302.06675,
       algorithm 2.

    Examples
    --------
    >>> import numpy as np
    >>> import picaflor as pf
    >>> w = np.array([1.0, 1.0, 1.0])
    >>> pf.optimizers.Lion(learning_rate=0.5).apply([np.array([5.0, 0.0, -1e-9])], [w])
    >>> w
    array([0.5, 1. , 1.5])
    """

    _kind = "lion"
    _settings = ("beta_1", "beta_2")

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, name, **kwargs
        )
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self._rule()
