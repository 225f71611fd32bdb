"""Layers that only change the shape."""

from __future__ import annotations

from picaflor.layers.base import Layer
from picaflor.layers.shapes import Shape, size


class Flatten(Layer):
    """Make one vector of each sample: ``(n, 28, 28)`` becomes ``(n, 784)``, in C order.

    Parameters
    ----------
    **options
        `name`, `trainable`, `input_shape`, `input_dim`: see `Layer`.

    Examples
    --------
    >>> import numpy as np, picaflor as pf
    >>> pf.layers.Flatten()(np.zeros((5, 28, 28))).shape
    (5, 784)
    """

    def _output_shape(self, shape: Shape) -> Shape:
        return (size(shape),)
