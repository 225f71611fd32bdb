"""The structure of a model: layers, building, weights, configs, inference, copies."""

import copy
import gc
import pickle
import weakref
from typing import Any

import numpy as np
import pytest

import picaflor as pf
from picaflor import layers


def make_model(**options: Any) -> pf.Sequential:
    return pf.Sequential(
        [pf.Input((4,)), layers.Dense(8, "tanh"), layers.Dense(3, "softmax")],
        **{"seed": 0, **options},
    )


def same_weights(a: pf.Sequential, b: pf.Sequential) -> bool:
    return all(np.array_equal(u, v) for u, v in zip(a.get_weights(), b.get_weights(), strict=True))


# ------------------------------------------------------------------------------- structure


def test_layers_are_named_as_in_keras_and_exclude_the_input() -> None:
    model = make_model()
    assert [layer.name for layer in model.layers] == ["dense", "dense_1"]
    assert model.get_layer("dense_1") is model.get_layer(index=1) is model.layers[1]
    assert (model.input_shape, model.output_shape) == ((None, 4), (None, 3))
    assert model.count_params() == 4 * 8 + 8 + 8 * 3 + 3


def test_first_layer_may_say_the_input_shape() -> None:
    for options in ({"input_shape": (4,)}, {"input_dim": 4}):
        model = pf.Sequential([layers.Dense(2, **options)])
        assert model.built
        assert model.input_shape == (None, 4)


def test_model_without_input_is_built_by_the_first_data() -> None:
    model = pf.Sequential([layers.Dense(2)], seed=1)
    assert not model.built
    assert model.get_weights() == []
    with pytest.raises(ValueError, match="the model is not built"):
        model.count_params()
    assert model(np.ones((5, 3))).shape == (5, 2)
    assert model.input_shape == (None, 3)
    assert same_weights(model, pf.Sequential([pf.Input((3,)), layers.Dense(2)], seed=1))


def test_build_gives_the_input_shape() -> None:
    model = pf.Sequential([layers.Dense(2)])
    model.build((None, 3))
    assert model.built
    model.build((32, 3))
    with pytest.raises(ValueError, match=r"samples of shape \(3,\), got \(4,\)"):
        model.build((None, 4))


def test_initial_weights_follow_the_documented_stream() -> None:
    model = make_model(seed=5)
    rng = np.random.default_rng(5)
    initializer = pf.initializers.GlorotUniform()
    for kernel, shape in [(model.layers[0].kernel, (4, 8)), (model.layers[1].kernel, (8, 3))]:
        np.testing.assert_array_equal(kernel, initializer(shape, dtype="float32", rng=rng))


def test_seed_decides_the_weights() -> None:
    assert same_weights(make_model(seed=3), make_model(seed=3))
    assert not same_weights(make_model(seed=3), make_model(seed=4))
    pf.utils.set_random_seed(1)
    first = make_model(seed=None)
    pf.utils.set_random_seed(1)
    second = make_model(seed=None)
    assert first.seed == second.seed
    assert same_weights(first, second)
    assert make_model(seed=None).seed != first.seed


def test_adding_layers_keeps_learned_weights(rng: np.random.Generator) -> None:
    model = make_model()
    before = model.get_weights()
    model.add(layers.Dense(5))
    assert model.output_shape == (None, 5)
    for a, b in zip(before, model.get_weights(), strict=False):
        np.testing.assert_array_equal(a, b)
    x = rng.normal(size=(2, 4))
    top = model.pop()
    assert top.name == "dense_2"
    assert model.output_shape == (None, 3)
    np.testing.assert_array_equal(model(x), make_model()(x))
    model.add(top)
    assert model.output_shape == (None, 5)


def test_popping_everything_leaves_an_empty_model() -> None:
    model = make_model()
    model.pop()
    model.pop()
    assert model.layers == []
    with pytest.raises(ValueError, match="no layers to pop"):
        model.pop()


@pytest.mark.parametrize(
    ("layer", "error", "message"),
    [
        (layers.Dense, TypeError, "got the class Dense: call it"),
        ("dense", TypeError, "layer must be a Layer, got .dense."),
        (layers.Dense(2, name="dense"), ValueError, "unique names"),
        (pf.Input((3,)), ValueError, "must be the first layer"),
        (layers.Rescaling([1.0, 2.0]), ValueError, "must broadcast"),
    ],
)
def test_refused_layer_leaves_the_model_as_it_was(
    layer: Any, error: type[Exception], message: str
) -> None:
    model = make_model()
    before = model(np.ones((1, 4)))
    with pytest.raises(error, match=message):
        model.add(layer)
    assert len(model.layers) == 2
    np.testing.assert_array_equal(model(np.ones((1, 4))), before)


