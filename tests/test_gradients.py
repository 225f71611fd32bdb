"""Gradients of whole models: the engine against the NumPy reference and central differences.

Every activation, loss and layer in float32 and float64, with sample weights, penalties, frozen
layers and odd sizes.
"""

import numpy as np
import pytest

import picaflor as pf
from numerical import slopes, worst
from picaflor import reference
from picaflor.reference.activations import ACTIVATIONS

# Relative to the largest entry of a gradient: some hundred roundings of 6e-8, many more of 1e-16.
TOLERANCE = {"float32": 2e-5, "float64": 1e-10}
# A gradient that is zero but for rounding is measured by this share of the model's largest one.
SMALL = 1e-3

# rows, inputs, hidden units, outputs: one of each, and sizes around the vector widths
SIZES = [(1, 1, 1, 1), (5, 3, 4, 2), (17, 9, 33, 7), (33, 65, 16, 3)]
SIZES += [(6, 41, 2, 5), (19, 7, 67, 4)]  # few outputs of many inputs: weights that are kept turned
DTYPES = ["float32", "float64"]


def compiled(layers, loss, dtype="float64", seed=1):
    model = pf.Sequential(layers, dtype=dtype, seed=seed)
    model.compile(optimizer="sgd", loss=loss)
    return model


def spread_biases(model, seed=3):
    """Give every weight that starts at a constant a random value."""
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        weights = layer.get_weights()
        for w in weights:
            if w.ndim == 1:
                w += rng.uniform(0.05, 0.4, w.shape).astype(w.dtype)
        if weights:
            layer.set_weights(weights)
    return model


def assert_gradients_match(model, x, y, sample_weight=None, training=False):
    expected_loss, expected = reference.loss_and_gradients(model, x, y, sample_weight, training)
    loss, gradients = model.loss_and_gradients(x, y, sample_weight, training=training)
    tolerance = TOLERANCE[model.dtype]
    assert abs(loss - expected_loss) <= tolerance * max(abs(expected_loss), SMALL)
    assert len(gradients) == len(expected) == len(model.trainable_weights)
    largest = max((float(np.abs(g).max()) for g in expected), default=0.0)
    for k, (actual, exact) in enumerate(zip(gradients, expected, strict=True)):
        assert actual.shape == exact.shape
        assert actual.dtype == model.dtype
        scale = max(float(np.abs(exact).max()), SMALL * largest) or 1.0
        error = np.abs(actual - exact) / scale
        at = np.unravel_index(np.argmax(error), error.shape)
        assert error[at] <= tolerance, (
            f"gradient {k} at {tuple(map(int, at))}: {actual[at]}, reference {exact[at]}, "
            f"error {error[at]:.2e} of {scale:.2e}"
        )
    return expected


