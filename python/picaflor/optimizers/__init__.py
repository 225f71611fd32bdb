"""Optimizers with Keras 3's names, arguments and rules, on plain NumPy arrays.

Examples
--------
>>> import numpy as np
>>> import picaflor as pf
>>> w = np.array([3.0])
>>> optimizer = pf.optimizers.SGD(learning_rate=0.25)
>>> for _ in range(20):
...     optimizer.apply([2 * w], [w])  # the gradient of w^2
>>> w.round(5)
array([0.])
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from picaflor._checks import unknown_name
from picaflor.optimizers import schedules
from picaflor.optimizers.adagrad import Adadelta, Adagrad
from picaflor.optimizers.adam import Adam, Adamax, AdamW, Nadam
from picaflor.optimizers.base import Optimizer
from picaflor.optimizers.lion import Lion
from picaflor.optimizers.rmsprop import RMSprop
from picaflor.optimizers.sgd import SGD

__all__ = [
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Lion",
    "Nadam",
    "Optimizer",
    "RMSprop",
    "deserialize",
    "get",
    "schedules",
    "serialize",
]

_CLASSES: Mapping[str, type[Optimizer]] = {
    cls.__name__.lower(): cls
    for cls in (SGD, Adadelta, Adagrad, Adam, AdamW, Adamax, Lion, Nadam, RMSprop)
}


def get(identifier: str | Mapping[str, Any] | Optimizer) -> Optimizer:
    """Return the optimizer that a name, a configuration or an optimizer stands for.

    Parameters
    ----------
    identifier : str, dict or Optimizer
        A class name in any case, a dict ``{"class_name": ..., "config": {...}}`` as `serialize`
        makes it, or an optimizer, which is returned itself.

    Raises
    ------
    ValueError
        If the name is unknown; the message has the nearest known one.
    TypeError
        If `identifier` is of another type.

    Examples
    --------
    >>> from picaflor import optimizers
    >>> optimizers.get("sgd")
    SGD(learning_rate=0.01, momentum=0.0, nesterov=False)
    >>> optimizers.get("sdg")
    Traceback (most recent call last):
      ...
    ValueError: Unknown optimizer: 'sdg'. Did you mean 'sgd'?
    """
    if isinstance(identifier, Optimizer):
        return identifier
    if isinstance(identifier, str):
        return _class_of(identifier)()  # type: ignore[call-arg]
    if isinstance(identifier, Mapping):
        return deserialize(identifier)
    raise TypeError(
        "optimizer must be a name, a configuration or an Optimizer, "
        f"got {type(identifier).__name__}"
        + (
            f"; make an object of it: {identifier.__name__}()"
            if isinstance(identifier, type)
            else ""
        )
    )


def serialize(optimizer: Optimizer) -> dict[str, Any]:
    """Return class name and configuration of an optimizer, without its state.

    Examples
    --------
    >>> from picaflor import optimizers
    >>> optimizers.serialize(optimizers.Lion())["class_name"]
    'Lion'
    """
    return {"class_name": type(optimizer).__name__, "config": optimizer.get_config()}


def deserialize(config: Mapping[str, Any]) -> Optimizer:
    """Return the optimizer that `serialize`, or Keras's, has described.

    Raises
    ------
    ValueError
        If the class is unknown, or the dict has no ``class_name``.

    Examples
    --------
    >>> from picaflor import optimizers
    >>> optimizers.deserialize({"class_name": "SGD", "config": {"learning_rate": 0.5}})
    SGD(learning_rate=0.5, momentum=0.0, nesterov=False)
    """
    if "class_name" not in config:
        keys = ", ".join(map(repr, config))
        raise ValueError(f"an optimizer's configuration must have a 'class_name', got {keys}")
    return _class_of(config["class_name"]).from_config(config.get("config", {}))


def _class_of(name: str) -> type[Optimizer]:
    cls = _CLASSES.get(str(name).lower())
    if cls is None:
        raise unknown_name("optimizer", name, _CLASSES)
    return cls
