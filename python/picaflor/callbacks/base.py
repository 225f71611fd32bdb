"""The hooks that training calls, and the list that calls them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

Logs = dict[str, Any]


class Callback:
    """Base of all callbacks: override the hooks you want.

    `logs` is always a dict, and the same one for all callbacks of the list: what one of them adds
    is seen by those after it, `History` last. It is empty in the ``begin`` hooks. At the end of a
    batch it holds the running means since the start of the epoch.

    A callback that overrides a batch hook brings Python between the minibatches; without one, an
    epoch runs in C++ from end to end.

    Attributes
    ----------
    model : Sequential
        The model, from `set_model`; set ``model.stop_training = True`` to stop.
    params : dict
        ``verbose``, ``epochs`` and ``steps``, from `set_params`.

    Examples
    --------
    >>> class Print(Callback):
    ...     def on_epoch_end(self, epoch, logs=None):
    ...         print(epoch, sorted(logs))
    >>> Print().on_epoch_end(0, {"loss": 0.5})
    0 ['loss']
    """

    def __init__(self) -> None:
        self.params: dict[str, Any] = {}
        self._model: Any = None

    @property
    def model(self) -> Any:
        """The model that is being trained, evaluated or used."""
        return getattr(self, "_model", None)

    def set_model(self, model: Any) -> None:
        """Take the model; called before the first hook."""
        self._model = model

    def set_params(self, params: dict[str, Any]) -> None:
        """Take ``verbose``, ``epochs`` and ``steps``; called before the first hook."""
        self.params = params

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Run at the start of `fit`."""

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Run at the end of `fit`, with the logs of the last epoch."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Run at the start of an epoch; `epoch` counts from 0."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Run at the end of an epoch, after validation."""

    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Run before a minibatch of training: the older name of `on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Run after a minibatch of training: the older name of `on_train_batch_end`."""

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Run before a minibatch of training; `batch` counts from 0 in each epoch."""
        self.on_batch_begin(batch, logs=logs)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Run after a minibatch of training."""
        self.on_batch_end(batch, logs=logs)

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Run at the start of `evaluate`, and of validation inside `fit`."""

    def on_test_end(self, logs: Logs | None = None) -> None:
        """Run at the end of `evaluate`, and of validation inside `fit`."""

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Run before a minibatch of `evaluate`."""

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Run after a minibatch of `evaluate`."""

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """Run at the start of `predict`."""

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """Run at the end of `predict`."""

    def on_predict_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Run before a minibatch of `predict`."""

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Run after a minibatch of `predict`; logs has its outputs."""

    def _wants_batches(self, phase: str) -> bool:
        """Tell whether the batch hooks of "train", "test" or "predict" do anything."""
        return any(_overrides(self, f"on_{phase}_batch_{end}") for end in ("begin", "end"))

    def _on_progress(self, batches: int, total: int) -> None:
        """Run several times a second while an epoch runs; see `CallbackList.refresh`."""


def _overrides(callback: Callback, hook: str) -> bool:
    """Tell whether a hook does anything, or, for a batch of training, its older name."""
    if getattr(getattr(callback, hook), "__func__", None) is not getattr(Callback, hook):
        return True
    older = hook.replace("_train_batch", "_batch")
    return older != hook and _overrides(callback, older)


class CallbackList(Callback):
    """Several callbacks, called in their order with one dict of logs.

    Parameters
    ----------
    callbacks : Callback or iterable of Callback, optional
    model : Sequential, optional
        Given to each callback's `set_model`.
    **params
        Given to each callback's `set_params`.

    Raises
    ------
    TypeError
        If an entry is not a callback.

    Examples
    --------
    >>> callbacks = CallbackList([Callback()], epochs=3)
    >>> callbacks.callbacks[0].params
    {'epochs': 3}
    """

    def __init__(
        self,
        callbacks: Callback | Iterable[Callback] | None = None,
        model: Any = None,
        **params: Any,
    ) -> None:
        super().__init__()
        self.callbacks: list[Callback] = flat(callbacks)
        self._methods: dict[str, list[Callable[..., None]]] = {}  # those that do anything
        if model is not None:
            self.set_model(model)
        self.set_params(params)

    @property
    def refresh(self) -> bool:
        """Whether a callback shows progress within an epoch."""
        return any(type(c)._on_progress is not Callback._on_progress for c in self.callbacks)

    def append(self, callback: Callback) -> None:
        """Add a callback at the end."""
        self.callbacks.append(callback)
        self._methods = {}

    def set_model(self, model: Any) -> None:
        """Give the model to each callback."""
        super().set_model(model)
        for callback in self.callbacks:
            callback.set_model(model)

    def set_params(self, params: dict[str, Any]) -> None:
        """Give the parameters to each callback."""
        super().set_params(params)
        for callback in self.callbacks:
            callback.set_params(params)

    def _wants_batches(self, phase: str) -> bool:
        return any(callback._wants_batches(phase) for callback in self.callbacks)

    def _on_progress(self, batches: int, total: int) -> None:
        for callback in self.callbacks:
            callback._on_progress(batches, total)


def _call_each(hook: str) -> Callable[..., None]:
    """Return a method that calls `hook` of every callback with one dict."""

    def methods(self: CallbackList) -> list[Callable[..., None]]:
        if hook not in self._methods:
            self._methods[hook] = [getattr(c, hook) for c in self.callbacks if _overrides(c, hook)]
        return self._methods[hook]

    def plain(self: CallbackList, logs: Logs | None = None) -> None:
        logs = {} if logs is None else logs
        for method in methods(self):
            method(logs)

    def of_epoch(self: CallbackList, epoch: int, logs: Logs | None = None) -> None:
        logs = {} if logs is None else logs
        for method in methods(self):
            method(epoch, logs)

    def of_batch(self: CallbackList, batch: int, logs: Logs | None = None) -> None:
        logs = {} if logs is None else logs
        for method in methods(self):
            method(batch, logs=logs)

    result = of_batch if "batch" in hook else of_epoch if "epoch" in hook else plain
    result.__name__ = hook
    result.__doc__ = f"Call `{hook}` of each callback."
    return result


for _hook in vars(Callback).copy():
    if _hook.startswith("on_"):
        setattr(CallbackList, _hook, _call_each(_hook))


def flat(callbacks: Any) -> list[Callback]:
    """Return nested callbacks as one list.

    Raises
    ------
    TypeError
        If an entry is not a callback.
    """
    if callbacks is None:
        return []
    if isinstance(callbacks, CallbackList):
        return list(callbacks.callbacks)
    if isinstance(callbacks, Callback):
        return [callbacks]
    if isinstance(callbacks, (list, tuple)):
        return [callback for entry in callbacks for callback in flat(entry)]
    hint = "; call the class" if isinstance(callbacks, type) else ""
    raise TypeError(f"callbacks must be picaflor.callbacks.Callback, got {callbacks!r}{hint}")
