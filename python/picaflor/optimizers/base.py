"""What every optimizer has: a learning rate, clipping, weight decay, state, a configuration."""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import numpy as np

from picaflor import _core
from picaflor._checks import boolean, did_you_mean, integer, number
from picaflor.optimizers.schedules import LearningRateSchedule, deserialize, serialize

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["LearningRate", "Optimizer"]

LearningRate: TypeAlias = "float | LearningRateSchedule | Callable[[], float]"

# Arguments of Keras's optimizers that say nothing here, with the values that ask for nothing.
_KERAS_ONLY: Mapping[str, object] = {
    "use_ema": False,
    "ema_momentum": 0.99,
    "ema_overwrite_frequency": None,
    "loss_scale_factor": None,
    "gradient_accumulation_steps": None,
}
_SHARED = ("learning_rate", "weight_decay", "clipnorm", "clipvalue", "global_clipnorm", "name")

# The last constant rate and as many of it as were asked for: epochs ask for the same again.
_NO_RATES: tuple[float, npt.NDArray[np.float64]] = (0.0, np.empty(0))


class Optimizer:
    """Base class of the optimizers: from gradients to new values of the variables, in place.

    Each step, in Keras's order: gradients that are None are left out, gradients are clipped,
    weights decay by ``w -= w * weight_decay * learning_rate``, and the rule of the subclass
    updates them. Every step is one pass over memory.

    Parameters
    ----------
    learning_rate : float, LearningRateSchedule or callable without arguments
        The step size; a schedule is called with the number of finished steps. `fit` asks for the
        rates of an epoch's steps before the first of them, unless a callback has batch hooks.
    weight_decay : float, optional
        Share of every variable, biases included, that decays per step and unit of learning rate.
    clipnorm : float, optional
        Each gradient whose Euclidean norm is larger is scaled down to this norm.
    clipvalue : float, optional
        Gradients are clipped element by element to ``[-clipvalue, clipvalue]``.
    global_clipnorm : float, optional
        All gradients are scaled together, so that their joint norm is at most this.
    name : str, optional
        A label; by default the class's name in lower case.
    **kwargs
        Keras's `use_ema`, `ema_momentum`, `ema_overwrite_frequency`, `loss_scale_factor` and
        `gradient_accumulation_steps` are understood at their defaults only.

    Raises
    ------
    ValueError
        If more than one of the clipping arguments is set, a number lies out of its range, or one
        of Keras's arguments asks for what is not supported.
    TypeError
        If an argument is unknown or of the wrong type.
    """

    _kind: ClassVar[str]
    _settings: ClassVar[tuple[str, ...]] = ()  # hyperparameters besides those of this class

    def __init__(
        self,
        learning_rate: LearningRate,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        _refuse(type(self), kwargs)
        self.name = name if name is not None else type(self).__name__.lower()
        self.weight_decay = weight_decay
        self.clipnorm = clipnorm
        self.clipvalue = clipvalue
        self.global_clipnorm = global_clipnorm
        self._learning_rate = _checked_rate(learning_rate)
        self._iterations = 0
        self._last_rates = _NO_RATES
        self._slots: list[list[npt.NDArray[Any]]] = []

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute; hyperparameters may change between steps."""
        object.__setattr__(self, name, value)
        if not name.startswith("_"):  # a hyperparameter: the compiled rule is out of date
            self._compiled = None

    def __getstate__(self) -> dict[str, Any]:
        """Return everything but what is made again when needed, and the model."""
        return {**self.__dict__, "_compiled": None, "_owner": None, "_last_rates": _NO_RATES}

    def __repr__(self) -> str:
        """Return the call that makes an equal optimizer, clipping and decay left out."""
        settings = ", ".join(f"{key}={getattr(self, key)!r}" for key in self._settings)
        rate = self._learning_rate
        return f"{type(self).__name__}(learning_rate={rate!r}{', ' if settings else ''}{settings})"

    # ------------------------------------------------------------------------ the learning rate

    @property
    def learning_rate(self) -> float:
        """The learning rate of the next step.

        It can be set to a number or a schedule. A number in the place of a schedule is a
        TypeError, as in Keras: the schedule would silently be lost.
        """
        return float(self._rates(self._iterations, 1)[0])

    @learning_rate.setter
    def learning_rate(self, value: LearningRate) -> None:
        scheduled = isinstance(self._learning_rate, LearningRateSchedule)
        if scheduled and not isinstance(value, LearningRateSchedule):
            raise TypeError(
                "learning_rate cannot be set to a number, because this optimizer follows "
                f"{self._learning_rate!r}"
            )
        self._learning_rate = _checked_rate(value)

    @property
    def iterations(self) -> int:
        """The number of finished steps; the first step has number 0."""
        return self._iterations

    @iterations.setter
    def iterations(self, value: int) -> None:
        self._iterations = integer(value, "iterations", minimum=0)

    def _rates(self, first: int, count: int) -> npt.NDArray[np.float64]:
        """Learning rates of steps first, first + 1, ..., one each."""
        rate = self._learning_rate
        if isinstance(rate, LearningRateSchedule):
            return rate._rates(first, count)
        if callable(rate):
            return np.array([float(rate()) for _ in range(count)])
        if self._last_rates[0] != rate or len(self._last_rates[1]) != count:
            self._last_rates = (rate, np.full(count, rate))
        return self._last_rates[1]

    # ------------------------------------------------------------------------------- one step

    def apply(
        self,
        grads: Iterable[npt.ArrayLike | None],
        variables: Iterable[npt.NDArray[Any]],
    ) -> None:
        """Update the variables in place by one step.

        The state of the optimizer belongs to positions: the first call sizes it, and later calls
        must bring variables of the same shapes and dtypes in the same order.

        Parameters
        ----------
        grads : iterable of array_like or None
            One gradient per variable, of its shape; it is computed in the variable's dtype.
            Where it is None, the variable stays as it is.
        variables : iterable of ndarray of float32 or float64
            Any shape and strides; writeable.

        Raises
        ------
        TypeError
            If a variable is no array of float32 or float64.
        ValueError
            If counts or shapes disagree, a variable is read-only, or every gradient is None.

        Examples
        --------
        >>> import numpy as np
        >>> from picaflor.optimizers import SGD
        >>> w = np.array([1.0, 2.0])
        >>> SGD(learning_rate=0.5).apply([np.array([2.0, -2.0])], [w])
        >>> w
        array([0., 3.])
        """
        grads, variables = list(grads), list(variables)
        if len(grads) != len(variables):
            raise ValueError(
                f"grads must have one entry per variable, got {len(grads)} gradients for "
                f"{len(variables)} variables"
            )
        slots = self._state_of(variables)
        given = [i for i, gradient in enumerate(grads) if gradient is not None]
        if not given:
            raise ValueError("grads must have at least one gradient that is not None")
        if len(given) < len(grads):
            grads = [grads[i] for i in given]
            variables = [variables[i] for i in given]
            slots = [slots[i] for i in given]
        rate = self._learning_rate
        if not isinstance(rate, float):
            rate = self.learning_rate
        self._compiled_rule().apply(self._iterations, rate, variables, grads, slots)
        vars(self)["_iterations"] += 1  # no hyperparameter: __setattr__ would only take time

    def apply_gradients(
        self, grads_and_vars: Iterable[tuple[npt.ArrayLike | None, npt.NDArray[Any]]]
    ) -> None:
        """Update the variables in place by one step, from pairs (gradient, variable).

        The same as `apply`, which see.

        Examples
        --------
        >>> import numpy as np
        >>> from picaflor.optimizers import SGD
        >>> w = np.array([1.0, 2.0])
        >>> SGD(learning_rate=0.5).apply_gradients(zip([np.array([1.0, 1.0])], [w]))
        >>> w
        array([0.5, 1.5])
        """
        pairs = list(grads_and_vars)
        self.apply([gradient for gradient, _ in pairs], [variable for _, variable in pairs])

    def build(self, variables: Iterable[npt.NDArray[Any]]) -> None:
        """Make the state for these variables, where there is none yet.

        `apply` does so by itself.
        """
        self._state_of(list(variables))

    @property
    def variables(self) -> list[npt.NDArray[Any]]:
        """The state: for the first variable its arrays in Keras's order, then for the second, ...

        The arrays are live: writing to them changes the state. Empty before the first step.
        """
        return [slot for slots in self._slots for slot in slots]

    def _state_of(self, variables: Sequence[Any]) -> list[list[npt.NDArray[Any]]]:
        if not self._slots:
            for i, variable in enumerate(variables):
                _check_variable(variable, i)
            rule = self._compiled_rule()
            self._slots = [
                [_slot(v, k, rule.initial_slot) for k in range(rule.slots)] for v in variables
            ]
            self._shapes = [(v.shape, v.dtype) for v in variables]
            return self._slots
        if len(variables) != len(self._shapes):
            raise ValueError(
                f"variables must be the {len(self._shapes)} of the first call, "
                f"got {len(variables)}; make a new optimizer for others"
            )
        for i, of_first_call in enumerate(self._shapes):
            variable = variables[i]
            is_array = isinstance(variable, np.ndarray)
            if is_array and (variable.shape, variable.dtype) == of_first_call:
                continue
            _check_variable(variable, i)
            shape, dtype = of_first_call
            raise ValueError(
                f"variables[{i}] must have shape {shape} and dtype {dtype} as in the first "
                f"call, got {variable.shape} and {variable.dtype}"
            )
        return self._slots

    # --------------------------------------------------------------------------- configuration

    def _compiled_rule(self) -> _core.OptimizerRule:
        rule = self._compiled
        if rule is None:
            self._compiled = rule = _core.OptimizerRule(self._rule())
        return rule

    def _rule(self) -> dict[str, Any]:
        """Return the checked hyperparameters, as the engine reads them."""
        clips = {
            "clipnorm": self.clipnorm,
            "clipvalue": self.clipvalue,
            "global_clipnorm": self.global_clipnorm,
        }
        given = [key for key, value in clips.items() if value is not None]
        if len(given) > 1:
            raise ValueError(
                "only one of clipnorm, clipvalue and global_clipnorm may be set, got "
                + " and ".join(f"{key}={clips[key]}" for key in given)
            )
        rule: dict[str, Any] = {"kind": self._kind}
        for key, value in {"weight_decay": self.weight_decay, **clips}.items():
            rule[key] = 0.0 if value is None else number(value, key, minimum=0.0, below=math.inf)
        for key in self._settings:
            value = getattr(self, key)
            rule[key] = _checked_setting(key, value)
        return rule

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make an equal optimizer, without its state."""
        rate = self._learning_rate
        if isinstance(rate, LearningRateSchedule):
            described: Any = serialize(rate)
        elif callable(rate):
            raise ValueError("an optimizer whose learning_rate is a function has no configuration")
        else:
            described = rate
        return {
            "name": self.name,
            "learning_rate": described,
            "weight_decay": self.weight_decay,
            "clipnorm": self.clipnorm,
            "clipvalue": self.clipvalue,
            "global_clipnorm": self.global_clipnorm,
            **{key: getattr(self, key) for key in self._settings},
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Optimizer:
        """Make an optimizer from what `get_config` returned, of Keras's optimizers too."""
        arguments = dict(config)
        if isinstance(arguments.get("learning_rate"), Mapping):
            arguments["learning_rate"] = deserialize(arguments["learning_rate"])
        return cls(**arguments)

    _compiled: _core.OptimizerRule | None
    _owner: weakref.ref[Any] | None = None  # the model that counts its steps in `iterations`
    _shapes: list[tuple[tuple[int, ...], np.dtype[Any]]]


def _checked_rate(value: object) -> LearningRate:
    if isinstance(value, LearningRateSchedule):
        return value
    if callable(value):
        return value
    rate = number(value, "learning_rate")
    if math.isinf(rate):
        raise ValueError(f"learning_rate must be finite, got {value!r}")
    return rate


# Which interval a hyperparameter lies in: [low, high).
_SWITCHES = frozenset({"amsgrad", "centered", "nesterov"})
_RANGES: Mapping[str, tuple[float, float | None]] = {
    "beta_1": (0.0, 1.0),
    "beta_2": (0.0, 1.0),
    "rho": (0.0, 1.0),
    "momentum": (0.0, None),
    "epsilon": (0.0, None),
    "initial_accumulator_value": (0.0, None),
}


def _checked_setting(key: str, value: object) -> float | bool:
    if key in _SWITCHES:
        return boolean(value, key)
    low, high = _RANGES[key]
    return number(value, key, minimum=low, below=math.inf if high is None else high)


def _check_variable(variable: object, i: int) -> None:
    if not isinstance(variable, np.ndarray):
        raise TypeError(f"variables[{i}] must be an ndarray, got {type(variable).__name__}")
    if variable.dtype not in (np.float32, np.float64):
        raise TypeError(f"variables[{i}] must have dtype float32 or float64, got {variable.dtype}")


def _slot(variable: npt.NDArray[Any], k: int, value: float) -> npt.NDArray[Any]:
    """Return the variable's slot k: a new array like it, filled with the value.

    It begins at a cache line, and within its page a quarter of a page further than the variable or
    the slot before: processors that compare no more than addresses within pages when they look for
    stores that a load must wait for would find some where there are none, which makes a step take
    up to 1.5 times as long.
    """
    page, line = 4096, 64
    if variable.nbytes < page:
        return np.full(variable.shape, value, variable.dtype)
    memory = np.empty(variable.nbytes + page, np.uint8)
    wanted = (_address(variable) + (k + 1) * page // 4) // line * line
    begin = (wanted - _address(memory)) % page
    slot = memory[begin : begin + variable.nbytes].view(variable.dtype).reshape(variable.shape)
    slot.fill(value)
    return slot


def _address(array: npt.NDArray[Any]) -> int:
    return int(array.__array_interface__["data"][0])


def _refuse(cls: type[Optimizer], kwargs: Mapping[str, object]) -> None:
    for key, value in kwargs.items():
        if key not in _KERAS_ONLY:
            known = {*_KERAS_ONLY, *_SHARED, *cls._settings}
            advice = " It is 'learning_rate'." if key == "lr" else did_you_mean(key, known)
            raise TypeError(f"{cls.__name__}() has no argument {key!r}.{advice}")
        if value != _KERAS_ONLY[key]:
            raise ValueError(f"{key}={value!r} is not supported: picaflor has no such mechanism")
