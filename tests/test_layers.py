"""Layers: what they compute, their weights and configs, and what they refuse."""

import pickle
from typing import Any

import numpy as np
import pytest

import picaflor as pf
from picaflor import layers


def every_layer() -> list[layers.Layer]:
    return [
        layers.Activation("tanh"),
        layers.Activation(pf.activations.Activation("elu", alpha=0.5)),
        layers.BatchNormalization(momentum=0.9, epsilon=1e-4, center=False),
        layers.Dense(
            3,
            "relu",
            kernel_initializer="he_normal",
            kernel_regularizer="l2",
            bias_regularizer=pf.regularizers.L1(0.5),
            kernel_constraint=pf.constraints.MaxNorm(2),
            trainable=False,
        ),
        layers.Dropout(0.25),
        layers.ELU(0.5),
        layers.Flatten(),
        layers.GaussianNoise(0.1),
        layers.LayerNormalization(epsilon=1e-5, scale=False),
        layers.LeakyReLU(0.1),
        layers.Normalization(),
        layers.Normalization(mean=[1.0, 2.0], variance=[4.0, 9.0], invert=True),
        layers.ReLU(max_value=6, negative_slope=0.1, threshold=1),
        layers.Rescaling(1 / 255, offset=[1.0, 2.0]),
        layers.Softmax(),
        layers.Input((2,)),
    ]


@pytest.mark.parametrize("layer", every_layer(), ids=lambda layer: type(layer).__name__)
def test_config_makes_an_equal_layer(layer: layers.Layer) -> None:
    entry = {"class_name": type(layer).__name__, "config": layer.get_config()}
    again = layers.deserialize(entry)
    assert type(again) is type(layer)
    assert again.get_config() == layer.get_config()


@pytest.mark.parametrize("layer", every_layer(), ids=lambda layer: type(layer).__name__)
def test_built_layer_survives_pickle(layer: layers.Layer, rng: np.random.Generator) -> None:
    x = rng.normal(size=(5, 2))
    if isinstance(layer, layers.Normalization) and layer.mean is None:
        layer.adapt(x)
    expected = layer(x)
    again = pickle.loads(pickle.dumps(layer))
    np.testing.assert_array_equal(again(x), expected, strict=True)
    start = [] if isinstance(layer, layers.InputLayer) else [pf.Input((2,))]
    again = pickle.loads(pickle.dumps(pf.Sequential([*start, layer, layers.Flatten()])))
    np.testing.assert_allclose(again(x), expected, rtol=1e-5, atol=1e-6)


def test_config_is_json() -> None:
    import json

    for layer in every_layer():
        assert json.loads(json.dumps(layer.get_config())) == layer.get_config()


def test_deserialize_names_the_nearest_class() -> None:
    with pytest.raises(ValueError, match=r"Unknown layer: 'Dens'\. Did you mean 'Dense'"):
        layers.deserialize({"class_name": "Dens", "config": {}})


# ------------------------------------------------------------------------------------ what they do


def test_dense_is_matrix_product_plus_bias(rng: np.random.Generator) -> None:
    layer = layers.Dense(3)
    x = rng.normal(size=(5, 4))
    layer.build((None, 4))
    kernel, bias = rng.normal(size=(4, 3)), rng.normal(size=3)
    layer.kernel, layer.bias = kernel, bias
    expected = x @ kernel.astype(np.float32).astype(float) + bias.astype(np.float32)
    # eight roundings of float64 in sums of four products of size one
    np.testing.assert_allclose(layer(x), expected, rtol=1e-13, atol=1e-14)


def test_dense_without_bias_has_one_weight() -> None:
    layer = layers.Dense(3, use_bias=False)
    layer.build((None, 4))
    assert [w.shape for w in layer.weights] == [(4, 3)]
    assert layer.bias is None
    assert layer.count_params() == 12


def test_flatten_keeps_c_order() -> None:
    x = np.arange(24.0).reshape(2, 3, 4)
    np.testing.assert_array_equal(layers.Flatten()(x), x.reshape(2, 12))


