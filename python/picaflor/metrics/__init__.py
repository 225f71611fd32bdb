"""Metrics by Keras's names: classes, strings, configs.

>>> get("mae")([[0.0, 1.0]], [[2.0, 1.0]])
1.0
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from picaflor import losses
from picaflor._checks import unknown_name
from picaflor._resolve import resolve as _resolve
from picaflor._resolve import serialize as _serialize
from picaflor.losses import kind_of_target

from . import base, classification, confusion, engine, from_losses, regression
from .base import Mean, MeanMetricWrapper, Metric, Sum
from .classification import (
    F1Score,
    FBetaScore,
    SparseTopKCategoricalAccuracy,
    TopKCategoricalAccuracy,
)
from .confusion import (
    AUC,
    FalseNegatives,
    FalsePositives,
    Precision,
    Recall,
    TrueNegatives,
    TruePositives,
)
from .engine import (
    Accuracy,
    BinaryAccuracy,
    CategoricalAccuracy,
    MeanAbsoluteError,
    MeanSquaredError,
    SparseCategoricalAccuracy,
)
from .from_losses import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    CategoricalHinge,
    Hinge,
    KLDivergence,
    LogCoshError,
    LossMetric,
    MeanAbsolutePercentageError,
    MeanSquaredLogarithmicError,
    Poisson,
    SparseCategoricalCrossentropy,
    SquaredHinge,
)
from .regression import CosineSimilarity, R2Score, RootMeanSquaredError

__all__ = [
    "AUC",
    "Accuracy",
    "BinaryAccuracy",
    "BinaryCrossentropy",
    "CategoricalAccuracy",
    "CategoricalCrossentropy",
    "CategoricalHinge",
    "CosineSimilarity",
    "F1Score",
    "FBetaScore",
    "FalseNegatives",
    "FalsePositives",
    "Hinge",
    "KLDivergence",
    "LogCoshError",
    "LossMetric",
    "Mean",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanMetricWrapper",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Metric",
    "Poisson",
    "Precision",
    "R2Score",
    "Recall",
    "RootMeanSquaredError",
    "SparseCategoricalAccuracy",
    "SparseCategoricalCrossentropy",
    "SparseTopKCategoricalAccuracy",
    "SquaredHinge",
    "Sum",
    "TopKCategoricalAccuracy",
    "TrueNegatives",
    "TruePositives",
    "deserialize",
    "get",
    "resolve",
    "serialize",
]

_CLASSES: tuple[type, ...] = tuple(
    vars(module)[name]
    for module in (base, classification, confusion, engine, from_losses, regression)
    for name in module.__all__
    if name in __all__ and name != "Metric"
)

_TABLE: dict[str, type] = {
    **{cls.__name__: cls for cls in _CLASSES},
    **{base.snake_case(cls.__name__): cls for cls in _CLASSES},
    "BCE": BinaryCrossentropy,
    "KLD": KLDivergence,
    "MAE": MeanAbsoluteError,
    "MAPE": MeanAbsolutePercentageError,
    "MSE": MeanSquaredError,
    "MSLE": MeanSquaredLogarithmicError,
    "RMSE": RootMeanSquaredError,
    "bce": BinaryCrossentropy,
    "kld": KLDivergence,
    "logcosh": LogCoshError,
    "mae": MeanAbsoluteError,
    "mape": MeanAbsolutePercentageError,
    "mse": MeanSquaredError,
    "msle": MeanSquaredLogarithmicError,
    "r2_score": R2Score,
    "rmse": RootMeanSquaredError,
}


def get(identifier: Any) -> Metric:
    """Return the metric that a name, a config, a class, a loss or a function stands for.

    Parameters
    ----------
    identifier : str, dict, type, Metric, Loss or callable
        A class name, the same in snake case or an alias (``"mse"``, ``"mae"``, ``"rmse"``,
        ``"mape"``, ``"msle"``, ``"bce"``, ``"kld"``); ``{"class_name": ..., "config": ...}``; a
        class; a metric, which is returned; a loss, whose weighted mean is taken; or a function
        ``fn(y_true, y_pred)`` with a value per row.

    Raises
    ------
    ValueError
        If the name is not known; the message gives the nearest known one.
    TypeError
        If it is none of these.

    Examples
    --------
    >>> get("binary_acuracy")
    Traceback (most recent call last):
      ...
    ValueError: Unknown metric: 'binary_acuracy'. Did you mean 'binary_accuracy'?
    """
    if isinstance(identifier, str) and identifier in ("mean_metric_wrapper", "MeanMetricWrapper"):
        raise unknown_name("metric", identifier, _TABLE)
    metric = _resolve("metric", identifier, _TABLE)
    if isinstance(metric, losses.Loss):
        return LossMetric(metric)
    if isinstance(metric, Metric):
        return metric
    if callable(metric):
        return MeanMetricWrapper(metric)
    raise TypeError(f"a metric must be a name, a config, a Metric or a function, got {metric!r}")


def resolve(
    identifier: Any,
    output_shape: Sequence[int | None],
    target_shape: Sequence[int | None],
    loss: losses.Loss | None = None,
) -> Metric:
    """Return the metric for outputs and targets of these shapes, named as the user named it.

    ``"accuracy"`` and ``"acc"`` become, as in Keras: `BinaryAccuracy` where the output has one
    column (threshold 0.5, on logits too), `SparseCategoricalAccuracy` where the target has fewer
    axes than the output or one column, `CategoricalAccuracy` otherwise. ``"crossentropy"`` and
    ``"ce"`` become the cross-entropy of the same three kinds, from logits where the loss is.
    Everything else is `get`'s.

    Parameters
    ----------
    identifier : str, dict, type, Metric, Loss or callable
    output_shape, target_shape : sequence of int or None
        With the axis of the rows, whose length may be None.
    loss : Loss, optional
        The loss of the model.

    Returns
    -------
    Metric
        Its name is the string, if one was given.

    Examples
    --------
    >>> resolve("acc", (None, 10), (None,))
    SparseCategoricalAccuracy(name='acc')
    >>> resolve("accuracy", (None, 1), (None,))
    BinaryAccuracy(name='accuracy', threshold=0.5)
    """
    wanted = identifier.lower() if isinstance(identifier, str) else ""
    kind = kind_of_target(output_shape, target_shape)
    metric: Metric
    if wanted in ("accuracy", "acc"):
        metric = {
            "binary": BinaryAccuracy,
            "sparse": SparseCategoricalAccuracy,
            "categorical": CategoricalAccuracy,
        }[kind]()
    elif wanted in ("crossentropy", "ce"):
        from_logits = bool(getattr(loss, "from_logits", False))
        metric = {
            "binary": BinaryCrossentropy,
            "sparse": SparseCategoricalCrossentropy,
            "categorical": CategoricalCrossentropy,
        }[kind](from_logits=from_logits)
    else:
        metric = get(identifier)
    if wanted:
        metric.name = identifier
    return metric


def serialize(metric: Metric) -> dict[str, Any] | None:
    """Return ``{"class_name": ..., "config": ...}``, which `deserialize` and `get` read.

    Examples
    --------
    >>> serialize(BinaryAccuracy(threshold=0.7))["config"]
    {'name': 'binary_accuracy', 'threshold': 0.7}
    """
    return _serialize("metric", metric)


def deserialize(config: Mapping[str, Any] | str) -> Metric:
    """Return the metric that `serialize` described.

    Examples
    --------
    >>> deserialize({"class_name": "Precision", "config": {"thresholds": 0.3}}).thresholds
    0.3
    """
    return get(config)
