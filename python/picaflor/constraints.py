"""Constraints on weights, applied after each update: Keras's names and formulas.

Norms are taken along `axis`: with kernels of shape (inputs, units), axis 0 gives one norm per unit.
Rescaling divides by norm + 1e-7, as Keras does, so a constrained norm falls short by that much.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from picaflor._checks import integer, number
from picaflor._resolve import name_table, resolve
from picaflor._resolve import serialize as _serialize

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = [
    "Constraint",
    "MaxNorm",
    "MinMaxNorm",
    "NonNeg",
    "UnitNorm",
    "deserialize",
    "get",
    "max_norm",
    "min_max_norm",
    "non_neg",
    "serialize",
    "unit_norm",
]

_EPSILON = 1e-7

Array: TypeAlias = "npt.NDArray[Any]"


class Constraint:
    """Base of all constraints; a subclass gives `__call__` and, to be saved, `get_config`."""

    def __call__(self, w: Array) -> Array:
        """Return the nearest allowed weights; `w` itself is left alone."""
        raise NotImplementedError(f"{type(self).__name__} must define __call__(w)")

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Constraint:
        """Return a constraint from what `get_config` gave."""
        return cls(**config)

    def __repr__(self) -> str:
        """Return the call that makes it."""
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.get_config().items())
        return f"{type(self).__name__}({arguments})"


def _norms(w: Array, axis: Any) -> Array:
    norms: Array = np.sqrt(np.sum(w * w, axis=axis, keepdims=True))
    return norms


def _axis(axis: Any) -> Any:
    if isinstance(axis, (list, tuple)):
        return tuple(integer(a, "axis") for a in axis)
    return integer(axis, "axis")


class MaxNorm(Constraint):
    """Norms of at most `max_value`: w clip(norm, 0, max_value) / (norm + 1e-7).

    Parameters
    ----------
    max_value : float >= 0, default 2
    axis : int or tuple of int, default 0

    Examples
    --------
    >>> MaxNorm(1.0)(np.array([[3.0], [4.0]])).round(6)
    array([[0.6],
           [0.8]])
    """

    def __init__(self, max_value: float = 2, axis: Any = 0) -> None:
        self.max_value, self.axis = number(max_value, "max_value", minimum=0), _axis(axis)

    def __call__(self, w: Array) -> Array:
        """Return `w` with its norms shortened where they are too long."""
        norms = _norms(w, self.axis)
        return w * (np.clip(norms, 0, self.max_value) / (_EPSILON + norms))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {"max_value": self.max_value, "axis": self.axis}


class NonNeg(Constraint):
    """No negative weights: max(w, 0).

    Examples
    --------
    >>> NonNeg()(np.array([-1.0, 2.0]))
    array([0., 2.])
    """

    def __call__(self, w: Array) -> Array:
        """Return `w` with zeros for what is negative."""
        return np.maximum(w, 0)


class UnitNorm(Constraint):
    """Norms of one: w / (norm + 1e-7).

    Parameters
    ----------
    axis : int or tuple of int, default 0

    Examples
    --------
    >>> UnitNorm()(np.array([[3.0], [4.0]])).round(6)
    array([[0.6],
           [0.8]])
    """

    def __init__(self, axis: Any = 0) -> None:
        self.axis = _axis(axis)

    def __call__(self, w: Array) -> Array:
        """Return `w` with norms of one."""
        return w / (_EPSILON + _norms(w, self.axis))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {"axis": self.axis}


class MinMaxNorm(Constraint):
    """Norms between two bounds, approached at a rate.

    w d / (norm + 1e-7) with d = rate clip(norm, min_value, max_value) + (1 - rate) norm.

    Parameters
    ----------
    min_value : float >= 0, default 0.0
    max_value : float >= 0, default 1.0
    rate : float in [0, 1], default 1.0
        1 enforces the bounds in every step.
    axis : int or tuple of int, default 0

    Examples
    --------
    >>> MinMaxNorm(0.0, 1.0, rate=0.5)(np.array([[3.0], [4.0]])).round(6)
    array([[1.8],
           [2.4]])
    """

    def __init__(
        self,
        min_value: float = 0.0,
        max_value: float = 1.0,
        rate: float = 1.0,
        axis: Any = 0,
    ) -> None:
        self.min_value = number(min_value, "min_value", minimum=0)
        self.max_value = number(max_value, "max_value", minimum=self.min_value)
        self.rate = number(rate, "rate", minimum=0)
        if self.rate > 1:
            raise ValueError(f"rate must be at most 1, got {rate!r}")
        self.axis = _axis(axis)

    def __call__(self, w: Array) -> Array:
        """Return `w` with its norms moved towards the bounds."""
        norms = _norms(w, self.axis)
        desired = self.rate * np.clip(norms, self.min_value, self.max_value)
        return w * ((desired + (1 - self.rate) * norms) / (_EPSILON + norms))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {
            "min_value": self.min_value,
            "max_value": self.max_value,
            "rate": self.rate,
            "axis": self.axis,
        }


max_norm, non_neg, unit_norm, min_max_norm = MaxNorm, NonNeg, UnitNorm, MinMaxNorm

_NAMES = name_table([MaxNorm, NonNeg, UnitNorm, MinMaxNorm])


def get(identifier: Any) -> Any:
    """Return a constraint from its name, config, class, itself or any function of an array.

    Raises
    ------
    ValueError
        If the name is not known.
    TypeError
        If the object cannot be called.

    Examples
    --------
    >>> get("non_neg")
    NonNeg()
    """
    if identifier is None:
        return None
    found = resolve("constraint", identifier, _NAMES)
    if not callable(found):
        raise TypeError(f"a constraint must be callable, got {found!r}")
    return found


def serialize(constraint: Any) -> dict[str, Any] | None:
    """Return ``{"class_name": ..., "config": ...}``.

    Examples
    --------
    >>> serialize(UnitNorm())
    {'class_name': 'UnitNorm', 'config': {'axis': 0}}
    """
    return _serialize("constraint", constraint)


def deserialize(config: Any) -> Any:
    """Return the constraint that `serialize` described.

    Examples
    --------
    >>> deserialize({"class_name": "MaxNorm", "config": {"max_value": 3}})
    MaxNorm(max_value=3.0, axis=0)
    """
    return get(config)
