"""What classifier and regressor share: one fit, its state, and the forward pass."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Mapping
from contextlib import AbstractContextManager
from itertools import chain, pairwise
from typing import Any, ClassVar

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.metrics import check_scoring
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from picaflor import Sequential, use_threads
from picaflor.sklearn.compatibility import validate_data
from picaflor.sklearn.inputs import Array, checked_weights, has_simple_samples, in_rows
from picaflor.sklearn.lbfgs import fit_lbfgs
from picaflor.sklearn.network import (
    build,
    copy_optimizer_state,
    forward,
    hidden_sizes,
    normalizes,
    put_weights,
    signature,
    take_weights,
)
from picaflor.sklearn.objective import Objective
from picaflor.sklearn.parameters import Constraint, check_parameters
from picaflor.sklearn.stochastic import Epochs, Rows, make_optimizer, split


class BaseMLP(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Fitting and predicting, without what only one of the two estimators has.

    The weights of a fitted estimator are `coefs_` and `intercepts_`, plain arrays that may be
    edited or replaced: prediction and further training start from what they hold. The model that
    the engine trains is kept beside them, for the state of its optimizer.
    """

    _constraints: ClassVar[Mapping[str, tuple[Constraint, ...]]]
    _model: Sequential | None
    _signature: tuple[Any, ...]

    # -------------------------------------------------------- what the two estimators fill in

    def _validate_input(self, X: Any, y: Any, incremental: bool, reset: bool) -> Any:
        """Return samples, and targets as (n,) or (n, columns)."""
        raise AssertionError  # both have their own

    def _encode(self, y: Any) -> Array:
        """Return validation targets as (n, columns)."""
        raise AssertionError

    def _decode(self, y: Array) -> Array:
        """Return targets (n, columns) as the user gave them."""
        raise AssertionError

    def _output_kind(self) -> str:
        raise AssertionError

    def _class_weights(self, y: Any, weights: Array | None, incremental: bool) -> Array | None:
        return weights

    # -------------------------------------------------------------------------------- training

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        validation_data: Any = None,
        *,
        incremental: bool,
    ) -> Any:
        check_parameters(self, self._constraints)
        sizes = hidden_sizes(self)
        first = not hasattr(self, "coefs_") or not (self.warm_start or incremental)
        labels = y
        X, y = self._validate_input(X, y, incremental, reset=first)
        if self.dtype is not None:
            X = X.astype(self.dtype, copy=False)
        weights = None if sample_weight is None else checked_weights(sample_weight, X.shape[0])
        weights = self._class_weights(labels, weights, incremental)
        if y.ndim == 1:
            y = y.reshape((-1, 1))
        self.n_outputs_ = y.shape[1]
        self._random_state = check_random_state(self.random_state)
        if first:
            self._initialize([X.shape[1], *sizes, self.n_outputs_], X.dtype)
        self._check_shapes(X.shape[1])
        held_out = self._checked_validation(validation_data)
        with self._threads():
            if isinstance(self.solver, str) and self.solver == "lbfgs":
                if held_out is not None:
                    raise ValueError("validation_data needs a stochastic solver, got 'lbfgs'")
                self._fit_whole(X, y, weights)
            else:
                self._fit_stochastic(Rows(X, y, weights), held_out, incremental)
        if not all(np.isfinite(w).all() for w in chain(self.coefs_, self.intercepts_)):
            raise ValueError(
                "Solver produced non-finite parameter weights. The input data may"
                " contain large values and need to be preprocessed."
            )
        return self

    def _initialize(self, units: list[int], dtype: Any) -> None:
        """Draw the first weights and begin the books."""
        self.n_iter_ = 0
        self.t_ = 0
        self.n_layers_ = len(units)
        self.out_activation_ = self._output_kind()
        factor = 2.0 if self.activation == "logistic" else 6.0
        self.coefs_, self.intercepts_ = [], []
        for fan_in, fan_out in pairwise(units):
            bound = np.sqrt(factor / (fan_in + fan_out))
            coef = self._random_state.uniform(-bound, bound, (fan_in, fan_out))
            intercept = self._random_state.uniform(-bound, bound, fan_out)
            self.coefs_.append(coef.astype(dtype, copy=False))
            self.intercepts_.append(intercept.astype(dtype, copy=False))
        self._model = None
        if self.solver == "lbfgs":
            return
        self.loss_curve_: list[float] = []
        self._no_improvement_count = 0
        self.validation_curve_: list[float] = []
        if self.early_stopping:
            self.validation_scores_: list[float] | None = []
            self.best_validation_score_: float | None = -np.inf
            self.best_loss_: float | None = None
        else:
            self.best_loss_ = np.inf
            self.validation_scores_ = None
            self.best_validation_score_ = None

    def _fit_whole(self, X: Any, y: Array, weights: Array | None) -> None:
        for name in ("dropout", "batch_norm"):
            if np.any(getattr(self, name)):
                raise ValueError(f"{name} needs a stochastic solver, got 'lbfgs'")
        if self.callbacks or self.max_time is not None:
            raise ValueError("callbacks and max_time need a stochastic solver, got 'lbfgs'")
        if self.layer_norm:
            raise ValueError("layer_norm needs a stochastic solver, got 'lbfgs'")
        self.coefs_ = [np.asarray(coef, dtype=np.float64) for coef in self.coefs_]
        self.intercepts_ = [np.asarray(b, dtype=np.float64) for b in self.intercepts_]
        model = self._ready_model(fresh=True)
        objective = self._objective(X.dtype)  # what SciPy casts the weights to, there
        model.compile("sgd", objective.loss())
        fit_lbfgs(self, model, objective, X, y, weights)
        self.coefs_, self.intercepts_ = take_weights(model)

    def _fit_stochastic(self, rows: Rows, held_out: Rows | None, incremental: bool) -> None:
        if incremental and self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")
        before = getattr(self, "_model", None) if incremental else None
        model = self._ready_model(fresh=not incremental)
        objective = self._objective(model.dtype)
        if not incremental or not hasattr(self, "_optimizer"):
            self._optimizer = make_optimizer(self)
            before = None
        if not model.compiled or model.optimizer is not self._optimizer:
            if before is not None and before.compiled and before.optimizer is self._optimizer:
                self._optimizer = copy.deepcopy(self._optimizer)  # an optimizer has one model
            else:
                before = None
            model.compile(self._optimizer, objective.loss(), weighted_metrics=objective.metrics)
            if before is not None:
                copy_optimizer_state(before, model, rows.x[:1], objective.targets(rows.y[:1]))
        if self.early_stopping:
            if held_out is None:
                rows, held_out = split(self, rows, self._random_state)
            if not hasattr(self, "_best_weights") or self.best_validation_score_ == -np.inf:
                self._best_weights = model.get_weights()
        try:
            Epochs(self, model, objective, rows, held_out).run(incremental)
        finally:
            self.coefs_, self.intercepts_ = take_weights(model)

    def _ready_model(self, fresh: bool) -> Sequential:
        """Return a model with the estimator's weights: the one of the last call where it fits."""
        dtype = np.result_type(*self.coefs_)
        if dtype != np.float32:
            dtype = np.dtype(np.float64)
        wanted = signature(self, dtype)
        model = getattr(self, "_model", None)
        if model is None or self._signature != wanted or (fresh and not normalizes(self)):
            seed = self._random_state.randint(2**31) if np.any(self.dropout) else 0
            model = build(self, dtype, int(seed))
            self._model, self._signature = model, wanted
        put_weights(model, self.coefs_, self.intercepts_)
        return model

    def _objective(self, dtype: Any) -> Objective:
        return Objective(self.out_activation_, self.coefs_[-1].shape[1], dtype)

    def _check_shapes(self, features: int) -> None:
        """Check weights that the user, or an earlier fit on other data, has left."""
        widths = [features, *(coef.shape[1] for coef in self.coefs_)]
        for coef, d in zip(self.coefs_, widths[:-1], strict=True):
            if coef.shape[0] != d:
                raise ValueError(f"coefs_ must begin with {d} rows here, got shape {coef.shape}")
        if widths[-1] != self.n_outputs_:
            raise ValueError(f"y must have {widths[-1]} outputs, got {self.n_outputs_}")

    def _checked_validation(self, validation_data: Any) -> Rows | None:
        if validation_data is None:
            return None
        if not isinstance(validation_data, (tuple, list)) or len(validation_data) not in (2, 3):
            raise ValueError(
                "validation_data must be a tuple (X, y) or (X, y, sample_weight), got "
                f"{type(validation_data).__name__}"
            )
        X, y, *weight = validation_data
        X = self._checked_samples(X)
        y = self._encode(y)
        if len(y) != X.shape[0]:
            raise ValueError(f"validation_data has {X.shape[0]} samples and {len(y)} targets")
        given = weight[0] if weight else None
        return Rows(X, y, None if given is None else checked_weights(given, len(y)))

    def _score_with_scorer(self, model: Sequential, rows: Rows) -> float:
        """Return what `validation_scoring` says of a model in training."""
        other = copy.copy(self)
        other.__dict__.pop("feature_names_in_", None)  # the held-out rows have none
        other.coefs_, other.intercepts_ = take_weights(model)
        scorer = check_scoring(other, scoring=self.validation_scoring)
        options = {} if rows.weights is None else {"sample_weight": rows.weights}
        return float(scorer(other, rows.x, self._decode(rows.y), **options))

    def _threads(self) -> AbstractContextManager[None]:
        return contextlib.nullcontext() if self.n_threads is None else use_threads(self.n_threads)

    # ------------------------------------------------------------------------------ prediction

    @property
    def model_(self) -> Sequential:
        """The network as a `Sequential`, with the weights in `coefs_` and `intercepts_`."""
        check_is_fitted(self, "coefs_")
        dtype = np.float32 if self.coefs_[0].dtype == np.float32 else np.float64
        model = getattr(self, "_model", None)
        if model is None or self._signature != signature(self, dtype):
            model = build(self, dtype, 0)
        put_weights(model, self.coefs_, self.intercepts_)
        return model

    def _checked_samples(self, X: Any) -> Any:
        if has_simple_samples(self, X):
            return X
        return validate_data(self, X, accept_sparse=["csr", "csc"], reset=False)

    def _outputs(self, X: Any) -> Array:
        """Return the outputs of a fitted network, shape (n, columns)."""
        if "coefs_" not in self.__dict__:
            check_is_fitted(self)
        X = self._checked_samples(X)
        if sparse.issparse(X):
            X = X.tocsr()
        if self.n_threads is None:
            return self._forward(X)
        with use_threads(self.n_threads):
            return self._forward(X)

    def _forward(self, X: Any) -> Array:
        return self._outputs_of(self.model_, X) if normalizes(self) else forward(self, X)

    def _outputs_of(self, model: Sequential, X: Any) -> Array:
        """Return the outputs of a model, shape (n, columns)."""
        if sparse.issparse(X):
            return np.concatenate(
                [model.predict(piece) for piece in in_rows(X.tocsr(), X.shape[1])]
            )
        output: Array = model.predict(X)
        return output

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "coefs_")

    # ------------------------------------------------------------------------------- the rest

    def _check_solver(self) -> bool:
        if isinstance(self.solver, str) and self.solver not in ("sgd", "adam"):
            raise AttributeError(
                "partial_fit is only available for stochastic optimizers. "
                f"{self.solver} is not stochastic."
            )
        return True

    def to_sklearn(self) -> Any:
        """Return a fitted estimator of ``sklearn.neural_network`` with the same weights.

        Raises
        ------
        ValueError
            If this one has something that scikit-learn's has not.
        """
        from picaflor.sklearn.convert import to_sklearn

        return to_sklearn(self)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