def test_rescaling_follows_the_formula() -> None:
    x = np.array([[0, 255], [51, 102]], np.uint8)
    y = layers.Rescaling(np.array([2.0, 0.5]), offset=-1.0)(x.astype(float))
    np.testing.assert_array_equal(y, [[-1, 126.5], [101, 50]])


def test_rescaling_of_images_before_flatten(rng: np.random.Generator) -> None:
    x = rng.integers(0, 256, size=(4, 3, 5), dtype=np.uint8)
    model = pf.Sequential(
        [pf.Input((3, 5)), layers.Rescaling(1 / 255), layers.Flatten()], dtype="float64"
    )
    np.testing.assert_allclose(model(x), x.reshape(4, 15) / 255, rtol=1e-15)


@pytest.mark.parametrize("rows", [1, 2, 1000])
def test_normalization_adapts_to_mean_zero_and_variance_one(
    rng: np.random.Generator, rows: int
) -> None:
    x = rng.normal(3, 2, size=(rows, 4))
    layer = layers.Normalization()
    layer.adapt(x)
    mean, variance, count = layer.get_weights()
    np.testing.assert_allclose(mean, x.mean(0), rtol=1e-13)
    np.testing.assert_allclose(variance, x.var(0), rtol=1e-12, atol=1e-13)
    assert count == 0
    if rows > 2:
        y = layer(x)
        np.testing.assert_allclose(y.mean(0), 0, atol=1e-13)
        np.testing.assert_allclose(y.var(0), 1, rtol=1e-12)


