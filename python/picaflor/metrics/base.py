"""What all metrics share: state that batches are added to, a result, configs."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["Mean", "MeanMetricWrapper", "Metric", "State", "Sum"]

Array: TypeAlias = "npt.NDArray[np.float64]"


class State(np.ndarray[Any, np.dtype[Any]]):
    """An array with the methods that Keras's variables have: a metric's running sums.

    Examples
    --------
    >>> total = Metric("mine").add_variable()
    >>> total.assign_add(2.5)
    >>> float(total)
    2.5
    """

    def assign(self, value: npt.ArrayLike) -> None:
        """Replace the contents."""
        self[...] = value

    def assign_add(self, value: npt.ArrayLike) -> None:
        """Add to the contents."""
        self[...] = np.asarray(self) + value

    def assign_sub(self, value: npt.ArrayLike) -> None:
        """Subtract from the contents."""
        self[...] = np.asarray(self) - value


class Metric:
    """A number that is gathered over batches: ``update_state`` for each, then ``result``.

    Subclass it for a metric of your own: define ``update_state(y_true, y_pred, sample_weight)`` and
    ``result()``; state made with `add_variable` is set to zero by ``reset_state``. A model calls
    them on the predictions of every batch.

    Parameters
    ----------
    name : str, optional
        The key in the logs. Default: the name of the class in snake case.

    Attributes
    ----------
    name : str
    variables : list of State
        What `add_variable` made, in order.

    Examples
    --------
    >>> import numpy as np
    >>> class LargestError(Metric):
    ...     def __init__(self, name="largest_error"):
    ...         super().__init__(name)
    ...         self.largest = self.add_variable()
    ...     def update_state(self, y_true, y_pred, sample_weight=None):
    ...         self.largest.assign(max(self.largest, np.abs(y_true - y_pred).max()))
    ...     def result(self):
    ...         return float(self.largest)
    >>> metric = LargestError()
    >>> metric.update_state(np.array([1.0, 2.0]), np.array([1.0, 5.0]))
    >>> metric.result()
    3.0
    """

    _direction: str | None = None  # "up" or "down": which way is better, for callbacks

    def __init__(self, name: str | None = None) -> None:
        self.name = snake_case(type(self).__name__) if name is None else name
        self._variables: list[State] = []

    def add_variable(
        self,
        shape: tuple[int, ...] = (),
        initializer: str = "zeros",
        dtype: npt.DTypeLike | None = None,
        name: str | None = None,
    ) -> State:
        """Return new state of zeros.

        Parameters
        ----------
        shape : tuple of int, default ()
        initializer : "zeros"
        dtype : dtype, default float64
        name : str, optional
            Taken for Keras's sake; state is found by the attribute it is assigned to.

        Raises
        ------
        ValueError
            If the initializer is not "zeros": ``reset_state`` goes back to zeros.
        """
        if initializer != "zeros":
            raise ValueError(f"initializer must be 'zeros', got {initializer!r}")
        state = np.zeros(shape, np.float64 if dtype is None else dtype).view(State)
        self._variables.append(state)
        return state

    add_weight = add_variable

    @property
    def variables(self) -> list[State]:
        """What `add_variable` made, in order."""
        return list(self._variables)

    def update_state(
        self, y_true: Any, y_pred: Any, sample_weight: npt.ArrayLike | None = None
    ) -> None:
        """Add a batch."""
        raise TypeError(f"{type(self).__name__} has no update_state(y_true, y_pred, sample_weight)")

    def result(self) -> Any:
        """Return the value over all batches since the last reset."""
        raise TypeError(f"{type(self).__name__} has no result()")

    def reset_state(self) -> None:
        """Forget all batches."""
        for state in self._variables:
            state[...] = 0

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Add a batch and return the result."""
        self.update_state(*args, **kwargs)
        return self.result()

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {"name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Metric:
        """Return a metric from what `get_config` gave."""
        return cls(**config)

    def __repr__(self) -> str:
        """Return the call that makes it."""
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.get_config().items())
        return f"{type(self).__name__}({arguments})"

    def _engine(self) -> dict[str, Any] | None:
        """Return what `Network.set_metrics` computes by itself, None for what runs in Python."""
        return None


