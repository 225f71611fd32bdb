"""Fifty steps of every optimizer through `Sequential.fit`, against the NumPy reference."""

import numpy as np
import pytest

import picaflor as pf
from picaflor import optimizers as opt
from picaflor.reference.network import Network

OPTIMIZERS = {
    "sgd": lambda: opt.SGD(0.05),
    "sgd momentum": lambda: opt.SGD(0.02, momentum=0.9),
    "sgd nesterov": lambda: opt.SGD(0.02, momentum=0.9, nesterov=True),
    "adam": lambda: opt.Adam(0.01),
    "adam amsgrad": lambda: opt.Adam(0.02, beta_1=0.8, beta_2=0.9, epsilon=1e-3, amsgrad=True),
    "adamw": lambda: opt.AdamW(0.01, weight_decay=0.1),
    "rmsprop": lambda: opt.RMSprop(0.005),
    "rmsprop centered": lambda: opt.RMSprop(0.005, momentum=0.5, centered=True, epsilon=1e-4),
    "adagrad": lambda: opt.Adagrad(0.05),
    "adadelta": lambda: opt.Adadelta(1.0),
    "adamax": lambda: opt.Adamax(0.01),
    "nadam": lambda: opt.Nadam(0.01),
    "lion": lambda: opt.Lion(0.001),
    "clipvalue": lambda: opt.SGD(0.05, momentum=0.5, clipvalue=0.02),
    "clipnorm": lambda: opt.Adam(0.01, clipnorm=0.05),
    "global_clipnorm": lambda: opt.RMSprop(0.005, global_clipnorm=0.1),
    "decay": lambda: opt.SGD(0.05, weight_decay=0.2),
    "schedule": lambda: opt.Adam(
        opt.schedules.ExponentialDecay(0.02, decay_steps=7, decay_rate=0.8)
    ),
}
ROWS, BATCH, EPOCHS = 77, 8, 5  # 10 minibatches an epoch, the last of five rows: 50 steps
RATES = np.linspace(0.5, 1.5, ROWS)


def some_model(dtype="float64"):
    return pf.Sequential(
        [
            pf.Input((6,)),
            pf.layers.Dense(40, "tanh", kernel_regularizer=pf.regularizers.L1L2(0.001, 0.01)),
            # few units of many inputs: weights that are kept turned
            pf.layers.Dense(2, "gelu", use_bias=False, kernel_regularizer="l2"),
            pf.layers.Dense(3, "softmax"),
        ],
        dtype=dtype,
        seed=11,
    )


def some_data():
    rng = np.random.default_rng(4)
    return rng.normal(size=(ROWS, 6)), rng.integers(0, 3, ROWS)


