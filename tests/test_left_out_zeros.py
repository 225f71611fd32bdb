"""Zeros, in the inputs or behind a ReLU, are left out of the products: the same results."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import picaflor as pf

Array = npt.NDArray[Any]


def data(rng: np.random.Generator, dtype: Any, share: float) -> tuple[Array, Array]:
    """Return rows of 150 values, of which this share is not zero, and their classes."""
    x = rng.normal(size=(260, 150)) * (rng.random((260, 150)) < share)
    x[17] = 0  # a row of nothing
    return x.astype(dtype), rng.integers(0, 5, 260)


def model(dtype: Any, optimizer: Any) -> pf.Sequential:
    hidden = [pf.layers.Dense(width, activation="relu") for width in (120, 90)]
    layers = [pf.Input((150,)), *hidden, pf.layers.Dense(5, activation="softmax")]
    made = pf.Sequential(layers, dtype=dtype, seed=3)
    made.compile(optimizer, "sparse_categorical_crossentropy")
    return made


@pytest.mark.parametrize("share", [0.0, 0.05, 0.25, 0.5, 1.0])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_training_follows_the_reference(
    dtype: Any, optimizer: str, share: float, rng: np.random.Generator
) -> None:
    x, y = data(rng, dtype, share)
    made = model(dtype, optimizer)
    loss, gradients = made.loss_and_gradients(x, y)
    expected_loss, expected = pf.reference.loss_and_gradients(made, x, y)
    tolerance = 2e-5 if dtype == np.float32 else 1e-10
    np.testing.assert_allclose(loss, expected_loss, rtol=tolerance)
    for got, want in zip(gradients, expected, strict=True):
        np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance * 1e-2)


@pytest.mark.parametrize("share", [0.1, 1.0])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_threads_give_the_same_bits(
    dtype: Any, optimizer: str, share: float, rng: np.random.Generator
) -> None:
    x, y = data(rng, dtype, share)
    weights = []
    for threads in (1, 2, 3):
        with pf.use_threads(threads):
            made = model(dtype, optimizer)
            made.fit(x, y, batch_size=100, epochs=3, verbose=0)
            weights.append([*made.get_weights(), made.predict(x, verbose=0)])
    for other in weights[1:]:
        for a, b in zip(weights[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("rows", [64, 300])
def test_what_becomes_of_infinite_weights_does_not_depend_on_threads(rows: int) -> None:
    rng = np.random.default_rng(2)
    layer = pf.layers.Dense(512)
    made = pf.Sequential([pf.Input((512,)), layer], seed=0)
    w, b = layer.get_weights()
    w[7] = np.inf
    layer.set_weights([w, b])
    for share in (0.05, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8):
        x = rng.normal(size=(rows, 512)) * (rng.random((rows, 512)) < share)
        x[:, 7] = 0
        predicted = []
        for threads in (1, 2, 3, 4, 8):
            with pf.use_threads(threads):
                predicted.append(made.predict(x, verbose=0))
        for other in predicted[1:]:
            np.testing.assert_array_equal(predicted[0], other)


def test_leaving_zeros_out_changes_no_bit(dtype: Any, rng: np.random.Generator) -> None:
    x, _ = data(rng, dtype, 0.1)
    made = model(dtype, "sgd")
    # among as many dense rows the same ones go the other way
    mixed = rng.normal(size=(2 * len(x), 150)).astype(dtype)
    mixed[1::2] = x
    together = made.predict(mixed, verbose=0)
    np.testing.assert_array_equal(together[1::2], made.predict(x, verbose=0))


def steps_by_hand(made: pf.Sequential, x: Array, y: Array, batch: int, rate: float) -> list[Array]:
    """Return the weights after gradient descent in the order of the rows, in float64."""
    weights = [w.astype(np.float64) for w in made.get_weights()]
    for first in range(0, len(x), batch):
        made.set_weights(weights)
        rows = slice(first, first + batch)
        _, gradients = pf.reference.loss_and_gradients(made, x[rows], y[rows])
        weights = [w - rate * g for w, g in zip(weights, gradients, strict=True)]
    return weights


@pytest.mark.parametrize("batch", [20, 40, 130])  # a few rows, and enough to turn the gradient
def test_fit_follows_the_reference(dtype: Any, batch: int, rng: np.random.Generator) -> None:
    x, y = data(rng, dtype, 1.0)
    made = model(dtype, pf.optimizers.SGD(0.05))
    expected = steps_by_hand(model(dtype, "sgd"), x, y, batch, 0.05)
    made.fit(x, y, batch_size=batch, epochs=1, shuffle=False, verbose=0)
    tolerance = 2e-5 if dtype == np.float32 else 1e-11
    for got, want in zip(made.get_weights(), expected, strict=True):
        np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("width", [150, 1000])
def test_zeros_are_left_out_where_most_values_are(
    dtype: Any, width: int, rng: np.random.Generator
) -> None:
    dense = rng.normal(size=(260, width)).astype(dtype)
    x = dense * (rng.random(dense.shape) < 0.1)
    x[:, 7] = dense[:, 7] = 0
    made = pf.Sequential([pf.Input((width,)), pf.layers.Dense(120)], dtype=dtype, seed=3)
    weight, bias = made.get_weights()
    weight[7] = np.inf  # 0 times infinity, where it is formed, is not a number
    made.set_weights([weight, bias])
    assert np.isfinite(made.predict(x, verbose=0)).all()
    assert np.isfinite(made.predict(x[:1], verbose=0)).all()
    assert np.isnan(made.predict(dense, verbose=0)).all()


def two_layers(dtype: Any, rng: np.random.Generator, first: str) -> tuple[pf.Sequential, Any]:
    """Return 100 units and 90 ReLUs on 30 inputs, not trained, and weights for them."""
    layers = [pf.layers.Dense(100, activation=first), pf.layers.Dense(90, activation="relu")]
    made = pf.Sequential([pf.Input((30,)), *layers], dtype=dtype, seed=3)
    made.compile(pf.optimizers.SGD(1e-3), "mse")
    shapes = [(30, 100), (100,), (100, 90), (90,)]
    return made, [rng.normal(scale=0.1, size=shape).astype(dtype) for shape in shapes]


# Below, infinity meets nothing but zeros: multiplied by them, it would be not a number.
def test_zeros_behind_a_relu_are_left_out(dtype: Any, rng: np.random.Generator) -> None:
    made, weights = two_layers(dtype, rng, "relu")
    weights[1][::2] = -1e6  # off
    weights[2][::2] = np.inf
    made.set_weights(weights)
    assert np.isfinite(made.predict(rng.normal(size=(50, 30)).astype(dtype), verbose=0)).all()


def test_zeros_of_a_gradient_are_left_out_of_the_one_before(
    dtype: Any, rng: np.random.Generator
) -> None:
    made, weights = two_layers(dtype, rng, "sigmoid")
    weights[2][:, ::2] = -np.inf  # off, since all that comes is positive
    made.set_weights(weights)
    x = rng.normal(size=(50, 30)).astype(dtype)
    loss, gradients = made.loss_and_gradients(x, np.ones((50, 90), dtype))
    assert np.isfinite(loss)
    assert all(np.isfinite(g).all() for g in gradients)


def test_zeros_of_a_gradient_are_left_out_of_the_weights(
    dtype: Any, rng: np.random.Generator
) -> None:
    made = pf.Sequential([pf.Input((100,)), pf.layers.Dense(20, activation="relu")], dtype=dtype)
    made.compile(pf.optimizers.SGD(1e-3), "mse")
    weight, bias = rng.normal(size=(100, 20)).astype(dtype), np.full(20, -8, dtype)
    weight[7] = -1
    made.set_weights([weight, bias])
    x = rng.normal(size=(80, 100)).astype(dtype)
    x[3, 7] = np.inf  # this row's units are off
    made.fit(x, np.ones((80, 20), dtype), batch_size=80, epochs=1, verbose=0)
    assert all(np.isfinite(w).all() for w in made.get_weights())


def test_what_is_not_finite_is_still_seen(dtype: Any, rng: np.random.Generator) -> None:
    x, _ = data(rng, dtype, 0.1)
    x[5, 70] = np.nan
    result = model(dtype, "sgd").predict(x, verbose=0)
    assert np.isnan(result[5]).all()
    assert np.isfinite(np.delete(result, 5, axis=0)).all()
