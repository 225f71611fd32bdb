"""Initial values of weights: Keras's names, strings and formulas.

An initializer is called with a shape, a dtype and a `numpy.random.Generator`; the same state of the
generator gives the same values (drawn in float64, then rounded to the dtype). One with a `seed` of
its own ignores the generator: it returns the same values at every call, as in Keras.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from picaflor._resolve import name_table, resolve
from picaflor._resolve import serialize as _serialize
from picaflor.initializers.base import Array, Initializer
from picaflor.initializers.constant import Constant, Identity, Ones, Zeros
from picaflor.initializers.random import Orthogonal, RandomNormal, RandomUniform, TruncatedNormal
from picaflor.initializers.scaling import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
    VarianceScaling,
)

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = [
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "VarianceScaling",
    "Zeros",
    "deserialize",
    "get",
    "serialize",
]


class _Function(Initializer):
    """A user's function ``(shape, dtype) -> array``, as in Keras."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def __call__(
        self,
        shape: Sequence[int],
        dtype: npt.DTypeLike = "float32",
        rng: np.random.Generator | None = None,
    ) -> Array:
        """Return what the function returns, in the dtype asked for."""
        return np.asarray(self.function(tuple(shape), dtype=dtype), dtype=dtype)

    def get_config(self) -> dict[str, Any]:
        """Fail: a function has no config."""
        raise TypeError(f"the initializer {self.function!r} is a function and cannot be serialized")

    def __repr__(self) -> str:
        """Return the function's own."""
        return repr(self.function)


_CLASSES = [
    *(Zeros, Ones, Constant, Identity, RandomUniform, RandomNormal, TruncatedNormal),
    *(VarianceScaling, GlorotUniform, GlorotNormal, HeUniform, HeNormal, LecunUniform),
    *(LecunNormal, Orthogonal),
]
_NAMES = name_table(
    _CLASSES, {"zero": Zeros, "one": Ones, "uniform": RandomUniform, "normal": RandomNormal}
)


def get(identifier: Any) -> Initializer:
    """Return an initializer from its name, config, class, itself, or a function.

    Parameters
    ----------
    identifier : str, dict, type, Initializer or callable
        ``"he_normal"`` or ``"HeNormal"``; a function is called with ``(shape, dtype=dtype)``.

    Raises
    ------
    ValueError
        If the name is not known.
    TypeError
        If the object cannot be called.

    Examples
    --------
    >>> get("he_normal")
    HeNormal(seed=None)
    >>> get("he_norm")
    Traceback (most recent call last):
      ...
    ValueError: Unknown initializer: 'he_norm'. Did you mean 'he_normal'?
    """
    found = resolve("initializer", identifier, _NAMES)
    if isinstance(found, Initializer):
        return found
    if not callable(found):
        raise TypeError(f"an initializer must be a name, a config or callable, got {found!r}")
    return _Function(found)


def serialize(initializer: Initializer) -> dict[str, Any] | None:
    """Return ``{"class_name": ..., "config": ...}``.

    Examples
    --------
    >>> serialize(GlorotUniform(seed=3))
    {'class_name': 'GlorotUniform', 'config': {'seed': 3}}
    """
    return _serialize("initializer", initializer)


def deserialize(config: Any) -> Initializer:
    """Return the initializer that `serialize` described.

    Examples
    --------
    >>> deserialize({"class_name": "Constant", "config": {"value": 0.5}})
    Constant(value=0.5)
    """
    return get(config)
