"""Between scikit-learn's estimators and ours, fitted ones with their weights."""

from __future__ import annotations

import copy
from typing import Any

from sklearn import neural_network
from sklearn.base import is_classifier
from sklearn.utils.validation import check_is_fitted

_THEIR_ACTIVATIONS = ("identity", "logistic", "tanh", "relu")

# What a fit leaves that both understand; the rest (the optimizer's state) is each one's own.
_STATE = (
    "_label_binarizer",
    "_no_improvement_count",
    "best_loss_",
    "best_validation_score_",
    "classes_",
    "coefs_",
    "feature_names_in_",
    "intercepts_",
    "loss_",
    "loss_curve_",
    "n_features_in_",
    "n_iter_",
    "n_layers_",
    "n_outputs_",
    "out_activation_",
    "t_",
    "validation_scores_",
)


def from_sklearn(fitted: Any, kind: type | None = None) -> Any:
    """Return a picaflor estimator with the parameters and weights of one of scikit-learn.

    Parameters
    ----------
    fitted : sklearn.neural_network.MLPClassifier or MLPRegressor
    kind : type, optional
        The class wanted; by default the one of the same name.

    Returns
    -------
    MLPClassifier or MLPRegressor
        It predicts at once. The optimizer's state stays behind: `partial_fit` begins with a new
        one.

    Raises
    ------
    TypeError
        If it is another estimator.
    sklearn.exceptions.NotFittedError
        If it is not fitted.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.neural_network import MLPClassifier
    >>> from picaflor.sklearn import from_sklearn
    >>> X, y = load_iris(return_X_y=True)
    >>> theirs = MLPClassifier((10,), solver="lbfgs", random_state=0, max_iter=1000).fit(X, y)
    >>> ours = from_sklearn(theirs)
    >>> bool((ours.predict(X) == theirs.predict(X)).all())
    True
    """
    from picaflor.sklearn.classifier import MLPClassifier
    from picaflor.sklearn.regressor import MLPRegressor

    pairs: dict[Any, Any] = {
        MLPClassifier: neural_network.MLPClassifier,
        MLPRegressor: neural_network.MLPRegressor,
    }
    for ours, theirs in pairs.items():
        if isinstance(fitted, theirs) and (kind is None or issubclass(kind, ours)):
            check_is_fitted(fitted)
            result = (kind or ours)(**fitted.get_params(deep=False))
            _copy_state(fitted, result)
            if result.solver != "lbfgs":
                result.validation_curve_ = []
            return result
    wanted = "MLPClassifier or MLPRegressor" if kind is None else kind.__name__
    raise TypeError(f"a {wanted} of sklearn.neural_network is wanted, got {type(fitted).__name__}")


def to_sklearn(estimator: Any) -> Any:
    """Return an estimator of scikit-learn with the parameters and weights of one of ours."""
    check_is_fitted(estimator)
    theirs = (
        neural_network.MLPClassifier if is_classifier(estimator) else neural_network.MLPRegressor
    )
    ours = estimator.get_params(deep=False)
    known = set(theirs().get_params(deep=False))
    shared = {name: value for name, value in ours.items() if name in known}
    # dropout and class_weight act in training only
    own = {
        "batch_norm": False,
        "layer_norm": False,
        "loss": "squared_error",
    }
    odd = [
        name
        for name, default in own.items()
        if name not in shared and ours.get(name, default) != default
    ]
    if ours["activation"] not in _THEIR_ACTIVATIONS:
        odd.append("activation")
    odd += [name for name in ("solver", "learning_rate") if not isinstance(ours[name], str)]
    if odd:
        raise ValueError(f"scikit-learn's {theirs.__name__} has nothing like {', '.join(odd)}")
    shared["hidden_layer_sizes"] = tuple(coef.shape[1] for coef in estimator.coefs_[:-1])
    result = theirs(**shared)
    _copy_state(estimator, result)
    return result


def _copy_state(source: Any, target: Any) -> None:
    for name in _STATE:
        if name in vars(source):
            setattr(target, name, copy.deepcopy(getattr(source, name)))
