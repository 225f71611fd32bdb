"""Array-likes to arrays, and the messages for what cannot be followed.

Every message names the argument, says what was expected and shows what came.
"""

from __future__ import annotations

import operator
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = [
    "as_real_array",
    "boolean",
    "did_you_mean",
    "file_path",
    "integer",
    "nearest",
    "number",
    "unknown_name",
]


def nearest(name: object, known: Iterable[str]) -> str | None:
    """Return the known name that is the fewest slips of the pen away, or None if none is like it.

    Case and underscores are ignored in the comparison; of equal ones the shortest is taken.

    Examples
    --------
    >>> nearest("Sigmiod", ["relu", "sigmoid", "tanh"])
    'sigmoid'
    >>> nearest("xyz", ["relu", "sigmoid", "tanh"]) is None
    True
    """
    import difflib  # only wanted on the way to an error

    plain = {key.lower().replace("_", ""): key for key in known}
    wanted = str(name).lower().replace("_", "")
    close = difflib.get_close_matches(wanted, plain, n=max(len(plain), 1), cutoff=0.5)
    best = min(close, key=lambda other: (_slips(wanted, other), len(other)), default=None)
    return None if best is None else plain[best]


def _slips(a: str, b: str) -> int:
    """Return the number of letters to insert, drop, replace or swap with the next: a becomes b.

    >>> _slips("adma", "adam"), _slips("adma", "adamax")
    (1, 2)
    """
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, letter in enumerate(a, 1):
        before, last, row = row, before, [i]
        for j, other in enumerate(b, 1):
            cost = min(before[j - 1] + (letter != other), before[j] + 1, row[j - 1] + 1)
            if i > 1 and j > 1 and letter == b[j - 2] and a[i - 2] == other:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
    return row[-1]


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """Return `` Did you mean 'x'?`` for the nearest known name, or the list of all of them.

    Examples
    --------
    >>> did_you_mean("adma", ["sgd", "adam"])
    " Did you mean 'adam'?"
    >>> did_you_mean("xyz", ["sgd", "adam"])
    " Known are 'adam', 'sgd'."
    """
    known = sorted(known)
    close = nearest(name, known)
    if close is not None:
        return f" Did you mean {close!r}?"
    return " Known are " + ", ".join(map(repr, known)) + "."


def unknown_name(what: str, name: object, known: Iterable[str]) -> ValueError:
    """Return the ValueError for a name that is not known; the caller raises it.

    Examples
    --------
    >>> raise unknown_name("optimizer", "adma", ["sgd", "adam"])
    Traceback (most recent call last):
      ...
    ValueError: Unknown optimizer: 'adma'. Did you mean 'adam'?
    """
    return ValueError(f"Unknown {what}: {name!r}.{did_you_mean(name, known)}")


def boolean(value: object, name: str) -> bool:
    """Return `value` as a bool, where it is True or False (or 1 or 0).

    Raises
    ------
    TypeError
        If it is anything else: that any object counts as true would hide a mistake.

    Examples
    --------
    >>> boolean("no", "use_bias")
    Traceback (most recent call last):
      ...
    TypeError: use_bias must be True or False, got 'no'
    """
    if not isinstance(value, (bool, np.bool_, int, np.integer)) or value not in (0, 1):
        raise TypeError(f"{name} must be True or False, got {value!r}")
    return bool(value)


def file_path(value: Any, name: str) -> str:
    """Return a path as a string.

    Raises
    ------
    TypeError
        If `value` is no string and no path.
    ValueError
        If it is empty.

    Examples
    --------
    >>> file_path(3, "filepath")
    Traceback (most recent call last):
      ...
    TypeError: filepath must be a string or a path, got 3
    """
    if not isinstance(value, (str, os.PathLike)):
        raise TypeError(f"{name} must be a string or a path, got {value!r}")
    path = os.fsdecode(os.fspath(value))
    if not path:
        raise ValueError(f"{name} must name a file, got an empty string")
    return path


def integer(value: object, name: str, minimum: int | None = None) -> int:
    """Return `value` as an int, where it is a whole number of at least `minimum`.

    Raises
    ------
    TypeError
        If `value` is not an integer (a bool or a float is none).
    ValueError
        If it is less than `minimum`, or does not fit 64 bits.

    Examples
    --------
    >>> integer(0, "units", minimum=1)
    Traceback (most recent call last):
      ...
    ValueError: units must be at least 1, got 0
    """
    if isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    try:
        result = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"{name} must be an integer, got {value!r}") from None
    if minimum is not None and result < minimum:
        raise ValueError(f"{name} must be at least {minimum}, got {result}")
    if not -(2**63) <= result < 2**64:
        raise ValueError(f"{name} must fit 64 bits, got {result}")
    return result


