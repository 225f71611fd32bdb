"""The networks that are raced, the data they learn from, and what limits them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Network:
    """Dense layers with ReLU between them; one output means squared error, else classes."""

    sizes: tuple[int, ...]
    batch: int
    zeros: float = 0  # share of the inputs

    @property
    def name(self) -> str:
        """The sizes, with the zeros among the inputs where there are any: "784-256-10, 80% 0"."""
        return "-".join(map(str, self.sizes)) + (f", {self.zeros:.0%} 0" if self.zeros else "")

    @property
    def classifies(self) -> bool:
        return self.sizes[-1] > 1

    @property
    def flops(self) -> int:
        """Operations of one sample in training.

        The matrix products of forward pass, weight gradients and data gradients, 2 a b each; the
        first layer needs no data gradient. Nothing else is counted.
        """
        products = [2 * a * b for a, b in pairwise(self.sizes)]
        return 3 * sum(products) - products[0]


TRAINED = (
    Network((784, 30, 10), 10),
    Network((784, 256, 10), 32),
    Network((784, 256, 10), 64),
    Network((784, 128, 64, 10), 200),
    Network((784, 512, 256, 10), 128),
    Network((784, 1024, 1024, 10), 256),
    Network((20, 64, 64, 1), 32),
)
# As full of zeros as the pixels of MNIST, 81 % of which are black. Not part of the others' mean.
SPARSE = (Network((784, 256, 10), 64, zeros=0.8),)
STRETCH = 8  # zeros come in stretches, as in the rows of an image
USED = ((784, 256, 10), (64, 100, 10), (20, 64, 64, 1))


@dataclass(frozen=True)
class Problem:
    """A network with its initial weights and its data: the same for all rivals."""

    network: Network
    optimizer: str  # "sgd" or "adam"
    x: Array  # (rows, inputs), float32
    y: Array  # (rows,) class ids, or (rows, 1) float32
    weights: list[Array]  # weight and bias of each layer

    @property
    def rate(self) -> float:
        return 0.001 if self.optimizer == "adam" else 0.02


def initial_weights(sizes: tuple[int, ...], rng: np.random.Generator) -> list[Array]:
    """Return Glorot's uniform weights and small biases, float32."""
    weights: list[Array] = []
    for a, b in pairwise(sizes):
        limit = np.sqrt(6 / (a + b))
        weights.append(rng.uniform(-limit, limit, (a, b)).astype(np.float32))
        weights.append(rng.uniform(-0.1, 0.1, b).astype(np.float32))
    return weights


def problem(network: Network, optimizer: str, rows: int) -> Problem:
    """Return data that can be learnt: a linear teacher's outputs for uniform inputs (or zeros).

    The outputs' means are taken off, so that every class occurs.
    `rows` is cut to whole minibatches, so that nobody pays for a remainder.
    """
    rows = max(rows // network.batch, 1) * network.batch
    rng = np.random.default_rng(1)
    inputs, outputs = network.sizes[0], network.sizes[-1]
    x = rng.random((rows, inputs), dtype=np.float32)
    if network.zeros:
        stretches = rng.random((rows, -(-inputs // STRETCH))) >= network.zeros
        x *= np.repeat(stretches, STRETCH, axis=1)[:, :inputs]
    teacher = rng.normal(size=(inputs, outputs)).astype(np.float32)
    scores = x @ teacher
    scores -= scores.mean(axis=0)
    y = scores.argmax(axis=1).astype(np.int64) if network.classifies else scores / scores.std()
    return Problem(network, optimizer, x, y, initial_weights(network.sizes, rng))
