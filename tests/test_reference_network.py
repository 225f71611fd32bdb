"""Whole networks, optimizer rules and the training loop of picaflor.reference."""

import numpy as np
import pytest

from numerical import slopes, worst
from picaflor.reference import layers as L
from picaflor.reference.network import Network
from picaflor.reference.optimizers import RULES, apply_rule, clip
from picaflor.reference.training import NumpyMLP


def some_network(rng, loss, frozen=False):
    """One of every layer."""
    config = {"epsilon": 1e-3, "momentum": 0.9, "scale": True, "center": True}
    return Network(
        [
            L.Affine([0.5, 2.0, 1.0], [0.1, 0.0, -0.1]),
            L.Dense([rng.normal(size=(3, 5)), rng.normal(size=5)], True, [(0.1, 0.02), (0.0, 0.3)]),
            L.Activation("tanh"),
            L.BatchNormalization(
                [np.linspace(0.5, 1.5, 5), rng.normal(size=5), np.zeros(5), np.ones(5)],
                True,
                config,
            ),
            L.Dropout(0.4, rng.random((6, 5)) > 0.4),
            L.Dense([rng.normal(size=(5, 4))], not frozen, [(0.2, 0.1)]),
            L.LayerNormalization([rng.normal(size=4)], True, {**config, "center": False}),
            L.Activation("leaky_relu", (0.3,)),
            L.Dense([rng.normal(size=(4, 3)), rng.normal(size=3)]),
            L.Activation("softmax"),
        ],
        loss,
    )


LOSSES = [
    {"kind": "squared_error", "factor": 0.5},
    {"kind": "categorical_cross_entropy", "label_smoothing": 0.1},
    {"kind": "squared_error", "divide_by": "weights", "penalty_per_sample": True},
]


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("loss", LOSSES)
def test_network_gradients_match_finite_differences(loss, training, rng):
    network = some_network(rng, loss)
    x, weight = rng.normal(size=(6, 3)), rng.uniform(0, 2, 6)
    y = rng.dirichlet(np.ones(3), 6)
    _, gradients = network.loss_and_gradients(x, y, weight, training)
    for k, (p, trained) in enumerate(zip(network.parameters, network.trained, strict=True)):
        if not trained:
            assert np.all(gradients[k] == 0)
            continue

        def value(v, p=p):
            before = p.copy()
            p[...] = v
            loss = network.loss_and_gradients(x, y, weight, training)[0]
            p[...] = before
            return loss

        # the bias of a layer below a batch normalization has a gradient near 0: hence the scale
        scale = max(1e-2, float(np.abs(gradients[k]).max()))
        assert worst(gradients[k], slopes(value, p), scale) < 1e-7, k


def test_frozen_layers_have_neither_gradient_nor_penalty(rng):
    x, y = rng.normal(size=(6, 3)), rng.dirichlet(np.ones(3), 6)
    free = some_network(np.random.default_rng(1), LOSSES[0])
    frozen = some_network(np.random.default_rng(1), LOSSES[0], frozen=True)
    w = frozen.parameters[6]
    gap = free.loss_and_gradients(x, y)[0] - frozen.loss_and_gradients(x, y)[0]
    assert abs(gap - (0.2 * np.abs(w).sum() + 0.1 * (w**2).sum())) < 1e-13
    assert frozen.trained[6] is False
    assert np.all(frozen.loss_and_gradients(x, y)[1][6] == 0)


def test_network_by_hand():
    """Two inputs, two hidden ReLUs, one output; loss (y - t)^2 / 2.

    x = (1, 2), W1 = [[1 -1], [1 1]], b1 = (0, -2): z = (3, -1), h = (3, 0)
    W2 = (2, 5), b2 = -4: y = 2; t = 0: loss 2, dy = 2
    dW2 = h dy = (6, 0), db2 = 2, dh = (4, 10), dz = (4, 0), dW1 = [[4 0], [8 0]], db1 = (4, 0)
    """
    network = Network(
        [
            L.Dense([[[1.0, -1.0], [1.0, 1.0]], [0.0, -2.0]]),
            L.Activation("relu"),
            L.Dense([[[2.0], [5.0]], [-4.0]]),
        ],
        {"kind": "squared_error", "factor": 0.5},
    )
    loss, (dw1, db1, dw2, db2) = network.loss_and_gradients([[1.0, 2.0]], [[0.0]])
    assert loss == 2
    assert dw1.tolist() == [[4, 0], [8, 0]]
    assert db1.tolist() == [4, 0]
    assert dw2.tolist() == [[6], [0]]
    assert db2.tolist() == [2]
    # one step of gradient descent at rate 1/2
    network.train([[1.0, 2.0]], [[0.0]], {"kind": "sgd"}, [0.5], 1)
    assert network.parameters[2].tolist() == [[-1], [5]]