def number(
    value: object, name: str, minimum: float | None = None, below: float | None = None
) -> float:
    """Return `value` as a float, where ``minimum <= value`` and ``value < below``.

    Raises
    ------
    TypeError
        If `value` is not a number.
    ValueError
        If it is NaN, or lies outside the bounds.

    Examples
    --------
    >>> number(1.5, "rate", minimum=0, below=1)
    Traceback (most recent call last):
      ...
    ValueError: rate must be at least 0 and below 1, got 1.5
    """
    if isinstance(value, (str, bytes)):
        raise TypeError(f"{name} must be a number, got {value!r}")
    try:
        result = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a number, got {value!r}") from None
    except OverflowError:
        raise ValueError(f"{name} must fit a float, got {value!r}") from None
    is_number = result == result
    if is_number and (minimum is None or result >= minimum) and (below is None or result < below):
        return result
    bounds = [] if minimum is None else [f"at least {minimum:g}"]
    if below is not None:
        bounds.append(f"below {below:g}")
    raise ValueError(f"{name} must be {' and '.join(bounds) or 'a number'}, got {value!r}")


def as_real_array(value: Any, name: str) -> npt.NDArray[Any]:
    """Return `value` as an array of bool, integers or floats, without a copy where it is one.

    Lists, pandas and polars frames and series, memory maps and everything else that
    ``numpy.asarray`` reads are taken. Float16 becomes float32; other dtypes stay as they are, in
    native order and aligned: the engine would convert others to float64 whenever it is called.

    Raises
    ------
    TypeError
        If the values are strings, objects, complex numbers or dates.
    ValueError
        If nested sequences are ragged, or entries of a masked array are masked.

    Examples
    --------
    >>> as_real_array([[1, 2], [3, 4]], "x").shape
    (2, 2)
    >>> as_real_array([1, {}], "y")
    Traceback (most recent call last):
      ...
    TypeError: y must hold numbers, got objects such as dict
    """
    if value is None:
        raise TypeError(f"{name} must be an array, got None")
    if not isinstance(value, np.ndarray):
        if hasattr(value, "toarray") and hasattr(value, "nnz"):
            raise TypeError(
                f"{name} must be a dense array, got a sparse {type(value).__name__}; "
                "convert it with .toarray()"
            )
        try:
            value = np.asarray(value)
        except ValueError:
            raise ValueError(
                f"{name} must be a rectangular array, got nested sequences of unequal lengths"
            ) from None
    elif type(value) is not np.ndarray and (masked := np.count_nonzero(_mask(value))):
        raise ValueError(
            f"{name} must have no masked entries, got {masked} of {value.size}; "
            "fill them, or leave the rows out"
        )
    kind = value.dtype.kind
    if kind in "biuf":
        return _readable(value)
    if kind == "O":
        return _from_objects(value, name)
    raise TypeError(f"{name} must hold numbers, got {_what(value)}")


def _mask(value: Any) -> Any:
    return getattr(value, "mask", False)


def _readable(value: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return numbers as the engine reads them in place: of a type it knows, native and aligned."""
    dtype = value.dtype
    if dtype.kind == "f" and dtype.itemsize == 2:
        return value.astype(np.float32)
    if dtype.kind == "f" and dtype.itemsize > 8:
        return value.astype(np.float64)
    if not dtype.isnative or not value.flags.aligned:
        return value.astype(dtype.newbyteorder("="))
    return value


def _from_objects(value: npt.NDArray[Any], name: str) -> npt.NDArray[Any]:
    """Numbers that came as objects: a data frame of mixed number types, a list of Decimals."""
    first = next((item for item in value.flat if isinstance(item, (str, bytes))), None)
    if first is not None:
        raise TypeError(f"{name} must hold numbers, got strings such as {first!r}{_ADVICE}")
    try:
        return value.astype(np.float64)
    except (TypeError, ValueError):
        odd = next((item for item in value.flat if not _is_number(item)), None)
        found = type(odd).__name__
        advice = "; fill what is missing, or leave the rows out" * (
            odd is None or found == "NAType"
        )
        raise TypeError(f"{name} must hold numbers, got objects such as {found}{advice}") from None


def _is_number(item: object) -> bool:
    try:
        float(item)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return False
    return True


_ADVICE = (
    "; turn class labels into class ids, for example with numpy.unique(y, return_inverse=True), "
    "and categories of inputs into columns of 0 and 1"
)


def _what(value: npt.NDArray[Any]) -> str:
    kind = value.dtype.kind
    if kind in "US":
        return f"strings (dtype {value.dtype.str}){_ADVICE}"
    if kind == "c":
        return f"complex numbers (dtype {value.dtype})"
    return f"dtype {value.dtype}"