def data(kind, n, d, c, dtype, seed=0):
    """Inputs, and targets in the domain of a loss."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, d)).astype(dtype)
    y = rng.normal(size=(n, c))
    if kind in ("poisson", "poisson_log", "squared_log_error", "absolute_percentage_error"):
        y = np.exp(y)
    elif kind.startswith("categorical") or kind == "kl_divergence":
        y = reference.softmax(y)
    elif kind.startswith("binary"):
        y = reference.sigmoid(y)
    elif "hinge" in kind:
        y = np.where(y > 0, 1.0, -1.0)
    return x, y.astype(dtype)


# ----------------------------------------------------------------------------------- activations


def activation(name):
    params = {
        "clipped_relu": {"negative_slope": 0.1, "max_value": 0.7, "threshold": 0.2},
        "elu": {"alpha": 1.3},
    }
    return pf.activations.Activation(name, **params.get(name, {}))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", [*ACTIVATIONS, "softmax", "log_softmax"])
def test_activation_in_a_dense_layer(name, size, dtype):
    n, d, hidden, c = size
    model = compiled(
        [
            pf.Input((d,)),
            pf.layers.Dense(hidden, activation(name)),
            pf.layers.Dense(c, activation(name)),
        ],
        "mean_squared_error",
        dtype,
    )
    x, y = data("squared_error", n, d, c, dtype)
    expected = assert_gradients_match(spread_biases(model), x, y)
    flat = name == "step" or (name in ("softmax", "log_softmax", "clipped_relu") and n == 1)
    assert flat or any(np.any(g) for g in expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "layer",
    [
        lambda: pf.layers.Activation("gelu"),
        lambda: pf.layers.ReLU(),
        lambda: pf.layers.ReLU(max_value=0.5, negative_slope=0.2, threshold=0.1),
        lambda: pf.layers.LeakyReLU(),
        lambda: pf.layers.ELU(alpha=0.5),
        lambda: pf.layers.Softmax(),
        lambda: pf.layers.Dropout(0.5),
        lambda: pf.layers.GaussianNoise(0.5),
        lambda: pf.layers.Rescaling(0.3, offset=-0.2),
    ],
)
def test_layer_between_dense_layers_and_at_either_end(layer, dtype):
    check_layer_at_every_place(layer, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "layer",
    [
        lambda: pf.layers.BatchNormalization(),
        lambda: pf.layers.BatchNormalization(center=False),
        lambda: pf.layers.BatchNormalization(scale=False, epsilon=0.1),
        lambda: pf.layers.BatchNormalization(trainable=False),
        lambda: pf.layers.LayerNormalization(),
        lambda: pf.layers.LayerNormalization(center=False),
        lambda: pf.layers.LayerNormalization(scale=False, epsilon=0.1),
        lambda: pf.layers.LayerNormalization(trainable=False),
    ],
)
def test_normalization_between_dense_layers_and_at_either_end(layer, dtype):
    check_layer_at_every_place(layer, dtype)


def check_layer_at_every_place(layer, dtype):
    x, y = data("squared_error", 9, 6, 3, dtype)
    model = compiled(
        [pf.Input((6,)), layer(), pf.layers.Dense(5), layer(), pf.layers.Dense(3), layer()],
        "mean_squared_error",
        dtype,
    )
    assert_gradients_match(spread_biases(model), x, y)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [(2, 3, 4, 1), (17, 9, 33, 7), (33, 5, 16, 3)])
def test_batch_normalization_in_training(size, dtype):
    n, d, hidden, c = size
    model = compiled(
        [
            pf.Input((d,)),
            pf.layers.BatchNormalization(),
            pf.layers.Dense(hidden, "tanh"),
            pf.layers.BatchNormalization(scale=False, trainable=False),
            pf.layers.BatchNormalization(momentum=0.5),
            pf.layers.Dense(c),
        ],
        "mean_squared_error",
        dtype,
    )
    x, y = data("squared_error", n, d, c, dtype)
    assert_gradients_match(spread_biases(model), x, y, training=True)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"axis": 1},
        {"axis": None},
        {"axis": (1, 2)},
        {"mean": 2.0, "variance": [1.0, 4.0, 9.0]},
        {"invert": True},
    ],
)
def test_normalization_and_flatten_come_first(options):
    rng = np.random.default_rng(0)
    x, y = rng.normal(3, 5, (12, 2, 3)), rng.normal(size=(12, 2))
    scaling = pf.layers.Normalization(**options)
    if "mean" not in options:
        scaling.adapt(x)
    model = compiled(
        [
            pf.Input((2, 3)),
            scaling,
            pf.layers.Rescaling([[1.0, 2.0, 3.0], [0.1, 0.2, 0.3]], offset=[1.0, 0.0, -1.0]),
            pf.layers.Flatten(),
            pf.layers.Dense(2, "tanh"),
        ],
        "mse",
    )
    assert_gradients_match(model, x, y)
    np.testing.assert_allclose(
        model.predict(x, verbose=0), reference.predict(model, x), rtol=1e-11, atol=1e-13
    )


@pytest.mark.parametrize("layer", [pf.layers.LeakyReLU, pf.layers.ELU])
def test_falling_pieces_are_refused(layer):
    """The engine reads the side of the kink off the output: it has to have the input's sign."""
    with pytest.raises(ValueError, match="at least 0"):
        layer(-0.5)