def test_batch_normalization_moves_its_statistics_in_training_only():
    config = {"epsilon": 0.0, "momentum": 0.75, "scale": True, "center": True}
    layer = L.BatchNormalization([[1.0], [0.0], [2.0], [9.0]], True, config)
    layer.forward(np.array([[4.0], [8.0]]), training=False)
    assert [p.tolist() for p in layer.parameters[2:]] == [[2], [9]]
    layer.forward(np.array([[4.0], [8.0]]), training=True)  # mean 6, variance 4
    assert [p.tolist() for p in layer.parameters[2:]] == [[3], [7.75]]
    layer = L.BatchNormalization([[1.0], [0.0], [2.0], [9.0]], False, config)
    assert layer.forward(np.array([[5.0]]), training=True).tolist() == [[1]]


def test_dropout_without_a_mask_is_refused_in_training():
    network = Network([L.Dropout(0.5)], {"kind": "squared_error"})
    assert network.forward([[1.0]]).tolist() == [[1]]
    with pytest.raises(ValueError, match="needs its mask"):
        network.forward([[1.0]], training=True)


# ------------------------------------------------------------------------------------- optimizers


def two_steps(rule, g1=2.0, g2=-1.0, rate=0.1, **hyper):
    state, w = {}, np.array([1.0])
    w1 = RULES[rule](w, np.array([g1]), state, rate, 1, **hyper)
    return w1[0], RULES[rule](w1, np.array([g2]), state, rate, 2, **hyper)[0]


def test_rules_by_hand():
    """Two steps from w = 1 with gradients 2 and -1 at rate 0.1, epsilon 0 and round factors."""
    close = pytest.approx
    assert two_steps("sgd") == close((0.8, 0.9))
    # m = -0.2; then 0.5 * -0.2 + 0.1 = 0
    assert two_steps("sgd", momentum=0.5) == close((0.8, 0.8))
    # w = 1 + 0.5 * -0.2 - 0.2 = 0.7; m = 0: w = 0.7 + 0 + 0.1
    assert two_steps("sgd", momentum=0.5, nesterov=True) == close((0.7, 0.8))
    adam = {"beta_1": 0.5, "beta_2": 0.5, "epsilon": 0.0}
    # m = 1, v = 2, rate sqrt(.5) / .5: step .1 * 1.41421 / 1.41421; m = 0, v = 1.5
    assert two_steps("adam", **adam) == close((0.9, 0.9))
    # m = 0.75 * 1 ... beta_1 = 0.75: m = .5, then .375 - .25 = .125; amsgrad keeps v = 2
    w1 = 1 - 0.1
    w2 = w1 - 0.1 * np.sqrt(0.75) / (1 - 0.75**2) * 0.125 / np.sqrt(2)
    assert two_steps("adam", **{**adam, "beta_1": 0.75}, amsgrad=True) == close((w1, w2))
    w2 = w1 - 0.1 * np.sqrt(0.75) / (1 - 0.75**2) * 0.125 / np.sqrt(1.5)
    assert two_steps("adam", **{**adam, "beta_1": 0.75}) == close((w1, w2))
    # v = 2, then 1.5
    w1 = 1 - 0.2 / np.sqrt(2)
    assert two_steps("rmsprop", rho=0.5, epsilon=0.0) == close((w1, w1 + 0.1 / np.sqrt(1.5)))
    # means 1, 0: v - mean^2 = 1, 1.5
    w = two_steps("rmsprop", rho=0.5, epsilon=0.0, centered=True)
    assert w == close((0.8, 0.8 + 0.1 / np.sqrt(1.5)))
    b = 0.2 / np.sqrt(2)
    w = two_steps("rmsprop", rho=0.5, epsilon=0.0, momentum=0.5)
    assert w == close((1 - b, 1 - b - (0.5 * b - 0.1 / np.sqrt(1.5))))
    # a = 4, 5
    w = two_steps("adagrad", initial_accumulator_value=0.0, epsilon=0.0)
    assert w == close((0.9, 0.9 + 0.1 / np.sqrt(5)))
    # epsilon 1: v = 2, step 2 / sqrt 3, u = 2/3; v = 1.5, step -sqrt(5/3) / sqrt 2.5
    w1 = 1 - 0.2 / np.sqrt(3)
    w = two_steps("adadelta", rho=0.5, epsilon=1.0)
    assert w == close((w1, w1 + 0.1 * np.sqrt(5 / 3 / 2.5)))
    # m = 1, u = 2; m = 0, u = 1
    assert two_steps("adamax", beta_1=0.5, beta_2=0.5, epsilon=0.0) == close((0.9, 0.9))
    assert two_steps("adamax", beta_1=0.75, beta_2=0.75, epsilon=0.0) == close(
        (0.9, 0.9 - 0.1 / (1 - 0.75**2) * 0.125 / 1.5)
    )
    # sign(+), m = 1; sign(0.5 * 1 - 0.5) = 0
    assert two_steps("lion", beta_1=0.5, beta_2=0.5) == close((0.9, 0.9))
    mu1, mu2, mu3 = (0.5 * (1 - 0.5 * 0.96**k) for k in (1, 2, 3))
    m_hat = mu2 * 1 / (1 - mu1 * mu2) + (1 - mu1) * 2 / (1 - mu1)
    w1 = 1 - 0.1 * m_hat / 2
    m_hat = 0 - (1 - mu2) / (1 - mu1 * mu2)  # m = 0 again, mu3 without effect
    w2 = w1 - 0.1 * m_hat / np.sqrt(1.5 / 0.75)
    assert two_steps("nadam", beta_1=0.5, beta_2=0.5, epsilon=0.0) == close((w1, w2))
    assert mu3 > mu2


