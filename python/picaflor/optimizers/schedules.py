"""Learning rates that follow the number of steps, with Keras 3's names and formulas.

A schedule is a function of the number of finished steps: 0 at the first one. Every class here also
takes an array of step numbers, so that a curve can be plotted.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import numpy as np

from picaflor._checks import number, unknown_name

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = [
    "CosineDecay",
    "CosineDecayRestarts",
    "ExponentialDecay",
    "InverseTimeDecay",
    "LearningRateSchedule",
    "OneCycle",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
    "deserialize",
    "serialize",
]

_Steps: TypeAlias = "npt.NDArray[np.float64]"


class LearningRateSchedule:
    """Base class of the schedules.

    A schedule of your own defines ``__call__(step)``, and ``get_config`` where it is to be saved.

    Examples
    --------
    >>> from picaflor.optimizers import SGD
    >>> from picaflor.optimizers.schedules import LearningRateSchedule
    >>> class Halving(LearningRateSchedule):
    ...     def __call__(self, step):
    ...         return 0.5 ** step
    >>> optimizer = SGD(learning_rate=Halving())
    >>> optimizer.iterations = 3
    >>> optimizer.learning_rate
    0.125
    """

    def __call__(self, step: Any) -> Any:
        """Return the learning rate after `step` finished steps."""
        raise TypeError(f"{type(self).__name__} must define __call__(step)")

    def _rates(self, first: int, count: int) -> npt.NDArray[np.float64]:
        return np.array([float(self(step)) for step in range(first, first + count)])

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make an equal schedule."""
        raise TypeError(f"{type(self).__name__} must define get_config() to be saved")

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> LearningRateSchedule:
        """Make a schedule from what `get_config` returned."""
        return cls(**config)


class _Formula(LearningRateSchedule, ABC):
    """A schedule given by a formula on arrays, `_at`."""

    _settings: ClassVar[tuple[str, ...]]
    name: str | None

    def __call__(self, step: npt.ArrayLike) -> Any:
        steps = np.asarray(step, dtype=np.float64)
        rates = self._at(steps)
        return rates if steps.ndim else float(rates)

    @abstractmethod
    def _at(self, steps: _Steps) -> _Steps:
        """Learning rates after so many finished steps."""

    def _rates(self, first: int, count: int) -> npt.NDArray[np.float64]:
        return self._at(np.arange(first, first + count, dtype=np.float64))

    def get_config(self) -> dict[str, Any]:
        return {key: getattr(self, key) for key in (*self._settings, "name")}

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        settings = ", ".join(f"{key}={getattr(self, key)!r}" for key in self._settings)
        return f"{type(self).__name__}({settings})"


def _positive(value: float, name: str) -> float:
    result = number(value, name)
    if not result > 0:
        raise ValueError(f"{name} must be above 0, got {value!r}")
    return result


class ExponentialDecay(_Formula):
    """``initial_learning_rate * decay_rate ** (step / decay_steps)``.

    Parameters
    ----------
    initial_learning_rate : float
        The rate of the first step.
    decay_steps : float
        After so many steps the rate has been multiplied by `decay_rate`.
    decay_rate : float
        The factor.
    staircase : bool, default False
        Round the exponent down, so that the rate changes only every `decay_steps` steps.
    name : str, optional
        A label.

    Examples
    --------
    >>> from picaflor.optimizers.schedules import ExponentialDecay
    >>> ExponentialDecay(0.1, decay_steps=100, decay_rate=0.5)([0, 100, 200])
    array([0.1  , 0.05 , 0.025])
    """

    _settings = ("initial_learning_rate", "decay_steps", "decay_rate", "staircase")

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str | None = None,
    ) -> None:
        self.initial_learning_rate = number(initial_learning_rate, "initial_learning_rate")
        self.decay_steps = _positive(decay_steps, "decay_steps")
        self.decay_rate = number(decay_rate, "decay_rate", minimum=0.0)
        self.staircase = staircase
        self.name = name

    def _at(self, steps: _Steps) -> _Steps:
        p = steps / self.decay_steps
        return self.initial_learning_rate * self.decay_rate ** (
            np.floor(p) if self.staircase else p
        )