# ---------------------------------------------------------------------------------------- losses

L = pf.losses
LOSSES = [  # loss, activation of the last layer
    (L.MeanSquaredError(), "linear"),
    (L.MeanSquaredError(scale=0.5), "linear"),
    (L.MeanSquaredError(reduction="sum"), "sigmoid"),
    (L.MeanAbsoluteError(), "linear"),
    (L.Huber(delta=0.5), "linear"),
    (L.LogCosh(), "linear"),
    (L.MeanSquaredLogarithmicError(), "softplus"),
    (L.MeanAbsolutePercentageError(), "linear"),
    (L.Poisson(), "softplus"),
    (L.Poisson(), "exponential"),
    (L.Hinge(), "tanh"),
    (L.SquaredHinge(), "linear"),
    (L.CategoricalHinge(), "linear"),
    (L.KLDivergence(), "softmax"),
    (L.CosineSimilarity(), "linear"),
    (L.BinaryCrossentropy(), "sigmoid"),
    (L.BinaryCrossentropy(label_smoothing=0.2), "sigmoid"),
    (L.BinaryCrossentropy(label_smoothing=0.2), "hard_sigmoid"),  # probabilities: not fused
    (L.BinaryCrossentropy(from_logits=True), "linear"),
    (L.CategoricalCrossentropy(), "softmax"),
    (L.CategoricalCrossentropy(label_smoothing=0.2), "softmax"),
    (L.CategoricalCrossentropy(label_smoothing=0.2), "sigmoid"),  # not fused
    (L.CategoricalCrossentropy(from_logits=True), "linear"),
    (L.CategoricalCrossentropy(from_logits=True, reduction="sum"), "softplus"),
]
SPARSE = [
    (L.SparseCategoricalCrossentropy(), "softmax"),
    (L.SparseCategoricalCrossentropy(), "sigmoid"),  # not fused
    (L.SparseCategoricalCrossentropy(from_logits=True), "linear"),
]


def loss_id(case):
    return f"{case.name}" if isinstance(case, L.Loss) else str(case)


