"""Config objects to plain data and back, for `get_config`, `from_config` and saved models."""

from __future__ import annotations

from typing import Any

import numpy as np

from picaflor import activations
from picaflor.activations import Activation


def serialize(value: Any) -> Any:
    """Return plain data (what JSON can hold) for a config value.

    An object with a ``get_config`` becomes ``{"class_name": ..., "config": ...}``, which the
    ``get`` function of its module reads; an activation without parameters of its own becomes its
    name, arrays become lists, NumPy scalars Python's.

    Examples
    --------
    >>> import numpy as np
    >>> serialize({"rate": np.float32(0.5), "shape": (2, 3)})
    {'rate': 0.5, 'shape': [2, 3]}
    """
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, dict):
        return {str(key): serialize(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [serialize(item) for item in value]
    if isinstance(value, Activation):
        return activations.serialize(value)
    if hasattr(value, "get_config"):
        return {"class_name": type(value).__name__, "config": serialize(value.get_config())}
    raise TypeError(f"cannot turn {value!r} into a config: it has no get_config()")
