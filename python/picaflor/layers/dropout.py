"""Random layers, active in training only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from picaflor._checks import number
from picaflor.layers.base import Layer, LayerOptions
from picaflor.layers.shapes import Shape

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Dropout(Layer):
    """Set a share `rate` of the inputs to zero in training and scale the rest by 1 / (1 - rate).

    The random numbers come from the model's `seed`; they are the same for any number of threads.

    Parameters
    ----------
    rate : float
        Share of zeros, at least 0 and below 1.
    **options
        `name`, `trainable`, `input_shape`, `input_dim`: see `Layer`.

    Raises
    ------
    ValueError
        If `rate` lies outside [0, 1).

    References
    ----------
    .. [1] Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from
       Overfitting", JMLR 15, 2014.

    Examples
    --------
    >>> import picaflor as pf
    >>> pf.layers.Dropout(0.5)([[1.0, 2.0]])
    array([[1., 2.]])
    """

    def __init__(self, rate: float, **options: Unpack[LayerOptions]) -> None:
        super().__init__(**options)
        self.rate = number(rate, "rate", minimum=0, below=1)

    def _operation(self, shape: Shape) -> dict[str, Any]:
        return {"op": "dropout", "rate": self.rate}


class GaussianNoise(Layer):
    """Add normal noise of mean zero in training.

    The random numbers come from the model's `seed`; they are the same for any number of threads.

    Parameters
    ----------
    stddev : float
        Standard deviation of the noise, at least 0.
    **options
        `name`, `trainable`, `input_shape`, `input_dim`: see `Layer`.

    Raises
    ------
    ValueError
        If `stddev` is negative.

    Examples
    --------
    >>> import picaflor as pf
    >>> pf.layers.GaussianNoise(0.1)([[1.0, 2.0]])
    array([[1., 2.]])
    """

    def __init__(self, stddev: float, **options: Unpack[LayerOptions]) -> None:
        super().__init__(**options)
        self.stddev = number(stddev, "stddev", minimum=0)

    def _operation(self, shape: Shape) -> dict[str, Any]:
        return {"op": "gaussian_noise", "stddev": self.stddev}
