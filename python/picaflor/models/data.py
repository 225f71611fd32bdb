"""What `fit` and its kin are given, checked and brought to the shapes that the engine takes.

Float32 and uint8 data go through as they are: nothing here copies a whole array of them, but
`rows_together` those whose rows are scattered.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from picaflor._checks import as_real_array, number
from picaflor.layers.shapes import Array, Shape, shown, size

if TYPE_CHECKING:
    import numpy.typing as npt


class Data:
    """Checked samples: x (n, d), y (n,) class ids or (n, c), and weights (n,) or None."""

    __slots__ = ("shape", "weight", "x", "y")

    def __init__(self, x: Array, y: Array, weight: Array | None, shape: Shape) -> None:
        self.x = x
        self.y = y
        self.weight = weight
        self.shape = shape  # of one sample as the model takes it

    def __len__(self) -> int:
        return len(self.x)

    def split(self, share: float) -> tuple[Data, Data]:
        """Return the first rows and the last ``share`` of them."""
        at = math.floor(len(self) * (1.0 - share))
        if at == 0 or at == len(self):
            raise ValueError(
                f"validation_split={share} of {len(self)} rows leaves no row to "
                + ("train" if at == 0 else "validate")
            )
        return self._rows(slice(None, at)), self._rows(slice(at, None))

    def with_rows_together(self) -> Data:
        """Return the same data for passes that take the rows in any order."""
        return Data(rows_together(self.x), rows_together(self.y), self.weight, self.shape)

    def _rows(self, rows: slice) -> Data:
        weight = None if self.weight is None else self.weight[rows]
        return Data(self.x[rows], self.y[rows], weight, self.shape)


def as_samples(x: Any, name: str = "x") -> Array:
    """Return x as an array of real numbers with a first dimension for the samples."""
    if isinstance(x, Mapping) or (isinstance(x, (list, tuple)) and x and _is_array(x[0])):
        shapes = {np.shape(part) for part in x} if not isinstance(x, Mapping) else set()
        if len(shapes) != 1 or np.ndim(x[0]) == 0:
            raise TypeError(
                f"{name} must be one array, got a {type(x).__name__} of arrays: "
                "a Sequential has one input and one output"
            )
    if isinstance(x, Iterator) or hasattr(x, "element_spec"):
        raise TypeError(
            f"{name} must be an array, got {type(x).__name__}; for data that comes in pieces "
            "call train_on_batch for each of them"
        )
    array = as_real_array(x, name)
    if array.ndim == 0:
        raise ValueError(f"{name} must have a dimension for the samples, got a single number")
    return array


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.ndim > 0


def fit_rank(array: Array, shape: Shape) -> Array:
    """Return samples with a last dimension of 1 added or dropped where that makes them fit."""
    if array.shape[1:] != shape:
        if array.shape[1:] == shape[:-1] and shape[-1:] == (1,):
            return array[..., None]
        if array.shape[1:] == (*shape, 1):
            return array[..., 0]
    return array


def flat_samples(x: Array, shape: Shape, name: str = "x") -> Array:
    """Return samples of this shape as (n, d)."""
    x = fit_rank(x, shape)
    if x.shape[1:] != shape:
        advice = f"; a batch of this one sample is {name}[None]" * (x.shape == shape)
        raise ValueError(f"{name} must have shape {shown(shape)}, got {x.shape}{advice}")
    return x if x.ndim == 2 else x.reshape(len(x), size(shape))


def rows_together(array: Array) -> Array:
    """Return the array, or a copy in C order where the elements of a row lie far apart.

    So they do in Fortran order, which data frames give. Rows in random order would then take a
    cache line an element: an epoch of 60 000 rows of 784 lasts 3.6 times as long, and a copy
    takes less than such an epoch. Memory maps stay: they may be larger than the memory.
    """
    if array.ndim != 2 or array.shape[1] < 2:
        return array
    from_row_to_row, from_column_to_column = np.abs(array.strides)
    if from_row_to_row == 0 or from_column_to_column <= from_row_to_row:
        return array
    owner: Any = array
    while isinstance(owner, np.ndarray):
        if isinstance(owner, np.memmap):
            return array
        owner = owner.base
    return np.ascontiguousarray(array)


def targets(y: Any, shape: Shape, takes_ids: bool, loss: str, name: str = "y") -> Array:
    """Return targets for outputs of this shape: class ids (n,) as int64, or (n, c).

    Raises
    ------
    TypeError
        If they are not numbers.
    ValueError
        If shape or class ids do not fit.
    """
    if y is None:
        raise ValueError(f"{name} is missing: the loss {loss!r} needs targets")
    array = as_samples(y, name)
    if takes_ids:
        return _class_ids(array, shape, name)
    array = fit_rank(array, shape)
    if array.shape[1:] != shape:
        advice = ""
        if "categorical" in loss and array.ndim <= 2 and array.shape[1:] in ((), (1,)):
            advice = (
                "; for class ids use sparse_categorical_crossentropy, or make rows with "
                "picaflor.utils.to_categorical"
            )
        raise ValueError(
            f"{name} must have shape {shown(shape)} for the loss {loss!r}, "
            f"got {array.shape}{advice}"
        )
    return array if array.ndim == 2 else array.reshape(len(array), size(shape))


def _class_ids(y: Array, shape: Shape, name: str) -> Array:
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim != 1:
        advice = "; for rows of probabilities use categorical_crossentropy" * (y.shape[1:] == shape)
        raise ValueError(
            f"{name} must hold class ids of shape (n,) or (n, 1), got {y.shape}{advice}"
        )
    with np.errstate(invalid="ignore"):  # NaN becomes some integer, which differs from it
        ids = np.ascontiguousarray(y, dtype=np.int64)
    if y.dtype.kind == "f" and not np.array_equal(ids, y):
        odd = y[ids != y][0]
        raise ValueError(f"{name} must hold class ids, which are whole numbers, got {odd}")
    if ids.size:
        low, high = int(ids.min()), int(ids.max())
        if low < 0 or high >= shape[-1]:
            raise ValueError(
                f"{name} must hold class ids in [0, {shape[-1]}), got {low if low < 0 else high}"
            )
    return ids


def sample_weights(
    sample_weight: Any, n: int, dtype: np.dtype[Any], name: str = "sample_weight"
) -> Array | None:
    """Return weights as an array (n,) of the model's dtype."""
    if sample_weight is None:
        return None
    array = as_samples(sample_weight, name)
    if array.shape not in ((n,), (n, 1)):
        raise ValueError(f"{name} must have shape ({n},), got {array.shape}")
    return np.ascontiguousarray(array.reshape(n), dtype=dtype)


def class_weights(class_weight: Any, y: Array, dtype: np.dtype[Any]) -> Array:
    """Return one weight per sample from a dict of class to weight; a missing class weighs 1.

    The class of a sample is its id, the position of the largest entry of its row, or the rounded
    target where there is one column.
    """
    if not isinstance(class_weight, Mapping):
        raise TypeError(
            f"class_weight must be a dict of class id to weight, got {type(class_weight).__name__}"
        )
    labels = y.argmax(axis=1) if y.ndim == 2 and y.shape[1] > 1 else np.rint(y).reshape(len(y))
    weight = np.ones(len(y), dtype=dtype)
    for label, value in class_weight.items():
        if isinstance(label, str):
            raise TypeError(f"class_weight must have class ids as keys, got {label!r}")
        weight[labels == label] = number(value, f"class_weight[{label}]")
    return weight


def same_length(**arrays: npt.NDArray[Any] | None) -> None:
    """Raise a ValueError unless all arrays have as many samples as the first."""
    first, *others = [(name, a) for name, a in arrays.items() if a is not None]
    for name, array in others:
        if len(array) != len(first[1]):
            raise ValueError(
                f"{first[0]} and {name} must have the same number of samples, "
                f"got {len(first[1])} and {len(array)}"
            )
