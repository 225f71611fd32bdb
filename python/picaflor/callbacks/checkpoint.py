"""Callbacks that save: the model, and the logs."""

from __future__ import annotations

import os
from typing import Any, TextIO

from picaflor._checks import boolean, file_path, integer, number
from picaflor.callbacks.base import Callback, Logs
from picaflor.callbacks.monitor import MonitorCallback


class ModelCheckpoint(MonitorCallback):
    """Save the model, or its weights, at the end of epochs or every so many batches.

    Parameters
    ----------
    filepath : str or path
        May have fields in braces: ``{epoch}`` and ``{batch}``, both counted from 1, and every
        key of the logs, as in ``"{epoch:02d}-{val_loss:.2f}.safetensors"``. Missing folders are
        made.
    monitor : str, default "val_loss"
    verbose : int, default 0
        1: say what is saved.
    save_best_only : bool, default False
        Save only where the watched value is the best so far.
    save_weights_only : bool, default False
        Use `Sequential.save_weights` instead of `Sequential.save`.
    mode : {"auto", "min", "max"}, default "auto"
    save_freq : "epoch" or int, default "epoch"
        An int counts batches, across epochs.
    initial_value_threshold : float, optional
        The best value to start from.

    Raises
    ------
    ValueError
        If `save_freq` is neither "epoch" nor a positive integer; in training, if the direction
        of the metric is needed and not known.
    KeyError
        In training, if `filepath` has a field that is not in the logs.

    Examples
    --------
    >>> ModelCheckpoint("best.safetensors", save_best_only=True).filepath
    'best.safetensors'
    """

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        super().__init__(monitor, mode, baseline=initial_value_threshold)
        self.filepath = file_path(filepath, "filepath")
        self.verbose = int(number(verbose, "verbose", minimum=0, below=3))
        self.save_best_only = boolean(save_best_only, "save_best_only")
        self.save_weights_only = boolean(save_weights_only, "save_weights_only")
        if isinstance(save_freq, str):
            if save_freq != "epoch":
                raise ValueError(f"save_freq must be 'epoch' or an integer, got {save_freq!r}")
        else:
            save_freq = integer(save_freq, "save_freq", minimum=1)
        self.save_freq = save_freq
        self._epoch = 0
        self._batches = 0

    def _wants_batches(self, phase: str) -> bool:
        return phase == "train" and self.save_freq != "epoch"

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Remember the number of the epoch."""
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Save if `save_freq` batches have passed."""
        if isinstance(self.save_freq, int):
            self._batches += 1
            if self._batches >= self.save_freq:
                self._batches = 0
                self._save(logs or {}, batch)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Save if `save_freq` is "epoch"."""
        if self.save_freq == "epoch":
            self._save(logs or {}, None)

    def _save(self, logs: Logs, batch: int | None) -> None:
        path = self._path(logs, batch)
        if not self._is_to_be_saved(logs):
            return
        folder = os.path.dirname(path)
        if folder:
            os.makedirs(folder, exist_ok=True)
        if self.verbose > 0:
            print(f"Epoch {self._epoch + 1}: saving the model to {path}")
        if self.save_weights_only:
            self.model.save_weights(path)
        else:
            self.model.save(path)

    def _is_to_be_saved(self, logs: Logs) -> bool:
        if not self.save_best_only:
            return True
        self._find_direction()
        value = self._value(logs)
        if value is None:
            return True  # as Keras: better one file too many
        if not self._is_improvement(value, self.best):
            return False
        self.best = value
        return True

    def _path(self, logs: Logs, batch: int | None) -> str:
        fields = {**logs, "epoch": self._epoch + 1}
        if batch is not None:
            fields.setdefault("batch", batch + 1)
        try:
            return self.filepath.format(**fields)
        except KeyError as error:
            raise KeyError(
                f"filepath {self.filepath!r} has the field {error}, which is not in the logs: "
                + ", ".join(sorted(fields))
            ) from None


class CSVLogger(Callback):
    """Write the logs of each epoch as a row of a CSV file.

    The columns are ``epoch`` (from 0) and the keys of the first epoch's logs, sorted. Without
    validation data the ``val_`` columns are there too, filled with NA.

    Parameters
    ----------
    filename : str or path
    separator : str, default ","
    append : bool, default False
        Add to an existing file, whose header is not repeated.

    Examples
    --------
    >>> CSVLogger("training.csv").separator
    ','
    """

    def __init__(
        self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False
    ) -> None:
        super().__init__()
        self.filename = file_path(filename, "filename")
        if len(str(separator)) != 1:
            raise TypeError(f"separator must be a string of one character, got {separator!r}")
        self.separator = separator
        self.append = boolean(append, "append")
        self._file: TextIO | None = None
        self._writer: Any = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Open the file."""
        self._header = not (
            self.append and os.path.exists(self.filename) and os.path.getsize(self.filename)
        )
        self._close()
        self._file = open(  # noqa: SIM115  (closed in on_train_end)
            self.filename, "a" if self.append else "w", newline="", encoding="utf-8"
        )

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Write a row."""
        logs = logs or {}
        if self._file is None:
            return
        if self._writer is None:
            import csv  # wanted by this callback only

            keys = sorted(logs)
            if not any(key.startswith("val_") for key in keys):
                keys += [f"val_{key}" for key in keys]
            self._writer = csv.DictWriter(
                self._file,
                ["epoch", *keys],
                restval="NA",
                extrasaction="ignore",
                delimiter=self.separator,
            )
            if self._header:
                self._writer.writeheader()
        self._writer.writerow({**logs, "epoch": epoch})
        self._file.flush()

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Close the file."""
        self._close()

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
        self._file = None
        self._writer = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_file": None, "_writer": None}