def reference_fit(model, optimizer, x, y, orders, sample_weight=None):
    """Train a float64 NumPy copy of the model; return it and the loss of every epoch."""
    network = Network.from_model(model)
    states = [{} for trained in network.trained if trained]
    rule, history, step = optimizer._rule(), [], 1
    for order in orders:
        batches = -(-ROWS // BATCH)
        rates = optimizer._rates(step - 1, batches)
        losses = network.train(
            x, y, rule, rates, BATCH, order, sample_weight, states=states, first_step=step
        )
        rows = np.minimum(BATCH, ROWS - BATCH * np.arange(batches))
        history.append(np.dot(losses, rows) / ROWS)
        step += batches
    return network, np.array(history)


def shuffled_orders(model, epochs):
    """What the notes of `Sequential` promise: initial weights, then one permutation a pass."""
    rng = np.random.default_rng(model.seed)
    expected = []
    for layer in model.layers:
        expected.append(layer.kernel_initializer(layer.kernel.shape, model.dtype, rng))
    for layer, w in zip(model.layers, expected, strict=True):
        assert np.array_equal(layer.kernel, w)
    return [rng.permutation(ROWS) for _ in range(epochs)]


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_fit_takes_the_steps_of_the_reference(name, shuffle):
    x, y = some_data()
    model, optimizer = some_model(), OPTIMIZERS[name]()
    orders = shuffled_orders(model, EPOCHS) if shuffle else [np.arange(ROWS)] * EPOCHS
    start = model.get_weights()
    model.compile(optimizer, "sparse_categorical_crossentropy")
    network, losses = reference_fit(model, optimizer, x, y, orders, RATES)
    history = model.fit(
        x, y, BATCH, EPOCHS, verbose=0, shuffle=shuffle, sample_weight=RATES
    ).history["loss"]
    # Rounding differs by some 1e-15 a step and is amplified over 50 steps, by sign(g) in Lion too.
    np.testing.assert_allclose(history, losses, rtol=1e-9)
    for before, after, expected in zip(start, model.get_weights(), network.parameters, strict=True):
        way = np.abs(expected - before).max()
        assert way > 1e-3  # the tolerance below is far less than the way that was gone
        np.testing.assert_allclose(after, expected, rtol=0, atol=1e-9 * max(1.0, way))
    assert model.optimizer.iterations == 50


@pytest.mark.parametrize("name", ["sgd nesterov", "adam", "rmsprop centered", "adagrad", "nadam"])
def test_float32_follows_the_float64_path(name):
    x, y = some_data()
    model, optimizer = some_model("float32"), OPTIMIZERS[name]()
    model.compile(optimizer, "sparse_categorical_crossentropy")
    x32 = x.astype(np.float32)
    network, losses = reference_fit(model, optimizer, x32, y, [np.arange(ROWS)] * EPOCHS)
    history = model.fit(x32, y, BATCH, EPOCHS, verbose=0, shuffle=False).history["loss"]
    # 50 steps of some 1e-6 relative rounding each; a missed bias correction is off by 1e-1
    np.testing.assert_allclose(history, losses, rtol=1e-4)
    for after, expected in zip(model.get_weights(), network.parameters, strict=True):
        assert after.dtype == np.float32
        np.testing.assert_allclose(after, expected, rtol=0, atol=2e-4)


def test_batch_normalization_statistics_follow_the_reference():
    x, _ = some_data()
    y = np.sin(x[:, :2])
    model = pf.Sequential(
        [
            pf.Input((6,)),
            pf.layers.BatchNormalization(momentum=0.9),
            pf.layers.Dense(5, "tanh"),
            pf.layers.BatchNormalization(),
            pf.layers.Dense(2),
        ],
        dtype="float64",
        seed=2,
    )
    optimizer = opt.Adam(0.01)
    model.compile(optimizer, "mse")
    network, losses = reference_fit(model, optimizer, x, y, [np.arange(ROWS)] * EPOCHS)
    history = model.fit(x, y, BATCH, EPOCHS, verbose=0, shuffle=False).history["loss"]
    np.testing.assert_allclose(history, losses, rtol=1e-9)
    # A bias below a batch normalization has a gradient of rounding alone, which Adam scales to
    # steps of the learning rate; it changes no output, and neither does the moving mean over it.
    np.testing.assert_allclose(model.predict(x, verbose=0), network.forward(x), rtol=1e-7)
    for k in (0, 1, 2, 3):  # the first normalization, over the data themselves
        np.testing.assert_allclose(model.get_weights()[k], network.parameters[k], rtol=1e-9)


def test_frozen_layers_stay_where_they_are():
    x, y = some_data()
    model, optimizer = some_model(), opt.Adam(0.01)
    model.layers[1].trainable = False
    model.compile(optimizer, "sparse_categorical_crossentropy")
    frozen = model.layers[1].get_weights()[0]
    network, losses = reference_fit(model, optimizer, x, y, [np.arange(ROWS)] * EPOCHS)
    history = model.fit(x, y, BATCH, EPOCHS, verbose=0, shuffle=False).history["loss"]
    np.testing.assert_allclose(history, losses, rtol=1e-9)
    assert np.array_equal(model.layers[1].get_weights()[0], frozen)
    for after, expected in zip(model.get_weights(), network.parameters, strict=True):
        np.testing.assert_allclose(after, expected, rtol=0, atol=1e-9)


def test_state_is_carried_from_one_fit_to_the_next():
    x, y = some_data()
    weights = []
    for epochs in ([5], [2, 3]):
        model = some_model()
        model.compile(opt.Nadam(0.01), "sparse_categorical_crossentropy")
        for some in epochs:
            model.fit(x, y, BATCH, some, verbose=0, shuffle=False)
        weights.append(model.get_weights())
    assert all(np.array_equal(a, b) for a, b in zip(*weights, strict=True))


def test_constraints_act_after_every_step():
    x, y = some_data()
    y = np.eye(3)[y]
    model = pf.Sequential(
        [
            pf.Input((6,)),
            pf.layers.Dense(5, "tanh", kernel_constraint=pf.constraints.MaxNorm(0.5)),
            pf.layers.Dense(3, kernel_constraint="non_neg", bias_constraint="unit_norm"),
        ],
        dtype="float64",
        seed=3,
    )
    optimizer = opt.SGD(0.1, momentum=0.5)
    model.compile(optimizer, "mse")
    network = Network.from_model(model)
    states = [{} for _ in range(4)]
    constraints = {
        0: pf.constraints.MaxNorm(0.5),
        2: pf.constraints.NonNeg(),
        3: pf.constraints.UnitNorm(),
    }
    for step in range(1, 11):
        rows = np.arange(BATCH * (step - 1), min(BATCH * step, ROWS))
        network.train(x, y, optimizer._rule(), [0.1], BATCH, rows, states=states, first_step=step)
        for k, constraint in constraints.items():
            network.parameters[k][...] = constraint(network.parameters[k])
    model.fit(x, y, BATCH, 1, verbose=0, shuffle=False)
    for after, expected in zip(model.get_weights(), network.parameters, strict=True):
        np.testing.assert_allclose(after, expected, rtol=1e-11, atol=1e-13)
