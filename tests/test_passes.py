"""A long minibatch goes through the network in passes: the same results as all at once."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import picaflor as pf

Array = npt.NDArray[Any]

INPUTS = 2200  # such long rows go 256 at a time
ROWS = 700
TOLERANCE = {"float32": 1e-4, "float64": 1e-10}


def data(rng: np.random.Generator, rows: int = ROWS) -> tuple[Array, Array, Array]:
    x = rng.normal(size=(rows, INPUTS)) * (rng.random((rows, INPUTS)) < 0.2)
    return x, rng.integers(0, 5, rows), rng.uniform(0.5, 2, rows)


def model(dtype: str, *hidden: Any, penalty: float = 0.01) -> pf.Sequential:
    dense = pf.layers.Dense(100, "relu", kernel_regularizer=pf.regularizers.L2(penalty))
    layers = [pf.Input((INPUTS,)), dense, *hidden, pf.layers.Dense(5, "softmax")]
    return pf.Sequential(layers, dtype=dtype, seed=3)


def close(actual: list[Array], expected: list[Array], dtype: str) -> None:
    for got, want in zip(actual, expected, strict=True):
        largest = np.abs(want).max()
        np.testing.assert_allclose(got, want, rtol=0, atol=TOLERANCE[dtype] * largest)


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "mean_with_penalty"])
@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_loss_and_gradients_follow_the_reference(
    kind: str, reduction: str, rng: np.random.Generator
) -> None:
    x, y, weight = data(rng)
    made = model(kind, pf.layers.LayerNormalization(), pf.layers.Dense(33, "gelu"))
    made.compile("sgd", pf.losses.SparseCategoricalCrossentropy(reduction=reduction))
    loss, gradients = made.loss_and_gradients(x, y, weight)
    expected_loss, expected = pf.reference.loss_and_gradients(made, x, y, weight)
    assert loss == pytest.approx(expected_loss, rel=TOLERANCE[kind])
    close(gradients, expected, kind)


@pytest.mark.parametrize(
    "options", [{}, {"clipnorm": 0.1}, {"global_clipnorm": 0.1}, {"weight_decay": 0.01}]
)
def test_training_goes_on_from_the_gradients(
    options: dict[str, Any], rng: np.random.Generator
) -> None:
    x, y, weight = data(rng)
    fitted, by_hand = (model("float64") for _ in range(2))
    for made in (fitted, by_hand):
        made.compile(pf.optimizers.Adam(0.01, **options), "sparse_categorical_crossentropy")
    history = fitted.fit(
        x, y, batch_size=ROWS, epochs=3, sample_weight=weight, shuffle=False, verbose=0
    )
    losses = []
    for _ in range(3):
        loss, gradients = by_hand.loss_and_gradients(x, y, weight, training=True)
        losses.append(loss)
        by_hand.optimizer.apply(gradients, by_hand.trainable_weights)
    np.testing.assert_allclose(history.history["loss"], losses, rtol=1e-12)
    close(fitted.get_weights(), by_hand.get_weights(), "float64")


@pytest.mark.parametrize("rows", [256, 257, 512, 513, 769])
def test_a_shuffled_minibatch_is_the_sum_of_its_rows(rows: int, rng: np.random.Generator) -> None:
    x, y, weight = data(rng, rows)
    at_once, shuffled = (model("float64") for _ in range(2))
    for made, shuffle in ((at_once, False), (shuffled, True)):
        made.compile("sgd", "sparse_categorical_crossentropy", ["accuracy"])
        made.fit(x, y, batch_size=rows, sample_weight=weight, shuffle=shuffle, verbose=0)
    close(shuffled.get_weights(), at_once.get_weights(), "float64")


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_threads_give_the_same_bits(dtype: Any, optimizer: str, rng: np.random.Generator) -> None:
    x, y, _ = data(rng)
    found = []
    for threads in (1, 2, 3):
        with pf.use_threads(threads):
            made = model(np.dtype(dtype).name, pf.layers.Dropout(0.3), pf.layers.Dense(200, "relu"))
            made.compile(optimizer, "sparse_categorical_crossentropy", ["accuracy"])
            history = made.fit(x, y, batch_size=600, epochs=2, verbose=0)
            found.append((history.history, made.get_weights()))
    for history, weights in found[1:]:
        assert history == found[0][0]
        for a, b in zip(weights, found[0][1], strict=True):
            np.testing.assert_array_equal(a, b)


def test_dropout_draws_on_from_pass_to_pass() -> None:
    dropped = pf.Sequential([pf.Input((INPUTS,)), pf.layers.Dropout(0.5)], seed=5)
    network = dropped._network
    start = network.random_state
    few = dropped(np.ones((200, INPUTS)), training=True)  # in one pass
    network.random_state = start
    many = dropped(np.ones((ROWS, INPUTS)), training=True)
    np.testing.assert_array_equal(many[:200], few)
    assert len({row.tobytes() for row in many}) == ROWS  # no pass repeats the draws of another


class Seen(pf.metrics.Metric):
    """The share of rows whose largest output is that of the target."""

    def __init__(self, name: str) -> None:
        super().__init__(name=name)
        self.reset_state()

    def reset_state(self) -> None:
        self.rows = self.right = 0

    def update_state(self, y_true: Array, y_pred: Array, sample_weight: Any = None) -> None:
        self.rows += len(y_pred)
        self.right += int((np.argmax(y_pred, axis=1) == np.ravel(y_true)).sum())

    def result(self) -> float:
        return self.right / self.rows


def test_metrics_see_every_row(rng: np.random.Generator) -> None:
    x, y, _ = data(rng)
    made = model("float64")
    made.compile("sgd", "sparse_categorical_crossentropy", ["accuracy", Seen(name="seen")])
    right = float((made.predict(x, verbose=0).argmax(axis=1) == y).mean())
    loss = made.loss_and_gradients(x, y)[0]
    for found in (
        made.test_on_batch(x, y, return_dict=True),
        made.evaluate(x, y, batch_size=ROWS, verbose=0, return_dict=True),
        made.train_on_batch(x, y, return_dict=True),
    ):
        assert found["accuracy"] == pytest.approx(right)
        assert found["seen"] == pytest.approx(right)
        assert found["loss"] == pytest.approx(loss)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_memory_does_not_grow_with_the_minibatch() -> None:
    code = """
import numpy as np
import picaflor as pf

def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))

rows = 200_000
x = np.broadcast_to(np.float32(1), (rows, 50))
model = pf.Sequential([pf.Input((50,)), pf.layers.Dense(500, "relu"), pf.layers.Dense(1)], seed=0)
model.compile("sgd", "mse")
model.train_on_batch(x[:5000], x[:5000, :1])
before = peak()
model.train_on_batch(x, x[:, :1])
print(peak() - before)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 50  # MiB; the hidden layer's outputs alone would be 381
