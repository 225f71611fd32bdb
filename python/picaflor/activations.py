"""Activations by name: Keras's strings, aliases and defaults.

An activation is a small value, a name and up to three numbers, that layers hand to the engine.
Called on an array it computes itself, each row by itself for softmax and log_softmax.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from picaflor._checks import number, unknown_name

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = [
    "Activation",
    "clipped_relu",
    "deserialize",
    "elu",
    "exponential",
    "gelu",
    "get",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "leaky_relu",
    "linear",
    "log_softmax",
    "relu",
    "relu6",
    "selu",
    "serialize",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "softsign",
    "step",
    "swish",
    "tanh",
]

# name -> its parameters with their defaults, in the order the engine takes them
_PARAMETERS: dict[str, dict[str, float]] = {
    "linear": {},
    "relu": {},
    "clipped_relu": {"negative_slope": 0.0, "max_value": math.inf, "threshold": 0.0},
    "leaky_relu": {"negative_slope": 0.2},
    "elu": {"alpha": 1.0},
    "selu": {},
    "sigmoid": {},
    "hard_sigmoid": {},
    "tanh": {},
    "softplus": {},
    "softsign": {},
    "silu": {},
    "hard_silu": {},
    "gelu": {},
    "exponential": {},
    "step": {},
    "softmax": {},
    "log_softmax": {},
}
_ALIASES: dict[str, tuple[str, dict[str, float | None]]] = {
    "swish": ("silu", {}),
    "hard_swish": ("hard_silu", {}),
    "relu6": ("clipped_relu", {"max_value": 6.0}),
}


class Activation:
    """An elementwise function, or softmax over a row, by its name.

    Parameters
    ----------
    name : str
        One of linear, relu, clipped_relu, leaky_relu, elu, selu, sigmoid, hard_sigmoid, tanh,
        softplus, softsign, silu (swish), hard_silu (hard_swish), gelu (the exact one), exponential,
        step, softmax, log_softmax; relu6 is a clipped_relu.
    **parameters : float, optional
        leaky_relu takes `negative_slope` (default 0.2), elu `alpha` (1.0), clipped_relu
        `negative_slope` (0.0), `max_value` (None: infinity) and `threshold` (0.0). All but the
        threshold are at least 0.

    Attributes
    ----------
    name : str
    params : tuple of three floats
        The parameters in the order above, then zeros.

    Raises
    ------
    ValueError
        If the name is not known, or a parameter is negative.
    TypeError
        If it does not take such a parameter.

    Examples
    --------
    >>> Activation("leaky_relu", negative_slope=0.5)([-1.0, 2.0])
    array([-0.5,  2. ])
    """

    __slots__ = ("name", "params")
    name: str
    params: tuple[float, float, float]

    def __init__(self, name: str, **parameters: float | None) -> None:
        if name in _ALIASES:
            name, preset = _ALIASES[name]
            parameters = {**preset, **parameters}
        if name not in _PARAMETERS:
            raise unknown_name("activation", name, [*_PARAMETERS, *_ALIASES])
        values = dict(_PARAMETERS[name])
        for key, value in parameters.items():
            if key not in values:
                takes = ", ".join(values) or "no parameters"
                raise TypeError(f"activation {name!r} takes {takes}, got {key!r}")
            if key == "max_value" and value is None:
                values[key] = math.inf
            else:  # no falling pieces: the engine reads the side of the kink off the output
                values[key] = number(value, key, minimum=None if key == "threshold" else 0.0)
        a, b, c = [*values.values(), 0.0, 0.0, 0.0][:3]
        self.name, self.params = name, (a, b, c)

    def __call__(self, x: npt.ArrayLike) -> npt.NDArray[Any]:
        """Return f(x) in the shape of `x`; float32 stays float32, the rest becomes float64."""
        from picaflor import functional  # which itself takes activations from here

        count = len(_PARAMETERS[self.name])
        y: npt.NDArray[Any] = getattr(functional, self.name)(x, *self.params[:count])
        return y

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        values = zip(_PARAMETERS[self.name], self.params, strict=False)
        return {"name": self.name, **{k: None if v == math.inf else v for k, v in values}}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Activation:
        """Return an activation from what `get_config` gave."""
        return cls(**config)

    def __eq__(self, other: object) -> bool:
        """Two activations are equal if their names and parameters are."""
        return isinstance(other, Activation) and (self.name, self.params) == (
            other.name,
            other.params,
        )

    def __hash__(self) -> int:
        """Agree with ``==``."""
        return hash((self.name, self.params))

    def __repr__(self) -> str:
        """Return the call that makes it."""
        name, *parameters = self.get_config().items()
        return f"Activation({name[1]!r}" + "".join(f", {k}={v!r}" for k, v in parameters) + ")"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by what makes it."""
        return _make, (self.get_config(),)


def _make(config: dict[str, Any]) -> Activation:
    return Activation(**config)


linear = Activation("linear")
relu = Activation("relu")
relu6 = Activation("relu6")
clipped_relu = Activation("clipped_relu")
leaky_relu = Activation("leaky_relu")
elu = Activation("elu")
selu = Activation("selu")
sigmoid = Activation("sigmoid")
hard_sigmoid = Activation("hard_sigmoid")
tanh = Activation("tanh")
softplus = Activation("softplus")
softsign = Activation("softsign")
silu = swish = Activation("silu")
hard_silu = hard_swish = Activation("hard_silu")
gelu = Activation("gelu")
exponential = Activation("exponential")
step = Activation("step")
softmax = Activation("softmax")
log_softmax = Activation("log_softmax")


def get(identifier: Any) -> Activation:
    """Return an activation from its name, config or itself; None is linear.

    The functions of `picaflor.functional` are taken for the activations of their names.

    Raises
    ------
    ValueError
        If the name is not known.
    TypeError
        If it is another function or object: the compiled engine cannot run it.

    Examples
    --------
    >>> get("leaky_relu")
    Activation('leaky_relu', negative_slope=0.2)
    >>> get("sigmiod")
    Traceback (most recent call last):
      ...
    ValueError: Unknown activation: 'sigmiod'. Did you mean 'sigmoid'?
    """
    if identifier is None:
        return linear
    if isinstance(identifier, Activation):
        return identifier
    if isinstance(identifier, str):
        return Activation(identifier)
    if isinstance(identifier, Mapping):
        return Activation.from_config(identifier.get("config", identifier))
    module, name = getattr(identifier, "__module__", ""), getattr(identifier, "__name__", "")
    if str(module).startswith("picaflor.") and (name in _PARAMETERS or name in _ALIASES):
        return Activation(name)
    raise TypeError(
        "an activation must be a name or one of picaflor.activations, because it runs in the "
        f"compiled engine; got {identifier!r}"
    )


def serialize(activation: Activation) -> str | dict[str, Any]:
    """Return the name, or name and parameters where these are not the defaults.

    Examples
    --------
    >>> serialize(relu), serialize(Activation("elu", alpha=0.5))
    ('relu', {'class_name': 'Activation', 'config': {'name': 'elu', 'alpha': 0.5}})
    """
    if activation == Activation(activation.name):
        return activation.name
    return {"class_name": "Activation", "config": activation.get_config()}


def deserialize(config: str | Mapping[str, Any] | None) -> Activation:
    """Return the activation that `serialize` described.

    Examples
    --------
    >>> deserialize({"class_name": "Activation", "config": {"name": "elu", "alpha": 0.5}})
    Activation('elu', alpha=0.5)
    """
    return get(config)
