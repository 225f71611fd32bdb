"""Callbacks that watch one number of the logs: stopping, learning rate."""

from __future__ import annotations

import warnings
from typing import Any

from picaflor._checks import boolean, did_you_mean, integer, number
from picaflor.callbacks.base import Callback, Logs


class MonitorCallback(Callback):
    """Watch one entry of the logs and tell whether it got better.

    Parameters
    ----------
    monitor : str, default "val_loss"
    mode : {"auto", "min", "max"}, default "auto"
        What is better. "auto" asks the metric of that name; ``loss`` is to fall.
    baseline : float, optional
        The best value to start from.
    min_delta : float, default 0
        How much better counts as better.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        mode: str = "auto",
        baseline: float | None = None,
        min_delta: float = 0.0,
    ) -> None:
        super().__init__()
        if not isinstance(monitor, str):
            raise TypeError(f"monitor must be the name of a log entry, got {monitor!r}")
        if str(mode) not in ("auto", "min", "max"):
            raise ValueError(f"mode must be 'auto', 'min' or 'max', got {mode!r}")
        self.monitor = monitor
        self.mode = mode
        self.best: float | None = None if baseline is None else number(baseline, "baseline")
        self.min_delta = abs(number(min_delta, "min_delta"))
        self._sign = 0  # +1: larger is better, -1: smaller; 0: not found out yet

    def _find_direction(self) -> None:
        """Find out what is better; the metrics are known once a batch was seen."""
        if self._sign:
            return
        if self.mode == "auto":
            self._sign = direction_of(self.monitor, self.model)
        else:
            self._sign = 1 if self.mode == "max" else -1
        if not self._sign:
            raise ValueError(
                f"{type(self).__name__} cannot tell whether {self.monitor!r} is better when it "
                "is larger or smaller: pass mode='max' or mode='min'."
            )

    def _is_improvement(self, value: float, reference: float | None) -> bool:
        if reference is None:
            return True
        if self._sign > 0:
            return value - self.min_delta > reference
        return value + self.min_delta < reference

    def _value(self, logs: Logs | None) -> float | None:
        """Return the watched value; warns if the logs do not have it."""
        logs = logs or {}
        if self.monitor not in logs:
            warnings.warn(
                f"{type(self).__name__} watches {self.monitor!r}, which is not in the logs."
                f"{did_you_mean(self.monitor, logs)}",
                stacklevel=2,
            )
        return logs.get(self.monitor)


def direction_of(monitor: str, model: Any) -> int:
    """Return +1 where a larger value of this log entry is better, -1 where a smaller is, else 0."""
    name = monitor.removeprefix("val_")
    if name == "loss":
        return -1
    for entry in model._entries():
        if entry.key == name:
            return {"up": 1, "down": -1}.get(str(getattr(entry.metric, "_direction", None)), 0)
    return 0


class EarlyStopping(MonitorCallback):
    """Stop training when a watched value has stopped getting better.

    Training stops at the end of an epoch (not the first) that is the `patience`-th in a row
    without a value better by more than `min_delta`.

    Parameters
    ----------
    monitor : str, default "val_loss"
    min_delta : float, default 0
        How much better counts as better.
    patience : int, default 0
        Epochs without improvement before training stops.
    verbose : int, default 0
        1: say when training is stopped and which weights are restored.
    mode : {"auto", "min", "max"}, default "auto"
    baseline : float, optional
        The count of epochs starts again only where this is beaten too.
    restore_best_weights : bool, default False
        Put back the weights of the best epoch at the end, also if training was not stopped.
    start_from_epoch : int, default 0
        Epochs before it are not looked at.

    Raises
    ------
    ValueError
        During training, if `mode` is "auto" and the direction of the metric is not known.

    Examples
    --------
    >>> EarlyStopping(monitor="val_accuracy", patience=3, restore_best_weights=True).patience
    3
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0.0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, mode, baseline, min_delta)
        self.patience = integer(patience, "patience", minimum=0)
        self.verbose = int(number(verbose, "verbose", minimum=0, below=3))
        self.baseline = self.best
        self.restore_best_weights = boolean(restore_best_weights, "restore_best_weights")
        self.start_from_epoch = integer(start_from_epoch, "start_from_epoch", minimum=0)
        self.on_train_begin()

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Start anew, so that one callback can serve several trainings."""
        self.wait = 0
        self.stopped_epoch = 0
        self.best = None
        self.best_epoch = 0
        self.best_weights: list[Any] | None = None

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Compare, remember, and stop if the patience is at its end."""
        self._find_direction()
        value = self._value(logs)
        if value is None or epoch < self.start_from_epoch:
            return
        if self.restore_best_weights and self.best_weights is None:
            self._remember(epoch)
        self.wait += 1
        if self._is_improvement(value, self.best):
            self.best = value
            self._remember(epoch)
            if self.baseline is None or self._is_improvement(value, self.baseline):
                self.wait = 0
        elif self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Restore the best weights if asked to."""
        if self.stopped_epoch > 0 and self.verbose > 0:
            print(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if self.restore_best_weights and self.best_weights is not None:
            if self.verbose > 0:
                print(f"Restoring the weights of the best epoch: {self.best_epoch + 1}.")
            self.model.set_weights(self.best_weights)

    def _remember(self, epoch: int) -> None:
        self.best_epoch = epoch
        if self.restore_best_weights:
            self.best_weights = self.model.get_weights()


class ReduceLROnPlateau(MonitorCallback):
    """Lower the learning rate when a watched value has stopped getting better.

    The rate before the reduction is added to the logs as ``learning_rate``.

    Parameters
    ----------
    monitor : str, default "val_loss"
    factor : float below 1, default 0.1
        What the rate is multiplied by.
    patience : int, default 10
        Epochs without improvement before the rate is lowered.
    verbose : int, default 0
        1: say when the rate is lowered.
    mode : {"auto", "min", "max"}, default "auto"
    min_delta : float, default 1e-4
        How much better counts as better.
    cooldown : int, default 0
        Epochs after a reduction that do not count.
    min_lr : float, default 0.0
        The rate is not lowered below it.

    Raises
    ------
    ValueError
        If `factor` is not below 1; in training, if the direction of the metric is not known.
    TypeError
        In training, if the learning rate is a schedule.

    Examples
    --------
    >>> ReduceLROnPlateau(factor=0.5, patience=2).factor
    0.5
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        super().__init__(monitor, mode, min_delta=min_delta)
        self.factor = number(factor, "factor", below=1)
        self.patience = integer(patience, "patience", minimum=0)
        self.verbose = int(number(verbose, "verbose", minimum=0, below=3))
        self.cooldown = integer(cooldown, "cooldown", minimum=0)
        self.min_lr = number(min_lr, "min_lr")
        self.on_train_begin()

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Start anew, so that one callback can serve several trainings."""
        self.best = None
        self.wait = 0
        self.cooldown_counter = 0

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Log the rate, compare, and lower it if the patience is at its end."""
        self._find_direction()
        logs = {} if logs is None else logs
        logs["learning_rate"] = float(self.model.optimizer.learning_rate)
        value = self._value(logs)
        if value is None:
            return
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.wait = 0
        if self._is_improvement(value, self.best):
            self.best = value
            self.wait = 0
        elif self.cooldown_counter == 0:
            self.wait += 1
            if self.wait >= self.patience:
                self._reduce(epoch)

    def _reduce(self, epoch: int) -> None:
        old = float(self.model.optimizer.learning_rate)
        if old <= self.min_lr:
            return
        new = max(old * self.factor, self.min_lr)
        self.model.optimizer.learning_rate = new
        self.cooldown_counter = self.cooldown
        self.wait = 0
        if self.verbose > 0:
            print(f"Epoch {epoch + 1}: ReduceLROnPlateau sets the learning rate to {new:g}.")
