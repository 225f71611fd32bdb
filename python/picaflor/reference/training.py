"""A multilayer perceptron in NumPy, written for speed: the rival in the demo and the benchmarks.

This is what a careful person writes by hand: minibatches gathered with ``take``, matrix products
into arrays that are made once, activations and optimizer in place, no objects per step. It works in
float32 or float64. For something to read, see `network`; this file is for something to race.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["NumpyMLP"]

Floats: TypeAlias = "npt.NDArray[Any]"


class NumpyMLP:
    """Dense layers with ReLU or sigmoid between them, trained by minibatches.

    Parameters
    ----------
    sizes : sequence of int
        Inputs, units of every hidden layer, outputs.
    activation : {"relu", "sigmoid", "tanh"}, default "relu"
        Of the hidden layers. The last layer is linear.
    loss : {"softmax_cross_entropy", "squared_error"}
        Classification with class ids, or regression with the mean over the outputs.
    optimizer : {"sgd", "adam"}, default "sgd"
    learning_rate : float, default 0.01
    dtype : {"float32", "float64"}
    seed : int, default 0
        Of the initial weights (Glorot's uniform ones; biases are 0).

    Attributes
    ----------
    parameters : list of ndarray
        Weight (inputs, units) and bias (units,) of every layer, in order.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(200, 2)).astype(np.float32)
    >>> y = (x[:, 0] * x[:, 1] > 0).astype(np.int64)
    >>> net = NumpyMLP([2, 16, 2], optimizer="adam", learning_rate=0.02)
    >>> losses = [net.train_epoch(x, y, rng.permutation(200), 20) for _ in range(30)]
    >>> losses[-1] < 0.2 < losses[0]
    True
    """

    def __init__(
        self,
        sizes: Sequence[int],
        activation: str = "relu",
        loss: str = "softmax_cross_entropy",
        optimizer: str = "sgd",
        learning_rate: float = 0.01,
        dtype: npt.DTypeLike = "float32",
        seed: int = 0,
    ) -> None:
        for name, value, known in (
            ("activation", activation, ("relu", "sigmoid", "tanh")),
            ("loss", loss, ("softmax_cross_entropy", "squared_error")),
            ("optimizer", optimizer, ("sgd", "adam")),
        ):
            if value not in known:
                raise ValueError(f"{name} must be one of {', '.join(known)}, got {value!r}")
        self.sizes, self.activation, self.loss = list(sizes), activation, loss
        self.optimizer, self.learning_rate = optimizer, learning_rate
        self.dtype = np.dtype(dtype)
        rng = np.random.default_rng(seed)
        self.parameters: list[Floats] = []
        for d, m in zip(self.sizes, self.sizes[1:], strict=False):
            limit = np.sqrt(6 / (d + m))
            self.parameters.append(rng.uniform(-limit, limit, (d, m)).astype(self.dtype))
            self.parameters.append(np.zeros(m, self.dtype))
        self.gradients = [np.empty_like(p) for p in self.parameters]
        self._moments = [(np.zeros_like(p), np.zeros_like(p)) for p in self.parameters]
        self._scratch = [np.empty_like(p) for p in self.parameters]
        self._iterations = 0
        self._batch = 0  # rows that the buffers below hold
        self._y: list[Floats] = []
        self._dy: list[Floats] = []

    def train_epoch(
        self, x: Floats, y: npt.NDArray[Any], order: npt.NDArray[np.int64], batch_size: int
    ) -> float:
        """Train on every row of `x` once and return the mean loss.

        Parameters
        ----------
        x : ndarray, shape (n, sizes[0]), of the network's dtype
        y : ndarray, shape (n,) of class ids or (n, sizes[-1]) of values
        order : ndarray of int, shape (n,)
            Row numbers in the order of training.
        batch_size : int

        Returns
        -------
        float
            Mean over the rows of the losses before each step.
        """
        self._reserve(min(batch_size, len(order)))
        total = 0.0
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            n = len(rows)
            x.take(rows, axis=0, out=self._y[0][:n], mode="clip")  # "clip": unbuffered, as rows fit
            total += self._forward_backward(n, y.take(rows, axis=0))
            self._step()
        return total / max(len(order), 1)

    def predict(self, x: Floats) -> Floats:
        """Return the outputs (scores or values), shape (n, sizes[-1])."""
        self._reserve(len(x))
        np.copyto(self._y[0][: len(x)], x)
        return np.array(self._forward(len(x)))

    def _reserve(self, n: int) -> None:
        if n > self._batch:
            self._batch = n
            self._y = [np.empty((n, m), self.dtype) for m in self.sizes]
            self._dy = [np.empty((n, m), self.dtype) for m in self.sizes]

    def _forward(self, n: int) -> Floats:
        last = len(self.sizes) - 1
        for k in range(1, last + 1):
            y = self._y[k][:n]
            np.dot(self._y[k - 1][:n], self.parameters[2 * k - 2], out=y)
            y += self.parameters[2 * k - 1]
            if k == last:
                break
            if self.activation == "relu":
                np.maximum(y, 0, out=y)
            elif self.activation == "tanh":
                np.tanh(y, out=y)
            else:  # s(x) = (1 + tanh(x / 2)) / 2: one pass less than 1 / (1 + exp(-x)), and safe
                y *= 0.5
                np.tanh(y, out=y)
                y += 1
                y *= 0.5
        out: Floats = self._y[last][:n]
        return out

    def _forward_backward(self, n: int, target: npt.NDArray[Any]) -> float:
        out, dy = self._forward(n), self._dy[-1][:n]
        if self.loss == "softmax_cross_entropy":
            np.subtract(out, out.max(axis=1, keepdims=True), out=out)
            np.exp(out, out=dy)
            sums = dy.sum(axis=1, keepdims=True)
            picked = np.arange(n), target
            total = float(np.log(sums).sum() - out[picked].sum())
            dy /= sums
            dy[picked] -= 1
            dy *= 1 / n
        else:
            np.subtract(out, target.reshape(out.shape), out=dy)
            total = float(np.vdot(dy, dy)) / out.shape[1]
            dy *= 2 / out.size
        for k in range(len(self.sizes) - 1, 0, -1):
            x, dy = self._y[k - 1][:n], self._dy[k][:n]
            np.dot(x.T, dy, out=self.gradients[2 * k - 2])
            np.sum(dy, axis=0, out=self.gradients[2 * k - 1])
            if k == 1:
                break
            dx = self._dy[k - 1][:n]
            np.dot(dy, self.parameters[2 * k - 2].T, out=dx)
            if self.activation == "relu":
                dx *= x > 0
            elif self.activation == "tanh":
                dx *= 1 - x * x
            else:
                dx *= x
                dx *= 1 - x
        return total

    def _step(self) -> None:
        self._iterations += 1
        if self.optimizer == "sgd":
            for p, g in zip(self.parameters, self.gradients, strict=True):
                g *= self.learning_rate
                p -= g
            return
        b1, b2, t = 0.9, 0.999, self._iterations
        rate = self.learning_rate * (1 - b2**t) ** 0.5 / (1 - b1**t)
        for p, g, (m, v), s in zip(
            self.parameters, self.gradients, self._moments, self._scratch, strict=True
        ):
            np.multiply(g, 1 - b1, out=s)
            m *= b1
            m += s
            g *= g
            g *= 1 - b2
            v *= b2
            v += g
            np.sqrt(v, out=s)
            s += 1e-7
            np.divide(m, s, out=s)
            s *= rate
            p -= s
