"""Shapes of samples: checked, counted, shown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from picaflor._checks import integer

if TYPE_CHECKING:
    import numpy.typing as npt

Array: TypeAlias = "npt.NDArray[Any]"
Shape = tuple[int, ...]  # of one sample, without the batch


def size(shape: Shape) -> int:
    """Return the number of values in one sample.

    Examples
    --------
    >>> size((28, 28)), size(())
    (784, 1)
    """
    result = 1
    for extent in shape:
        result *= extent
    return result


def shown(shape: Shape) -> str:
    """Return the shape of a batch of samples for a message.

    Examples
    --------
    >>> shown((28, 28)), shown(())
    ('(n, 28, 28)', '(n,)')
    """
    return "(" + ", ".join(["n", *map(str, shape)]) + ("" if shape else ",") + ")"


def snake_case(name: str) -> str:
    """Return a class name as Keras spells it in layer names.

    Examples
    --------
    >>> snake_case("BatchNormalization"), snake_case("ReLU"), snake_case("ELU")
    ('batch_normalization', 're_lu', 'elu')
    """
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def sample_shape(shape: Any, name: str = "shape") -> Shape:
    """Return the shape of one sample as a tuple of positive ints.

    Examples
    --------
    >>> sample_shape([28, 28])
    (28, 28)
    """
    if isinstance(shape, (int, np.integer)):
        raise TypeError(f"{name} must be a tuple such as ({shape},), got {shape!r}")
    try:
        if isinstance(shape, (str, bytes, dict, set)):
            raise TypeError
        sizes = tuple(shape)
    except TypeError:
        raise TypeError(f"{name} must be a tuple of integers, got {shape!r}") from None
    if any(extent is None for extent in sizes):
        raise ValueError(
            f"{name} must be known and is of one sample, without the batch, got {sizes}"
        )
    return tuple(integer(extent, name, minimum=1) for extent in sizes)
