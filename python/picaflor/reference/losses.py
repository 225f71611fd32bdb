"""Every loss by its name, and what surrounds it in a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy.typing as npt

from . import classification, regression
from .rectifiers import Array

__all__ = ["CATEGORICAL", "LOSSES", "loss_and_gradient"]

# name -> (function, the parameters it takes beside pred, target, sample_weight and reduction)
LOSSES: dict[str, tuple[Callable[..., Any], tuple[str, ...]]] = {
    "squared_error": (regression.mean_squared_error, ()),
    "absolute_error": (regression.mean_absolute_error, ()),
    "huber": (regression.huber, ("delta",)),
    "log_cosh": (regression.log_cosh, ()),
    "squared_log_error": (regression.mean_squared_logarithmic_error, ()),
    "absolute_percentage_error": (regression.mean_absolute_percentage_error, ()),
    "poisson": (regression.poisson, ()),
    "poisson_log": (regression.poisson_log, ()),
    "cosine_similarity": (regression.cosine_similarity, ()),
    "hinge": (classification.hinge, ()),
    "squared_hinge": (classification.squared_hinge, ()),
    "categorical_hinge": (classification.categorical_hinge, ()),
    "kl_divergence": (classification.kl_divergence, ()),
    "binary_cross_entropy": (classification.binary_cross_entropy, ("label_smoothing",)),
    "binary_cross_entropy_logits": (classification.sigmoid_cross_entropy, ("label_smoothing",)),
    "categorical_cross_entropy": (
        classification.categorical_cross_entropy,
        ("label_smoothing",),
    ),
    "categorical_cross_entropy_logits": (
        classification.softmax_cross_entropy,
        ("label_smoothing",),
    ),
}

# Their targets may be class ids.
CATEGORICAL = frozenset(
    {"categorical_cross_entropy", "categorical_cross_entropy_logits", "categorical_hinge"}
)


def loss_and_gradient(
    config: Mapping[str, Any],
    pred: npt.ArrayLike,
    target: npt.ArrayLike,
    sample_weight: npt.ArrayLike | None = None,
    reduction: str = "mean",
) -> tuple[Any, Array]:
    """Evaluate the loss of a configuration: its kind, its parameters, and a factor on the whole.

    Examples
    --------
    >>> loss_and_gradient({"kind": "squared_error", "factor": 0.5}, [3.0], [1.0])
    (2.0, array([2.]))
    """
    function, names = LOSSES[config["kind"]]
    parameters = {name: config[name] for name in names if name in config}
    loss, dpred = function(pred, target, sample_weight, reduction=reduction, **parameters)
    factor = float(config.get("factor", 1.0))
    return factor * loss, factor * dpred
