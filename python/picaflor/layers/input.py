"""The shape of one sample, said beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from picaflor.layers.base import Layer
from picaflor.layers.shapes import Shape, sample_shape


class InputLayer(Layer):
    """Says what shape one sample has, so that a model is built at once.

    Parameters
    ----------
    shape : sequence of int
        Shape of one sample, without the batch: ``(784,)`` or ``(28, 28)``.
    name : str, optional

    Examples
    --------
    >>> InputLayer(shape=(28, 28)).shape
    (28, 28)
    """

    def __init__(self, shape: Sequence[int], name: str | None = None) -> None:
        super().__init__(name=name)
        self.shape: Shape = sample_shape(shape)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain data."""
        return {"name": self.name, "shape": list(self.shape)}


def Input(shape: Sequence[int], name: str | None = None) -> InputLayer:
    """Return an `InputLayer`: the first entry of a `Sequential` whose input shape is known.

    Inputs of any real dtype are taken and computed in the model's dtype.

    Parameters
    ----------
    shape : sequence of int
        Shape of one sample, without the batch: ``(784,)`` or ``(28, 28)``.
    name : str, optional

    Returns
    -------
    InputLayer

    Raises
    ------
    TypeError, ValueError
        If `shape` is not a sequence of positive integers.

    Examples
    --------
    >>> Input((784,)).shape
    (784,)
    """
    return InputLayer(shape, name=name)
