"""What `fit` prints: a progress bar through tqdm, or one line an epoch."""

from __future__ import annotations

import time
from typing import Any

from picaflor.callbacks.base import Callback, Logs


class ProgressBar(Callback):
    """Show the progress of training; `fit` adds one unless ``verbose=0``.

    Parameters
    ----------
    verbose : int, default 1
        1: a bar for each epoch, where the package tqdm is installed (``picaflor[progress]``).
        2: one line an epoch, which is also what 1 gives without tqdm.

    Examples
    --------
    >>> bar = ProgressBar(verbose=2)
    >>> bar.set_params({"epochs": 3})
    >>> bar.on_epoch_begin(0)
    >>> bar.on_epoch_end(0, {"loss": 0.25, "accuracy": 0.9})      # doctest: +ELLIPSIS
    Epoch 1/3 - ...s - loss: 0.2500 - accuracy: 0.9000
    """

    def __init__(self, verbose: int = 1) -> None:
        super().__init__()
        self._tqdm: Any = _tqdm() if verbose == 1 else None
        self._bar: Any = None
        self._start = 0.0

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Start the clock and the bar."""
        self._start = time.perf_counter()
        if self._tqdm is not None:
            self._bar = self._tqdm(
                total=self.params.get("steps"),
                desc=self._title(epoch),
                unit="batch",
                dynamic_ncols=True,
            )

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Show the logs and close the bar, or print the line."""
        numbers = [f"{key}: {_short(value)}" for key, value in (logs or {}).items()]
        if self._bar is not None:
            self._bar.set_postfix_str(" - ".join(numbers), refresh=False)
            self._close()
        else:
            seconds = time.perf_counter() - self._start
            print(" - ".join([self._title(epoch), f"{seconds:.2f}s", *numbers]), flush=True)

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Close what is left of a bar."""
        self._close()

    def _on_progress(self, batches: int, total: int) -> None:
        if self._bar is not None:
            self._bar.total = total
            self._bar.update(batches - self._bar.n)

    def _title(self, epoch: int) -> str:
        return f"Epoch {epoch + 1}/{self.params.get('epochs')}"

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_bar": None}


def _short(value: Any) -> str:
    if not isinstance(value, (int, float)):
        return str(value)
    return f"{value:.4f}" if value == 0 or abs(value) > 1e-3 else f"{value:.4e}"


def _tqdm() -> Any:
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return None
    return tqdm
