"""Adam and its relatives: AdamW, Adamax and Nadam."""

from __future__ import annotations

from typing import Any

from picaflor.optimizers.base import LearningRate, Optimizer

__all__ = ["Adam", "AdamW", "Adamax", "Nadam"]


class Adam(Optimizer):
    """Adam: steps from running means of the gradient and of its square.

    In step t = 1, 2, ... with gradient g [1]_::

        m = beta_1 m + (1 - beta_1) g,    v = beta_2 v + (1 - beta_2) g^2
        w -= lr sqrt(1 - beta_2^t) / (1 - beta_1^t) m / (sqrt(v) + epsilon)

    As in Keras, epsilon is added to the uncorrected root: the "epsilon hat" of the paper's
    section 2, not the epsilon of its algorithm 1.

    Parameters
    ----------
    learning_rate : float, LearningRateSchedule or callable, default 0.001
        The step size.
    beta_1, beta_2 : float, default 0.9 and 0.999
        Decay of the two running means, in [0, 1).
    epsilon : float, default 1e-7
        Keeps the quotient finite.
    amsgrad : bool, default False
        Divide by the root of the largest v so far [2]_.
    weight_decay, clipnorm, clipvalue, global_clipnorm, name, **kwargs
        See `Optimizer`.

    References
    ----------
    .. [1] D. P. Kingma, J. Ba, "Adam: a method for stochastic optimization", arXiv:1412.6980.
    .. [2] S. J. Reddi, S. Kale, S. Kumar, "On the convergence of Adam and beyond",
       arXiv:1904.09237; as in Keras, the maximum is taken of v without bias correction.

    Examples
    --------
    >>> import numpy as np
    >>> import picaflor as pf
    >>> w = np.array([1.0, 1.0])
    >>> pf.optimizers.Adam(learning_rate=0.1).apply([np.array([5.0, -0.01])], [w])
    >>> w.round(4)  # the first step is the learning rate times the sign
    array([0.9, 1.1])
    """

    _kind = "adam"
    _settings = ("beta_1", "beta_2", "epsilon", "amsgrad")

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
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
        self.epsilon = epsilon
        self.amsgrad = amsgrad
        self._rule()


class AdamW(Adam):
    """Adam with decoupled weight decay [1]_: `Adam` whose `weight_decay` is 0.004.

    Before each step ``w -= w * weight_decay * lr``. All arguments are those of `Adam`.

    Parameters
    ----------
    learning_rate : float, LearningRateSchedule or callable, default 0.001
        The step size.
    weight_decay : float, default 0.004
        Share of every variable, biases included, that decays per step and unit of learning rate.
    beta_1, beta_2, epsilon, amsgrad
        See `Adam`.
    clipnorm, clipvalue, global_clipnorm, name, **kwargs
        See `Optimizer`.

    References
    ----------
    .. [1] I. Loshchilov, F. Hutter, "Decoupled weight decay regularization", arXiv:1711.05101.

    Examples
    --------
    >>> import numpy as np
    >>> import picaflor as pf
    >>> w = np.array([1.0])
    >>> pf.optimizers.AdamW(learning_rate=0.1, weight_decay=0.5).apply([np.array([0.0])], [w])
    >>> w
    array([0.95])
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        weight_decay: float | None = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        if weight_decay is None:
            raise ValueError("weight_decay must be a number, got None; use Adam for no decay")
        super().__init__(
            learning_rate,
            beta_1,
            beta_2,
            epsilon,
            amsgrad,
            weight_decay,
            clipnorm,
            clipvalue,
            global_clipnorm,
            name,
            **kwargs,
        )


class Adamax(Optimizer):
    """Adamax: Adam with the largest gradient in the place of the root mean square.

    In step t = 1, 2, ... with gradient g ([1]_, section 7.1)::

        m = beta_1 m + (1 - beta_1) g,    u = max(beta_2 u, |g|)
        w -= lr / (1 - beta_1^t) m / (u + epsilon)

    Parameters
    ----------
    learning_rate : float, LearningRateSchedule or callable, default 0.001
        The step size.
    beta_1, beta_2 : float, default 0.9 and 0.999
        Decay of the mean and of the maximum, in [0, 1).
    epsilon : float, default 1e-7
        Keeps the quotient finite.
    weight_decay, clipnorm, clipvalue, global_clipnorm, name, **kwargs
        See `Optimizer`.

    References
    ----------
    .. [1] D. P. Kingma, J. Ba, "Adam: a method for stochastic optimization", arXiv:1412.6980.

    Examples
    --------
    >>> import numpy as np
    >>> import picaflor as pf
    >>> w = np.array([1.0])
    >>> pf.optimizers.Adamax(learning_rate=0.1).apply([np.array([5.0])], [w])
    >>> w.round(4)
    array([0.9])
    """

    _kind = "adamax"
    _settings = ("beta_1", "beta_2", "epsilon")

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
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
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self._rule()


class Nadam(Adamax):
    """Nadam: Adam with Nesterov momentum.

    In step t = 1, 2, ... with gradient g [1]_ and u_t = beta_1 (1 - 0.96^t / 2)::

        m = beta_1 m + (1 - beta_1) g,    v = beta_2 v + (1 - beta_2) g^2
        m' = u_{t+1} m / (1 - u_1 ... u_{t+1}) + (1 - u_t) g / (1 - u_1 ... u_t)
        w -= lr m' / (sqrt(v / (1 - beta_2^t)) + epsilon)

    Parameters
    ----------
    learning_rate : float, LearningRateSchedule or callable, default 0.001
        The step size.
    beta_1, beta_2 : float, default 0.9 and 0.999
        Decay of the two running means, in [0, 1).
    epsilon : float, default 1e-7
        Keeps the quotient finite.
    weight_decay, clipnorm, clipvalue, global_clipnorm, name, **kwargs
        See `Optimizer`.

    References
    ----------
    .. [1] T. Dozat, "Incorporating Nesterov momentum into Adam", ICLR workshop 2016.

    Examples
    --------
    >>> import numpy as np
    >>> import picaflor as pf
    >>> w = np.array([1.0])
    >>> pf.optimizers.Nadam(learning_rate=0.1).apply([np.array([5.0])], [w])
    >>> w.round(4)
    array([0.8937])
    """

    _kind = "nadam"