def loss_model(loss, last, size, dtype):
    _, d, hidden, c = size
    layers = [pf.Input((d,)), pf.layers.Dense(hidden, "tanh"), pf.layers.Dense(c, last)]
    return spread_biases(compiled(layers, loss, dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("loss", "last"), LOSSES, ids=loss_id)
def test_loss_with_and_without_weights(loss, last, size, dtype):
    n, d, _, c = size
    kind = loss._engine()["kind"]
    model = loss_model(loss, last, size, dtype)
    x, y = data(kind, n, d, c, dtype)
    weight = np.random.default_rng(5).uniform(0, 3, n)
    weight[0] = 0 if n > 1 else 2
    if c == 1 and (last == "softmax" or kind in ("cosine_similarity", "categorical_cross_entropy")):
        # One class, one direction: the loss is constant, and gradients are rounding alone.
        for w in (None, weight):
            loss_value, gradients = model.loss_and_gradients(x, y, w)
            expected_loss, _ = reference.loss_and_gradients(model, x, y, w)
            assert abs(loss_value - expected_loss) <= TOLERANCE[dtype]
            assert all(np.abs(g).max() <= TOLERANCE[dtype] for g in gradients)
        return
    assert_gradients_match(model, x, y)
    assert_gradients_match(model, x, y, weight)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", SIZES[1:])
@pytest.mark.parametrize(("loss", "last"), SPARSE, ids=loss_id)
def test_sparse_loss_equals_the_one_of_one_hot_rows(loss, last, size, dtype):
    n, d, _, c = size
    model = loss_model(loss, last, size, dtype)
    x, _ = data("squared_error", n, d, c, dtype)
    ids = np.random.default_rng(5).integers(0, c, n)
    weight = np.random.default_rng(6).uniform(0, 3, n)
    expected = assert_gradients_match(model, x, ids, weight)
    assert_gradients_match(model, x, ids.astype(np.uint8)[:, None])
    dense = L.CategoricalCrossentropy(from_logits=loss.from_logits)
    model.compile(loss=dense)
    for one, two in zip(
        expected, assert_gradients_match(model, x, np.eye(c)[ids], weight), strict=True
    ):
        np.testing.assert_allclose(one, two, rtol=1e-12, atol=1e-14)


def test_fused_sigmoid_survives_saturation():
    """Logits of +-1e3: probabilities of 0 and 1, a finite loss, and the slope p - t.

    x = 1, -1; t = 0, 0: losses 1000, 0; mean 500. dz = (1, 0) / 2, dw = dz . x, db = sum dz.
    """
    model = compiled([pf.Input((1,)), pf.layers.Dense(1, "sigmoid")], "binary_crossentropy")
    model.set_weights([[[1e3]], [0.0]])
    x, t = [[1.0], [-1.0]], [0, 0]
    loss, (dw, db) = model.loss_and_gradients(x, t)
    assert (loss, dw.tolist(), db.tolist()) == (500, [[0.5]], [0.5])
    assert_gradients_match(model, x, t)


def test_fused_softmax_survives_saturation():
    """Scores (1000, -1000) and (-1000, 1000), both of class 1: losses 2000 and 0."""
    model = compiled(
        [pf.Input((1,)), pf.layers.Dense(2, "softmax")], "sparse_categorical_crossentropy"
    )
    model.set_weights([[[1e3, -1e3]], [0.0, 0.0]])
    x, t = [[1.0], [-1.0]], [1, 1]
    loss, (dw, db) = model.loss_and_gradients(x, t)
    assert (loss, dw.tolist(), db.tolist()) == (1000, [[0.5, -0.5]], [0.5, -0.5])
    assert_gradients_match(model, x, t)


# ----------------------------------------------------------------------- penalties, frozen layers


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("frozen", [(), (0,), (1,), (0, 1), (2,)])
def test_regularizers_biases_and_frozen_layers(frozen, weighted, dtype):
    model = compiled(
        [
            pf.Input((6,)),
            pf.layers.Dense(
                7,
                "relu",
                kernel_regularizer=pf.regularizers.L1L2(0.03, 0.2),
                bias_regularizer=pf.regularizers.L1(0.1),
            ),
            pf.layers.Dense(5, "tanh", use_bias=False, kernel_regularizer="l2"),
            pf.layers.Dense(3, bias_regularizer=pf.regularizers.L2(0.4)),
        ],
        "mse",
        dtype,
    )
    spread_biases(model)
    for k in frozen:
        model.layers[k].trainable = False
    x, y = data("squared_error", 11, 6, 3, dtype)
    weight = np.linspace(0, 2, 11) if weighted else None
    expected = assert_gradients_match(model, x, y, weight)
    assert len(expected) == 5 - sum((2, 1, 2)[k] for k in frozen)


def test_dropout_and_noise_go_back_through_the_draws_of_the_forward():
    """With the random state set back before every evaluation, the loss is a smooth function."""
    model = compiled(
        [
            pf.Input((5,)),
            pf.layers.Dropout(0.3),
            pf.layers.Dense(9, "tanh"),
            pf.layers.Dropout(0.5),
            pf.layers.GaussianNoise(0.3),
            pf.layers.Dense(8, "silu"),
            pf.layers.Dropout(0.2),
            pf.layers.Dense(2),
        ],
        "mse",
    )
    x, y = data("squared_error", 17, 5, 2, "float64")
    network = model._network
    start = network.random_state

    def evaluate():
        network.random_state = start
        return model.loss_and_gradients(x, y, training=True)

    loss, gradients = evaluate()
    assert abs(loss - model.loss_and_gradients(x, y)[0]) > 1e-3
    again, _ = model.loss_and_gradients(x, y, training=True)
    assert again != loss  # the state moved on: other draws
    for w, gradient in zip(model.trainable_weights, gradients, strict=True):

        def value(v, w=w):
            before = w.copy()
            w[...] = v
            result = evaluate()[0]
            w[...] = before
            return result

        assert worst(gradient, slopes(value, w)) < 1e-7


def test_model_without_trainable_weights():
    model = compiled([pf.Input((3,)), pf.layers.Dense(2, trainable=False)], "mse")
    x, y = data("squared_error", 4, 3, 2, "float64")
    assert assert_gradients_match(model, x, y) == []


def test_gradients_of_any_kind_of_input():
    """Integers, strides, Fortran order, lists: the same numbers give the same gradients."""
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 255, (9, 6), dtype=np.uint8), rng.normal(size=(9, 2))
    model = compiled([pf.Input((6,)), pf.layers.Rescaling(1 / 255), pf.layers.Dense(2)], "mse")
    _, expected = model.loss_and_gradients(x.astype(np.float64), y)
    wide = np.zeros((18, 12), np.int16)
    wide[::2, ::2] = x
    for other in (x, x.astype(np.float32), np.asfortranarray(x), wide[::2, ::2], x.tolist()):
        _, gradients = model.loss_and_gradients(other, y)
        assert all(np.array_equal(a, b) for a, b in zip(gradients, expected, strict=True))
    assert_gradients_match(model, x, y)


