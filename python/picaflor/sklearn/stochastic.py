"""The stochastic solvers: epochs, learning rates, and when to stop."""

from __future__ import annotations

import copy
import time
import warnings
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse
from sklearn.base import is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from picaflor import Sequential, optimizers
from picaflor.callbacks import Callback, CallbackList
from picaflor.models.data import rows_together
from picaflor.models.order import shuffled_rows
from picaflor.optimizers.schedules import LearningRateSchedule
from picaflor.sklearn.inputs import Array, dense_pieces
from picaflor.sklearn.objective import Objective


class Rows(NamedTuple):
    """Samples, targets (n, columns), and weights or None."""

    x: Any
    y: Array
    weights: Array | None


def make_optimizer(estimator: Any) -> optimizers.Optimizer:
    """Return a new optimizer as the parameters ask for."""
    e = estimator
    if isinstance(e.solver, optimizers.Optimizer):
        if e.learning_rate != "constant":
            raise ValueError(
                "learning_rate must be 'constant' where solver is an optimizer, which has its own "
                f"learning rate or schedule; got {e.learning_rate!r}"
            )
        return copy.deepcopy(e.solver)
    rate = e.learning_rate_init
    if isinstance(e.learning_rate, LearningRateSchedule):
        rate = copy.deepcopy(e.learning_rate)
    if e.solver == "sgd":
        return optimizers.SGD(rate, e.momentum, bool(e.nesterovs_momentum))
    return optimizers.Adam(rate, e.beta_1, e.beta_2, e.epsilon)


def split(estimator: Any, rows: Rows, random_state: Any) -> tuple[Rows, Rows]:
    """Return the rows to train on and those for early stopping, drawn as scikit-learn does."""
    single = is_classifier(estimator) and estimator.n_outputs_ == 1
    train, held_out = train_test_split(
        np.arange(len(rows.y)),
        random_state=random_state,
        test_size=estimator.validation_fraction,
        stratify=rows.y if single else None,
    )
    if len(held_out) < 2:
        raise ValueError(
            "The validation set is too small. Increase 'validation_fraction' "
            "or the size of your dataset."
        )
    return _take(rows, train), _take(rows, held_out)


def _take(rows: Rows, which: Array) -> Rows:
    weights = None if rows.weights is None else rows.weights[which]
    return Rows(rows.x[which], rows.y[which], weights)