class InverseTimeDecay(_Formula):
    """``initial_learning_rate / (1 + decay_rate * step / decay_steps)``.

    Parameters
    ----------
    initial_learning_rate : float
        The rate of the first step.
    decay_steps : float
        How often the rate decays.
    decay_rate : float
        How much.
    staircase : bool, default False
        Round ``step / decay_steps`` down.
    name : str, optional
        A label.

    Examples
    --------
    >>> from picaflor.optimizers.schedules import InverseTimeDecay
    >>> InverseTimeDecay(0.1, decay_steps=1, decay_rate=0.5)([0, 2, 6])
    array([0.1  , 0.05 , 0.025])
    """

    _settings = ("initial_learning_rate", "decay_steps", "decay_rate", "staircase")

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str | None = None,
    ) -> None:
        self.initial_learning_rate = number(initial_learning_rate, "initial_learning_rate")
        self.decay_steps = _positive(decay_steps, "decay_steps")
        self.decay_rate = number(decay_rate, "decay_rate", minimum=0.0)
        self.staircase = staircase
        self.name = name

    def _at(self, steps: _Steps) -> _Steps:
        p = steps / self.decay_steps
        return self.initial_learning_rate / (
            1 + self.decay_rate * (np.floor(p) if self.staircase else p)
        )


class PiecewiseConstantDecay(_Formula):
    """``values[i]`` from the step after ``boundaries[i - 1]`` up to and with ``boundaries[i]``.

    Parameters
    ----------
    boundaries : sequence of int
        Increasing step numbers.
    values : sequence of float
        One rate more than there are boundaries.
    name : str, optional
        A label.

    Examples
    --------
    >>> from picaflor.optimizers.schedules import PiecewiseConstantDecay
    >>> PiecewiseConstantDecay([10, 20], [1.0, 0.5, 0.1])([0, 10, 11, 20, 21])
    array([1. , 1. , 0.5, 0.5, 0.1])
    """

    _settings = ("boundaries", "values")

    def __init__(
        self, boundaries: Sequence[float], values: Sequence[float], name: str | None = None
    ) -> None:
        self.boundaries = [number(b, "boundaries") for b in boundaries]
        self.values = [number(v, "values") for v in values]
        if len(self.values) != len(self.boundaries) + 1:
            raise ValueError(
                f"values must have one entry more than boundaries, got {len(self.values)} for "
                f"{len(self.boundaries)}"
            )
        if any(a >= b for a, b in zip(self.boundaries, self.boundaries[1:], strict=False)):
            raise ValueError(f"boundaries must increase, got {self.boundaries}")
        self.name = name

    def _at(self, steps: _Steps) -> _Steps:
        place = np.searchsorted(self.boundaries, steps, side="left")
        return np.asarray(self.values, dtype=np.float64)[place]


class PolynomialDecay(_Formula):
    """From one rate to another along ``(1 - step / decay_steps) ** power``.

    ::

        (initial - end) (1 - p)^power + end,    p = min(step, decay_steps) / decay_steps

    With `cycle`, `decay_steps` is multiplied by the smallest whole number that makes it at least
    `step`, instead of stopping there.

    Parameters
    ----------
    initial_learning_rate : float
        The rate of the first step.
    decay_steps : float
        When the end is reached.
    end_learning_rate : float, default 0.0001
        The rate from then on.
    power : float, default 1.0
        1 is a straight line.
    cycle : bool, default False
        Start again, over a longer time, when the end is reached.
    name : str, optional
        A label.

    Examples
    --------
    >>> from picaflor.optimizers.schedules import PolynomialDecay
    >>> PolynomialDecay(0.1, decay_steps=100, end_learning_rate=0.0)([0, 50, 100, 150])
    array([0.1 , 0.05, 0.  , 0.  ])
    """

    _settings = ("initial_learning_rate", "decay_steps", "end_learning_rate", "power", "cycle")

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str | None = None,
    ) -> None:
        self.initial_learning_rate = number(initial_learning_rate, "initial_learning_rate")
        self.decay_steps = _positive(decay_steps, "decay_steps")
        self.end_learning_rate = number(end_learning_rate, "end_learning_rate")
        self.power = _positive(power, "power")
        self.cycle = cycle
        self.name = name

    def _at(self, steps: _Steps) -> _Steps:
        if self.cycle:
            p = steps / (self.decay_steps * np.maximum(np.ceil(steps / self.decay_steps), 1))
        else:
            p = np.minimum(steps, self.decay_steps) / self.decay_steps
        span = self.initial_learning_rate - self.end_learning_rate
        return span * (1 - p) ** self.power + self.end_learning_rate


