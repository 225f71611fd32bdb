"""Penalties on the size of weights, added to the loss: Keras's names and factors.

``"l2"`` as a string means ``L2(0.01)``, as in Keras; there is no factor one half.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from picaflor._checks import number
from picaflor._resolve import name_table, resolve
from picaflor._resolve import serialize as _serialize

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = [
    "L1",
    "L1L2",
    "L2",
    "Regularizer",
    "deserialize",
    "get",
    "l1",
    "l1_l2",
    "l2",
    "serialize",
]


class Regularizer:
    """What all penalties share: the factors `l1` and `l2`.

    Attributes
    ----------
    l1, l2 : float
        The penalty of weights w is l1 sum |w| + l2 sum w^2; its gradient, l1 sign(w) + 2 l2 w.
    """

    l1: float = 0.0
    l2: float = 0.0

    def __call__(self, x: npt.ArrayLike) -> float:
        """Return the penalty of an array, added up in float64."""
        x = np.asarray(x, dtype=np.float64)
        return self.l1 * float(np.abs(x).sum()) + self.l2 * float((x * x).sum())

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        raise TypeError(f"{type(self).__name__} has no get_config()")

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Regularizer:
        """Return a regularizer from what `get_config` gave."""
        return cls(**config)

    def __eq__(self, other: object) -> bool:
        """Two regularizers are equal if their class and factors are."""
        return type(other) is type(self) and vars(other) == vars(self)

    def __hash__(self) -> int:
        """Agree with ``==``."""
        return hash((type(self), self.l1, self.l2))

    def __repr__(self) -> str:
        """Return the call that makes it."""
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.get_config().items())
        return f"{type(self).__name__}({arguments})"


def _factor(value: Any, name: str) -> float:
    return number(value, name, minimum=0.0, below=float("inf"))


class L1(Regularizer):
    """Penalty on magnitudes: l1 sum |w|. It drives weights to exactly zero.

    Parameters
    ----------
    l1 : float >= 0, default 0.01

    Examples
    --------
    >>> L1(0.1)([1.0, -2.0]).__round__(6)
    0.3
    """

    def __init__(self, l1: float = 0.01) -> None:
        self.l1 = _factor(l1, "l1")

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {"l1": self.l1}


class L2(Regularizer):
    """Penalty on squares: l2 sum w^2, also called weight decay or ridge.

    Parameters
    ----------
    l2 : float >= 0, default 0.01

    Examples
    --------
    >>> L2(0.5)([1.0, -2.0])
    2.5
    """

    def __init__(self, l2: float = 0.01) -> None:
        self.l2 = _factor(l2, "l2")

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {"l2": self.l2}


class L1L2(Regularizer):
    """Both penalties: l1 sum |w| + l2 sum w^2.

    Parameters
    ----------
    l1, l2 : float >= 0, default 0.0

    Examples
    --------
    >>> L1L2(l1=1.0, l2=0.5)([1.0, -2.0])
    5.5
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0) -> None:
        self.l1, self.l2 = _factor(l1, "l1"), _factor(l2, "l2")

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {"l1": self.l1, "l2": self.l2}


l1, l2, l1_l2 = L1, L2, L1L2  # Keras's function-like spellings: l2(0.01)

_NAMES = name_table([L1, L2, L1L2], {"l1_l2": L1L2, "l1l2": L1L2})


def get(identifier: Any) -> Regularizer | None:
    """Return a regularizer from its name, config, class or itself; None for None.

    Raises
    ------
    ValueError
        If the name is not known.
    TypeError
        If the object is not a `Regularizer`.

    Examples
    --------
    >>> get("l2")
    L2(l2=0.01)
    >>> get({"class_name": "L1", "config": {"l1": 0.5}})
    L1(l1=0.5)
    """
    if identifier is None:
        return None
    found = resolve("regularizer", identifier, _NAMES)
    if not isinstance(found, Regularizer):
        raise TypeError(f"a regularizer must be L1, L2 or L1L2, got {found!r}")
    return found


def serialize(regularizer: Regularizer | None) -> dict[str, Any] | None:
    """Return ``{"class_name": ..., "config": ...}``.

    Examples
    --------
    >>> serialize(L2(0.5))
    {'class_name': 'L2', 'config': {'l2': 0.5}}
    """
    return _serialize("regularizer", regularizer)


def deserialize(config: Any) -> Regularizer | None:
    """Return the regularizer that `serialize` described.

    Examples
    --------
    >>> deserialize(serialize(L2(0.5)))
    L2(l2=0.5)
    """
    return get(config)
