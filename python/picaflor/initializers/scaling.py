"""Random initial values whose variance fits the size of the layer."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from picaflor._checks import number
from picaflor.initializers.base import Array, Initializer, as_seed
from picaflor.initializers.random import truncated_normal

__all__ = [
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "LecunNormal",
    "LecunUniform",
    "VarianceScaling",
]

# Standard deviation of a normal distribution of standard deviation 1 truncated at +-2.
_TRUNCATED_STDDEV = 0.87962566103423978


class VarianceScaling(Initializer):
    """Random values whose variance fits the size of the layer: variance = scale / fan.

    Parameters
    ----------
    scale : float > 0, default 1.0
    mode : {"fan_in", "fan_out", "fan_avg"}
        fan is the number of inputs, of outputs, or their mean; at least 1.
    distribution : {"truncated_normal", "untruncated_normal", "uniform"}
    seed : int, optional

    Examples
    --------
    >>> w = VarianceScaling(2.0, "fan_in", "untruncated_normal", seed=0)((200, 500), "float64")
    >>> round(float(w.var() * 200), 1)
    2.0
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: int | None = None,
    ) -> None:
        self.scale = number(scale, "scale")
        if not self.scale > 0:
            raise ValueError(f"scale must be above 0, got {scale!r}")
        for name, value, known in (
            ("mode", mode, ("fan_in", "fan_out", "fan_avg")),
            ("distribution", distribution, tuple(_DISTRIBUTIONS)),
        ):
            if value not in known:
                raise ValueError(f"{name} must be one of {', '.join(known)}, got {value!r}")
        self.mode, self.distribution, self.seed = mode, distribution, as_seed(seed)

    def _values(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        fan_in, fan_out = _fans(shape)
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        stddev = math.sqrt(self.scale / max(1.0, fan))
        return _DISTRIBUTIONS[self.distribution](stddev, shape, rng)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {
            "scale": self.scale,
            "mode": self.mode,
            "distribution": self.distribution,
            "seed": self.seed,
        }


# How to draw with a given standard deviation; a uniform on [-a, a] has the variance a^2 / 3.
_DISTRIBUTIONS: dict[str, Callable[[float, tuple[int, ...], np.random.Generator], Array]] = {
    "truncated_normal": lambda s, shape, rng: s / _TRUNCATED_STDDEV * truncated_normal(shape, rng),
    "untruncated_normal": lambda s, shape, rng: rng.normal(0.0, s, shape),
    "uniform": lambda s, shape, rng: rng.uniform(-math.sqrt(3) * s, math.sqrt(3) * s, shape),
}


def _fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """Numbers of inputs and of outputs of weights of that shape."""
    if len(shape) < 2:
        size = shape[0] if shape else 1
        return size, size
    return math.prod(shape[:-1]), shape[-1]


class _Scaled(VarianceScaling):
    """A `VarianceScaling` with everything but the seed fixed."""

    arguments: tuple[float, str, str]

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(*self.arguments, seed=seed)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {"seed": self.seed}


class GlorotUniform(_Scaled):
    """Uniform on [-a, a], a = sqrt(6 / (inputs + outputs)): Glorot and Bengio (2010), equation 16.

    Parameters
    ----------
    seed : int, optional

    Examples
    --------
    >>> w = GlorotUniform(seed=1)((3, 3))
    >>> bool(np.all(np.abs(w) <= 1))
    True
    """

    arguments = (1.0, "fan_avg", "uniform")


class GlorotNormal(_Scaled):
    """Truncated normal of variance 2 / (inputs + outputs): Glorot and Bengio (2010), equation 12.

    Parameters
    ----------
    seed : int, optional

    Examples
    --------
    >>> GlorotNormal(seed=1)((3, 4)).shape
    (3, 4)
    """

    arguments = (1.0, "fan_avg", "truncated_normal")


class HeUniform(_Scaled):
    """Uniform on [-a, a], a = sqrt(6 / inputs): He et al. (2015), for rectifiers.

    Parameters
    ----------
    seed : int, optional

    Examples
    --------
    >>> HeUniform(seed=1)((3, 4)).shape
    (3, 4)
    """

    arguments = (2.0, "fan_in", "uniform")


class HeNormal(_Scaled):
    """Truncated normal of variance 2 / inputs: He et al. (2015), equation 10, for rectifiers.

    Parameters
    ----------
    seed : int, optional

    Examples
    --------
    >>> HeNormal(seed=1)((3, 4)).shape
    (3, 4)
    """

    arguments = (2.0, "fan_in", "truncated_normal")


class LecunUniform(_Scaled):
    """Uniform on [-a, a], a = sqrt(3 / inputs): LeCun et al., Efficient BackProp (1998).

    Parameters
    ----------
    seed : int, optional

    Examples
    --------
    >>> LecunUniform(seed=1)((3, 4)).shape
    (3, 4)
    """

    arguments = (1.0, "fan_in", "uniform")


class LecunNormal(_Scaled):
    """Truncated normal of variance 1 / inputs: LeCun et al. (1998), equation 16; for selu.

    Parameters
    ----------
    seed : int, optional

    Examples
    --------
    >>> LecunNormal(seed=1)((3, 4)).shape
    (3, 4)
    """

    arguments = (1.0, "fan_in", "truncated_normal")
