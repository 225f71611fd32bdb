"""Points in the plane that no straight line separates."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from picaflor._checks import integer, number

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["make_moons", "make_spirals"]

RandomState: TypeAlias = "int | np.random.RandomState | np.random.Generator | None"
Points: TypeAlias = "tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]"


def make_moons(
    n_samples: int | tuple[int, int] = 100,
    noise: float | None = None,
    random_state: RandomState = None,
    *,
    shuffle: bool = True,
) -> Points:
    """Draw two interleaving half circles, as scikit-learn's function of this name does.

    The outer moon (class 0) is the upper half of the unit circle, the inner one (class 1) the lower
    half of the unit circle around ``(1, 0.5)``. The random numbers are drawn in scikit-learn's
    order: the same integer `random_state` gives the same arrays as its ``make_moons``.

    Parameters
    ----------
    n_samples : int or tuple of two int, default 100
        Number of points, or the numbers of points in the outer and the inner moon. Of an odd
        number the inner moon gets one more.
    noise : float or None, default None
        Standard deviation of the Gaussian noise added to the points; ``None`` adds none.
    random_state : int, numpy.random.RandomState, numpy.random.Generator or None, default None
        Seed or source of the random numbers; ``None`` takes NumPy's global state.
    shuffle : bool, default True
        Whether the points come in random order; otherwise class 0 comes first.

    Returns
    -------
    x : ndarray of float64, shape (n_samples, 2)
    y : ndarray of int64, shape (n_samples,)
        Class of each point, 0 or 1.

    Raises
    ------
    TypeError
        If an argument has the wrong type.
    ValueError
        If a number of points or the noise is negative, or there are no points at all.

    Examples
    --------
    >>> from picaflor.datasets import make_moons
    >>> x, y = make_moons(200, noise=0.1, random_state=0)
    >>> x.shape, y.shape, int(y.sum())
    ((200, 2), (200,), 100)
    """
    if isinstance(n_samples, Integral):
        total = integer(n_samples, "n_samples", minimum=1)
        n_outer, n_inner = total // 2, total - total // 2
    else:
        n_outer, n_inner = _pair(n_samples)
    noise = _noise(noise)
    source = _random_source(random_state)

    outer = np.linspace(0, np.pi, n_outer)
    inner = np.linspace(0, np.pi, n_inner)
    # 1 - sin - 0.5, in this order: scikit-learn's rounding
    x = np.column_stack(
        [
            np.concatenate([np.cos(outer), 1 - np.cos(inner)]),
            np.concatenate([np.sin(outer), 1 - np.sin(inner) - 0.5]),
        ]
    )
    y = np.repeat(np.arange(2, dtype=np.int64), [n_outer, n_inner])
    return _shuffle_and_blur(x, y, shuffle, noise, source)


def make_spirals(
    n_samples: int = 100,
    noise: float | None = None,
    random_state: RandomState = None,
    *,
    n_classes: int = 2,
    turns: float = 1.0,
    shuffle: bool = True,
) -> Points:
    r"""Draw spirals that start in the origin and wind around each other, one for each class.

    Point ``t`` of arm ``k``, with ``t`` evenly spaced in ``(0, 1]`` and ``c`` arms, is::

        r = t,   angle = 2 pi (turns t + k / c),   x = (r cos(angle), r sin(angle))

    an Archimedean spiral, the shape of the two-spirals problem of [1]_ (whose arms make three
    turns, and are hard to learn; one turn is a lesson, not a test of endurance).

    Parameters
    ----------
    n_samples : int, default 100
        Number of points, shared evenly among the arms; the first arms get what is left over.
    noise : float or None, default None
        Standard deviation of the Gaussian noise added to the points; ``None`` adds none.
    random_state : int, numpy.random.RandomState, numpy.random.Generator or None, default None
        Seed or source of the random numbers; ``None`` takes NumPy's global state.
    n_classes : int, default 2
        Number of arms, at least 1.
    turns : float, default 1.0
        How often each arm winds around the origin, at least 0.
    shuffle : bool, default True
        Whether the points come in random order; otherwise arm by arm, from the inside out.

    Returns
    -------
    x : ndarray of float64, shape (n_samples, 2)
        Points of the unit disc (before the noise).
    y : ndarray of int64, shape (n_samples,)
        Class of each point, in ``[0, n_classes)``.

    Raises
    ------
    TypeError
        If an argument has the wrong type.
    ValueError
        If a number is out of its range.

    References
    ----------
    .. [1] K. J. Lang and M. J. Witbrock, "Learning to tell two spirals apart", Proc. 1988
       Connectionist Models Summer School, pp. 52-59.

    Examples
    --------
    >>> from picaflor.datasets import make_spirals
    >>> x, y = make_spirals(300, noise=0.02, random_state=0, n_classes=3)
    >>> x.shape, y.tolist().count(2)
    ((300, 2), 100)
    """
    n_samples = integer(n_samples, "n_samples", minimum=1)
    n_classes = integer(n_classes, "n_classes", minimum=1)
    turns = number(turns, "turns", minimum=0, below=np.inf)
    noise = _noise(noise)
    source = _random_source(random_state)

    sizes = [len(part) for part in np.array_split(np.arange(n_samples), n_classes)]
    t = np.concatenate([np.arange(1, size + 1) / size for size in sizes if size])
    y = np.repeat(np.arange(n_classes, dtype=np.int64), sizes)
    angle = 2 * np.pi * (turns * t + y / n_classes)
    x = np.column_stack([t * np.cos(angle), t * np.sin(angle)])
    return _shuffle_and_blur(x, y, shuffle, noise, source)


def _shuffle_and_blur(
    x: npt.NDArray[np.float64],
    y: npt.NDArray[np.int64],
    shuffle: bool,
    noise: float | None,
    source: Any,
) -> Points:
    """Permute, then add the noise: the order of scikit-learn's random draws."""
    if not isinstance(shuffle, bool | np.bool_):
        raise TypeError(f"shuffle must be True or False, got {shuffle!r}")
    if shuffle:
        order = np.arange(len(x))
        source.shuffle(order)
        x, y = x[order], y[order]
    if noise is not None:
        x = x + source.normal(scale=noise, size=x.shape)
    return x, y


def _random_source(random_state: RandomState) -> Any:
    """Return an object with ``shuffle`` and ``normal``."""
    if random_state is None:
        return np.random  # the global state, which np.random.seed sets
    if isinstance(random_state, np.random.RandomState | np.random.Generator):
        return random_state
    if isinstance(random_state, Integral) and not isinstance(random_state, bool):
        if not 0 <= random_state < 2**32:
            raise ValueError(f"random_state must be in [0, 2**32), got {random_state}")
        return np.random.RandomState(int(random_state))
    raise TypeError(
        "random_state must be an int, a numpy.random.RandomState, a numpy.random.Generator "
        f"or None, got {type(random_state).__name__}"
    )


def _pair(n_samples: Any) -> tuple[int, int]:
    if not isinstance(n_samples, Sequence) or isinstance(n_samples, str) or len(n_samples) != 2:
        raise TypeError(f"n_samples must be an int or a tuple of two int, got {n_samples!r}")
    n_outer, n_inner = (integer(part, "n_samples", minimum=0) for part in n_samples)
    if n_outer + n_inner == 0:
        raise ValueError("n_samples must name at least one point, got (0, 0)")
    return n_outer, n_inner


def _noise(noise: float | None) -> float | None:
    return None if noise is None else number(noise, "noise", minimum=0, below=np.inf)
