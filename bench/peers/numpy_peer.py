"""NumPy by hand, as `picaflor.reference.NumpyMLP` does it; SciPy's functions where it is there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from networks import Array, Problem
from picaflor.reference.training import NumpyMLP

from .base import Epoch, Peer

try:
    from scipy import special
except ImportError:
    special = None


class Numpy(Peer):
    """In place wherever NumPy can, BLAS for the products."""

    name = "numpy"
    version = np.__version__

    def trainer(self, problem: Problem) -> Epoch:
        network = problem.network
        net = NumpyMLP(
            network.sizes,
            loss="softmax_cross_entropy" if network.classifies else "squared_error",
            optimizer=problem.optimizer,
            learning_rate=problem.rate,
        )
        for own, given in zip(net.parameters, problem.weights, strict=True):
            own[...] = given
        rng, rows = np.random.default_rng(0), len(problem.x)

        def epoch(shuffle: bool) -> float:
            order = rng.permutation(rows) if shuffle else np.arange(rows)
            return net.train_epoch(problem.x, problem.y, order, network.batch)

        return epoch

    def predictor(self, sizes: tuple[int, ...], weights: list[Array]) -> Any:
        def predict(x: Array) -> Array:
            for k in range(0, len(weights), 2):
                x = x @ weights[k]
                x += weights[k + 1]
                if k < len(weights) - 2:
                    np.maximum(x, 0, out=x)
            return x

        return predict, lambda x: x

    def elementwise(self, kernel: str, x: Array) -> dict[str, Callable[[], Any]]:
        y, t = np.empty_like(x), np.empty_like(x)
        root = x.dtype.type(np.sqrt(0.5))

        def sigmoid() -> Array:
            np.negative(x, out=y)
            np.exp(y, out=y)
            np.add(y, 1, out=y)
            return np.reciprocal(y, out=y)

        def gelu() -> Array:
            np.multiply(x, root, out=y)
            special.erf(y, out=y)
            np.add(y, 1, out=y)
            np.multiply(x, y, out=y)
            return np.multiply(y, 0.5, out=y)

        def silu() -> Array:
            sigmoid()
            return np.multiply(x, y, out=y)

        def elu() -> Array:
            np.minimum(x, 0, out=t)
            np.expm1(t, out=t)
            np.maximum(x, 0, out=y)
            return np.add(y, t, out=y)

        def softplus() -> Array:
            np.abs(x, out=y)
            np.negative(y, out=y)
            np.exp(y, out=y)
            np.log1p(y, out=y)
            np.maximum(x, 0, out=t)
            return np.add(y, t, out=y)

        def softmax() -> Array:
            e = np.subtract(x, x.max(axis=-1, keepdims=True))
            np.exp(e, out=e)
            e /= e.sum(axis=-1, keepdims=True)
            return e

        def log_softmax() -> Array:
            z = np.subtract(x, x.max(axis=-1, keepdims=True))
            np.exp(z, out=t)
            z -= np.log(t.sum(axis=-1, keepdims=True))
            return z

        ways: dict[str, dict[str, Callable[[], Any]]] = {
            "relu": {"numpy": lambda: np.maximum(x, 0, out=y)},
            "sigmoid": {"numpy": sigmoid},
            "tanh": {"numpy": lambda: np.tanh(x, out=y)},
            "gelu": {},
            "silu": {"numpy": silu},
            "elu": {"numpy": elu},
            "softplus": {"numpy": softplus},
            "softmax": {"numpy": softmax},
            "log_softmax": {"numpy": log_softmax},
        }
        if special is not None:
            ways["sigmoid"]["scipy"] = lambda: special.expit(x, out=y)
            ways["gelu"]["scipy"] = gelu
            ways["softmax"]["scipy"] = lambda: special.softmax(x, axis=-1)
            ways["log_softmax"]["scipy"] = lambda: special.log_softmax(x, axis=-1)
        return ways[kernel]

    def dense(self, x: Array, w: Array, b: Array, dy: Array) -> dict[str, Callable[[], Any]]:
        return {
            "forward": lambda: x @ w + b,
            "backward": lambda: (dy @ w.T, x.T @ dy, dy.sum(axis=0)),
        }

    def cross_entropy(self, scores: Array, ids: Array) -> Callable[[], Any]:
        n, picked = len(scores), (np.arange(len(scores)), ids)

        def loss_and_gradient() -> tuple[Any, Array]:
            shifted = scores - scores.max(axis=1, keepdims=True)
            e = np.exp(shifted)
            sums = e.sum(axis=1)
            loss = (np.log(sums).sum() - shifted[picked].sum()) / n
            e /= sums[:, None]
            e[picked] -= 1
            e *= 1 / n
            return loss, e

        return loss_and_gradient

    def step(self, rule: str, w: Array, g: Array) -> Callable[[], Any]:
        m, v, s = np.zeros_like(w), np.zeros_like(w), np.empty_like(w)
        t = 0

        def adam() -> None:
            nonlocal t
            t += 1
            np.multiply(g, 0.1, out=s)
            np.multiply(m, 0.9, out=m)
            np.add(m, s, out=m)
            np.multiply(g, g, out=s)
            np.multiply(s, 0.001, out=s)
            np.multiply(v, 0.999, out=v)
            np.add(v, s, out=v)
            np.sqrt(v, out=s)
            np.add(s, 1e-7, out=s)
            np.divide(m, s, out=s)
            np.multiply(s, 1e-3 * (1 - 0.999**t) ** 0.5 / (1 - 0.9**t), out=s)
            np.subtract(w, s, out=w)

        def sgd() -> None:
            np.multiply(g, 1e-3, out=s)
            np.subtract(w, s, out=w)

        def momentum() -> None:
            np.multiply(g, 1e-3, out=s)
            np.multiply(m, 0.9, out=m)
            np.add(m, s, out=m)
            np.subtract(w, m, out=w)

        return {"adam": adam, "sgd": sgd, "momentum": momentum}[rule]


def make(threads: int) -> Peer:
    return Numpy()  # the number of threads was set before NumPy was imported