def test_layer_belongs_to_one_model() -> None:
    model = make_model()
    with pytest.raises(ValueError, match=r"already belongs to another model \('sequential'\)"):
        pf.Sequential([pf.Input((4,)), model.layers[0]])
    with pytest.raises(ValueError, match="already belongs to this model"):
        model.add(model.layers[1])
    layer = model.layers[0]
    del model
    gc.collect()
    pf.Sequential([pf.Input((4,)), layer])  # its model is gone: free to join another


def test_weights_are_views_that_write_through(rng: np.random.Generator) -> None:
    model = make_model(dtype="float64")
    for weight in model.weights:
        weight[...] = rng.normal(size=weight.shape)
    w1, b1, w2, b2 = model.get_weights()
    x = rng.normal(size=(6, 4))
    scores = np.tanh(x @ w1 + b1) @ w2 + b2
    expected = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    np.testing.assert_allclose(model(x), expected, rtol=1e-13)
    model.layers[1].bias = [1.0, 2.0, 3.0]
    np.testing.assert_array_equal(model.weights[3], [1, 2, 3])


def test_weights_outlive_the_model() -> None:
    kernel = make_model().weights[0]
    gc.collect()
    np.testing.assert_array_equal(kernel, make_model().get_weights()[0])


def test_model_is_freed_without_the_garbage_collector() -> None:
    gc.disable()
    try:
        model = make_model()
        model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
        model(np.ones((1, 4)))
        reference = weakref.ref(model._network)
        del model
        assert reference() is None
    finally:
        gc.enable()


def test_set_weights_checks_all_before_writing() -> None:
    model = make_model()
    before = model.get_weights()
    with pytest.raises(ValueError, match=r"dense_1/bias must have shape \(3,\), got \(4,\)"):
        model.set_weights([*[np.zeros_like(w) for w in before[:3]], np.zeros(4)])
    with pytest.raises(ValueError, match="has 4 weights, got a list of 3"):
        model.set_weights(before[:3])
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_trainable_counts() -> None:
    model = make_model()
    model.layers[0].trainable = False
    assert len(model.trainable_weights) == len(model.non_trainable_weights) == 2
    model.trainable = False
    assert not model.trainable
    assert model.trainable_weights == []


