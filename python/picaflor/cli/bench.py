"""``picaflor bench``: kernels and whole training steps against NumPy, on this machine, now."""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

import picaflor as pf
from picaflor.reference.training import NumpyMLP

if TYPE_CHECKING:
    import numpy.typing as npt

Floats: TypeAlias = "npt.NDArray[np.float32]"


@dataclass(frozen=True)
class Result:
    """One line of a table."""

    what: str
    shape: str
    picaflor: float  # seconds per call, or samples per second
    numpy: float
    ratio: float  # how many times as fast as NumPy


def run(arguments: argparse.Namespace) -> None:
    """Measure and print tables, or JSON."""
    if arguments.threads:
        pf.set_num_threads(arguments.threads)
    budget = 0.05 if arguments.quick else 0.4  # seconds for each side of each line
    report: dict[str, Any] = {
        "picaflor": pf.__version__,
        "numpy": np.__version__,
        "machine": f"{platform.system()} {platform.machine()}",
        "threads": pf.get_num_threads(),
        "dtype": "float32",
    }
    if arguments.only != "training":
        report["kernels"] = [asdict(measure_kernel(*case, budget)) for case in kernel_cases()]
    if arguments.only != "kernels":
        operations = 1e9 if arguments.quick else 5e9  # in an epoch, of multiplying and adding
        report["training"] = [
            asdict(measure_training(*case, operations, budget)) for case in TRAINING
        ]
    if arguments.json:
        print(json.dumps(report, indent=2))
        return
    print(
        f"picaflor {report['picaflor']} against NumPy {report['numpy']}, float32, "
        f"{report['threads']} thread{'s' if report['threads'] > 1 else ''} of picaflor's\n"
    )
    if "kernels" in report:
        print(f"{'kernel':<34}{'shape':<16}{'picaflor':>12}{'NumPy':>12}{'times':>8}")
        for line in report["kernels"]:
            times = f"{1e6 * line['picaflor']:>9.1f} us{1e6 * line['numpy']:>9.1f} us"
            print(f"{line['what']:<34}{line['shape']:<16}{times}{line['ratio']:>7.1f}x")
        print()
    if "training" in report:
        print(f"{'training, samples per second':<34}{'batch':<16}{'picaflor':>12}{'NumPy':>12}")
        for line in report["training"]:
            rates = f"{line['picaflor']:>12,.0f}{line['numpy']:>12,.0f}"
            print(f"{line['what']:<34}{line['shape']:<16}{rates}{line['ratio']:>7.1f}x")


# ---------------------------------------------------------------------------------------- kernels


def kernel_cases() -> list[tuple[str, str, Callable[[], Any], Callable[[], Any]]]:
    """Return (name, shape, picaflor's call, NumPy's call); both calls give the same arrays."""
    rng = np.random.default_rng(0)

    def normal(*shape: int) -> Floats:
        return rng.normal(size=shape).astype(np.float32)

    functional = pf.functional
    x, w, b, dy = normal(128, 784), normal(784, 256), normal(256), normal(128, 256)
    z, scores = normal(128, 1024), normal(256, 10)
    ids = rng.integers(0, 10, 256)
    variable, gradient = normal(784, 256), normal(784, 256)
    mine: Floats = variable.copy()
    theirs: Floats = variable.copy()
    adam = pf.optimizers.Adam(0.001)
    numpy_adam = _NumpyAdam(theirs, 0.001)

    def step() -> Floats:
        adam.apply([gradient], [mine])
        return mine

    return [
        (
            "dense_forward, relu",
            "128x784x256",
            lambda: functional.dense_forward(x, w, b, activation="relu"),
            lambda: np.maximum(x @ w + b, 0),
        ),
        (
            "dense_backward",
            "128x784x256",
            lambda: functional.dense_backward(dy, x, w),
            lambda: (dy @ w.T, x.T @ dy, dy.sum(axis=0)),
        ),
        ("relu", "128x1024", lambda: functional.relu(z), lambda: np.maximum(z, 0)),
        (
            "sigmoid",
            "128x1024",
            lambda: functional.sigmoid(z),
            lambda: 1 / (1 + np.exp(-z)),
        ),
        ("tanh", "128x1024", lambda: functional.tanh(z), lambda: np.tanh(z)),
        ("softmax", "256x10", lambda: functional.softmax(scores), lambda: _softmax(scores)),
        (
            "softmax_cross_entropy",
            "256x10",
            lambda: functional.softmax_cross_entropy(scores, ids),
            lambda: _softmax_cross_entropy(scores, ids),
        ),
        ("Adam.apply", "784x256", step, lambda: numpy_adam.step(gradient)),
    ]


def _softmax(x: Floats) -> Floats:
    e: Floats = np.exp(x - x.max(axis=1, keepdims=True))
    e /= e.sum(axis=1, keepdims=True)
    return e


