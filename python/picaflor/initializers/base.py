"""What all initializers share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from picaflor._checks import integer

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["Array", "Initializer", "as_seed"]

Array: TypeAlias = "npt.NDArray[Any]"


class Initializer:
    """Base of all initializers; a subclass gives `_values` and its constructor's arguments.

    Attributes
    ----------
    seed : int or None
        If given, the generator of the call is ignored.
    """

    seed: int | None = None

    def __call__(
        self,
        shape: Sequence[int],
        dtype: npt.DTypeLike = "float32",
        rng: np.random.Generator | None = None,
    ) -> Array:
        """Return an array of initial values.

        Parameters
        ----------
        shape : sequence of int
        dtype : default float32
        rng : numpy.random.Generator, optional
            Where random values are drawn from; a fresh, unseeded one if not given.
        """
        if self.seed is not None or rng is None:
            rng = np.random.default_rng(self.seed)
        shape = tuple(integer(size, "shape", minimum=0) for size in shape)
        return np.asarray(self._values(shape, rng), dtype=dtype)

    def _values(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        raise NotImplementedError(f"{type(self).__name__} must define _values(shape, rng)")

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Initializer:
        """Return an initializer from what `get_config` gave."""
        return cls(**config)

    def __repr__(self) -> str:
        """Return the call that makes it."""
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.get_config().items())
        return f"{type(self).__name__}({arguments})"


def as_seed(seed: Any) -> int | None:
    """Return `seed` as a whole number, or None."""
    return None if seed is None else integer(seed, "seed", minimum=0)
