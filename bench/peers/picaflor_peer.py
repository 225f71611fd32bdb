"""picaflor, through its public interface only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import picaflor as pf
from networks import Array, Problem

from .base import Epoch, Peer


def build(sizes: tuple[int, ...], weights: list[Array], softmax: bool = False) -> pf.Sequential:
    layers: list[Any] = [pf.Input((sizes[0],))]
    layers += [pf.layers.Dense(units, "relu") for units in sizes[1:-1]]
    layers.append(pf.layers.Dense(sizes[-1], "softmax" if softmax else None))
    model = pf.Sequential(layers, seed=0)
    model.set_weights(weights)
    return model


class Picaflor(Peer):
    """`Sequential.fit`, `model(x)` and `picaflor.functional`."""

    name = "picaflor"
    version = pf.__version__

    def trainer(self, problem: Problem) -> Epoch:
        network = problem.network
        model = build(network.sizes, problem.weights, softmax=network.classifies)
        optimizer = {"sgd": pf.optimizers.SGD, "adam": pf.optimizers.Adam}[problem.optimizer]
        model.compile(
            optimizer(problem.rate),
            "sparse_categorical_crossentropy" if network.classifies else "mean_squared_error",
        )

        def epoch(shuffle: bool) -> float:
            history = model.fit(
                problem.x, problem.y, batch_size=network.batch, shuffle=shuffle, verbose=0
            )
            return float(history.history["loss"][0])

        return epoch

    def predictor(self, sizes: tuple[int, ...], weights: list[Array]) -> Any:
        return build(sizes, weights), lambda x: x

    def elementwise(self, kernel: str, x: Array) -> dict[str, Callable[[], Any]]:
        function = getattr(pf.functional, kernel)
        if "softmax" in kernel:
            return {"picaflor": lambda: function(x)}
        out = np.empty_like(x)
        return {"picaflor": lambda: function(x, out=out)}

    def dense(self, x: Array, w: Array, b: Array, dy: Array) -> dict[str, Callable[[], Any]]:
        return {
            "forward": lambda: pf.functional.dense_forward(x, w, b),
            "backward": lambda: pf.functional.dense_backward(dy, x, w),
        }

    def cross_entropy(self, scores: Array, ids: Array) -> Callable[[], Any]:
        return lambda: pf.functional.softmax_cross_entropy(scores, ids)

    def step(self, rule: str, w: Array, g: Array) -> Callable[[], Any]:
        optimizer: Any = {
            "adam": lambda: pf.optimizers.Adam(1e-3),
            "sgd": lambda: pf.optimizers.SGD(1e-3),
            "momentum": lambda: pf.optimizers.SGD(1e-3, momentum=0.9),
        }[rule]()
        return lambda: optimizer.apply([g], [w])


def make(threads: int) -> Peer:
    pf.set_num_threads(threads)
    return Picaflor()