class CosineDecay(_Formula):
    """Half a cosine wave from the initial rate to a share of it, after a warm-up where asked for.

    ::

        p = min(step, decay_steps) / decay_steps
        rate = initial ((1 - alpha) (1 + cos(pi p)) / 2 + alpha)

    With `warmup_target`, the rate first climbs from `initial_learning_rate` to it in a straight
    line of `warmup_steps` steps, and the wave starts from there [1]_.

    Parameters
    ----------
    initial_learning_rate : float
        The rate of the first step.
    decay_steps : float
        The length of the wave, warm-up not counted.
    alpha : float, default 0.0
        The last rate, as a share of the one the wave starts from.
    name : str, optional
        A label.
    warmup_target : float, optional
        The rate at the end of the warm-up.
    warmup_steps : float, default 0
        The length of the warm-up.

    References
    ----------
    .. [1] I. Loshchilov, F. Hutter, "SGDR: stochastic gradient descent with warm restarts",
       arXiv:1608.03983.

    Examples
    --------
    >>> from picaflor.optimizers.schedules import CosineDecay
    >>> CosineDecay(0.1, decay_steps=100)([0, 50, 100, 200])
    array([0.1 , 0.05, 0.  , 0.  ])
    """

    _settings = (
        "initial_learning_rate", "decay_steps", "alpha", "warmup_target", "warmup_steps",
    )  # fmt: skip

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        alpha: float = 0.0,
        name: str | None = None,
        warmup_target: float | None = None,
        warmup_steps: float = 0,
    ) -> None:
        self.initial_learning_rate = number(initial_learning_rate, "initial_learning_rate")
        self.decay_steps = _positive(decay_steps, "decay_steps")
        self.alpha = number(alpha, "alpha")
        self.warmup_steps = number(warmup_steps, "warmup_steps", minimum=0.0)
        self.warmup_target = (
            None if warmup_target is None else number(warmup_target, "warmup_target")
        )
        if self.warmup_target is None and self.warmup_steps > 0:
            raise ValueError(f"warmup_steps={warmup_steps} needs a warmup_target")
        self.name = name

    def _at(self, steps: _Steps) -> _Steps:
        if self.warmup_target is None:
            return self._wave(steps, self.initial_learning_rate)
        wave = self._wave(steps - self.warmup_steps, self.warmup_target)
        if self.warmup_steps == 0:
            return wave
        climb = self.warmup_target - self.initial_learning_rate
        line = self.initial_learning_rate + climb * steps / self.warmup_steps
        return np.where(steps < self.warmup_steps, line, wave)

    def _wave(self, steps: _Steps, top: float) -> _Steps:
        p = np.minimum(steps, self.decay_steps) / self.decay_steps
        return top * ((1 - self.alpha) * (1 + np.cos(math.pi * p)) / 2 + self.alpha)


class CosineDecayRestarts(_Formula):
    """Half cosine waves, each longer and lower than the last [1]_.

    Wave i starts where the others end, is ``first_decay_steps * t_mul ** i`` long and goes from
    ``initial * m_mul ** i`` down to zero; `alpha` lifts all of it: with share p of it done ::

        initial ((1 - alpha) m_mul^i (1 + cos(pi p)) / 2 + alpha)

    Parameters
    ----------
    initial_learning_rate : float
        The rate of the first step.
    first_decay_steps : float
        The length of the first wave.
    t_mul : float, default 2.0
        How much longer each wave is than the last; at least 1.
    m_mul : float, default 1.0
        How much higher each wave is than the last.
    alpha : float, default 0.0
        The lowest rate, as a share of `initial_learning_rate`.
    name : str, optional
        A label.

    References
    ----------
    .. [1] I. Loshchilov, F. Hutter, "SGDR: stochastic gradient descent with warm restarts",
       arXiv:1608.03983, section 3.

    Examples
    --------
    >>> from picaflor.optimizers.schedules import CosineDecayRestarts
    >>> CosineDecayRestarts(0.1, first_decay_steps=100)([0, 50, 100, 200, 300])
    array([0.1 , 0.05, 0.1 , 0.05, 0.1 ])
    """

    _settings = ("initial_learning_rate", "first_decay_steps", "t_mul", "m_mul", "alpha")

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: float,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str | None = None,
    ) -> None:
        self.initial_learning_rate = number(initial_learning_rate, "initial_learning_rate")
        self.first_decay_steps = _positive(first_decay_steps, "first_decay_steps")
        self.t_mul = number(t_mul, "t_mul", minimum=1.0)
        self.m_mul = number(m_mul, "m_mul", minimum=0.0)
        self.alpha = number(alpha, "alpha")
        self.name = name

    def _at(self, steps: _Steps) -> _Steps:
        done = steps / self.first_decay_steps
        if self.t_mul == 1:
            wave = np.floor(done)
            p = done - wave
        else:
            # Wave i starts at (t_mul^i - 1) / (t_mul - 1); the logarithm may miss it by rounding.
            wave = np.floor(np.log1p(done * (self.t_mul - 1)) / math.log(self.t_mul))
            wave = np.where(done >= self._start(wave + 1), wave + 1, wave)
            p = (done - self._start(wave)) / self.t_mul**wave
        height: _Steps = self.m_mul**wave * (1 + np.cos(math.pi * p)) / 2
        return self.initial_learning_rate * ((1 - self.alpha) * height + self.alpha)

    def _start(self, wave: _Steps) -> _Steps:
        return np.asarray((self.t_mul**wave - 1) / (self.t_mul - 1))


