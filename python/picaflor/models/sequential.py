"""`Sequential`: a stack of layers that can be trained, used and saved."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from picaflor._checks import integer, number
from picaflor.callbacks import CallbackList, History, ProgressBar
from picaflor.callbacks.base import flat
from picaflor.models.arguments import positive, validation_due, verbosity, xy_tuple
from picaflor.models.data import Data
from picaflor.models.flat import warn_of_flat_layers
from picaflor.models.inference import Inference
from picaflor.models.loop import Epochs, Loop
from picaflor.models.training import as_result

if TYPE_CHECKING:
    import numpy.typing as npt

_VALIDATION_NAMES = ("x of validation_data", "y of validation_data", "weights of validation_data")


class Sequential(Inference):
    """A stack of layers, with Keras's interface.

    Parameters
    ----------
    layers : iterable of Layer, optional
        An `Input` first says what shape a sample has, and the weights are made at once. Without
        one, the first `fit` or call finds out.
    name : str, default "sequential"
    dtype : {"float32", "float64"}, default "float32"
        Type of the weights and of all computation, whatever the type of the data.
    seed : int, optional
        The same seed gives the same weights, order of the samples and dropout, for any number
        of threads. Without one it is drawn from Python's `random`.

    Attributes
    ----------
    metadata : dict of str to anything that JSON can hold
        What belongs to the model but not to the network, such as the names of its classes: empty
        at first, and saved and loaded with the model.

    Notes
    -----
    ``numpy.random.default_rng(seed)`` gives the initial weights, in the order of `get_weights`,
    and then one ``permutation(n)`` for each pass over shuffled data. Dropout and noise come from
    a counter-based generator of the engine with the same seed.

    Training runs in C++ from minibatch to minibatch with the interpreter's lock released, so that
    two models can be trained from two threads. Ctrl-C ends it after a whole minibatch.

    Examples
    --------
    >>> import numpy as np
    >>> import picaflor as pf
    >>> x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    >>> y = np.array([0, 1, 1, 0])
    >>> model = pf.Sequential([
    ...     pf.Input((2,)),
    ...     pf.layers.Dense(8, activation="tanh"),
    ...     pf.layers.Dense(2, activation="softmax"),
    ... ], seed=0)
    >>> model.compile(pf.optimizers.Adam(0.05), "sparse_categorical_crossentropy", ["accuracy"])
    >>> history = model.fit(x, y, batch_size=4, epochs=200, verbose=0)
    >>> history.history["accuracy"][-1]
    1.0
    """

    # ----------------------------------------------------------------------------------- training

    def fit(
        self,
        x: npt.ArrayLike,
        y: npt.ArrayLike | None = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: str | int = "auto",
        callbacks: Any = None,
        validation_split: float | None = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: dict[int, float] | None = None,
        sample_weight: npt.ArrayLike | None = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: int | Sequence[int] = 1,
    ) -> History:
        """Train for a number of epochs.

        Parameters
        ----------
        x : array_like, shape (n, ...)
            Any real dtype, any strides, memory maps, data frames. Float32 and integer data are
            not copied: the engine converts the rows of a minibatch as it gathers them. (Arrays
            in Fortran order are copied once, if they are to be shuffled and no memory map.)
        y : array_like, shape (n,), (n, 1) or (n, c)
            Targets: class ids for sparse_categorical_crossentropy, else rows like the outputs;
            shape (n,) goes with one output.
        batch_size : int, optional
            Rows of a minibatch. Default 32, or ceil(n / steps_per_epoch) where that is given.
        epochs : int, default 1
            Number of the last epoch.
        verbose : {"auto", 0, 1, 2}, default "auto"
            0: silent. 1 and "auto": a progress bar, where the package tqdm is installed (extra
            ``picaflor[progress]``), else as 2. 2: one line an epoch.
        callbacks : list of Callback, optional
        validation_split : float, default 0.0
            Share of the rows, taken from the end before shuffling, that is only validated on.
        validation_data : tuple (x, y) or (x, y, sample_weight), optional
            Takes precedence over `validation_split`.
        shuffle : bool, default True
            Take the rows in a new random order in each epoch.
        class_weight : dict of class id to weight, optional
            A class that is missing weighs 1. Not used in validation.
        sample_weight : array_like, shape (n,), optional
            The loss of a minibatch is sum(weight * loss) / rows.
        initial_epoch : int, default 0
            Number of the first epoch.
        steps_per_epoch : int, optional
            Minibatches of an epoch, which then goes on where the one before stopped.
        validation_steps : int, optional
            Validate on this many minibatches only.
        validation_batch_size : int, optional
            Default `batch_size`.
        validation_freq : int or list of int, default 1
            Validate every so many epochs, or after these epochs (counted from 1).

        Returns
        -------
        History
            Its ``history`` has a list with one value per epoch for ``loss``, each metric, and
            both with ``val_`` before them.

        Raises
        ------
        RuntimeError
            If the model is not compiled.
        TypeError, ValueError
            If an argument does not fit; the model is then as it was before.
        KeyboardInterrupt
            On Ctrl-C; the model can be used, and trained further.

        Warns
        -----
        RuntimeWarning
            If the loss becomes NaN or infinite: once, with epoch and batch.
        UserWarning
            If a step activation keeps the gradient from weights that are to be trained: once
            after each `compile`.
        """
        epochs = integer(epochs, "epochs", minimum=0)
        initial_epoch = integer(initial_epoch, "initial_epoch", minimum=0)
        steps = positive(steps_per_epoch, "steps_per_epoch")
        size = positive(batch_size, "batch_size")
        validation_steps = positive(validation_steps, "validation_steps")
        validation_size = positive(validation_batch_size, "validation_batch_size")
        share = 0.0
        if validation_split is not None:
            share = number(validation_split, "validation_split", minimum=0, below=1)
        if not isinstance(shuffle, (bool, np.bool_)):
            raise TypeError(f"shuffle must be True or False, got {shuffle!r}")
        is_due = validation_due(validation_freq)
        show = verbosity(verbose, auto=1)
        user_callbacks = flat(callbacks)
        validation = None if validation_data is None else xy_tuple(validation_data)
        data = self._checked(x, y, sample_weight, class_weight)
        held_out: Data | None = None
        if validation is not None:
            held_x, held_y, held_weight = validation
            held_out = self._checked(
                held_x, held_y, held_weight, shape=data.shape, names=_VALIDATION_NAMES
            )
        elif share:
            data, held_out = data.split(share)
            if class_weight is not None:
                held_out.weight = None
        if shuffle:
            data = data.with_rows_together()
        self._get_ready(data)
        if not self._looked_for_steps:
            self._looked_for_steps = True
            warn_of_flat_layers(self._layers)
        if size is None:
            size = 32 if steps is None else -(-len(data) // steps)

        passes = Epochs(len(data), size, steps, bool(shuffle), self._rng)
        callback_list = self._callbacks(user_callbacks, show)
        callback_list.set_params(
            {"verbose": show, "epochs": epochs, "steps": steps or passes.batches}
        )
        loop = Loop(self, callback_list)
        self.stop_training = False
        logs: dict[str, Any] = {}
        try:
            callback_list.on_train_begin({})
            for epoch in range(initial_epoch, epochs):
                callback_list.on_epoch_begin(epoch, {})
                logs = loop.train(data, passes, epoch).logs()
                if held_out is not None and is_due(epoch + 1):
                    means = loop.evaluate(held_out, validation_size or size, validation_steps)
                    logs.update({f"val_{key}": value for key, value in means.logs().items()})
                    logs = dict(sorted(logs.items()))
                callback_list.on_epoch_end(epoch, logs)
                if self.stop_training:
                    break
            callback_list.on_train_end(logs)
        finally:
            for callback in callback_list.callbacks:
                if isinstance(callback, ProgressBar):
                    callback._close()
        return self.history  # type: ignore[no-any-return]

    def _callbacks(self, callbacks: list[Any], show: int) -> CallbackList:
        """Return the user's callbacks, then a history and what shows progress."""
        history = next((c for c in callbacks if isinstance(c, History)), None)
        if history is None:
            history = History()
            callbacks = [*callbacks, history]
        if show and not any(isinstance(c, ProgressBar) for c in callbacks):
            callbacks = [*callbacks, ProgressBar(show)]
        self.history = history
        return CallbackList(callbacks, model=self)

    def evaluate(
        self,
        x: npt.ArrayLike,
        y: npt.ArrayLike | None = None,
        batch_size: int | None = None,
        verbose: str | int = "auto",
        sample_weight: npt.ArrayLike | None = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """Return loss and metrics in inference mode.

        Parameters
        ----------
        x, y, sample_weight
            As in `fit`.
        batch_size : int, default 32
            Rows per minibatch: matters to callbacks, `steps` and metrics that are not means.
        verbose : {"auto", 0, 1, 2}, default "auto"
            1 and 2: print a line with the result. "auto" is silent.
        steps : int, optional
            Look at this many minibatches only.
        callbacks : list of Callback, optional
        return_dict : bool, default False

        Returns
        -------
        float, list of float, or dict
            Loss and metrics in the order of `metrics_names`; the plain loss if there are none.

        Raises
        ------
        RuntimeError
            If the model is not compiled.
        TypeError, ValueError
            If an argument does not fit.
        """
        show = verbosity(verbose, auto=0)
        size = positive(batch_size, "batch_size") or 32
        steps = positive(steps, "steps")
        callback_list = CallbackList(callbacks, model=self, verbose=show, steps=steps)
        data = self._data(x, y, sample_weight)
        values = Loop(self, callback_list).evaluate(data, size, steps).values()
        if show:
            print(" - ".join(f"{key}: {value:.4f}" for key, value in values.items()), flush=True)
        return as_result(values, return_dict)

    def __repr__(self) -> str:
        return f"<Sequential name={self.name}, built={self.built}>"
