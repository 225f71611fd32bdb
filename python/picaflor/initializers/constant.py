"""Initial values without chance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from picaflor._checks import number
from picaflor.initializers.base import Array, Initializer

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["Constant", "Identity", "Ones", "Zeros"]


class Zeros(Initializer):
    """All 0.

    Examples
    --------
    >>> Zeros()((2,))
    array([0., 0.], dtype=float32)
    """

    def _values(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        return np.zeros(shape)


class Ones(Initializer):
    """All 1.

    Examples
    --------
    >>> Ones()((2,))
    array([1., 1.], dtype=float32)
    """

    def _values(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        return np.ones(shape)


class Constant(Initializer):
    """One value everywhere, or an array that broadcasts to the shape.

    Parameters
    ----------
    value : float or array_like, default 0.0

    Examples
    --------
    >>> Constant(0.5)((2,))
    array([0.5, 0.5], dtype=float32)
    """

    def __init__(self, value: npt.ArrayLike = 0.0) -> None:
        self.value = value

    def _values(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        value = np.asarray(self.value, dtype=np.float64)
        try:
            return np.array(np.broadcast_to(value, shape))
        except ValueError:
            raise ValueError(f"value must broadcast to {shape}, got shape {value.shape}") from None

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {"value": np.asarray(self.value).tolist()}


class Identity(Initializer):
    """`gain` on the diagonal of a matrix, 0 elsewhere.

    Parameters
    ----------
    gain : float, default 1.0

    Examples
    --------
    >>> Identity()((2, 3))
    array([[1., 0., 0.],
           [0., 1., 0.]], dtype=float32)
    """

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = number(gain, "gain")

    def _values(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        if len(shape) != 2:
            raise ValueError(f"Identity needs a shape of two dimensions, got {shape}")
        return self.gain * np.eye(*shape)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {"gain": self.gain}