def _softmax_cross_entropy(x: Floats, ids: npt.NDArray[np.int64]) -> tuple[np.float32, Floats]:
    shifted = x - x.max(axis=1, keepdims=True)
    e = np.exp(shifted)
    sums = e.sum(axis=1)
    picked = np.arange(len(x)), ids
    loss = np.mean(np.log(sums) - shifted[picked])
    e /= sums[:, None]
    e[picked] -= 1
    e /= len(x)
    return loss, e


class _NumpyAdam:
    """Adam in NumPy, in place."""

    def __init__(self, variable: Floats, rate: float) -> None:
        self.variable, self.rate, self.steps = variable, rate, 0
        self.m, self.v = np.zeros_like(variable), np.zeros_like(variable)

    def step(self, gradient: Floats) -> Floats:
        self.steps += 1
        self.m += 0.1 * (gradient - self.m)
        self.v += 0.001 * (gradient * gradient - self.v)
        rate = self.rate * (1 - 0.999**self.steps) ** 0.5 / (1 - 0.9**self.steps)
        self.variable -= rate * self.m / (np.sqrt(self.v) + 1e-7)
        return self.variable


def measure_kernel(
    what: str, shape: str, mine: Callable[[], Any], theirs: Callable[[], Any], budget: float
) -> Result:
    """Compare the results, then the times."""
    for ours, other in zip(_arrays(mine()), _arrays(theirs()), strict=True):
        # float32 sums of up to 784 terms: 784 roundings of 6e-8 relative to the sum of magnitudes
        scale = max(float(np.abs(other).max()), 1.0)
        if not np.abs(ours - other).max() <= 1e-4 * scale:
            raise RuntimeError(f"{what}: picaflor and NumPy do not agree")
    a, b = _race(mine, theirs, budget)
    return Result(what, shape, a, b, b / a)


def _arrays(result: Any) -> list[npt.NDArray[Any]]:
    return [np.asarray(part) for part in (result if isinstance(result, tuple) else (result,))]


def _race(mine: Callable[[], Any], theirs: Callable[[], Any], budget: float) -> tuple[float, float]:
    """Return the best time of each, in seconds per call, taken in turns."""
    best = [float("inf"), float("inf")]
    spent = 0.0
    while spent < 2 * budget:
        for k, call in enumerate((mine, theirs)):
            start = time.perf_counter()
            call()
            took = time.perf_counter() - start
            best[k] = min(best[k], took)
            spent += took
    return best[0], best[1]


# --------------------------------------------------------------------------------------- training

# sizes, loss, batch: the networks of the tutorials, and two larger ones
TRAINING: tuple[tuple[tuple[int, ...], str, int], ...] = (
    ((784, 30, 10), "softmax_cross_entropy", 10),
    ((784, 256, 10), "softmax_cross_entropy", 32),
    ((784, 128, 64, 10), "softmax_cross_entropy", 200),
    ((784, 512, 256, 10), "softmax_cross_entropy", 128),
    ((20, 64, 64, 1), "squared_error", 32),
)


def measure_training(
    sizes: tuple[int, ...], loss: str, batch: int, operations: float, budget: float
) -> Result:
    """Train the same network on the same rows in both; compare the losses, then the speed."""
    classify = loss == "softmax_cross_entropy"
    # forward, dx and dw take 2 operations each for every weight and sample
    weights = sum(a * b for a, b in pairwise(sizes))
    rows = int(min(20_000, max(1_000, operations / (6 * weights)))) // batch * batch
    rng = np.random.default_rng(0)
    x = rng.random((rows, sizes[0]), dtype=np.float32)
    y: npt.NDArray[Any]
    if classify:
        y = rng.integers(0, sizes[-1], rows)
    else:
        y = rng.normal(size=(rows, sizes[-1])).astype(np.float32)

    layers: list[Any] = [pf.Input((sizes[0],))]
    layers += [pf.layers.Dense(units, "relu") for units in sizes[1:-1]]
    layers.append(pf.layers.Dense(sizes[-1], "softmax" if classify else None))
    model = pf.Sequential(layers, seed=0)
    model.compile(
        optimizer=pf.optimizers.SGD(0.01),
        loss="sparse_categorical_crossentropy" if classify else "mean_squared_error",
    )
    rival = NumpyMLP(sizes, loss=loss, learning_rate=0.01)
    rival.parameters = [w.copy() for w in model.get_weights()]

    def mine(shuffle: bool = True) -> float:
        history = model.fit(x, y, batch_size=batch, shuffle=shuffle, verbose=0)
        return float(history.history["loss"][0])

    def theirs(order: npt.NDArray[np.int64] | None = None) -> float:
        return rival.train_epoch(x, y, rng.permutation(rows) if order is None else order, batch)

    ours, other = mine(shuffle=False), theirs(np.arange(rows))
    if not abs(ours - other) <= 1e-3 * abs(other):
        raise RuntimeError(f"picaflor and NumPy do not agree: losses {ours} and {other}")
    a, b = _race(mine, theirs, budget)
    return Result("-".join(map(str, sizes)), str(batch), rows / a, rows / b, b / a)
