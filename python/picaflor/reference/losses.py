"""Every loss by its name, and what surrounds it in a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from . import classification, regression
from .rectifiers import Array, as_float
from .regression import reduce_rows

if TYPE_CHECKING:
    import numpy.typing as npt

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

# A row's value is not the mean of one value per element.
WHOLE_ROWS = CATEGORICAL | {"kl_divergence", "cosine_similarity"}


def loss_and_gradient(
    config: Mapping[str, Any],
    pred: npt.ArrayLike,
    target: npt.ArrayLike,
    sample_weight: npt.ArrayLike | None = None,
    reduction: str = "mean",
) -> tuple[Any, Array]:
    """Evaluate the loss of a configuration: its kind, its parameters, and a factor on the whole.

    A ``ceiling`` cuts off what is added up over rows or columns, before the factor; the gradient
    is that of the loss without it.

    Examples
    --------
    >>> loss_and_gradient({"kind": "squared_error", "factor": 0.5}, [3.0], [1.0])
    (2.0, array([2.]))
    """
    function, names = LOSSES[config["kind"]]
    parameters = {name: config[name] for name in names if name in config}
    loss, dpred = function(pred, target, sample_weight, reduction=reduction, **parameters)
    ceiling = config.get("ceiling", np.inf)
    if ceiling < np.inf:
        of_rows = partial(function, reduction="none", **parameters)
        each = _values(config["kind"], of_rows, as_float(pred), np.asarray(target))
        cut = np.minimum(each, ceiling).mean(axis=1)
        loss, _ = reduce_rows(cut, np.zeros((len(cut), 1)), (-1,), sample_weight, reduction)
    factor = float(config.get("factor", 1.0))
    return factor * loss, factor * dpred


def _values(kind: str, of_rows: Callable[..., Any], pred: Array, target: Array) -> Array:
    """Return what a loss adds up: (n, 1) of whole rows, or (n, c) where a row is a mean."""
    if kind in WHOLE_ROWS or pred.ndim == 1:
        return np.asarray(of_rows(pred, target)[0])[:, None]
    target = target.reshape(pred.shape)
    columns = [of_rows(pred[:, j], target[:, j])[0] for j in range(pred.shape[1])]
    return np.stack(columns, axis=1)
