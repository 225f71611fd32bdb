"""One pass over the data in an order that the caller gives: for training loops of one's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from picaflor.callbacks import CallbackList
from picaflor.layers.shapes import Array
from picaflor.models.arguments import positive
from picaflor.models.loop import Loop
from picaflor.models.training import Training

if TYPE_CHECKING:
    import numpy.typing as npt


class Passes(Training):
    """A model that can be trained epoch by epoch."""

    @property
    def optimizer_state(self) -> list[list[Array]]:
        """What the optimizer remembers: lists of one array per weight, in the order of `weights`.

        SGD with momentum has one list, the velocities; Adam two, the first and second moments.
        They are views: writing to them changes the state, until `compile` or another setting of
        the optimizer makes a new one. Empty before the first training or
        evaluation after `compile`, which make it.

        Examples
        --------
        >>> import picaflor as pf
        >>> model = pf.Sequential([pf.Input((2,)), pf.layers.Dense(1)])
        >>> model.compile("adam", "mean_squared_error")
        >>> loss = model.train_on_batch([[1.0, 2.0]], [1.0])
        >>> [[state.shape for state in states] for states in model.optimizer_state]
        [[(2, 1), (1,)], [(2, 1), (1,)]]
        """
        if self._network is None or not self._ready:
            return []
        return [list(states) for states in self._network.slots]

    def train_epoch(
        self,
        x: npt.ArrayLike,
        y: npt.ArrayLike,
        *,
        order: npt.ArrayLike | None = None,
        batch_size: int = 32,
        sample_weight: npt.ArrayLike | None = None,
    ) -> dict[str, Any]:
        """Train for one pass over the rows, in a given order, and return loss and metrics.

        The whole pass is one call of the engine, unless a metric runs in Python or a weight has a
        constraint. Draws no random numbers, but for dropout and noise.

        Parameters
        ----------
        x : array_like, shape (n, ...)
        y : array_like, shape (n,), (n, 1) or (n, c)
        order : array_like of int, shape (k,), optional
            Row numbers: minibatches are ``order[:batch_size]``, the next `batch_size` of them and
            so on; the last may be short. Default: the rows as they lie.
        batch_size : int, default 32
        sample_weight : array_like, shape (n,), optional

        Returns
        -------
        dict of str to float
            The means over the minibatches, each before its step: the loss, every minibatch
            weighted by its number of rows, and the metrics.

        Raises
        ------
        RuntimeError
            If the model is not compiled.
        TypeError, ValueError
            If an argument does not fit.

        Examples
        --------
        >>> import numpy as np
        >>> import picaflor as pf
        >>> x = np.array([[0.0], [1.0], [2.0], [3.0]])
        >>> model = pf.Sequential([pf.Input((1,)), pf.layers.Dense(1)], seed=0)
        >>> model.compile(pf.optimizers.SGD(0.1), "mean_squared_error")
        >>> rng = np.random.default_rng(0)
        >>> for _ in range(100):
        ...     logs = model.train_epoch(x, 2 * x, order=rng.permutation(4), batch_size=2)
        >>> logs["loss"] < 1e-6
        True
        """
        size = positive(batch_size, "batch_size") or 32
        data = self._data(x, y, sample_weight)
        rows = None if order is None else _row_numbers(order)
        epoch = _OnePass(len(data) if rows is None else len(rows), size, rows)
        loop = Loop(self, CallbackList(None, model=self))
        loop.bad_loss = _Silent()
        self.stop_training = False
        return loop.train(data, epoch, 0).logs()


class _OnePass:
    """The minibatches of one pass in a given order."""

    def __init__(self, rows: int, batch_size: int, order: Array | None) -> None:
        self.rows = rows
        self.batch_size = batch_size
        self.order = order

    def take(self) -> tuple[Array | None, int, int]:
        return self.order, 0, -(-self.rows // self.batch_size)


class _Silent:
    """The caller sees the loss of each epoch, and needs no warning about it."""

    def report(self, epoch: int, batch: int) -> None:
        pass


def _row_numbers(order: npt.ArrayLike) -> Array:
    rows = np.asarray(order)
    if rows.dtype.kind not in "iu":
        raise TypeError(f"order must hold row numbers, got dtype {rows.dtype}")
    if rows.ndim != 1 or rows.size == 0:
        raise ValueError(f"order must have shape (k,) with k of at least 1, got {rows.shape}")
    return np.ascontiguousarray(rows, dtype=np.int64)