def test_normalization_merges_blocks(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("picaflor.layers.preprocessing._BLOCK", 12)  # four rows at a time
    x = rng.normal(1e6, 1, size=(10, 3))  # E[x^2] - E[x]^2 would lose all but four digits
    layer = layers.Normalization()
    layer.adapt(x)
    np.testing.assert_allclose(layer.get_weights()[1], x.var(0), rtol=1e-9)


def test_normalization_over_other_axes(rng: np.random.Generator) -> None:
    x = rng.normal(size=(6, 3, 4))
    for axis, over in [(None, (0, 1, 2)), (1, (0, 2)), ((1, 2), (0,)), (-1, (0, 1))]:
        layer = layers.Normalization(axis=axis)
        layer.adapt(x)
        expected = (x - x.mean(over, keepdims=True)) / x.std(over, keepdims=True)
        np.testing.assert_allclose(layer(x), expected, atol=1e-13)


def test_normalization_inverts(rng: np.random.Generator) -> None:
    mean, variance = np.array([1.0, -2.0]), np.array([4.0, 0.0])
    x = rng.normal(size=(3, 2))
    there = layers.Normalization(mean=mean, variance=variance)
    back = layers.Normalization(mean=mean, variance=variance, invert=True)
    assert there.weights == []
    np.testing.assert_allclose(back(there(x)), x, rtol=1e-7)  # 1e-7 stands for the zero deviation


def test_adapt_inside_a_model_takes_effect(rng: np.random.Generator) -> None:
    layer = layers.Normalization()
    model = pf.Sequential([pf.Input((2,)), layer, layers.Dense(1)], dtype="float64", seed=0)
    x = rng.normal(5, 3, size=(50, 2))
    kernel = model.layers[1].kernel.copy()
    layer.adapt(x)
    expected = ((x - x.mean(0)) / x.std(0)) @ kernel
    np.testing.assert_allclose(model(x), expected, rtol=1e-10, atol=1e-12)


def test_random_layers_are_the_identity_in_inference(rng: np.random.Generator) -> None:
    x = rng.normal(size=(4, 6))
    np.testing.assert_array_equal(layers.Dropout(0.9)(x), x)
    np.testing.assert_array_equal(layers.GaussianNoise(5.0)(x), x)


def test_dropout_in_training_drops_and_scales() -> None:
    model = pf.Sequential([pf.Input((1000,)), layers.Dropout(0.25)], seed=3)
    y = model(np.ones((20, 1000), np.float32), training=True)
    kept = y != 0
    np.testing.assert_allclose(y[kept], 1 / 0.75, rtol=1e-6)
    # 20 000 draws: the share has a standard deviation of 0.003
    assert abs(kept.mean() - 0.75) < 0.015
    assert not np.array_equal(kept, model(np.ones((20, 1000), np.float32), training=True) != 0)


# ---------------------------------------------------------------------------------------- weights


def test_set_weights_refuses_a_wrong_shape_and_changes_nothing() -> None:
    layer = layers.Dense(3)
    layer.build((None, 4))
    before = layer.get_weights()
    with pytest.raises(ValueError, match=r"dense/bias must have shape \(3,\), got \(4,\)"):
        layer.set_weights([np.zeros((4, 3)), np.zeros(4)])
    with pytest.raises(ValueError, match="2 weights, got a list of 1"):
        layer.set_weights([np.zeros((4, 3))])
    for a, b in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_unbuilt_layer_says_so() -> None:
    layer = layers.Dense(3)
    assert not layer.built
    with pytest.raises(AttributeError, match="no kernel before it is built"):
        _ = layer.kernel
    with pytest.raises(ValueError, match="not built"):
        _ = layer.output_shape


def test_batch_normalization_lists_gamma_beta_mean_variance() -> None:
    layer = layers.BatchNormalization()
    layer.build((None, 3))
    gamma, beta, mean, variance = layer.get_weights()
    assert (gamma == 1).all()
    assert (variance == 1).all()
    assert (beta == 0).all()
    assert (mean == 0).all()
    assert len(layer.trainable_weights) == 2
    assert len(layer.non_trainable_weights) == 2
    layer.trainable = False
    assert layer.trainable_weights == []
    assert len(layer.non_trainable_weights) == 4


def test_compute_output_shape() -> None:
    assert layers.Dense(7).compute_output_shape((None, 4)) == (None, 7)
    assert layers.Flatten().compute_output_shape((5, 4, 3)) == (5, 12)


# ---------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: layers.Dense(0), ValueError, "units must be at least 1, got 0"),
        (lambda: layers.Dense(2.5), TypeError, "units must be an integer, got 2.5"),
        (lambda: layers.Dense(3, activaton="relu"), TypeError, "Did you mean 'activation'"),
        (lambda: layers.Dense(3, "rleu"), ValueError, "Did you mean 'relu'"),
        (lambda: layers.Dense(3, dtype="float64"), TypeError, "belongs to the model"),
        (lambda: layers.Dense(3, kernel_initializer="glorot"), ValueError, "initializer"),
        (lambda: layers.Dense(3, name=7), TypeError, "name must be a string"),
        (lambda: layers.Dense(3, input_dim=2, input_shape=(2,)), ValueError, "not both"),
        (lambda: layers.Dropout(1.0), ValueError, "rate must be at least 0 and below 1, got 1.0"),
        (lambda: layers.Dropout("half"), TypeError, "rate must be a number, got 'half'"),
        (lambda: layers.GaussianNoise(-1), ValueError, "stddev"),
        (lambda: layers.Softmax(axis=0), ValueError, "axis must be -1"),
        (lambda: layers.ReLU(max_value=-1), ValueError, "max_value"),
        (lambda: layers.Normalization(mean=1.0), ValueError, "given together"),
        (lambda: layers.Normalization(axis=3).adapt(np.ones((2, 2))), ValueError, "axis must name"),
        (lambda: layers.Normalization().adapt(np.ones((0, 2))), ValueError, "n >= 1"),
        (lambda: layers.Input(784), TypeError, r"shape must be a tuple such as \(784,\)"),
        (lambda: layers.Input((None, 3)), ValueError, "without the batch"),
        (lambda: layers.Input((0,)), ValueError, "at least 1"),
        (lambda: layers.Dense(3)(np.ones((2, 3, 4))), ValueError, r"put Flatten\(\) before it"),
        (lambda: layers.Softmax()(np.ones((2, 3, 4))), ValueError, "Flatten"),
        (lambda: layers.Rescaling([1, 2])(np.ones((2, 3))), ValueError, "must broadcast"),
    ],
)
def test_arguments_that_cannot_be_followed(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()


def test_layer_called_with_another_shape_says_what_it_wants() -> None:
    layer = layers.Dense(2)
    layer(np.ones((1, 3)))
    with pytest.raises(ValueError, match=r"x must have shape \(n, 3\), got \(1, 4\)"):
        layer(np.ones((1, 4)))
