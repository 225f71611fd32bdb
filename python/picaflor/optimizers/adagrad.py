"""Adagrad and Adadelta."""

from __future__ import annotations

from typing import Any

from picaflor.optimizers.base import LearningRate, Optimizer

__all__ = ["Adadelta", "Adagrad"]


class Adagrad(Optimizer):
    """Adagrad: steps over the root of the sum of all squared gradients.

    With gradient g [1]_::

        a = a + g^2,    w -= lr g / sqrt(a + epsilon)

    Parameters
    ----------
    learning_rate : float, LearningRateSchedule or callable, default 0.001
        The step size.
    initial_accumulator_value : float, default 0.1
        What a starts from.
    epsilon : float, default 1e-7
        Added under the root.
    weight_decay, clipnorm, clipvalue, global_clipnorm, name, **kwargs
        See `Optimizer`.

    References
    ----------
    .. [1] J. Duchi, E. Hazan, Y. Singer, "Adaptive subgradient methods for online learning and
       stochastic optimization", JMLR 12 (2011), 2121-2159.

    Examples
    --------
    >>> import numpy as np
    >>> import picaflor as pf
    >>> w = np.array([1.0])
    >>> pf.optimizers.Adagrad(learning_rate=0.1).apply([np.array([5.0])], [w])
    >>> w.round(4)  # 0.5 / sqrt(25.1)
    array([0.9002])
    """

    _kind = "adagrad"
    _settings = ("initial_accumulator_value", "epsilon")

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
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
        self.initial_accumulator_value = initial_accumulator_value
        self.epsilon = epsilon
        self._rule()


class Adadelta(Optimizer):
    """Adadelta: the ratio of two running root mean squares sets the step.

    With gradient g [1]_::

        a = rho a + (1 - rho) g^2
        s = g sqrt(b + epsilon) / sqrt(a + epsilon)
        b = rho b + (1 - rho) s^2,    w -= lr s

    Parameters
    ----------
    learning_rate : float, LearningRateSchedule or callable, default 0.001
        The step size; the paper has none, which is 1.0.
    rho : float, default 0.95
        Decay of the running means, in [0, 1).
    epsilon : float, default 1e-7
        Added under the roots.
    weight_decay, clipnorm, clipvalue, global_clipnorm, name, **kwargs
        See `Optimizer`.

    References
    ----------
    .. [1] M. D. Zeiler, "ADADELTA: an adaptive learning rate method", arXiv:1212.5701,
       algorithm 1.

    Examples
    --------
    >>> import numpy as np
    >>> import picaflor as pf
    >>> w = np.array([1.0])
    >>> pf.optimizers.Adadelta(learning_rate=1.0).apply([np.array([5.0])], [w])
    >>> w.round(4)  # sqrt(1e-7 / 0.05)
    array([0.9986])
    """

    _kind = "adadelta"
    _settings = ("rho", "epsilon")

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        rho: float = 0.95,
        epsilon: float = 1e-7,
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
        self.epsilon = epsilon
        self._rule()
