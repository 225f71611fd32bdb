"""Layers of dense networks, with Keras's names and arguments."""

from __future__ import annotations

from typing import Any

from picaflor._checks import unknown_name
from picaflor.layers.activations import ELU, Activation, LeakyReLU, ReLU, Softmax
from picaflor.layers.base import Layer
from picaflor.layers.dense import Dense
from picaflor.layers.dropout import Dropout, GaussianNoise
from picaflor.layers.input import Input, InputLayer
from picaflor.layers.normalization import BatchNormalization, LayerNormalization
from picaflor.layers.preprocessing import Normalization, Rescaling
from picaflor.layers.reshaping import Flatten

__all__ = [
    "ELU",
    "Activation",
    "BatchNormalization",
    "Dense",
    "Dropout",
    "Flatten",
    "GaussianNoise",
    "Input",
    "InputLayer",
    "Layer",
    "LayerNormalization",
    "LeakyReLU",
    "Normalization",
    "ReLU",
    "Rescaling",
    "Softmax",
    "deserialize",
]

_CLASSES: dict[str, type[Layer]] = {
    cls.__name__: cls
    for cls in (
        Activation,
        BatchNormalization,
        Dense,
        Dropout,
        ELU,
        Flatten,
        GaussianNoise,
        InputLayer,
        LayerNormalization,
        LeakyReLU,
        Normalization,
        ReLU,
        Rescaling,
        Softmax,
    )
}


def deserialize(config: dict[str, Any]) -> Layer:
    """Return the layer that ``{"class_name": ..., "config": ...}`` describes.

    Parameters
    ----------
    config : dict
        As `Sequential.get_config` lists them.

    Raises
    ------
    ValueError
        If the class is not one of picaflor's layers.

    Examples
    --------
    >>> deserialize({"class_name": "Dense", "config": {"units": 3, "activation": "relu"}}).units
    3
    """
    name = config["class_name"]
    if name not in _CLASSES:
        raise unknown_name("layer", name, _CLASSES)
    return _CLASSES[name].from_config(config["config"])