def test_summary(capsys: pytest.CaptureFixture[str]) -> None:
    model = pf.Sequential(
        [pf.Input((28, 28)), layers.Flatten(), layers.Dense(10, trainable=False)], name="digits"
    )
    model.summary(show_trainable=True)
    assert capsys.readouterr().out == (
        'Model: "digits"\n'
        "---------------------------------------------------\n"
        "Layer (type)       Output Shape  Param #  Trainable\n"
        "===================================================\n"
        "flatten (Flatten)  (None, 784)   0        Y\n"
        "dense (Dense)      (None, 10)    7,850    N\n"
        "---------------------------------------------------\n"
        "Total params: 7,850 (30.66 KB)\n"
        "Trainable params: 0 (0 B)\n"
        "Non-trainable params: 7,850 (30.66 KB)\n"
    )
    lines: list[str] = []
    pf.Sequential([layers.Dense(3)]).summary(print_fn=lines.append)
    assert "Not built yet" in lines[0]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"dtype": "float16"}, ValueError, "'float32' or 'float64', got 'float16'"),
        ({"dtype": "flot32"}, TypeError, "'float32' or 'float64'"),
        ({"dtype": int}, ValueError, "'float32' or 'float64'"),
        ({"seed": -1}, ValueError, "seed must be at least 0, got -1"),
        ({"seed": 1.5}, TypeError, "seed must be an integer, got 1.5"),
        ({"name": 3}, TypeError, "name must be a string, got 3"),
    ],
)
def test_wrong_model_options(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make_model(**options)


def test_config_makes_an_equal_model() -> None:
    import json

    model = make_model(dtype="float64", seed=9, name="mine")
    config = json.loads(json.dumps(model.get_config()))
    again = pf.Sequential.from_config(config)
    assert again.get_config() == config
    assert same_weights(model, again)  # the seed is part of the config


# ------------------------------------------------------------------------------- inference


def test_all_ways_to_predict_agree(rng: np.random.Generator) -> None:
    model = make_model()
    x = rng.normal(size=(7, 4)).astype(np.float32)
    y = model.predict(x)
    assert y.dtype == np.float32
    np.testing.assert_array_equal(model(x), y)
    np.testing.assert_array_equal(model.predict_on_batch(x), y)
    np.testing.assert_array_equal(model.predict(x, steps=2, batch_size=3), y[:6])
    np.testing.assert_array_equal(model(x.tolist()), y)
    one_by_one = np.concatenate([model(x[i : i + 1]) for i in range(7)])
    np.testing.assert_array_equal(one_by_one, y)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("outputs", [1, 2, 3, 4, 5, 9, 33])
@pytest.mark.parametrize(
    "tail",
    [(), ("relu",), ("sigmoid",), ("gelu",), ("softmax",), ("elu", "softplus"), ("dropout",)],
)
def test_outputs_written_where_they_are_wanted(
    tail: tuple[str, ...], outputs: int, dtype: str, rng: np.random.Generator
) -> None:
    """Few outputs go straight to the caller's array, others are copied to it."""
    dense = layers.Dense(outputs, bias_initializer="normal")
    after = [layers.Dropout(0.5) if f == "dropout" else layers.Activation(f) for f in tail]
    model = pf.Sequential([pf.Input((40,)), dense, *after], dtype=dtype, seed=1)
    x = rng.normal(size=(533, 40)).astype(dtype)
    expected = x @ dense.kernel + dense.bias
    for f in tail:
        if f != "dropout":
            expected = getattr(pf.reference, f)(expected)
    y = model.predict(x)
    np.testing.assert_allclose(y, expected, rtol=1e-4 if dtype == "float32" else 1e-11, atol=1e-6)
    for rows in (0, 1, 2, 9, 97):
        np.testing.assert_array_equal(model.predict(x[:rows]), y[:rows])
    frame = np.full((533, outputs + 3), 7, dtype)
    model._network.predict(x, frame[:, 1:-2])
    np.testing.assert_array_equal(frame[:, 1:-2], y)
    assert np.all(frame[:, [0, -2, -1]] == 7)


def test_empty_batch_gives_an_empty_result() -> None:
    assert make_model().predict(np.ones((0, 4))).shape == (0, 3)


def test_images_are_flattened_and_shapes_kept(rng: np.random.Generator) -> None:
    x = rng.normal(size=(5, 2, 3))
    model = pf.Sequential([pf.Input((2, 3)), layers.Activation("relu")], dtype="float64")
    np.testing.assert_array_equal(model(x), np.maximum(x, 0))
    assert model.output_shape == (None, 2, 3)


def test_rank_is_brought_into_line() -> None:
    one = pf.Sequential([pf.Input((1,)), layers.Dense(1, kernel_initializer="ones")])
    np.testing.assert_array_equal(one(np.array([1.0, 2.0])), [[1], [2]])
    model = make_model()
    np.testing.assert_array_equal(model(np.ones((2, 4, 1))), model(np.ones((2, 4))))


def test_predict_wrong_input() -> None:
    model = make_model()
    for call in (model, model.predict, model.predict_on_batch):
        with pytest.raises(ValueError, match=r"x must have shape \(n, 4\), got \(2, 5\)"):
            call(np.ones((2, 5)))
        with pytest.raises(ValueError, match=r"\(n, 4\), got \(4,\); a batch of this .* x\[None\]"):
            call(np.ones(4))
        with pytest.raises(TypeError, match="x must hold numbers, got strings"):
            call(np.array([["a", "b", "c", "d"]]))
        with pytest.raises(TypeError, match="complex"):
            call(np.ones((2, 4), complex))
        with pytest.raises(TypeError, match="got None"):
            call(None)


def test_training_mode_moves_the_random_state_on() -> None:
    model = pf.Sequential([pf.Input((50,)), layers.Dropout(0.5), layers.Dense(2)], seed=0)
    x = np.ones((3, 50), np.float32)
    assert not np.array_equal(model(x, training=True), model(x, training=True))
    np.testing.assert_array_equal(model(x), model(x))


# ------------------------------------------------------------------------------- copies, pickle


@pytest.mark.parametrize(
    "again", [copy.copy, copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))]
)
@pytest.mark.parametrize("optimizer", ["sgd", "adam", "rmsprop"])
def test_copies_train_on_in_the_same_way(
    rng: np.random.Generator, again: Any, optimizer: str
) -> None:
    x, y = rng.normal(size=(40, 4)), rng.integers(0, 3, 40)
    model = pf.Sequential(
        [pf.Input((4,)), layers.Dense(8, "relu"), layers.Dropout(0.3), layers.Dense(3, "softmax")],
        seed=2,
    )
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=2, batch_size=8, verbose=0)
    twin = again(model)
    assert twin.history.history == model.history.history
    expected = model.fit(x, y, epochs=2, batch_size=8, verbose=0).history
    untouched = twin.get_weights()
    assert not np.array_equal(untouched[0], model.get_weights()[0])
    assert twin.fit(x, y, epochs=2, batch_size=8, verbose=0).history == expected
    assert same_weights(model, twin)


def test_unbuilt_and_uncompiled_models_can_be_copied() -> None:
    twin = pickle.loads(pickle.dumps(pf.Sequential([layers.Dense(2)], seed=4)))
    assert not twin.built
    assert twin(np.ones((1, 3))).shape == (1, 2)
    assert same_weights(copy.deepcopy(make_model()), make_model())


def test_layers_can_be_pickled_alone() -> None:
    layer = make_model().layers[0]
    twin = pickle.loads(pickle.dumps(layer))
    np.testing.assert_array_equal(twin.kernel, layer.kernel)
    np.testing.assert_array_equal(twin(np.ones((1, 4))), layer(np.ones((1, 4))))
