"""The classifier."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import column_or_1d
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import type_of_target, unique_labels

from picaflor.sklearn.base import BaseMLP
from picaflor.sklearn.inputs import Array, validated
from picaflor.sklearn.labels import fitted_binarizer, known_labels
from picaflor.sklearn.parameters import CLASSIFIER


class MLPClassifier(ClassifierMixin, BaseMLP):  # type: ignore[misc]  # no types
    """A multilayer perceptron for classes, in place of scikit-learn's.

    Parameters
    ----------
    hidden_layer_sizes : array-like of int or int, default (100,)
        Units of each hidden layer.
    activation : {"identity", "logistic", "tanh", "relu"}, default "relu"
        Activation of the hidden layers. Also: any name or object of `picaflor.activations`, or a
        list with one for each hidden layer.
    solver : {"lbfgs", "sgd", "adam"}, default "adam"
        Also: an optimizer of `picaflor.optimizers`; every `fit` starts from a copy of it, and
        `learning_rate_init` and what follows from it belong to that optimizer then.
    alpha : float, default 0.0001
        Strength of the L2 penalty, which is divided by the number of samples.
    batch_size : int or "auto", default "auto"
        Rows of a minibatch; "auto" is min(200, n).
    learning_rate : {"constant", "invscaling", "adaptive"}, default "constant"
        Only for "sgd". Also: a schedule of `picaflor.optimizers.schedules`, for "sgd" and "adam".
    learning_rate_init : float, default 0.001
        Step size of "sgd" and "adam".
    power_t : float, default 0.5
        Exponent of "invscaling": the rate is ``learning_rate_init / (t_ + 1) ** power_t``.
    max_iter : int, default 200
        Most epochs, or iterations of "lbfgs".
    shuffle : bool, default True
        Take the samples in a new order in each epoch.
    random_state : int, RandomState or None, default None
        For weights, the split of `early_stopping` and the order of the samples.
    tol : float, default 1e-4
        An epoch that does not improve loss or score by this much is stale.
    verbose : bool or int, default False
        Print the loss of each epoch.
    warm_start : bool, default False
        `fit` starts from the weights of the last one.
    momentum, nesterovs_momentum : float, default 0.9; bool, default True
        Of "sgd".
    early_stopping : bool, default False
        Hold out a part of the samples, and stop when the score on it does not improve.
    validation_fraction : float, default 0.1
        The part that is held out.
    beta_1, beta_2, epsilon : float, default 0.9, 0.999 and 1e-8
        Of "adam".
    n_iter_no_change : int, default 10
        Training stops after more stale epochs than this.
    max_fun : int, default 15000
        Most evaluations of the loss by "lbfgs".
    class_weight : "balanced", dict or list of dict, optional
        Weights of the classes, as elsewhere in scikit-learn; they multiply `sample_weight`.
    dropout : float or list of float, default 0.0
        Share of the units of each hidden layer that are left out in training; not in "lbfgs".
    batch_norm, layer_norm : bool, default False
        Normalize each hidden layer before its activation; not in "lbfgs".
    n_layers, width : int, optional
        Another way to say `hidden_layer_sizes`, which is easier to search: `n_layers` (default 1)
        hidden layers of `width` (default 100) units. If either is given, it is used.
    validation_scoring : str or callable, optional
        Any scorer of scikit-learn for `early_stopping`; larger is better. Default: accuracy.
    callbacks : list of Callback, optional
        Of `picaflor.callbacks`. Their hooks for epochs are called, with ``loss`` and, where rows
        are held out, ``val_loss`` and ``val_score``; hooks for batches are refused.
    max_time : float, optional
        Seconds; no epoch begins after them.
    n_threads : int, optional
        Threads for this estimator; default: as `picaflor.set_num_threads` says.
    dtype : {"float32", "float64"}, optional
        Type to train in; default: float32 for float32 samples, else float64.

    Attributes
    ----------
    coefs_, intercepts_ : list of ndarray
        Weights (fan_in, fan_out) and biases (fan_out,) of each layer. They may be edited.
    loss_, loss_curve_, best_loss_ : float, list of float, float or None
        The training loss: last, of each epoch, and smallest.
    validation_scores_, best_validation_score_ : list of float and float, or None
        Scores of each epoch with `early_stopping`, and the best.
    validation_curve_ : list of float
        Loss of each epoch, without penalty, on the rows held out; empty if there are none.
    n_iter_, t_ : int
        Epochs of the last fit, and samples seen in all of them.
    n_layers_, n_outputs_, out_activation_ : int, int, str
    n_features_in_, feature_names_in_ : int, ndarray of str
    classes_ : ndarray
        Class labels.
    model_ : Sequential
        The network, for everything that a `Sequential` can do.

    Notes
    -----
    In float64 the weights, losses and numbers of epochs are those of scikit-learn up to rounding.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from picaflor.sklearn import MLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = MLPClassifier((10,), solver="lbfgs", random_state=0, max_iter=1000).fit(X, y)
    >>> clf.predict(X[[0, 60, 120]])
    array([0, 1, 2])
    >>> clf.model_.count_params()
    83
    """

    _constraints = CLASSIFIER
    loss = "log_loss"  # in scikit-learn an attribute too

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: Any = "adam",
        alpha: Any = 0.0001,
        batch_size: Any = "auto",
        learning_rate: Any = "constant",
        learning_rate_init: Any = 0.001,
        power_t: Any = 0.5,
        max_iter: Any = 200,
        shuffle: Any = True,
        random_state: Any = None,
        tol: Any = 1e-4,
        verbose: Any = False,
        warm_start: Any = False,
        momentum: Any = 0.9,
        nesterovs_momentum: Any = True,
        early_stopping: Any = False,
        validation_fraction: Any = 0.1,
        beta_1: Any = 0.9,
        beta_2: Any = 0.999,
        epsilon: Any = 1e-8,
        n_iter_no_change: Any = 10,
        max_fun: Any = 15000,
        class_weight: Any = None,
        dropout: Any = 0.0,
        batch_norm: Any = False,
        layer_norm: Any = False,
        n_layers: Any = None,
        width: Any = None,
        validation_scoring: Any = None,
        callbacks: Any = None,
        max_time: Any = None,
        n_threads: Any = None,
        dtype: Any = None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.class_weight = class_weight
        self.dropout = dropout
        self.batch_norm = batch_norm
        self.layer_norm = layer_norm
        self.n_layers = n_layers
        self.width = width
        self.validation_scoring = validation_scoring
        self.callbacks = callbacks
        self.max_time = max_time
        self.n_threads = n_threads
        self.dtype = dtype

    # -------------------------------------------------------------------------------- training

    def fit(self, X: Any, y: Any, sample_weight: Any = None, validation_data: Any = None) -> Any:
        """Train on samples and their classes.

        Parameters
        ----------
        X : array_like or sparse matrix, shape (n, d)
        y : array_like, shape (n,), or indicator matrix (n, labels) for several labels each
        sample_weight : array_like, shape (n,), optional
        validation_data : tuple (X, y) or (X, y, sample_weight), optional
            Rows to look at after each epoch: for `validation_curve_`, and for `early_stopping`
            in place of a part of `X`. Its labels must be among those of `y`.

        Returns
        -------
        MLPClassifier
            The estimator itself.

        Raises
        ------
        ValueError
            If a parameter or the data cannot be used, or weights become infinite or NaN.

        Warns
        -----
        ConvergenceWarning
            If `max_iter` is reached.
        """
        return self._fit(X, y, sample_weight, validation_data, incremental=False)

    @available_if(lambda estimator: estimator._check_solver())  # type: ignore[untyped-decorator]
    def partial_fit(
        self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None
    ) -> MLPClassifier:
        """Train for one epoch on these samples.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`.
        classes : array_like, shape (classes,)
            All classes there will be; needed in the first call.

        Returns
        -------
        MLPClassifier
            The estimator itself.
        """
        if self._is_first_call(classes):
            several = type_of_target(y).startswith("multilabel")
            self._label_binarizer = LabelBinarizer().fit(y if several else classes)
        self._fit(X, y, sample_weight, incremental=True)
        return self

    def _is_first_call(self, classes: Any) -> bool:
        """Tell whether classes are met for the first time, and keep them then."""
        known = getattr(self, "classes_", None)
        if classes is None:
            if known is None:
                raise ValueError("classes must be passed on the first call to partial_fit.")
            return False
        if known is None:
            self.classes_ = unique_labels(classes)
            return True
        if not np.array_equal(known, unique_labels(classes)):
            raise ValueError(
                f"`classes={classes!r}` is not the same as on last call to partial_fit, "
                f"was: {known!r}"
            )
        return False

    def _validate_input(self, X: Any, y: Any, incremental: bool, reset: bool) -> Any:
        X, y = validated(self, X, y, "biuU", reset)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if not hasattr(self, "classes_") or not (self.warm_start or incremental):
            self._label_binarizer = fitted_binarizer(y)
            self.classes_ = self._label_binarizer.classes_
        else:
            classes = unique_labels(y)
            if self.warm_start and set(classes) != set(self.classes_):
                raise ValueError(
                    "warm_start can only be used where `y` has the same classes as in the "
                    f"previous call to fit. Previously got {self.classes_}, `y` has {classes}"
                )
            if not self.warm_start and len(np.setdiff1d(classes, self.classes_)):
                raise ValueError(
                    "`y` has classes not in `self.classes_`. "
                    f"`self.classes_` has {self.classes_}. 'y' has {classes}."
                )
        return X, self._indicators(y)

    def _indicators(self, y: Any) -> Array:
        """Return labels that were checked as the binarizer does, (n, columns) of bool."""
        binarizer, classes = self._label_binarizer, self.classes_
        if y.ndim == 1 and len(classes) > 1 and binarizer.y_type_ in ("binary", "multiclass"):
            # the binarizer checks them all again, which takes as long as an epoch on 1000 samples
            ids = np.searchsorted(classes, y)[:, None]
            columns = 1 if binarizer.y_type_ == "binary" else np.arange(len(classes))
            simple: Array = np.equal(ids, columns)
            return simple
        encoded: Array = binarizer.transform(y).astype(bool)
        return encoded

    def _encode(self, y: Any) -> Array:
        labels = known_labels(y, self._label_binarizer, self.classes_, "y of validation_data")
        encoded = self._indicators(labels)
        return encoded.reshape((len(encoded), -1))

    def _decode(self, y: Array) -> Array:
        labels: Array = self._label_binarizer.inverse_transform(y)
        return labels

    def _output_kind(self) -> str:
        return "softmax" if self._label_binarizer.y_type_ == "multiclass" else "logistic"

    def _class_weights(self, y: Any, weights: Array | None, incremental: bool) -> Array | None:
        if self.class_weight is None:
            return weights
        if incremental and self.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' needs all classes at once: for partial_fit give a dict "
                "of weights, which sklearn.utils.class_weight.compute_class_weight computes"
            )
        of_class: Array = compute_sample_weight(self.class_weight, y)
        return of_class if weights is None else of_class * weights

    def _score_of_outputs(self, y: Array, output: Array, weights: Array | None) -> float:
        """Return the accuracy of outputs for targets (n, columns)."""
        if output.shape[1] == 1 and len(self.classes_) < 2:
            right = np.ones(len(y), dtype=bool)
        elif self.out_activation_ == "softmax":
            right = output.argmax(axis=1) == y.argmax(axis=1)
        else:
            right = ((output > 0.5) == y).all(axis=1)
        return float(np.average(right, weights=weights))

    # ------------------------------------------------------------------------------ prediction

    def predict(self, X: Any) -> Array:
        """Return the most probable class of each sample.

        Parameters
        ----------
        X : array_like or sparse matrix, shape (n, d)

        Returns
        -------
        ndarray, shape (n,), or (n, labels) of 0 and 1
        """
        y = self._outputs(X)
        binarizer = self._label_binarizer
        labels: Array
        if binarizer.y_type_ == "multiclass":
            labels = binarizer.classes_.take(y.argmax(axis=1), mode="clip")
        elif binarizer.y_type_ == "binary" and len(binarizer.classes_) == 2:
            labels = binarizer.classes_[(y.ravel() > 0.5).astype(np.intp)]
        else:
            labels = binarizer.inverse_transform(y.ravel() if self.n_outputs_ == 1 else y)
        return labels

    def predict_proba(self, X: Any) -> Array:
        """Return the probability of each class.

        Parameters
        ----------
        X : array_like or sparse matrix, shape (n, d)

        Returns
        -------
        ndarray, shape (n, classes)
            In the order of `classes_`. For several labels each, that of each label.
        """
        y = self._outputs(X)
        return np.hstack([1 - y, y]) if y.shape[1] == 1 else y

    def predict_log_proba(self, X: Any) -> Array:
        """Return the logarithm of `predict_proba`, of that shape."""
        y = self.predict_proba(X)
        return np.log(y, out=y)

    @classmethod
    def from_sklearn(cls, fitted: Any) -> MLPClassifier:
        """Return an estimator with parameters and weights of a ``sklearn`` MLPClassifier."""
        from picaflor.sklearn.convert import from_sklearn

        return from_sklearn(fitted, cls)  # type: ignore[no-any-return]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    def _more_tags(self) -> dict[str, bool]:  # scikit-learn < 1.6
        return {"multilabel": True}