def test_clipping_and_decay_come_before_the_update():
    g = [np.array([3.0, 4.0]), np.array([12.0])]
    assert [x.tolist() for x in clip({"clipvalue": 3.5}, g)] == [[3, 3.5], [3.5]]
    np.testing.assert_allclose(np.concatenate(clip({"clipnorm": 10.0}, g)), [3, 4, 10])
    np.testing.assert_allclose(np.concatenate(clip({"global_clipnorm": 6.5}, g)), [1.5, 2, 6])
    assert clip({"global_clipnorm": 20.0}, g)[1] == 12
    rule = {"kind": "sgd", "momentum": 0.0, "weight_decay": 0.5, "clipvalue": 1.0}
    new = apply_rule(rule, 0.1, 1, [np.array([2.0])], [np.array([7.0])], [{}])
    assert new[0] == pytest.approx(2 - 0.5 * 0.1 * 2 - 0.1)


def test_train_carries_the_optimizer_state_over_calls(rng):
    x, y = rng.normal(size=(12, 3)), rng.normal(size=(12, 1))
    w = rng.normal(size=(3, 1))
    rule, loss = {"kind": "adam"}, {"kind": "squared_error"}
    whole, parts, states = Network([L.Dense([w])], loss), Network([L.Dense([w])], loss), [{}]
    losses = whole.train(x, y, rule, [0.1] * 4, 3)
    first = parts.train(x[:6], y[:6], rule, [0.1] * 2, 3, states=states)
    second = parts.train(x[6:], y[6:], rule, [0.1] * 2, 3, states=states, first_step=3)
    assert losses == first + second
    assert np.array_equal(whole.parameters[0], parts.parameters[0])


# ------------------------------------------------------------------------------- the NumPy rival


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("loss", ["softmax_cross_entropy", "squared_error"])
@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh"])
def test_numpy_mlp_trains_as_the_textbook_does(activation, loss, optimizer, rng):
    mlp = NumpyMLP([4, 6, 5, 3], activation, loss, optimizer, 0.05, "float64", seed=2)
    layers = []
    for k in range(3):
        layers += [L.Dense(mlp.parameters[2 * k : 2 * k + 2]), L.Activation(activation)]
    kind = "squared_error" if loss == "squared_error" else "categorical_cross_entropy_logits"
    network = Network(layers[:-1], {"kind": kind})
    x = rng.normal(size=(25, 4))
    y = rng.normal(size=(25, 3)) if loss == "squared_error" else rng.integers(0, 3, 25)
    states, step = [{} for _ in range(6)], 1
    for _ in range(3):  # the last of the four batches has one row
        order = rng.permutation(25)
        mean = mlp.train_epoch(x, y, order, 8)
        losses = network.train(
            x, y, {"kind": optimizer}, [0.05] * 4, 8, order, states=states, first_step=step
        )
        step += 4
        assert abs(mean - np.dot(losses, [8, 8, 8, 1]) / 25) < 1e-12
    for p, q in zip(mlp.parameters, network.parameters, strict=True):
        assert worst(p, q, 1.0) < 1e-11
    assert worst(mlp.predict(x), network.forward(x)) < 1e-11


def test_numpy_mlp_stays_in_its_dtype_and_names_what_it_knows(rng):
    mlp = NumpyMLP([3, 4, 2], optimizer="adam")
    x = rng.normal(size=(10, 3)).astype(np.float32)
    mlp.train_epoch(x, np.zeros(10, int), np.arange(10), 4)
    assert {p.dtype for p in (*mlp.parameters, *mlp.gradients)} == {np.dtype(np.float32)}
    assert mlp.predict(x).dtype == np.float32
    with pytest.raises(ValueError, match="optimizer must be one of sgd, adam, got 'adma'"):
        NumpyMLP([3, 2], optimizer="adma")
