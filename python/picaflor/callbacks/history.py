"""What `fit` returns."""

from __future__ import annotations

from typing import Any

from picaflor.callbacks.base import Callback, Logs


class History(Callback):
    """The logs of every epoch; `fit` adds one after the user's callbacks and returns it.

    Attributes
    ----------
    history : dict of str to list of float
        One list per key of the logs (``loss``, the metrics, ``val_loss``, ...).
    epoch : list of int
        Numbers of the epochs, from 0.

    Examples
    --------
    >>> history = History()
    >>> history.on_train_begin()
    >>> history.on_epoch_end(0, {"loss": 0.5})
    >>> history.history, history.epoch
    ({'loss': [0.5]}, [0])
    """

    def __init__(self) -> None:
        super().__init__()
        self.history: dict[str, list[Any]] = {}
        self.epoch: list[int] = []

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forget the epoch numbers of an earlier training."""
        self.epoch = []

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Keep the epoch's logs."""
        self.epoch.append(epoch)
        for key, value in (logs or {}).items():
            self.history.setdefault(key, []).append(value)
        if self.model is not None:
            self.model.history = self
