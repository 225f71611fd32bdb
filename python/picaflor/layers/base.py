"""What all layers share: a name, weights, a config, and the engine operation they stand for."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict

import numpy as np

from picaflor import _core
from picaflor._checks import as_real_array, boolean, did_you_mean, integer
from picaflor._objects import serialize
from picaflor.layers.shapes import Array, Shape, sample_shape, shown, size, snake_case

if TYPE_CHECKING:
    import numpy.typing as npt
    from typing_extensions import Self


class LayerOptions(TypedDict, total=False):
    """Keyword arguments that every layer takes."""

    name: str | None
    trainable: bool
    input_shape: Sequence[int]
    input_dim: int


class WeightSpec(NamedTuple):
    """One weight of a layer: what it is called, its shape, and how it starts."""

    name: str
    shape: Shape
    initializer: Callable[..., Array]
    trained: bool = True  # False for statistics, which are kept but get no gradient
    constraint: Callable[[Array], Array] | None = None


class Layer:
    """Base of all layers.

    Parameters
    ----------
    name : str, optional
        Unique within a model. A layer without a name gets one when it joins a model: the class
        name in snake case, with ``_1``, ``_2``, ... after the first (``dense``, ``dense_1``).
    trainable : bool, default True
        Whether training changes the weights. Can be set at any time.
    input_shape : sequence of int, optional
        Shape of one sample; on the first layer of a model it stands for an `Input`.
    input_dim : int, optional
        The same for samples of one dimension.

    Notes
    -----
    A layer holds its weights itself until it joins a `Sequential`; from then on `weights` are
    views of the model's one parameter buffer, and writing into them changes the model. So a
    layer belongs to one model at a time.
    """

    def __init__(self, **options: Any) -> None:
        known = LayerOptions.__annotations__
        for key in options:
            if key == "dtype":
                raise TypeError("the dtype belongs to the model: Sequential(..., dtype='float64')")
            if key not in known:
                raise TypeError(
                    f"{type(self).__name__} got an unexpected argument {key!r}."
                    f"{did_you_mean(key, [*known, *self.get_arguments()])}"
                )
        name = options.get("name")
        if name is not None and not isinstance(name, str):
            raise TypeError(f"name must be a string, got {name!r}")
        self._name: str | None = name
        self._trainable = boolean(options.get("trainable", True), "trainable")
        self._wanted_shape = _wanted_shape(options)
        self._specs: list[WeightSpec] = []
        self._values: list[Array] = []
        self._shape: Shape | None = None
        self._owner: weakref.ref[Any] | None = None
        self._number = -1  # of this layer's operation in the owner's engine, -1 for none

    # ------------------------------------------------------------------ what a subclass says

    def _weight_specs(self, shape: Shape) -> list[WeightSpec]:
        """Return the weights for samples of this shape; checks the shape."""
        return []

    def _output_shape(self, shape: Shape) -> Shape:
        """Return the shape of one sample's output."""
        return shape

    def _operation(self, shape: Shape) -> dict[str, Any] | None:
        """Return the engine operation (see `_core.Network`), or None where there is none to do."""
        return None

    # ------------------------------------------------------------------------- name and state

    @classmethod
    def get_arguments(cls) -> list[str]:
        """Return the names of the constructor's own arguments."""
        import inspect

        parameters = inspect.signature(cls.__init__).parameters.values()
        return [
            p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD and p.name != "name"
        ][1:]

    @property
    def name(self) -> str:
        """Name of the layer, unique within its model."""
        return self._name or snake_case(type(self).__name__)

    @property
    def trainable(self) -> bool:
        """Whether training changes the weights; takes effect at once."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = boolean(value, "trainable")
        model = self._model()
        if model is not None:
            model._trainable_changed(self)

    @property
    def built(self) -> bool:
        """Whether the shape of the input is known and the weights exist."""
        return self._shape is not None

    @property
    def input_shape(self) -> tuple[int | None, ...]:
        """Shape of the input, None standing for the batch."""
        return (None, *self._built_shape())

    @property
    def output_shape(self) -> tuple[int | None, ...]:
        """Shape of the output, None standing for the batch."""
        return (None, *self._output_shape(self._built_shape()))

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        """Return the shape of the output for inputs of shape ``(batch, ...)``."""
        batch, *shape = input_shape
        return (batch, *self._output_shape(self._checked(tuple(shape))))

    # -------------------------------------------------------------------------------- weights

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Make the weights for inputs of shape ``(batch, ...)``, drawn from a fresh generator.

        A model builds its layers itself, from its own `seed`.
        """
        self._build(tuple(input_shape)[1:], np.random.default_rng(), np.dtype(np.float32))

    def _build(
        self, shape: Sequence[int | None], rng: np.random.Generator, dtype: np.dtype[Any]
    ) -> None:
        checked = self._checked(shape)
        if self._shape == checked:
            return
        if self._shape is not None and self._values:
            raise ValueError(
                f"layer {self.name!r} was built for samples of shape {self._shape}, "
                f"got samples of shape {checked}"
            )
        specs = self._weight_specs(checked)
        self._values = [_initial(spec, rng, dtype, self.name) for spec in specs]
        self._specs, self._shape = specs, checked

    def _checked(self, shape: Sequence[int | None]) -> Shape:
        if any(size is None for size in shape):
            raise ValueError(
                f"layer {self.name!r} needs samples of known shape, got {tuple(shape)}"
            )
        checked = tuple(integer(size, "input_shape", minimum=0) for size in shape)
        self._weight_specs(checked)
        return checked

    @property
    def weights(self) -> list[Array]:
        """Every weight, trained or not, in the order of `get_weights`; writable, not copies."""
        return list(self._values)

    @property
    def trainable_weights(self) -> list[Array]:
        """The weights that training changes; none if the layer is not `trainable`."""
        if not self._trainable:
            return []
        return [v for v, spec in zip(self._values, self._specs, strict=True) if spec.trained]

    @property
    def non_trainable_weights(self) -> list[Array]:
        """The weights that training leaves alone, moving statistics among them."""
        trained = [self._trainable and spec.trained for spec in self._specs]
        return [v for v, t in zip(self._values, trained, strict=True) if not t]

    def get_weights(self) -> list[Array]:
        """Return copies of all weights."""
        return [np.array(value, order="C") for value in self._values]

    def set_weights(self, weights: Sequence[npt.ArrayLike]) -> None:
        """Copy arrays of the shapes that `get_weights` returns into the weights.

        Raises
        ------
        ValueError
            If their number or a shape is wrong; then nothing is changed.
        """
        self._built_shape()
        arrays = checked_weights(weights, [self], self.name)
        for value, array in zip(self._values, arrays, strict=True):
            value[...] = array
        self._weights_changed()

    def count_params(self) -> int:
        """Return the number of elements in all weights."""
        self._built_shape()
        return sum(value.size for value in self._values)

    def _weight(self, name: str) -> Array:
        for spec, value in zip(self._specs, self._values, strict=True):
            if spec.name == name:
                return value
        raise AttributeError(f"layer {self.name!r} has no {name} before it is built")

    def _assign(self, name: str, value: npt.ArrayLike) -> None:
        target = self._weight(name)
        array = as_real_array(value, name)
        if array.shape != target.shape:
            raise ValueError(f"{name} must have shape {target.shape}, got {array.shape}")
        target[...] = array
        self._weights_changed()

    def _weights_changed(self) -> None:
        """Do what is needed after a weight was replaced; the engine sees its own by itself."""

    def _built_shape(self) -> Shape:
        if self._shape is None:
            raise ValueError(
                f"layer {self.name!r} is not built: the shape of its input is not known yet"
            )
        return self._shape

    # -------------------------------------------------------------------------- in the engine

    def _model(self) -> Any:
        return self._owner() if self._owner is not None else None

    def _adopt(self, model: Any) -> None:
        """Belong to this model from now on."""
        self._owner = weakref.ref(model)

    def _engine_weights(self) -> int:
        """Return how many of the weights are parameters of the engine."""
        return len(self._values)

    def __call__(self, x: npt.ArrayLike) -> Array:
        """Return the layer's output in inference mode; builds the layer if it is not built yet.

        Parameters
        ----------
        x : array_like, shape (n, ...)

        Returns
        -------
        ndarray, shape (n, ...), float32, or float64 where the weights or `x` are float64
        """
        array = as_real_array(x, "x")
        if array.ndim < 1:
            raise ValueError("x must have at least one dimension, got a scalar")
        if not self.built:
            self.build(array.shape)
        shape = self._built_shape()
        if array.shape[1:] != shape:
            raise ValueError(f"x must have shape {shown(shape)}, got {array.shape}")
        double = np.dtype(np.float64) in [array.dtype, *(v.dtype for v in self._values)]
        operation = self._operation(shape)
        flat = (
            array.reshape(len(array), -1) if array.size else array.reshape(len(array), size(shape))
        )
        network = _core.Network(
            size(shape), [operation] if operation else [], "float64" if double else "float32", 0
        )
        for parameter, value in zip(network.parameters, self._values, strict=False):
            parameter[...] = value
        y: Array = network.predict(flat)
        return y.reshape(len(array), *self._output_shape(shape))

    # ----------------------------------------------------------------------------- config, copy

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain data."""
        own = {name: serialize(getattr(self, name)) for name in self.get_arguments()}
        return {"name": self.name, "trainable": self._trainable, **own}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Return a new layer with these constructor arguments."""
        return cls(**config)

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        state["_values"] = self.get_weights()  # the model's buffer stays with the model
        state["_owner"] = None
        state["_number"] = -1
        return state

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"