class Epochs:
    """Trains a model pass by pass; keeps losses, scores and the best weights on the estimator."""

    def __init__(
        self, estimator: Any, model: Sequential, objective: Objective, train: Rows, held_out: Any
    ) -> None:
        self.estimator = estimator
        self.model = model
        self.objective = objective
        self.x, self.y, self.weights = train
        if sparse.issparse(self.x):
            self.x = self.x.tocsr()
        elif estimator.shuffle:
            self.x = rows_together(self.x)
        self.targets = objective.targets(self.y)
        self.held_out: Rows | None = held_out
        self.n = len(self.y)
        self.batch_size = _batch_size(estimator.batch_size, self.n)
        self.starts = np.arange(0, self.n, self.batch_size)
        self.constant = objective.constant(self.y)
        self.has_zero_weights = self.weights is not None and not np.all(self.weights)

    def run(self, incremental: bool) -> None:
        """Train until an end is reached; one pass where `incremental`."""
        e = self.estimator
        random_state = e._random_state
        callbacks = _callback_list(e, self.model)
        order: Array | None = None
        started = time.monotonic()
        logs: dict[str, Any] = {}
        try:
            e.n_iter_ = 0
            callbacks.on_train_begin({})
            for epoch in range(e.max_iter):
                if e.shuffle:
                    order = _shuffled(order, self.n, random_state)
                callbacks.on_epoch_begin(epoch, {})
                e.loss_ = self._train(order)
                e.n_iter_ += 1
                e.t_ += self.n
                e.loss_curve_.append(e.loss_)
                logs = {"loss": e.loss_}
                if e.verbose:
                    print(f"Iteration {e.n_iter_}, loss = {e.loss_:.8f}")
                if self.held_out is not None:
                    self._validate(self.held_out, logs)
                if not e.early_stopping:
                    self._count(e.loss_ > e.best_loss_ - e.tol)
                    e.best_loss_ = min(e.loss_, e.best_loss_)
                if e.learning_rate == "invscaling" and e.solver == "sgd":
                    e._optimizer.learning_rate = (
                        float(e.learning_rate_init) / (e.t_ + 1) ** e.power_t
                    )
                callbacks.on_epoch_end(epoch, logs)
                if e._no_improvement_count > e.n_iter_no_change:
                    if self._stops():
                        break
                    e._no_improvement_count = 0
                if incremental or self.model.stop_training:
                    break
                if e.max_time is not None and time.monotonic() - started >= e.max_time:
                    if e.verbose:
                        print(f"max_time={e.max_time} s have passed. Stopping.")
                    break
                if e.n_iter_ == e.max_iter:
                    warnings.warn(
                        f"Stochastic Optimizer: Maximum iterations ({e.max_iter}) "
                        "reached and the optimization hasn't converged yet.",
                        ConvergenceWarning,
                        stacklevel=5,
                    )
            callbacks.on_train_end(logs)
        except KeyboardInterrupt:
            warnings.warn("Training interrupted by user.", stacklevel=5)
        if e.early_stopping:
            self.model.set_weights(e._best_weights)

    # ------------------------------------------------------------------------------- one epoch

    def _train(self, order: Array | None) -> float:
        """Go through the rows once and return scikit-learn's loss of the epoch."""
        if self.has_zero_weights:
            assert self.weights is not None
            sums = np.add.reduceat(_in_order(self.weights, order), self.starts)
            if not np.all(sums):
                raise ZeroDivisionError("Weights sum to zero, can't be normalized")
        if self.weights is not None and self.objective.needs_single_batches:
            loss = self._train_batches(order)
        elif sparse.issparse(self.x):
            loss = 0.0
            for piece, part in dense_pieces(self.x, order, self.batch_size):
                rows = part if order is None else order[part]
                weights = None if self.weights is None else self.weights[rows]
                value = self._engine(piece, self.targets[rows], weights, None)
                loss += value * len(piece) / self.n
        else:
            loss = self._engine(self.x, self.targets, self.weights, order)
        return loss + self._mean_constant(order)

    def _engine(self, x: Any, y: Array, weights: Array | None, order: Array | None) -> float:
        logs = self.model.train_epoch(
            x, y, order=order, batch_size=self.batch_size, sample_weight=weights
        )
        return self.objective.value(logs)

    def _train_batches(self, order: Array | None) -> float:
        loss = 0.0
        for start in self.starts:
            part = slice(start, start + self.batch_size)
            rows = part if order is None else order[part]
            x = self.x[rows].toarray() if sparse.issparse(self.x) else self.x[rows]
            assert self.weights is not None
            value = self._engine(x, self.targets[rows], self.weights[rows], None)
            loss += value * len(x) / self.n
        return loss

    def _mean_constant(self, order: Array | None) -> float:
        if self.constant is None:
            return 0.0
        if self.weights is None:
            return float(self.constant.mean())
        w = _in_order(self.weights, order)
        k = _in_order(self.constant, order)
        means = np.add.reduceat(w * k, self.starts) / np.add.reduceat(w, self.starts)
        counts = np.diff(np.append(self.starts, self.n))
        return float(means @ counts / self.n)

    # ------------------------------------------------------------------------------ validation

    def _validate(self, held_out: Rows, logs: dict[str, Any]) -> None:
        e = self.estimator
        output = e._outputs_of(self.model, held_out.x)
        value = self.objective.data_loss(held_out.y, output, held_out.weights)
        e.validation_curve_.append(value)
        logs["val_loss"] = value
        if not e.early_stopping:
            return
        if e.validation_scoring is None:
            score = e._score_of_outputs(held_out.y, output, held_out.weights)
        else:
            score = e._score_with_scorer(self.model, held_out)
        e.validation_scores_.append(score)
        logs["val_score"] = score
        if e.verbose:
            print(f"Validation score: {score:f}")
        self._count(score < e.best_validation_score_ + e.tol)
        if score > e.best_validation_score_:
            e.best_validation_score_ = score
            e._best_weights = self.model.get_weights()

    def _count(self, stale: bool) -> None:
        e = self.estimator
        e._no_improvement_count = e._no_improvement_count + 1 if stale else 0

    def _stops(self) -> bool:
        """Tell whether training ends; otherwise the learning rate is smaller now."""
        e = self.estimator
        if e.early_stopping:
            message = "Validation score did not improve"
        else:
            message = "Training loss did not improve"
        message += f" more than tol={e.tol:f} for {e.n_iter_no_change} consecutive epochs."
        optimizer = e._optimizer
        stops = True
        if e.solver == "sgd" and e.learning_rate == "adaptive":
            if optimizer.learning_rate <= 1e-6:
                message += " Learning rate too small. Stopping."
            else:
                optimizer.learning_rate /= 5.0
                message += f" Setting learning rate to {optimizer.learning_rate:f}"
                stops = False
        else:
            message += " Stopping."
        if e.verbose:
            print(message)
        return stops


def _batch_size(wanted: Any, n: int) -> int:
    if wanted == "auto":
        return min(200, n)
    if wanted > n:
        warnings.warn(
            "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped",
            stacklevel=6,
        )
    return int(np.clip(wanted, 1, n))


def _shuffled(order: Array | None, n: int, random_state: Any) -> Array:
    index = shuffled_rows(n, random_state)
    return index if order is None else order[index]


def _in_order(values: Array, order: Array | None) -> Array:
    return values if order is None else values[order]


def _callback_list(estimator: Any, model: Sequential) -> CallbackList:
    callbacks = CallbackList(estimator.callbacks, model=model, verbose=0, epochs=estimator.max_iter)
    for callback in callbacks.callbacks:
        for hook in ("on_train_batch_begin", "on_train_batch_end"):
            if getattr(type(callback), hook) is not getattr(Callback, hook):
                raise ValueError(
                    f"callbacks of an estimator are called at epochs only: "
                    f"{type(callback).__name__} has {hook}; train estimator.model_ with fit instead"
                )
    return callbacks
