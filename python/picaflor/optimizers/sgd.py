"""Stochastic gradient descent."""

from __future__ import annotations

from typing import Any

from picaflor.optimizers.base import LearningRate, Optimizer

__all__ = ["SGD"]


class SGD(Optimizer):
    """Gradient descent, with momentum where asked for.

    With learning rate lr and gradient g::

        w -= lr g                                          momentum = 0
        v = momentum v - lr g,    w += v                   momentum > 0
        v = momentum v - lr g,    w += momentum v - lr g   nesterov

    Parameters
    ----------
    learning_rate : float, LearningRateSchedule or callable, default 0.01
        The step size.
    momentum : float, default 0.0
        Share of the last step that is taken again, in [0, 1].
    nesterov : bool, default False
        Nesterov's form of momentum [1]_.
    weight_decay, clipnorm, clipvalue, global_clipnorm, name, **kwargs
        See `Optimizer`.

    References
    ----------
    .. [1] I. Sutskever, J. Martens, G. Dahl, G. Hinton, "On the importance of initialization and
       momentum in deep learning", ICML 2013, equations 3 and 4, in the form Keras gives them.

    Examples
    --------
    >>> import numpy as np
    >>> import picaflor as pf
    >>> w = np.array([1.0])
    >>> optimizer = pf.optimizers.SGD(learning_rate=0.1, momentum=0.9)
    >>> for _ in range(2):
    ...     optimizer.apply([np.array([1.0])], [w])  # steps of 0.1 and 0.9 * 0.1 + 0.1
    >>> w.round(3)
    array([0.71])
    """

    _kind = "sgd"
    _settings = ("momentum", "nesterov")

    def __init__(
        self,
        learning_rate: LearningRate = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
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
        self.momentum = momentum
        self.nesterov = nesterov
        self._rule()

    def _rule(self) -> dict[str, Any]:
        rule = super()._rule()
        if rule["momentum"] > 1:
            raise ValueError(f"momentum must be in [0, 1], got {self.momentum}")
        return rule
