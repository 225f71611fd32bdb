"""Using a model: outputs for inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from picaflor.callbacks import CallbackList
from picaflor.layers.shapes import Array, Shape
from picaflor.models.arguments import positive, verbosity
from picaflor.models.data import as_samples, flat_samples
from picaflor.models.loop import predict
from picaflor.models.passes import Passes

if TYPE_CHECKING:
    import numpy.typing as npt


class Inference(Passes):
    """A model that can be called."""

    def __call__(self, x: npt.ArrayLike, training: bool = False) -> Array:
        """Return the outputs for a batch.

        Parameters
        ----------
        x : array_like, shape (n, ...)
        training : bool, default False
            Whether dropout, noise and batch normalization act as in training. If so, every call
            draws new random numbers and moves the moving mean and variance of each
            `BatchNormalization` that is trainable, as in Keras. Otherwise nothing changes.

        Returns
        -------
        ndarray of the model's dtype, shape (n, ...)

        Raises
        ------
        TypeError, ValueError
            If `x` does not fit.

        Examples
        --------
        >>> import picaflor as pf
        >>> model = pf.Sequential([pf.Input((2,)), pf.layers.Dense(1, kernel_initializer="ones")])
        >>> model([[1.0, 2.0]])
        array([[3.]], dtype=float32)
        """
        if training:
            return self._forward_in_training(x)
        if type(x) is np.ndarray or not hasattr(x, "mask"):
            try:  # one call: the engine does the checks, but sees no mask
                return self._forward(x)
            except (TypeError, ValueError):
                pass
        return self._infer(x)

    def predict_on_batch(self, x: npt.ArrayLike) -> Array:
        """Return the outputs for a batch, in inference mode, as the model itself does when called.

        Parameters
        ----------
        x : array_like, shape (n, ...)

        Returns
        -------
        ndarray of the model's dtype, shape (n, ...)

        Raises
        ------
        TypeError, ValueError
            If `x` does not fit.
        """
        if type(x) is np.ndarray or not hasattr(x, "mask"):
            try:  # one call: the engine does the checks, but sees no mask
                return self._forward(x)
            except (TypeError, ValueError):
                pass
        return self._infer(x)

    def predict(
        self,
        x: npt.ArrayLike,
        batch_size: int | None = None,
        verbose: str | int = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ) -> Array:
        """Return the outputs for all rows, in inference mode.

        Parameters
        ----------
        x : array_like, shape (n, ...)
            As in `fit`; the engine goes through it block by block.
        batch_size : int, default 32
            Rows between two calls of batch hooks, and rows of one of the `steps`; the result does
            not depend on it.
        verbose : {"auto", 0, 1, 2}, default "auto"
            1 and 2: print a line at the end. "auto" is silent.
        steps : int, optional
            Stop after this many minibatches.
        callbacks : list of Callback, optional

        Returns
        -------
        ndarray of the model's dtype, shape (n, ...)

        Raises
        ------
        TypeError, ValueError
            If an argument does not fit.

        Examples
        --------
        >>> import picaflor as pf
        >>> model = pf.Sequential([pf.Input((2,)), pf.layers.Dense(1, kernel_initializer="ones")])
        >>> model.predict([[1.0, 2.0], [3.0, 4.0]])
        array([[3.],
               [7.]], dtype=float32)
        """
        show = verbosity(verbose, auto=0)
        size = positive(batch_size, "batch_size") or 32
        flat_x = self._inputs(x)
        if callbacks is None and steps is None and not show:
            return self._shaped(self._network.predict(flat_x))
        steps = positive(steps, "steps")
        callback_list = CallbackList(callbacks, model=self, verbose=show, steps=steps)
        if steps is not None:
            flat_x = flat_x[: steps * size]
        y = predict(self, flat_x, size, callback_list)
        if show:
            print(f"predicted {len(y)} rows", flush=True)
        return self._shaped(y)

    def _infer(self, x: Any) -> Array:
        flat_x = self._inputs(x)  # first: it may build the network
        return self._shaped(self._network.predict(flat_x))

    def _inputs(self, x: Any) -> Array:
        """Return checked inputs (n, d); builds a model that waited for their shape."""
        samples = as_samples(x)
        if self._input is None and self._layers:
            self._build_for(samples.shape[1:])
        shape: Shape = self._built_input()
        return flat_samples(samples, shape)

    def _shaped(self, y: Array) -> Array:
        shape = self._out
        return y if len(shape) == 1 else y.reshape(len(y), *shape)

    def _forward_in_training(self, x: Any) -> Array:
        """Run the engine in training mode; it does so only on the way to a loss."""
        flat_x = self._inputs(x)
        network = self._network
        if not self._ready:
            network.set_loss("squared_error")
        y = np.zeros((len(flat_x), network.output_size), dtype=self.dtype)
        network.loss_and_gradients(flat_x, y, None, True)
        return self._shaped(network.output)
