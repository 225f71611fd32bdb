"""`Sequential.train_epoch` and the reduction with penalties, against plain NumPy."""

import numpy as np
import pytest

import picaflor as pf


def linear(x, **options):
    model = pf.Sequential([pf.Input((x.shape[1],)), pf.layers.Dense(1, **options)], dtype="float64")
    return model


def test_train_epoch_equals_train_on_batch_in_the_same_order(rng):
    x, y, order = rng.normal(size=(11, 3)), rng.normal(size=11), rng.permutation(11)[:10]
    weight = rng.uniform(size=11)
    models = [linear(x, kernel_initializer="ones") for _ in range(2)]
    for model in models:
        model.compile(pf.optimizers.Adam(0.1), "mean_squared_error", metrics=["mae"])
    logs = models[0].train_epoch(x, y, order=order, batch_size=4, sample_weight=weight)
    total = 0.0
    for rows in (order[:4], order[4:8], order[8:]):
        loss, _ = models[1].train_on_batch(x[rows], y[rows], sample_weight=weight[rows])
        total += loss * len(rows)
    np.testing.assert_array_equal(models[0].weights[0], models[1].weights[0])
    assert logs["loss"] == pytest.approx(total / 10, rel=1e-14)
    assert set(logs) == {"loss", "mae"}
    assert models[0].optimizer.iterations == 3


def test_train_epoch_without_order_takes_rows_as_they_lie_and_draws_nothing(rng):
    x, y = rng.normal(size=(7, 2)), rng.normal(size=7)
    a, b = (linear(x, kernel_initializer="ones") for _ in range(2))
    for model in (a, b):
        model.compile("sgd", "mean_squared_error")
    a.train_epoch(x, y, batch_size=3)
    b.fit(x, y, batch_size=3, shuffle=False, verbose=0)
    np.testing.assert_array_equal(a.weights[0], b.weights[0])


@pytest.mark.parametrize(
    ("order", "error", "message"),
    [
        ([0.5], TypeError, "order must hold row numbers"),
        (np.zeros(0, int), ValueError, "order must have shape"),
        ([[0]], ValueError, "order must have shape"),
        ([5], ValueError, "order must hold row numbers in"),
    ],
)
def test_train_epoch_refuses_what_is_no_order(order, error, message):
    model = linear(np.zeros((5, 1)))
    model.compile("sgd", "mean_squared_error")
    with pytest.raises(error, match=message):
        model.train_epoch(np.zeros((5, 1)), np.zeros(5), order=order)


def test_mean_with_penalty_divides_penalties_by_the_weights(rng):
    x, y, w = rng.normal(size=(6, 2)), rng.normal(size=6), rng.uniform(1, 2, size=6)
    model = linear(x, kernel_initializer="ones", kernel_regularizer=pf.regularizers.L2(0.5))
    model.compile("sgd", pf.losses.MeanSquaredError(reduction="mean_with_penalty"))
    loss, (kernel, _) = model.loss_and_gradients(x, y, sample_weight=w)
    error = x.sum(axis=1) - y
    # sum w e^2 / sum w + 0.5 (1 + 1) / sum w, and its derivative
    assert loss == pytest.approx((w @ error**2 + 1.0) / w.sum(), rel=1e-13)
    expected = (2 * x.T @ (w * error) + 2 * 0.5 * 1.0) / w.sum()
    np.testing.assert_allclose(kernel[:, 0], expected, rtol=1e-12)


def test_train_epoch_says_nothing_of_a_loss_that_is_nan():
    model = linear(np.zeros((2, 1)))
    model.compile("sgd", "mean_squared_error")
    assert np.isnan(model.train_epoch(np.full((2, 1), np.nan), np.zeros(2))["loss"])


def test_optimizer_state_can_be_held_longer_than_the_optimizer(rng):
    model = pf.Sequential([pf.Input((300,)), pf.layers.Dense(300)], seed=0)
    x = rng.normal(size=(8, 300))
    model.compile("adam", "mean_squared_error")
    model.train_on_batch(x, x)
    momentum = model.optimizer_state[0][0]
    before = momentum.copy()
    model.compile("sgd", "mean_squared_error")
    model.train_on_batch(x, x)
    np.testing.assert_array_equal(momentum, before)
    momentum[...] = 1  # no longer the model's, but still memory
    assert model.optimizer_state == []
    del model
    assert momentum.sum() == momentum.size


def test_optimizer_state_is_a_view_in_the_order_of_the_weights(rng):
    x, y = rng.normal(size=(6, 2)), rng.normal(size=6)
    a, b = (linear(x, kernel_initializer="ones") for _ in range(2))
    for model in (a, b):
        model.compile(pf.optimizers.SGD(0.1, momentum=0.9), "mean_squared_error")
        assert model.optimizer_state == []
    a.train_on_batch(x, y)
    ((kernel, bias),) = a.optimizer_state
    np.testing.assert_allclose(1.0 + kernel, a.weights[0], rtol=1e-14)  # w = 1 + v
    np.testing.assert_allclose(bias, a.weights[1], rtol=1e-14)
    b.set_weights(a.get_weights())
    b.test_on_batch(x, y)
    for old, new in zip(a.optimizer_state[0], b.optimizer_state[0], strict=True):
        new[...] = old
    for model in (a, b):
        model.train_on_batch(x, y)
    np.testing.assert_array_equal(a.weights[0], b.weights[0])
