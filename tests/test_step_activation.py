"""A perceptron with a step activation: it predicts, and says that no gradient can train it."""

import warnings

import numpy as np
import pytest

import picaflor as pf
from picaflor import layers

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=np.float32)
OR = np.array([0, 1, 1, 1])


def perceptron(*stack):
    model = pf.Sequential([pf.Input((2,)), *stack], seed=0)
    model.compile("sgd", "mse")
    return model


def test_perceptron_predicts_without_a_warning():
    model = perceptron(layers.Dense(1, "step"))
    model.set_weights([[[1], [1]], [-0.5]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(model.predict(X)[:, 0], OR)
        assert model.evaluate(X, OR) == 0.0


@pytest.mark.parametrize(
    "stack",
    [
        lambda: [layers.Dense(1, "step")],
        lambda: [layers.Dense(1), layers.Activation("step")],
        lambda: [layers.Dense(1, "step", name="dense"), layers.Dense(1)],
    ],
)
@pytest.mark.parametrize("call", ["fit", "train_on_batch"])
def test_training_through_a_step_says_that_its_gradient_is_zero(stack, call):
    model = perceptron(*stack())
    before = model.layers[0].get_weights()
    with pytest.warns(UserWarning, match=r"is zero: .* cannot train dense/kernel, dense/bias;"):
        model.fit(X, OR, verbose=0) if call == "fit" else model.train_on_batch(X, OR)
    for old, new in zip(before, model.layers[0].get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_the_warning_comes_once_after_each_compile():
    model = perceptron(layers.Dense(1, "step"))
    for _ in range(2):
        with pytest.warns(UserWarning, match="gradient of the step"):
            model.fit(X, OR, epochs=3, verbose=0)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            model.fit(X, OR, verbose=0)
            model.train_on_batch(X, OR)
        model.compile("sgd", "mse")


def test_frozen_layers_below_a_step_are_no_reason_to_warn():
    model = perceptron(layers.Dense(4, "step", trainable=False), layers.Dense(1))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(X, OR, verbose=0)
