"""Losses by Keras's names: classes, strings, configs.

>>> get("mse")
MeanSquaredError(name='mean_squared_error', reduction='sum_over_batch_size', scale=1.0)
>>> get("huber")([[0.0], [1.0]], [[3.0], [1.5]])
1.3125
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from picaflor._resolve import name_table
from picaflor._resolve import resolve as _resolve
from picaflor._resolve import serialize as _serialize

from .base import Loss
from .classification import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    CategoricalHinge,
    Hinge,
    KLDivergence,
    SparseCategoricalCrossentropy,
    SquaredHinge,
)
from .regression import (
    CosineSimilarity,
    Huber,
    LogCosh,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Poisson,
)

__all__ = [
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalHinge",
    "CosineSimilarity",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LogCosh",
    "Loss",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
    "depends_on_shapes",
    "deserialize",
    "get",
    "resolve",
    "serialize",
]

_ALIASES: dict[str, type] = {
    "BCE": BinaryCrossentropy,
    "KLD": KLDivergence,
    "MAE": MeanAbsoluteError,
    "MAPE": MeanAbsolutePercentageError,
    "MSE": MeanSquaredError,
    "MSLE": MeanSquaredLogarithmicError,
    "bce": BinaryCrossentropy,
    "kl_divergence": KLDivergence,
    "kld": KLDivergence,
    "logcosh": LogCosh,
    "mae": MeanAbsoluteError,
    "mape": MeanAbsolutePercentageError,
    "mse": MeanSquaredError,
    "msle": MeanSquaredLogarithmicError,
}

_TABLE = name_table(
    [
        BinaryCrossentropy,
        CategoricalCrossentropy,
        CategoricalHinge,
        CosineSimilarity,
        Hinge,
        Huber,
        KLDivergence,
        LogCosh,
        MeanAbsoluteError,
        MeanAbsolutePercentageError,
        MeanSquaredError,
        MeanSquaredLogarithmicError,
        Poisson,
        SparseCategoricalCrossentropy,
        SquaredHinge,
    ],
    _ALIASES,
)


def get(identifier: str | Mapping[str, Any] | type | Loss) -> Loss:
    """Return the loss that a name, a config, a class or an object stands for.

    Parameters
    ----------
    identifier : str, dict, type or Loss
        A class name, the same in snake case or an alias (``"mse"``, ``"mae"``, ``"mape"``,
        ``"msle"``, ``"bce"``, ``"kld"``); ``{"class_name": ..., "config": ...}``; a class of this
        module; or a loss, which is returned.

    Raises
    ------
    ValueError
        If the name is not known; the message gives the nearest known one.
    TypeError
        If it is none of these: a function, for example, has no gradient for the engine.

    Examples
    --------
    >>> get("mean_absolute_error").name
    'mean_absolute_error'
    >>> get("mean_sqared_error")
    Traceback (most recent call last):
      ...
    ValueError: Unknown loss: 'mean_sqared_error'. Did you mean 'mean_squared_error'?
    """
    loss = _resolve("loss", identifier, _TABLE)
    if not isinstance(loss, Loss) or not loss._kind:
        raise TypeError(
            f"a loss must be a name, a config or a loss of picaflor.losses, got {identifier!r}: "
            "the engine needs its gradient. For a formula of your own write the step of training "
            "with picaflor.functional and the apply(grads, variables) of an optimizer"
        )
    return loss


def depends_on_shapes(identifier: Any) -> bool:
    """Tell whether a name needs `resolve`: it stands for another loss with other shapes.

    Examples
    --------
    >>> depends_on_shapes("crossentropy"), depends_on_shapes("mse")
    (True, False)
    """
    return isinstance(identifier, str) and identifier.lower() in ("crossentropy", "ce")


def resolve(
    identifier: str | Mapping[str, Any] | type | Loss,
    output_shape: Sequence[int | None],
    target_shape: Sequence[int | None],
) -> Loss:
    """Return the loss for outputs and targets of these shapes.

    ``"crossentropy"`` and ``"ce"`` become, as in Keras, the binary cross-entropy where the output
    has one column, the sparse one where the target has fewer axes or one column, and the
    categorical one otherwise; everything else is `get`'s.

    Parameters
    ----------
    identifier : str, dict, type or Loss
    output_shape, target_shape : sequence of int or None
        With the axis of the rows, whose length may be None.

    Examples
    --------
    >>> resolve("ce", (None, 10), (None,)).name
    'sparse_categorical_crossentropy'
    """
    if depends_on_shapes(identifier):
        return _cross_entropies()[kind_of_target(output_shape, target_shape)]()
    return get(identifier)


def kind_of_target(output_shape: Sequence[int | None], target_shape: Sequence[int | None]) -> str:
    """Return "binary", "sparse" or "categorical": how Keras reads a target by its shape.

    Examples
    --------
    >>> kind_of_target((None, 1), (None,)), kind_of_target((None, 3), (None, 3))
    ('binary', 'categorical')
    """
    if output_shape[-1] == 1:
        return "binary"
    if len(target_shape) < len(output_shape) or target_shape[-1] == 1:
        return "sparse"
    return "categorical"


def _cross_entropies() -> dict[str, type[Loss]]:
    return {
        "binary": BinaryCrossentropy,
        "sparse": SparseCategoricalCrossentropy,
        "categorical": CategoricalCrossentropy,
    }


def serialize(loss: Loss) -> dict[str, Any] | None:
    """Return ``{"class_name": ..., "config": ...}``, which `deserialize` and `get` read.

    Examples
    --------
    >>> serialize(Huber(2.0))["config"]["delta"]
    2.0
    """
    return _serialize("loss", loss)


def deserialize(config: Mapping[str, Any] | str) -> Loss:
    """Return the loss that `serialize` described.

    Examples
    --------
    >>> deserialize({"class_name": "Huber", "config": {"delta": 2.0}}).get_config()["delta"]
    2.0
    """
    return get(config)