class OneCycle(_Formula):
    """One climb to a high rate and one long way down [1]_; picaflor's own, not in Keras.

    The rate climbs from `initial_learning_rate` to `max_learning_rate` during the first
    share `warmup` of the steps and then falls to `end_learning_rate`, both along half a cosine
    wave: from a to b, with share p of the way done, it is ``b + (a - b) (1 + cos(pi p)) / 2``. Step
    ``total_steps - 1``, the last of a training of that length, has `end_learning_rate`, and so has
    every later one.

    Parameters
    ----------
    max_learning_rate : float
        The highest rate.
    total_steps : int
        The length of the training: ``epochs * ceil(n / batch_size)``.
    warmup : float, default 0.3
        The share of the steps that climbs, in [0, 1).
    initial_learning_rate : float, optional
        The rate of the first step; by default ``max_learning_rate / 25``.
    end_learning_rate : float, optional
        The rate of the last step; by default ``initial_learning_rate / 10000``.
    name : str, optional
        A label.

    References
    ----------
    .. [1] L. N. Smith, N. Topin, "Super-convergence: very fast training of neural networks using
       large learning rates", arXiv:1708.07120, section 3.

    Examples
    --------
    >>> from picaflor.optimizers.schedules import OneCycle
    >>> OneCycle(1.0, total_steps=11, initial_learning_rate=0.1)([0, 3, 10]).round(6)
    array([1.e-01, 1.e+00, 1.e-05])
    """

    _settings = (
        "max_learning_rate", "total_steps", "warmup", "initial_learning_rate", "end_learning_rate",
    )  # fmt: skip

    def __init__(
        self,
        max_learning_rate: float,
        total_steps: float,
        warmup: float = 0.3,
        initial_learning_rate: float | None = None,
        end_learning_rate: float | None = None,
        name: str | None = None,
    ) -> None:
        self.max_learning_rate = number(max_learning_rate, "max_learning_rate")
        self.total_steps = _positive(total_steps, "total_steps")
        self.warmup = number(warmup, "warmup", minimum=0.0, below=1.0)
        self.initial_learning_rate = (
            self.max_learning_rate / 25
            if initial_learning_rate is None
            else number(initial_learning_rate, "initial_learning_rate")
        )
        self.end_learning_rate = (
            self.initial_learning_rate / 1e4
            if end_learning_rate is None
            else number(end_learning_rate, "end_learning_rate")
        )
        self.name = name

    def _at(self, steps: _Steps) -> _Steps:
        last = self.total_steps - 1
        top = self.warmup * last
        climb = _half_wave(
            self.initial_learning_rate, self.max_learning_rate, steps / top if top > 0 else steps
        )
        fall = _half_wave(
            self.max_learning_rate,
            self.end_learning_rate,
            np.minimum((steps - top) / (last - top), 1) if last > top else np.ones_like(steps),
        )
        return np.where(steps < top, climb, fall)


def _half_wave(a: float, b: float, p: _Steps) -> _Steps:
    return b + (a - b) * (1 + np.cos(math.pi * p)) / 2


_CLASSES: Mapping[str, type[LearningRateSchedule]] = {
    cls.__name__: cls
    for cls in (
        CosineDecay,
        CosineDecayRestarts,
        ExponentialDecay,
        InverseTimeDecay,
        OneCycle,
        PiecewiseConstantDecay,
        PolynomialDecay,
    )
}


def serialize(schedule: LearningRateSchedule) -> dict[str, Any]:
    """Return class name and configuration of a schedule.

    Examples
    --------
    >>> from picaflor.optimizers import schedules
    >>> schedules.serialize(schedules.CosineDecay(0.1, 10))["class_name"]
    'CosineDecay'
    """
    return {"class_name": type(schedule).__name__, "config": schedule.get_config()}


def deserialize(config: Mapping[str, Any]) -> LearningRateSchedule:
    """Return the schedule that `serialize`, or Keras's, has described.

    Raises
    ------
    ValueError
        If the class is unknown.

    Examples
    --------
    >>> from picaflor.optimizers import schedules
    >>> config = {"initial_learning_rate": 0.1, "decay_steps": 10.0, "decay_rate": 0.5}
    >>> schedules.deserialize({"class_name": "InverseTimeDecay", "config": config})(10)
    0.06666666666666667
    """
    cls = _CLASSES.get(config.get("class_name", ""))
    if cls is None:
        raise unknown_name("schedule", config.get("class_name"), _CLASSES)
    return cls.from_config(config["config"])
