"""Small callbacks: learning rate by epoch, a halt at NaN, hooks from functions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from picaflor._checks import did_you_mean, number
from picaflor.callbacks.base import Callback, Logs


class LearningRateScheduler(Callback):
    """Set the learning rate at the start of each epoch.

    The rate is added to the logs as ``learning_rate``.

    Parameters
    ----------
    schedule : callable
        ``schedule(epoch, learning_rate) -> float``, epochs counted from 0; one that takes the
        epoch alone is fine too.
    verbose : int, default 0
        1: say what the rate is set to.

    Raises
    ------
    ValueError
        In training, if the schedule returns no float.

    Examples
    --------
    >>> callback = LearningRateScheduler(lambda epoch, rate: rate * 0.9)
    >>> round(callback.schedule(0, 1.0), 3)
    0.9
    """

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        super().__init__()
        if not callable(schedule):
            raise TypeError(f"schedule must be callable, got {schedule!r}")
        self.schedule = schedule
        self.verbose = int(number(verbose, "verbose", minimum=0, below=3))
        self._takes_rate = _takes_two(schedule)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Set the rate."""
        optimizer = self.model.optimizer
        if self._takes_rate:
            rate = self.schedule(epoch, float(optimizer.learning_rate))
        else:
            rate = self.schedule(epoch)
        if not isinstance(rate, (float, np.floating)):
            raise ValueError(f"schedule must return a float, got {rate!r}")
        optimizer.learning_rate = float(rate)
        if self.verbose > 0:
            print(f"Epoch {epoch + 1}: LearningRateScheduler sets the learning rate to {rate:g}.")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Log the rate."""
        if logs is not None:
            logs["learning_rate"] = float(self.model.optimizer.learning_rate)


def _takes_two(schedule: Callable[..., Any]) -> bool:
    import inspect

    try:
        inspect.signature(schedule).bind(0, 0.0)
    except TypeError:
        return False
    except ValueError:  # a builtin without a signature
        return True
    return True


class TerminateOnNaN(Callback):
    """Stop training after the first batch whose loss is NaN or infinite.

    Parameters
    ----------
    raise_error : bool, default False
        Raise a RuntimeError at once instead, which skips ``on_train_end``.

    Examples
    --------
    >>> TerminateOnNaN().raise_error
    False
    """

    def __init__(self, raise_error: bool = False) -> None:
        super().__init__()
        self.raise_error = raise_error

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Look at the loss."""
        loss = (logs or {}).get("loss")
        if loss is None or math.isfinite(loss):
            return
        message = f"Batch {batch}: the loss is {loss}, training is stopped"
        if self.raise_error:
            raise RuntimeError(message)
        print(message)
        self.model.stop_training = True


class LambdaCallback(Callback):
    """A callback whose hooks are functions given to the constructor.

    Parameters
    ----------
    **hooks : callable
        Any hook of `Callback` by its name, with that hook's arguments.

    Raises
    ------
    TypeError
        If a name is not a hook.

    Examples
    --------
    >>> callback = LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs))
    >>> callback.on_epoch_end(0, {"loss": 0.5})
    0 {'loss': 0.5}
    """

    def __init__(self, **hooks: Callable[..., Any] | None) -> None:
        super().__init__()
        known = [name for name in dir(Callback) if name.startswith("on_")]
        for name, function in hooks.items():
            if name not in known:
                raise TypeError(
                    f"LambdaCallback got an unexpected argument {name!r}."
                    f"{did_you_mean(name, known)}"
                )
            if function is not None:
                setattr(self, name, function)
