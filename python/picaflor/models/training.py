"""Compiling a model, and single steps of training."""

from __future__ import annotations

import copy
import gc
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

from picaflor._checks import boolean
from picaflor.layers.base import Layer
from picaflor.layers.shapes import Array, Shape
from picaflor.models.compiled import Compiled, Entry, Means
from picaflor.models.data import (
    Data,
    as_samples,
    class_weights,
    flat_samples,
    same_length,
    sample_weights,
    targets,
)
from picaflor.models.flat import warn_of_flat_layers
from picaflor.models.loop import constrain
from picaflor.models.weights import Weights

if TYPE_CHECKING:
    import numpy.typing as npt


class Training(Weights):
    """A structure that has a loss, metrics and an optimizer."""

    _compiled: Compiled | None = None
    _ready = False  # whether the engine was told what was compiled
    _optimizer_in_engine: Any = None  # the optimizer whose state the engine holds
    _rule_in_engine: Any = None  # tells whether a hyperparameter was changed since
    _takes_ids = False
    _looked_for_steps = False  # whether a step activation was warned of since `compile`
    stop_training = False
    history: Any = None

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
    ) -> None:
        """Set optimizer, loss and metrics.

        Parameters
        ----------
        optimizer : str, dict or Optimizer, default "rmsprop"
            With the same object as before, its state is kept; with another one it starts anew.
            One object serves one model: `Optimizer.from_config` makes another.
        loss : str, dict or Loss
            See `picaflor.losses`. A cross-entropy is computed together with a softmax or sigmoid
            at the end of the model, in the stable form. ``"crossentropy"`` becomes the binary,
            sparse or categorical one by the shapes of targets and outputs.
        metrics : list of str or Metric, optional
            They ignore sample and class weights. ``"accuracy"`` becomes the binary, sparse or
            categorical one by the shapes of targets and outputs; its key is the string given.
        weighted_metrics : list of str or Metric, optional
            The same, weighted: sum(weight * value) / sum(weight).

        Raises
        ------
        ValueError
            If a name is not known, or another model trains with this optimizer.
        TypeError
            If an argument is something else.

        Examples
        --------
        >>> import picaflor as pf
        >>> model = pf.Sequential([pf.Input((4,)), pf.layers.Dense(1)])
        >>> model.compile("adam", "mean_squared_error", metrics=["mae"])
        >>> model.compiled
        True
        """
        compiled = Compiled(optimizer, loss, metrics, weighted_metrics)
        self._check_owner(compiled.optimizer)
        self._compiled = compiled
        self._ready = False
        self._looked_for_steps = False

    def _check_owner(self, optimizer: Any) -> None:
        """Refuse an optimizer that counts another model's steps."""
        if self._other_owner(optimizer) is not None:
            gc.collect()  # a model and its history hold each other: it may be in no one's hands
        if (owner := self._other_owner(optimizer)) is not None:
            raise ValueError(
                f"this {type(optimizer).__name__} optimizer belongs to the model {owner.name!r}, "
                "whose steps it counts: make another one with the same arguments"
            )

    def _other_owner(self, optimizer: Any) -> Any:
        owner = None if optimizer._owner is None else optimizer._owner()
        if owner is None or owner is self or owner.optimizer is not optimizer:
            return None
        return owner

    @property
    def compiled(self) -> bool:
        """Whether `compile` was called."""
        return self._compiled is not None

    @property
    def optimizer(self) -> Any:
        """The optimizer; RuntimeError before `compile`."""
        return self._need_compiled().optimizer

    @property
    def loss(self) -> Any:
        """The loss, or None before `compile`."""
        return None if self._compiled is None else self._compiled.loss

    @property
    def metrics(self) -> list[Any]:
        """The metrics, then the weighted ones; known once data was seen."""
        return [entry.metric for entry in self._entries()]

    @property
    def metrics_names(self) -> list[str]:
        """What `evaluate`, `train_on_batch` and `test_on_batch` return, in this order."""
        return ["loss", *(entry.key for entry in self._entries())]

    def _entries(self) -> list[Entry]:
        compiled = self._compiled
        return [] if compiled is None or compiled.entries is None else compiled.entries

    def _need_compiled(self) -> Compiled:
        if self._compiled is None:
            raise RuntimeError("the model is not compiled: call compile(optimizer, loss) first")
        return self._compiled

    # ------------------------------------------------------------------------------- data in

    def _data(self, x: Any, y: Any, sample_weight: Any = None, class_weight: Any = None) -> Data:
        """Check the data, then build the model and tell the engine what is left to tell."""
        plain = sample_weight is None and class_weight is None
        if self._ready and plain and type(x) is np.ndarray and type(y) is np.ndarray:
            if y.ndim == 1 and not self._takes_ids:
                y = y[:, None]
            if self._fits(x, y):
                return Data(x, y, None, x.shape[1:])
        data = self._checked(x, y, sample_weight, class_weight)
        self._get_ready(data)
        return data

    def _fits(self, x: Array, y: Array) -> bool:
        """Tell quickly whether the engine takes these arrays as they are; it checks class ids."""
        assert self._input is not None
        if x.shape[1:] != self._input.shape or x.ndim != 2 or x.dtype.char not in _PLAIN:
            return False
        if len(x) == 0 or y.ndim == 0 or len(x) != len(y):
            return False
        if not (x.dtype.isnative and x.flags.aligned and y.dtype.isnative and y.flags.aligned):
            return False
        if self._takes_ids:
            return y.ndim == 1 and y.dtype == np.int64
        return y.ndim == 2 and y.shape[1:] == self._out and y.dtype.char in _PLAIN

    def _checked(
        self,
        x: Any,
        y: Any,
        sample_weight: Any = None,
        class_weight: Any = None,
        shape: Shape | None = None,
        names: tuple[str, str, str] = ("x", "y", "sample_weight"),
    ) -> Data:
        """Return the data in the engine's shapes; changes nothing.

        `shape` is that of one sample where the model does not know it yet.
        """
        compiled = self._need_compiled()
        if compiled.loss is None:
            raise RuntimeError("the model has no loss: call compile(optimizer, loss) first")
        if class_weight is not None and sample_weight is not None:
            raise ValueError("give class_weight or sample_weight, not both")
        if not self._layers:
            raise ValueError("the model has no layers")
        samples = as_samples(x, names[0])
        if self._input is not None:
            shape = self._input.shape
        elif shape is None:
            shape = samples.shape[1:]
        flat = flat_samples(samples, shape, names[0])
        output = self._out if self._network is not None else self._output_shape(shape)
        loss = compiled.loss_for(output, y, names[1])
        wanted = targets(y, output, loss._takes_ids, loss.name, names[1])
        same_length(**{names[0]: flat, names[1]: wanted})
        if len(flat) == 0:
            raise ValueError(f"{names[0]} must have at least one sample, got shape {samples.shape}")
        weight = sample_weights(sample_weight, len(flat), self._dtype, names[2])
        if class_weight is not None:
            weight = class_weights(class_weight, wanted, self._dtype)
        return Data(flat, wanted, weight, shape)

    def _get_ready(self, data: Data) -> None:
        """Build the model and tell the engine loss, metrics and optimizer, where not yet done."""
        if self._ready:
            return
        compiled = self._need_compiled()
        self._check_owner(compiled.optimizer)
        entries = compiled.resolve(self._output_shape(data.shape), data.y)
        if self._network is None:
            self._build_for(data.shape)
        keep = self._optimizer_in_engine is compiled.optimizer
        compiled.configure(self._network, entries, keep_state=keep)
        self._takes_ids = compiled.takes_ids
        self._rule_in_engine = compiled.optimizer._compiled_rule()
        self._optimizer_in_engine = compiled.optimizer
        compiled.optimizer._owner = weakref.ref(self)
        self._ready = True

    def _changed(self) -> None:
        self._ready = False

    def _carry_over(self, network: Any, keys: list[tuple[Layer, int]]) -> None:
        super()._carry_over(network, keys)
        old = self._network
        if old is None or self._optimizer_in_engine is None:
            return
        network.set_optimizer(self._optimizer_in_engine._rule())
        network.iterations = old.iterations
        before = {(id(layer), i): number for number, (layer, i) in enumerate(self._keys)}
        for old_slot, slot in zip(old.slots, network.slots, strict=True):
            for (layer, i), state in zip(keys, slot, strict=True):
                if (id(layer), i) in before:
                    state[...] = old_slot[before[id(layer), i]]

    # ------------------------------------------------------------------------- single batches

    def train_on_batch(
        self,
        x: npt.ArrayLike,
        y: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
        class_weight: dict[int, float] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """Do one step of the optimizer on one minibatch.

        Parameters
        ----------
        x : array_like, shape (n, ...)
        y : array_like, shape (n,), (n, 1) or (n, c)
        sample_weight : array_like, shape (n,), optional
        class_weight : dict of class id to weight, optional
            Instead of `sample_weight`.
        return_dict : bool, default False

        Returns
        -------
        float, list of float, or dict
            Loss and metrics of the minibatch before the step, in the order of `metrics_names`;
            the plain loss if there are no metrics.

        Raises
        ------
        RuntimeError
            If the model is not compiled.
        TypeError, ValueError
            If the data do not fit.

        Warns
        -----
        UserWarning
            If a step activation keeps the gradient from weights that are to be trained.

        Examples
        --------
        >>> import picaflor as pf
        >>> model = pf.Sequential([pf.Input((1,)), pf.layers.Dense(1, kernel_initializer="zeros")])
        >>> model.compile("sgd", "mean_squared_error")
        >>> model.train_on_batch([[1.0], [2.0]], [1.0, 2.0])
        2.5
        """
        data = self._data(x, y, sample_weight, class_weight)
        if not self._looked_for_steps:
            self._looked_for_steps = True
            warn_of_flat_layers(self._layers)
        n = len(data.x)
        network, optimizer = self._network, self._optimizer_to_engine()
        rates = optimizer._rates(optimizer._iterations, 1)
        try:
            result = network.train(data.x, data.y, data.weight, None, 0, n, n, rates)
        finally:  # Ctrl-C comes before the step or after it
            optimizer._iterations = network.iterations
            constrain(self)
        values = self._values(result, data)
        return as_result(values, return_dict)

    def _optimizer_to_engine(self) -> Any:
        """Bring the engine up to date with the optimizer, and return that."""
        compiled = self._compiled
        assert compiled is not None
        optimizer = compiled.optimizer
        if optimizer._compiled is not self._rule_in_engine:
            self._rule_in_engine = optimizer._compiled_rule()
            self._network.set_optimizer(optimizer._rule(), keep_state=True)
        self._network.iterations = optimizer._iterations
        return optimizer

    def test_on_batch(
        self,
        x: npt.ArrayLike,
        y: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
        return_dict: bool = False,
    ) -> Any:
        """Return loss and metrics of one minibatch in inference mode.

        Parameters and result are those of `train_on_batch`.
        """
        data = self._data(x, y, sample_weight)
        n = len(data)
        result = self._network.evaluate(data.x, data.y, data.weight, 0, n, n)
        return as_result(self._values(result, data), return_dict)

    def _values(self, result: Any, data: Data) -> dict[str, float]:
        entries = self._entries()
        if not entries:
            return {"loss": result.loss / result.rows}
        means = Means(entries)
        means.add(result)
        if means.needs_python:
            means.update(data.y, self._network.output, data.weight)
        return means.values()

    def loss_and_gradients(
        self,
        x: npt.ArrayLike,
        y: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
        training: bool = False,
    ) -> tuple[float, list[Array]]:
        """Return the loss of these samples and its gradients; takes no step of the optimizer.

        Parameters
        ----------
        x : array_like, shape (n, ...)
        y : array_like, shape (n,), (n, 1) or (n, c)
        sample_weight : array_like, shape (n,), optional
        training : bool, default False
            Whether dropout, noise and batch normalization act as in training. If so, every call
            draws new random numbers and moves the moving mean and variance of each
            `BatchNormalization` that is trainable, as ``model(x, training=True)`` does, in Keras
            too. Otherwise nothing changes.

        Returns
        -------
        loss : float
            Penalties included.
        gradients : list of ndarray
            One for each of `trainable_weights`, in their order.

        Raises
        ------
        RuntimeError
            If the model is not compiled.
        TypeError, ValueError
            If the data do not fit.

        Examples
        --------
        >>> import picaflor as pf
        >>> model = pf.Sequential([pf.Input((1,)), pf.layers.Dense(1, kernel_initializer="zeros")])
        >>> model.compile("sgd", "mean_squared_error")
        >>> loss, (kernel, bias) = model.loss_and_gradients([[1.0], [2.0]], [1.0, 2.0])
        >>> loss, kernel, bias
        (2.5, array([[-5.]], dtype=float32), array([-3.], dtype=float32))
        """
        data = self._data(x, y, sample_weight)
        network = self._network
        loss = network.loss_and_gradients(
            data.x, data.y, data.weight, boolean(training, "training")
        )
        pairs = zip(network.gradients, network.trained, strict=True)
        return float(loss), [np.array(g, order="C") for g, trained in pairs if trained]

    # ------------------------------------------------------------------------------ copy, pickle

    def __copy__(self) -> Any:
        """Copy all of it: the weights of a layer are in the buffer of one model only."""
        return copy.deepcopy(self)

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        network = state.pop("_network")
        del state["_forward"], state["_keys"]
        state["_ready"], state["_rule_in_engine"] = False, None
        if network is not None:
            state["_engine"] = {
                "random_state": network.random_state,
                "iterations": network.iterations,
                "slots": [[np.array(s, order="C") for s in slot] for slot in network.slots],
            }
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        engine = state.pop("_engine", None)
        self.__dict__.update(state, _network=None, _keys=[])
        for layer in self._layers:
            layer._adopt(self)
        self._build_if_known()
        if engine is not None:
            self._restore(engine)

    def _restore(self, engine: dict[str, Any]) -> None:
        """Give the engine the random state and the optimizer state of a saved one."""
        network = self._network
        network.random_state = engine["random_state"]
        if self._optimizer_in_engine is not None:
            network.set_optimizer(self._optimizer_in_engine._rule())
        for slot, saved in zip(network.slots, engine["slots"], strict=True):
            for state, value in zip(slot, saved, strict=True):
                state[...] = value
        network.iterations = engine["iterations"]


# The types of elements that the engine reads where they lie.
_PLAIN = frozenset("?bBhHiIlLqQfd")


def as_result(values: dict[str, float], return_dict: bool) -> Any:
    """Return values as `evaluate` and its kin do: a dict, a list, or the plain loss."""
    if boolean(return_dict, "return_dict"):
        return {key: values[key] for key in sorted(values)}
    return list(values.values()) if len(values) > 1 else values["loss"]
