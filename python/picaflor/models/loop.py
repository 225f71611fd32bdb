"""The loops over epochs and ranges of minibatches: Python decides what an epoch is, C++ runs it.

A range is as long as it can be: a whole epoch where nothing wants to look in between, a tenth of
a second where a progress bar is shown, one minibatch where a callback has batch hooks, a metric
runs in Python, or a weight has a constraint.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np

from picaflor.callbacks import CallbackList
from picaflor.layers.shapes import Array
from picaflor.models.compiled import BadLoss, Means
from picaflor.models.data import Data
from picaflor.models.order import shuffled_rows

_REFRESH = 0.1  # seconds between updates of a progress bar


class Minibatches(Protocol):
    """Which minibatches an epoch goes through."""

    rows: int
    batch_size: int

    def take(self) -> tuple[Array | None, int, int]:
        """Return the order of the rows (None: as they lie), first and last + 1 minibatch."""


class BadLossReport(Protocol):
    """Is told of a loss that is NaN or infinite."""

    def report(self, epoch: int, batch: int) -> None:
        """Take note of it; epoch and batch count from 0."""


class Epochs:
    """Which minibatches each epoch goes through.

    Without `steps` an epoch is one pass over the data. With it, an epoch is that many minibatches
    and goes on where the one before stopped; the epoch in which the data run out is short.
    """

    def __init__(
        self, rows: int, batch_size: int, steps: int | None, shuffle: bool, rng: np.random.Generator
    ) -> None:
        self.rows = rows
        self.batch_size = batch_size
        self.steps = steps
        self.shuffle = shuffle
        self.rng = rng
        self.batches = math.ceil(rows / batch_size)  # of a pass
        self._order: Array | None = None
        self._next = self.batches

    def take(self) -> tuple[Array | None, int, int]:
        """Return the order of the rows (None: as they lie), first and last + 1 minibatch."""
        if self._next >= self.batches:
            self._order = shuffled_rows(self.rows, self.rng) if self.shuffle else None
            self._next = 0
        first = self._next
        last = self.batches if self.steps is None else min(first + self.steps, self.batches)
        self._next = last
        if self.steps is not None and last - first < self.steps:
            warnings.warn(
                f"the data ran out after {last - first} of {self.steps} steps of an epoch; "
                "the next epoch starts from the beginning of the data",
                stacklevel=4,
            )
        return self._order, first, last


class Loop:
    """Runs a model's engine over ranges of minibatches, with the callbacks in between."""

    def __init__(self, model: Any, callbacks: CallbackList) -> None:
        self.model = model
        self.network = model._network
        self.callbacks = callbacks
        self.bad_loss: BadLossReport = BadLoss()
        self._means = Means(model._entries())
        self._hooks = callbacks._wants_batches("train")
        self._single = self._hooks or self._means.needs_python or model._constrained
        self._limit = _REFRESH if callbacks.refresh else math.inf

    def train(self, data: Data, epochs: Minibatches, epoch: int) -> Means:
        """Train for one epoch and return its means."""
        model, network, callbacks, means = self.model, self.network, self.callbacks, self._means
        if model._network is not network:
            raise RuntimeError("the layers of a model cannot be changed while it is trained")
        optimizer = model._optimizer_to_engine()  # hyperparameters may have been changed
        means.reset()
        order, first, last = epochs.take()
        size = epochs.batch_size
        batch = first
        result: Any = None
        while batch < last and not (model.stop_training and batch > first):
            if self._hooks:
                callbacks.on_train_batch_begin(batch - first, {})
            until = batch + 1 if self._single else last
            start, stop = batch * size, min(until * size, epochs.rows)
            if self._hooks:  # which may change the rate of the next step
                rates = optimizer._rates(optimizer._iterations, 1)
            elif batch == first:
                rates = optimizer._rates(optimizer._iterations, last - first)
            else:
                rates = rates[result.batches :]
            try:
                result = network.train(
                    data.x, data.y, data.weight, order, start, stop, size, rates, self._limit
                )
            finally:  # Ctrl-C comes after some minibatches of the range
                optimizer._iterations = network.iterations
                constrain(model)
            means.add(result)
            if result.bad_batch >= 0:
                self.bad_loss.report(epoch, batch - first + result.bad_batch)
            batch += result.batches
            if self._single:
                self._look_at_batch(data, order, start, stop)
            if self._hooks:
                callbacks.on_train_batch_end(batch - 1 - first, means.logs())
            callbacks._on_progress(batch - first, last - first)
        return means

    def _look_at_batch(self, data: Data, order: Array | None, start: int, stop: int) -> None:
        """Let metrics in Python see a minibatch."""
        if self._means.needs_python:
            rows = slice(start, stop) if order is None else order[start:stop]
            weight = None if data.weight is None else data.weight[rows]
            self._means.update(data.y[rows], self.network.output, weight)

    def evaluate(self, data: Data, batch_size: int, steps: int | None = None) -> Means:
        """Return loss and metrics in inference mode, over all data or the first `steps`."""
        means = Means(self.model._entries())
        rows = len(data) if steps is None else min(len(data), steps * batch_size)
        hooks = self.callbacks._wants_batches("test")
        single = hooks or means.needs_python
        self.callbacks.on_test_begin({})
        for batch, start, stop in _ranges(rows, batch_size if single else max(rows, 1)):
            if hooks:
                self.callbacks.on_test_batch_begin(batch, {})
            means.add(self.network.evaluate(data.x, data.y, data.weight, start, stop, batch_size))
            if means.needs_python:
                weight = None if data.weight is None else data.weight[start:stop]
                means.update(data.y[start:stop], self.network.output, weight)
            if hooks:
                self.callbacks.on_test_batch_end(batch, means.logs())
        self.callbacks.on_test_end(means.logs())
        return means


def predict(model: Any, x: Array, batch_size: int, callbacks: CallbackList) -> Array:
    """Return the outputs for all rows, in one call where no callback has batch hooks."""
    network = model._network
    callbacks.on_predict_begin({})
    if not callbacks._wants_batches("predict"):
        y: Array = network.predict(x)
    else:
        y = np.empty((len(x), network.output_size), dtype=model.dtype)
        for batch, start, stop in _ranges(len(x), batch_size):
            callbacks.on_predict_batch_begin(batch, {})
            network.predict(x[start:stop], y[start:stop])
            callbacks.on_predict_batch_end(batch, {"outputs": y[start:stop]})
    callbacks.on_predict_end({})
    return y


def constrain(model: Any) -> None:
    """Apply the constraints to the weights of layers that are trained."""
    if model._constrained:
        for layer in model.layers:
            if layer.trainable:
                for spec, value in zip(layer._specs, layer._values, strict=True):
                    if spec.constraint is not None:
                        value[...] = spec.constraint(value)


def _ranges(rows: int, length: int) -> Iterator[tuple[int, int, int]]:
    for batch, start in enumerate(range(0, rows, length)):
        yield batch, start, min(start + length, rows)
