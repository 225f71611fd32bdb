"""The layers of a model, and the engine that is compiled from them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from picaflor import _core
from picaflor._checks import integer
from picaflor.layers import InputLayer, Layer
from picaflor.layers.shapes import Array, Shape, sample_shape, size, snake_case

if TYPE_CHECKING:
    import numpy.typing as npt


class Structure:
    """A stack of layers and one `_core.Network` that holds their weights and computes.

    The network is compiled as soon as the shape of the input is known, and anew whenever the
    stack changes; weights, optimizer state and random state are carried over. From then on the
    weights of the layers are views of its parameter buffer.
    """

    def __init__(
        self,
        layers: Iterable[Layer] | None = None,
        *,
        name: str = "sequential",
        dtype: npt.DTypeLike = "float32",
        seed: int | None = None,
    ) -> None:
        if not isinstance(name, str):
            raise TypeError(f"name must be a string, got {name!r}")
        self.name = name
        self.metadata: dict[str, Any] = {}
        self._dtype = _model_dtype(dtype)
        self._seed = _any_seed() if seed is None else integer(seed, "seed", minimum=0)
        if self._seed >= 2**64:
            raise ValueError(f"seed must be below 2**64, got {seed}")
        self._rng = np.random.default_rng(self._seed)
        self._input: InputLayer | None = None
        self._layers: list[Layer] = []
        self._network: Any = None
        self._keys: list[tuple[Layer, int]] = []  # what each parameter of the network is
        self._forward: Callable[[Any], Array] = _not_built
        self._out: Shape = ()  # of one sample of the output, once the network is compiled
        self._constrained = False  # whether a weight has a constraint
        if isinstance(layers, Layer):
            layers = [layers]
        if layers is None:
            layers = ()
        given: Any = layers
        if not isinstance(given, Iterable) or isinstance(given, (str, bytes, dict, np.ndarray)):
            raise TypeError(f"layers must be a list of layers, got {layers!r}")
        for layer in layers:
            self._append(layer)
        self._build_if_known()

    # --------------------------------------------------------------------------------- layers

    @property
    def dtype(self) -> str:
        """Type of the weights and of all computation: "float32" or "float64"."""
        return str(self._dtype)

    @property
    def seed(self) -> int:
        """What the random numbers of the model start from."""
        return self._seed

    @property
    def layers(self) -> list[Layer]:
        """The layers, without the input, as in Keras."""
        return list(self._layers)

    @property
    def built(self) -> bool:
        """Whether the shape of the input is known and the weights exist."""
        return self._network is not None

    @property
    def input_shape(self) -> tuple[int | None, ...]:
        """Shape of the input, None standing for the batch."""
        return (None, *self._built_input())

    @property
    def output_shape(self) -> tuple[int | None, ...]:
        """Shape of the output, None standing for the batch."""
        self._built_input()
        return (None, *self._out)

    def add(self, layer: Layer) -> None:
        """Put a layer on top; weights learned so far are kept.

        Parameters
        ----------
        layer : Layer

        Raises
        ------
        TypeError
            If it is no layer.
        ValueError
            If it does not fit the layer below, its name is taken, it belongs to another model,
            or it is an `Input` that is not the first. The model is then as before.

        Examples
        --------
        >>> import picaflor as pf
        >>> model = pf.Sequential([pf.Input((4,))])
        >>> model.add(pf.layers.Dense(3))
        >>> model.output_shape
        (None, 3)
        """
        before = (self._input, list(self._layers))
        self._append(layer)
        try:
            self._build_if_known()
        except Exception:
            self._input, self._layers = before
            layer._owner = None
            raise

    def pop(self) -> Layer:
        """Take the topmost layer off and return it, with its weights.

        Raises
        ------
        ValueError
            If there is no layer.
        """
        if not self._layers:
            raise ValueError("there are no layers to pop")
        layer = self._layers.pop()
        layer._values = layer.get_weights() if layer.built else []
        layer._owner = None
        self._build_if_known()
        return layer

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """Return a layer by its name or its position.

        Raises
        ------
        ValueError
            If there is no such layer, or not exactly one of `name` and `index` is given.
        """
        if (name is None) == (index is None):
            raise ValueError("give either name or index")
        if index is not None:
            if not -len(self._layers) <= index < len(self._layers):
                raise ValueError(f"index must be below {len(self._layers)}, got {index}")
            return self._layers[index]
        for layer in self._layers:
            if layer.name == name:
                return layer
        known = ", ".join(layer.name for layer in self._layers)
        raise ValueError(f"no layer is called {name!r}; there are: {known}")

    def _append(self, layer: Layer) -> None:
        if isinstance(layer, type):
            raise TypeError(f"layer must be a Layer, got the class {layer.__name__}: call it")
        if not isinstance(layer, Layer):
            raise TypeError(f"layer must be a Layer, got {layer!r}")
        if isinstance(layer, InputLayer):
            if self._layers or self._input is not None:
                raise ValueError("an Input must be the first layer of a model, and the only one")
            self._input = layer
            return
        owner = layer._model()
        if owner is not None:
            where = "this model" if owner is self else f"another model ({owner.name!r})"
            raise ValueError(
                f"layer {layer.name!r} already belongs to {where}, whose buffer holds its weights; "
                "make another with type(layer).from_config(layer.get_config())"
            )
        taken = {other.name for other in self._layers}
        if layer._name is None:
            layer._name = _free_name(snake_case(type(layer).__name__), taken)
        elif layer._name in taken:
            raise ValueError(f"layers of a model need unique names, got {layer.name!r} twice")
        if not self._layers and self._input is None and layer._wanted_shape is not None:
            self._input = InputLayer(layer._wanted_shape)
        layer._adopt(self)
        self._layers.append(layer)

    # --------------------------------------------------------------------------------- building

    def build(self, input_shape: Sequence[int | None] | None = None) -> None:
        """Make the weights for inputs of shape ``(batch, ...)``.

        Not needed with an `Input`; without one, the first `fit` or call does it.

        Parameters
        ----------
        input_shape : sequence of int, optional
            With the batch, for example ``(None, 784)``.

        Raises
        ------
        ValueError
            If the shape does not fit the layers, or is not known.
        """
        if input_shape is not None:
            try:
                sample = tuple(input_shape)[1:]
            except TypeError:
                sample = None
            if sample is None or isinstance(input_shape, (str, bytes, dict, set)):
                raise TypeError(
                    f"input_shape must be a tuple such as (None, 784), got {input_shape!r}"
                )
            wanted = sample_shape(sample, "input_shape")
            if self._input is None:
                self._build_for(wanted)
            elif wanted != self._input.shape:
                raise ValueError(
                    f"the model takes samples of shape {self._input.shape}, got {wanted}"
                )
        elif self._input is None:
            raise ValueError("input_shape must be given to a model without an Input")

    def _build_for(self, shape: Shape) -> None:
        """Build a model whose input shape shows in the data; on error it stays unbuilt."""
        self._input = InputLayer(shape)
        try:
            self._assemble()
        except Exception:
            self._input = None
            raise

    def _build_if_known(self) -> None:
        self._changed()
        if self._input is not None and self._layers:
            self._assemble()
        else:
            self._network, self._forward = None, _not_built

    def _output_shape(self, shape: Shape) -> Shape:
        """Return the shape of one sample's output, without building anything."""
        for layer in self._layers:
            shape = layer._output_shape(layer._checked(shape))
        return shape

    def _assemble(self) -> None:
        """Compile the network, and move weights and state into it."""
        assert self._input is not None
        shape = self._input.shape
        self._output_shape(shape)
        operations: list[dict[str, Any]] = []
        for layer in self._layers:
            layer._build(shape, self._rng, self._dtype)
            operation = layer._operation(shape)
            layer._number = -1
            if operation is not None:
                layer._number = len(operations)
                operations.append(operation)
            shape = layer._output_shape(shape)
        network = _core.Network(size(self._input.shape), operations, self.dtype, self._seed)
        parameters = list(network.parameters)
        keys = [(layer, i) for layer in self._layers for i in range(layer._engine_weights())]
        self._carry_over(network, keys)
        for layer in self._layers:
            count = layer._engine_weights()
            for i in range(count):
                parameters[i][...] = layer._values[i]
            layer._values[:count] = parameters[:count]
            del parameters[:count]
        self._network, self._keys, self._out = network, keys, shape
        self._constrained = any(
            spec.constraint is not None for layer in self._layers for spec in layer._specs
        )
        flat = len(self._input.shape) == 1 and len(shape) == 1
        self._forward = network.predict if flat else _not_flat

    def _carry_over(self, network: Any, keys: list[tuple[Layer, int]]) -> None:
        """Give a new network the state of the old one, as far as layers are in both.

        `keys` says which weight of which layer each of its parameters is.
        """
        old = self._network
        if old is not None:
            network.random_state = old.random_state

    def _changed(self) -> None:
        """Forget what depends on the stack of layers; overridden by `Training`."""

    def _trainable_changed(self, layer: Layer) -> None:
        if self._network is not None and layer._number >= 0:
            self._network.set_trainable(layer._number, layer.trainable)

    def _constants_changed(self) -> None:
        """Compile anew: a `Normalization` has other statistics."""
        self._build_if_known()

    def _built_input(self) -> Shape:
        if self._network is None or self._input is None:
            raise ValueError(
                "the model is not built: the shape of its input is not known yet. Start it with "
                "an Input, or call build(input_shape), fit or the model itself first."
            )
        return self._input.shape


def _any_seed() -> int:
    """Draw from Python's generator, as Keras does: NumPy's global stream is the user's."""
    import random  # comes with numpy.random, which NumPy too imports on first use

    return random.getrandbits(63)


def _not_built(x: Any) -> Array:
    raise ValueError("the model is not built")


def _not_flat(x: Any) -> Array:
    raise ValueError("the input or output has more dimensions than the engine takes")


def _free_name(name: str, taken: set[str]) -> str:
    if name not in taken:
        return name
    number = 1
    while f"{name}_{number}" in taken:
        number += 1
    return f"{name}_{number}"


def _model_dtype(dtype: npt.DTypeLike) -> np.dtype[Any]:
    try:
        result: np.dtype[Any] = np.dtype(dtype)
    except TypeError:
        raise TypeError(f"dtype must be 'float32' or 'float64', got {dtype!r}") from None
    if result not in (np.dtype(np.float32), np.dtype(np.float64)):
        raise ValueError(f"dtype must be 'float32' or 'float64', got {dtype!r}")
    return result
