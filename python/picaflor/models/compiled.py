"""What `compile` sets: optimizer, loss and metrics, their engine form, and their running means."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from picaflor import losses, optimizers
from picaflor._objects import serialize
from picaflor.layers.shapes import Array, Shape, size
from picaflor.models.data import as_samples


class Entry(NamedTuple):
    """One metric with its key in the logs."""

    key: str
    metric: Any
    weighted: bool
    engine: dict[str, Any] | None  # None: it runs in Python, on the engine's predictions


class Compiled:
    """The arguments of `compile`, resolved as far as they can be before data was seen."""

    def __init__(self, optimizer: Any, loss: Any, wanted: Any = None, weighted: Any = None) -> None:
        self.optimizer = optimizers.get(optimizer)
        self.loss: Any = None
        if loss is not None:  # a name that stands for several losses waits for the data
            self.loss = loss if losses.depends_on_shapes(loss) else losses.get(loss)
        self.wanted = _as_list(wanted, "metrics")
        self.weighted = _as_list(weighted, "weighted_metrics")
        self.entries: list[Entry] | None = None
        for identifier in [*self.wanted, *self.weighted]:
            # What "accuracy" stands for shows in the data; whether a name is known, now.
            _metric(identifier, (None, 1), (None, 1), self.loss)

    @property
    def takes_ids(self) -> bool:
        """Whether the loss takes class ids instead of rows; known once data was seen."""
        return bool(getattr(self.loss, "_takes_ids", False))

    def loss_for(self, output_shape: Shape, y: Any, name: str = "y") -> losses.Loss:
        """Return the loss for targets as they were given."""
        if isinstance(self.loss, losses.Loss):
            return self.loss
        shape = as_samples(y, name).shape[1:]
        return losses.resolve(self.loss, (None, *output_shape), (None, *shape))

    def resolve(self, output_shape: Shape, y: Array) -> list[Entry]:
        """Choose loss and metrics for these shapes as Keras does; return the metrics."""
        self.loss = self.loss_for(output_shape, y)
        entries: list[Entry] = []
        keys: dict[str, int] = {}
        for weighted, identifiers in ((False, self.wanted), (True, self.weighted)):
            for identifier in identifiers:
                metric = _metric(identifier, (None, *output_shape), (None, *y.shape[1:]), self.loss)
                _try_out(metric, y, output_shape)
                key = metric.name
                if weighted and key in keys:
                    key = f"weighted_{key}"
                repeated = keys.get(key, 0)
                keys[key] = repeated + 1
                if repeated:
                    key = f"{key}_{repeated}"
                entries.append(Entry(key, metric, weighted, _engine(metric, weighted)))
        return entries

    def configure(self, network: Any, entries: list[Entry], keep_state: bool) -> None:
        """Tell the engine loss, metrics and optimizer."""
        network.set_loss(**self.loss._engine())
        network.set_metrics([entry.engine for entry in entries if entry.engine is not None])
        network.set_optimizer(self.optimizer._rule(), keep_state=keep_state)
        self.entries = entries

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of `compile` as plain data."""
        return {
            "optimizer": serialize(self.optimizer),
            "loss": serialize(self.loss),
            "metrics": serialize(self.wanted),
            "weighted_metrics": serialize(self.weighted),
        }


class Means:
    """Running means of loss and metrics over the minibatches of an epoch."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = entries
        self._python = [entry for entry in entries if entry.engine is None]
        self._engine = len(entries) - len(self._python)
        self.needs_python = bool(self._python)
        self.reset()

    def reset(self) -> None:
        """Start a new epoch."""
        self._loss = 0.0
        self._rows = 0
        self._sums = [0.0] * self._engine
        self._weights = [0.0] * self._engine
        for entry in self._python:
            entry.metric.reset_state()

    def add(self, result: Any) -> None:
        """Add the sums of a range of minibatches."""
        self._loss += result.loss
        self._rows += result.rows
        if self._engine:
            for i, (value, weight) in enumerate(
                zip(result.metrics, result.metric_weights, strict=True)
            ):
                self._sums[i] += value
                self._weights[i] += weight

    def update(self, y: Array, output: Array, weight: Array | None) -> None:
        """Give one minibatch to the metrics that run in Python."""
        for entry in self._python:
            entry.metric.update_state(y, output, sample_weight=weight if entry.weighted else None)

    def logs(self) -> dict[str, Any]:
        """Return the means so far, sorted by key."""
        return dict(sorted(self.values().items()))

    def values(self) -> dict[str, Any]:
        """Return the means so far: loss, metrics, weighted metrics, as the user listed them."""
        values: dict[str, Any] = {"loss": self._loss / self._rows if self._rows else math.nan}
        if not self._entries:
            return values
        done = iter(zip(self._sums, self._weights, strict=True))
        for entry in self._entries:
            if entry.engine is None:
                value = entry.metric.result()
                values[entry.key] = float(value) if np.ndim(value) == 0 else value
            else:
                total, weight = next(done)
                values[entry.key] = total / weight if weight else 0.0
        return values


class BadLoss:
    """Reports a loss that is NaN or infinite: once."""

    def __init__(self) -> None:
        self._reported = False

    def report(self, epoch: int, batch: int) -> None:
        """Warn of it the first time; epoch and batch count from 0."""
        if self._reported:
            return
        self._reported = True
        warnings.warn(
            f"the loss is NaN or infinite in epoch {epoch + 1}, batch {batch + 1}: a smaller "
            "learning rate, clipped gradients or scaled inputs may help; the callback "
            "TerminateOnNaN stops training there",
            RuntimeWarning,
            stacklevel=4,
        )


def _as_list(value: Any, name: str) -> list[Any]:
    if value is None:
        return []
    if isinstance(value, dict):
        raise TypeError(f"{name} must be a list: a Sequential has one output; got a dict")
    if not isinstance(value, (list, tuple)):
        return [value]
    return [item for item in value if item is not None]


def _metric(identifier: Any, *shapes_and_loss: Any) -> Any:
    from picaflor import metrics  # models without metrics go without

    return metrics.resolve(identifier, *shapes_and_loss)


def _try_out(metric: Any, y: Array, output_shape: Shape) -> None:
    """Let a metric that does not fit the targets say so before anything is trained."""
    try:
        metric.update_state(y[:1], np.zeros((1, size(output_shape))))
    except (TypeError, ValueError) as error:
        raise type(error)(f"the metric {metric.name!r} does not fit the targets: {error}") from None
    metric.reset_state()


def _engine(metric: Any, weighted: bool) -> dict[str, Any] | None:
    spec = metric._engine() if hasattr(metric, "_engine") else None
    return None if spec is None else {**spec, "weighted": weighted}