class Sum(Metric):
    """The (weighted) sum of values.

    Parameters
    ----------
    name : str, default "sum"

    Examples
    --------
    >>> metric = Sum()
    >>> metric.update_state([1, 3, 5, 7], sample_weight=[1, 1, 0, 0])
    >>> metric.result()
    4.0
    """

    def __init__(self, name: str | None = "sum") -> None:
        super().__init__(name)
        self.total = self.add_variable()

    def update_state(  # type: ignore[override]
        self, values: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None
    ) -> None:
        """Add values; weights have their shape or that of the rows."""
        x = np.asarray(values, dtype=np.float64)
        if sample_weight is not None:
            w = np.asarray(sample_weight, dtype=np.float64)
            x = x * w.reshape(w.shape + (1,) * (x.ndim - w.ndim))
        self.total.assign_add(x.sum())

    def result(self) -> float:
        """Return the sum."""
        return float(self.total)


class Mean(Metric):
    """The (weighted) mean of values: their weighted sum over the sum of the weights.

    Parameters
    ----------
    name : str, default "mean"

    Examples
    --------
    >>> metric = Mean()
    >>> metric.update_state([1, 3, 5, 7], sample_weight=[1, 1, 0, 0])
    >>> metric.result()
    2.0
    """

    def __init__(self, name: str | None = "mean") -> None:
        super().__init__(name)
        self.total = self.add_variable()
        self.count = self.add_variable()

    def update_state(  # type: ignore[override]
        self, values: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None
    ) -> None:
        """Add values, (n,) or (n, ...); of each row the mean is taken first. Weights are (n,)."""
        x = np.asarray(values, dtype=np.float64)
        rows = x.reshape(len(x), -1).mean(axis=1) if x.ndim > 1 else np.atleast_1d(x)
        if sample_weight is None:
            self.total.assign_add(rows.sum())
            self.count.assign_add(len(rows))
        else:
            w = row_weights(sample_weight, len(rows))
            self.total.assign_add(rows @ w)
            self.count.assign_add(w.sum())

    def result(self) -> float:
        """Return the mean, 0 where there were no values."""
        return float(self.total / self.count) if self.count != 0 else 0.0


class MeanMetricWrapper(Mean):
    """The mean of a function ``fn(y_true, y_pred)`` that gives a value per row or per element.

    Parameters
    ----------
    fn : callable
    name : str, optional
        Default: the name of the function.
    **kwargs
        Passed on to `fn`.

    Examples
    --------
    >>> import numpy as np
    >>> metric = MeanMetricWrapper(lambda t, p: np.abs(t - p), name="distance")
    >>> metric(np.array([1.0, 2.0]), np.array([2.0, 4.0]))
    1.5
    """

    def __init__(self, fn: Callable[..., Any], name: str | None = None, **kwargs: Any) -> None:
        super().__init__(getattr(fn, "__name__", None) if name is None else name)
        self._fn = fn
        self._fn_kwargs = kwargs

    def update_state(  # type: ignore[override]
        self,
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
    ) -> None:
        """Add the function's values of a batch."""
        values = self._fn(np.asarray(y_true), np.asarray(y_pred), **self._fn_kwargs)
        super().update_state(values, sample_weight)

    def get_config(self) -> dict[str, Any]:
        """Raise: a function cannot be written into a config."""
        raise TypeError(f"a metric made of a function has no config: {self.name}")

    def __repr__(self) -> str:
        """Return the call that makes it."""
        return f"MeanMetricWrapper({self._fn!r}, name={self.name!r})"


def snake_case(name: str) -> str:
    """Return a class name in lower case with underscores."""
    name = re.sub(r"(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def row_weights(sample_weight: npt.ArrayLike, n: int) -> Array:
    """Return weights of shape (n,) for n rows, given as (n,), (n, 1) or one number."""
    w = np.asarray(sample_weight, dtype=np.float64)
    if w.ndim == 2 and w.shape[1] == 1:
        w = w[:, 0]
    if w.ndim == 0:
        w = np.broadcast_to(w, (n,))
    if w.shape != (n,):
        raise ValueError(f"sample_weight must have shape ({n},), got {w.shape}")
    return w


def same_rows(
    y_true: npt.ArrayLike, y_pred: npt.ArrayLike
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Return both as (n, c); (n,) means one column.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    t, p = np.asarray(y_true), np.asarray(y_pred)
    t, p = (a[:, None] if a.ndim == 1 else a for a in (t, p))
    if p.ndim != 2:
        raise ValueError(f"y_pred must have shape (n,) or (n, c), got {np.shape(y_pred)}")
    if t.shape != p.shape:
        raise ValueError(
            f"y_true must have the shape of y_pred, {np.shape(y_pred)}, got {np.shape(y_true)}"
        )
    return t, p
