"""RMSprop."""

from __future__ import annotations

from typing import Any

from picaflor.optimizers.base import LearningRate, Optimizer

__all__ = ["RMSprop"]


class RMSprop(Optimizer):
    """RMSprop: steps over the root of a running mean of the squared gradient.

    With gradient g [1]_::

        v = rho v + (1 - rho) g^2
        s = lr g / sqrt(v + epsilon),    w -= s             momentum = 0
        a = momentum a + s,              w -= a             momentum > 0

    Centered, v - mean^2 stands under the root, where mean = rho mean + (1 - rho) g [2]_. That is
    a variance and never negative; where rounding would make it so, it counts as zero.

    Parameters
    ----------
    learning_rate : float, LearningRateSchedule or callable, default 0.001
        The step size.
    rho : float, default 0.9
        Decay of the running means, in [0, 1).
    momentum : float, default 0.0
        Share of the last step that is taken again.
    epsilon : float, default 1e-7
        Added under the root.
    centered : bool, default False
        Divide by an estimate of the standard deviation instead of the root mean square.
    weight_decay, clipnorm, clipvalue, global_clipnorm, name, **kwargs
        See `Optimizer`.

    References
    ----------
    .. [1] T. Tieleman, G. Hinton, "Lecture 6.5: rmsprop", COURSERA 2012.
    .. [2] A. Graves, "Generating sequences with recurrent neural networks", arXiv:1308.0850,
       equations 38 to 41.

    Examples
    --------
    >>> import numpy as np
    >>> import picaflor as pf
    >>> w = np.array([1.0])
    >>> pf.optimizers.RMSprop(learning_rate=0.1).apply([np.array([5.0])], [w])
    >>> w.round(4)  # 0.1 / sqrt(0.1)
    array([0.6838])
    """

    _kind = "rmsprop"
    _settings = ("rho", "momentum", "epsilon", "centered")

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
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
        self.rho = rho
        self.momentum = momentum
        self.epsilon = epsilon
        self.centered = centered
        self._rule()
