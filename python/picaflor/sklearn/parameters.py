"""The parameters of the estimators, checked when a model is fitted, as in scikit-learn."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from numbers import Integral, Real
from typing import Any, NamedTuple

import numpy as np
import sklearn

from picaflor import activations
from picaflor.callbacks import Callback
from picaflor.optimizers import Optimizer
from picaflor.optimizers.schedules import LearningRateSchedule


class InvalidParameterError(ValueError, TypeError):
    """A parameter has a type or value that it cannot have."""


class Constraint(NamedTuple):
    """What a parameter may be: a test, and the words for it."""

    holds: Callable[[Any], bool]
    words: str


def one_of(*options: str) -> Constraint:
    """Allow some strings."""
    listed = ", ".join(repr(option) for option in sorted(options))
    return Constraint(lambda v: isinstance(v, str) and v in options, f"a str among {{{listed}}}")


def whole(low: int) -> Constraint:
    """Allow integers from `low` on."""
    return Constraint(
        lambda v: _is_int(v) and v >= low,
        f"an int in the range [{low}, inf)",
    )


def real(interval: str) -> Constraint:
    """Allow the numbers of an interval, written as in mathematics: "[0.0, 1.0)"."""
    low, high = (float(end) for end in interval[1:-1].split(", "))

    def holds(value: Any) -> bool:
        if not isinstance(value, Real) or _is_bool(value):
            return False
        value = float(value)
        above = value >= low if interval[0] == "[" else value > low
        below = value <= high if interval[-1] == "]" else value < high
        return bool(above and below)

    return Constraint(holds, f"a float in the range {interval}")


def an(kind: type, words: str) -> Constraint:
    """Allow the instances of a class."""
    return Constraint(lambda v: isinstance(v, kind), words)


def _is_bool(value: Any) -> bool:
    return isinstance(value, (bool, np.bool_))


def _is_int(value: Any) -> bool:
    return isinstance(value, Integral) and not _is_bool(value)


def _is_array_like(value: Any) -> bool:
    return hasattr(value, "__len__") and not isinstance(value, (str, bytes))


def _is_activation(value: Any) -> bool:
    if _is_array_like(value):
        return all(_is_activation(item) for item in value)
    if isinstance(value, str):
        return value in _NAMES or _known(value)
    return isinstance(value, activations.Activation)


def _known(name: str) -> bool:
    try:
        activations.get(name)
    except (TypeError, ValueError):
        return False
    return True


def _is_rate(value: Any) -> bool:
    if _is_array_like(value):
        return all(_is_rate(item) for item in value)
    return _RATE.holds(value)


_NAMES = ("identity", "logistic", "tanh", "relu")
_RATE = real("[0.0, 1.0)")
NONE = Constraint(lambda v: v is None, "None")
BOOLEAN = Constraint(_is_bool, "an instance of 'bool' or an instance of 'numpy.bool'")

SHARED: Mapping[str, tuple[Constraint, ...]] = {
    "hidden_layer_sizes": (Constraint(_is_array_like, "an array-like"), whole(1)),
    "activation": (
        Constraint(
            _is_activation,
            "a str among {'identity', 'logistic', 'relu', 'tanh'}, another name of "
            "picaflor.activations, one of its objects or a list of these",
        ),
    ),
    "solver": (
        one_of("adam", "lbfgs", "sgd"),
        an(Optimizer, "an instance of 'picaflor.optimizers.Optimizer'"),
    ),
    "alpha": (real("[0.0, inf)"),),
    "batch_size": (one_of("auto"), whole(1)),
    "learning_rate": (
        one_of("adaptive", "constant", "invscaling"),
        an(LearningRateSchedule, "an instance of 'LearningRateSchedule'"),
    ),
    "learning_rate_init": (real("(0.0, inf)"),),
    "power_t": (real("[0.0, inf)"),),
    "max_iter": (whole(1),),
    "shuffle": (BOOLEAN,),
    "random_state": (
        Constraint(
            lambda v: _is_int(v) and 0 <= v < 2**32,
            "an int in the range [0, 4294967295]",
        ),
        an(np.random.RandomState, "an instance of 'numpy.random.mtrand.RandomState'"),
        NONE,
    ),
    "tol": (real("[0.0, inf)"),),
    "verbose": (
        Constraint(lambda v: _is_int(v) and v >= 0, "an int in the range [0, inf)"),
        BOOLEAN,
    ),
    "warm_start": (BOOLEAN,),
    "momentum": (real("[0.0, 1.0]"),),
    "nesterovs_momentum": (BOOLEAN,),
    "early_stopping": (BOOLEAN,),
    "validation_fraction": (real("[0.0, 1.0)"),),
    "beta_1": (real("[0.0, 1.0)"),),
    "beta_2": (real("[0.0, 1.0)"),),
    "epsilon": (real("(0.0, inf)"),),
    "n_iter_no_change": (
        whole(1),
        Constraint(lambda v: isinstance(v, float) and v == math.inf, "a float among {inf}"),
    ),
    "max_fun": (whole(1),),
    # ---- picaflor's own
    "dropout": (Constraint(_is_rate, "a float in the range [0.0, 1.0) or a list of these"),),
    "batch_norm": (BOOLEAN,),
    "layer_norm": (BOOLEAN,),
    "n_layers": (whole(0), NONE),
    "width": (whole(1), NONE),
    "validation_scoring": (an(str, "a str"), Constraint(callable, "a callable"), NONE),
    "callbacks": (
        an(Callback, "an instance of 'picaflor.callbacks.Callback'"),
        Constraint(
            lambda v: _is_array_like(v) and all(isinstance(c, Callback) for c in v),
            "a list of these",
        ),
        NONE,
    ),
    "max_time": (real("(0.0, inf)"), NONE),
    "n_threads": (whole(1), NONE),
    "dtype": (one_of("float32", "float64"), NONE),
}
REGRESSOR = {**SHARED, "loss": (one_of("poisson", "squared_error"),)}
CLASSIFIER = {
    **SHARED,
    "class_weight": (
        one_of("balanced"),
        an(dict, "an instance of 'dict'"),
        an(list, "an instance of 'list'"),
        NONE,
    ),
}


def check_parameters(estimator: Any, constraints: Mapping[str, tuple[Constraint, ...]]) -> None:
    """Raise an InvalidParameterError for the first parameter that cannot be what it is."""
    if sklearn.get_config().get("skip_parameter_validation", False):
        return
    for name, allowed in constraints.items():
        value = getattr(estimator, name)
        if any(constraint.holds(value) for constraint in allowed):
            continue
        *first, last = (constraint.words for constraint in allowed)
        words = f"{', '.join(first)} or {last}" if first else last
        raise InvalidParameterError(
            f"The {name!r} parameter of {type(estimator).__name__} must be {words}. "
            f"Got {value!r} instead."
        )