def chosen(get: Callable[[Any], Any], value: Any, name: str) -> Any:
    """Return ``get(value)``; an error names the argument that the value was given for."""
    try:
        return get(value)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{name}: {error}") from None


def features(layer: Layer, shape: Shape) -> int:
    """Return the width of samples that have to be vectors, as for Dense and the normalizations.

    Raises
    ------
    ValueError
        If a sample has another number of dimensions than one.
    """
    if len(shape) != 1:
        raise ValueError(
            f"layer {layer.name!r} ({type(layer).__name__}) needs inputs of shape "
            f"(batch, features), got {(None, *shape)}; put Flatten() before it"
        )
    return shape[0]


def checked_weights(
    weights: Sequence[npt.ArrayLike], layers: Sequence[Layer], owner: str
) -> list[Array]:
    """Return `weights` as arrays that fit the layers, or raise before anything is written."""
    wanted = [
        (f"{layer.name}/{spec.name}", spec.shape) for layer in layers for spec in layer._specs
    ]
    if isinstance(weights, np.ndarray) and weights.ndim and weights.dtype != object:
        weights = list(weights)
    if not isinstance(weights, (list, tuple)) and getattr(weights, "ndim", 0) == 0:
        raise TypeError(f"weights must be a list of arrays, got {type(weights).__name__}")
    if len(weights) != len(wanted):
        raise ValueError(f"{owner!r} has {len(wanted)} weights, got a list of {len(weights)}")
    arrays = []
    for (name, shape), weight in zip(wanted, weights, strict=True):
        array = as_real_array(weight, name)
        if array.shape != shape:
            raise ValueError(f"{name} must have shape {shape}, got {array.shape}")
        arrays.append(array)
    return arrays


def _initial(spec: WeightSpec, rng: np.random.Generator, dtype: np.dtype[Any], layer: str) -> Array:
    value = np.array(spec.initializer(spec.shape, dtype=dtype, rng=rng), dtype=dtype)
    if value.shape != spec.shape:
        raise ValueError(
            f"the initializer of {layer}/{spec.name} must return shape {spec.shape}, "
            f"got {value.shape}"
        )
    return value


def _wanted_shape(options: dict[str, Any]) -> Shape | None:
    if "input_dim" in options:
        if "input_shape" in options:
            raise ValueError("give input_shape or input_dim, not both")
        return (integer(options["input_dim"], "input_dim", minimum=1),)
    return sample_shape(options["input_shape"], "input_shape") if "input_shape" in options else None