# ------------------------------------------------------------------- the third witness: differences


def deep_model(*between):
    layers = [
        pf.Input((7,)),
        pf.layers.Rescaling(0.5),
        pf.layers.Dense(9, "gelu", kernel_regularizer=pf.regularizers.L1L2(0.01, 0.02)),
        *between[:1],
        pf.layers.Dense(8, "silu", use_bias=False),
        *between[1:],
        pf.layers.Dense(6, "softplus", trainable=False),
        pf.layers.Dense(4, "softmax"),
    ]
    return spread_biases(compiled(layers, L.CategoricalCrossentropy(label_smoothing=0.1)))


def test_deep_model_passes_all_three_witnesses():
    model = deep_model(pf.layers.Dropout(0.3), pf.layers.LeakyReLU())
    x, y = data("categorical", 13, 7, 4, "float64")
    report = pf.gradcheck(model, x, y, np.linspace(0.5, 2, 13), rtol=1e-10)
    assert report.ok, str(report)
    assert len(report.parameters) == 5


@pytest.mark.parametrize("training", [False, True])
def test_deep_model_with_normalization_passes_all_three_witnesses(training):
    model = deep_model(pf.layers.BatchNormalization(), pf.layers.LayerNormalization())
    x, y = data("categorical", 13, 7, 4, "float64")
    weight = np.linspace(0.5, 2, 13)
    report = pf.gradcheck(model, x, y, weight, training=training, rtol=1e-10)
    assert report.ok, str(report)
    assert len(report.parameters) == 9


@pytest.mark.parametrize(("loss", "last"), [*LOSSES, *SPARSE], ids=loss_id)
def test_losses_match_differences_of_their_own_values(loss, last):
    model = loss_model(loss, last, (6, 5, 4, 3), "float64")
    x, y = data(loss._engine()["kind"], 6, 5, 3, "float64", seed=4)
    if isinstance(loss, L.SparseCategoricalCrossentropy):
        y = y.argmax(axis=1)
    report = pf.gradcheck(model, x, y, np.linspace(0.2, 2, 6), max_entries=6)
    assert report.ok, str(report)
