"""Random initial values whose spread the user gives."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from picaflor._checks import number
from picaflor.initializers.base import Array, Initializer, as_seed

__all__ = ["Orthogonal", "RandomNormal", "RandomUniform", "TruncatedNormal", "truncated_normal"]


class RandomUniform(Initializer):
    """Uniform between two bounds.

    Parameters
    ----------
    minval, maxval : float, default -0.05 and 0.05
    seed : int, optional

    Examples
    --------
    >>> w = RandomUniform(seed=1)((1000,))
    >>> bool(np.all(np.abs(w) <= 0.05))
    True
    """

    def __init__(
        self, minval: float = -0.05, maxval: float = 0.05, seed: int | None = None
    ) -> None:
        self.minval = number(minval, "minval")
        self.maxval = number(maxval, "maxval", minimum=self.minval)
        self.seed = as_seed(seed)

    def _values(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        return rng.uniform(self.minval, self.maxval, shape)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {"minval": self.minval, "maxval": self.maxval, "seed": self.seed}


class RandomNormal(Initializer):
    """Normal distribution.

    Parameters
    ----------
    mean : float, default 0.0
    stddev : float >= 0, default 0.05
    seed : int, optional

    Examples
    --------
    >>> RandomNormal(seed=1)((2, 3)).shape
    (2, 3)
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None) -> None:
        self.mean, self.stddev = number(mean, "mean"), number(stddev, "stddev", minimum=0)
        self.seed = as_seed(seed)

    def _values(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        return rng.normal(self.mean, self.stddev, shape)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {"mean": self.mean, "stddev": self.stddev, "seed": self.seed}


class TruncatedNormal(RandomNormal):
    """Normal distribution without what lies beyond two standard deviations: those are redrawn.

    Parameters
    ----------
    mean : float, default 0.0
    stddev : float >= 0, default 0.05
        Before truncation.
    seed : int, optional

    Examples
    --------
    >>> w = TruncatedNormal(stddev=1.0, seed=1)((1000,))
    >>> bool(np.all(np.abs(w) <= 2))
    True
    """

    def _values(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        return self.mean + self.stddev * truncated_normal(shape, rng)


def truncated_normal(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Draw standard normal values in [-2, 2], by rejection."""
    z = rng.normal(size=math.prod(shape))
    outside = np.flatnonzero(np.abs(z) > 2)
    while outside.size:
        z[outside] = rng.normal(size=outside.size)
        outside = outside[np.abs(z[outside]) > 2]
    return z.reshape(shape)


class Orthogonal(Initializer):
    """Orthonormal columns (or rows, if there are fewer), times `gain`: Saxe et al. (2014).

    Parameters
    ----------
    gain : float, default 1.0
    seed : int, optional

    Examples
    --------
    >>> w = Orthogonal(seed=1)((3, 2), "float64")
    >>> (w.T @ w).round(6) + 0.0
    array([[1., 0.],
           [0., 1.]])
    """

    def __init__(self, gain: float = 1.0, seed: int | None = None) -> None:
        self.gain, self.seed = number(gain, "gain"), as_seed(seed)

    def _values(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        if len(shape) < 2:
            raise ValueError(f"Orthogonal needs a shape of at least two dimensions, got {shape}")
        rows, columns = math.prod(shape[:-1]), shape[-1]
        q, r = np.linalg.qr(rng.normal(size=(max(rows, columns), min(rows, columns))))
        q = q * np.where(np.diag(r) < 0, -1.0, 1.0)  # makes the distribution uniform
        return self.gain * (q if rows >= columns else q.T).reshape(shape)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {"gain": self.gain, "seed": self.seed}
