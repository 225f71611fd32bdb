"""Weights that no gradient reaches: what a step activation does to training."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

from picaflor.layers import Layer


def warn_of_flat_layers(layers: Sequence[Layer]) -> None:
    """Warn of weights to be trained whose gradient is zero wherever the inputs lie.

    The derivative of a step is zero, so that nothing passes back through it: weights below the
    last step of a model, its own layer's included, stay where they are.
    """
    steps = [i for i, layer in enumerate(layers) if _is_step(layer)]
    if not steps:
        return
    last = steps[-1]
    stuck = [
        f"{layer.name}/{spec.name}"
        for layer in layers[: last + 1]
        if layer.trainable
        for spec in layer._specs
        if spec.trained
    ]
    if stuck:
        warnings.warn(
            f"the gradient of the step activation of layer {layers[last].name!r} is zero: "
            f"gradient descent cannot train {', '.join(stuck)}; use a sigmoid in training, "
            "or set trainable=False",
            UserWarning,
            stacklevel=3,
        )


def _is_step(layer: Layer) -> bool:
    return getattr(getattr(layer, "activation", None), "name", None) == "step"
