"""Training: against a plain loop, epochs and steps, validation, weights, convergence, bits."""

import copy
import pickle
import threading
import warnings
from typing import Any

import numpy as np
import pytest

import picaflor as pf
from picaflor import layers

Array = np.ndarray


def regression(rng: np.random.Generator, n: int = 50) -> tuple[Array, Array]:
    x = rng.normal(size=(n, 4))
    return x, x @ [1.0, -2.0, 0.5, 3.0] + 1


def linear_model(loss: Any = "mean_squared_error", **options: Any) -> pf.Sequential:
    model = pf.Sequential([pf.Input((4,)), layers.Dense(1)], seed=0, dtype="float64")
    model.compile(pf.optimizers.SGD(0.05), loss, **options)
    return model


def classifier(seed: int = 0, dtype: str = "float64") -> pf.Sequential:
    model = pf.Sequential(
        [pf.Input((4,)), layers.Dense(16, "relu"), layers.Dense(3, "softmax")],
        seed=seed,
        dtype=dtype,
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def same_weights(a: pf.Sequential, b: pf.Sequential) -> bool:
    return all(np.array_equal(u, v) for u, v in zip(a.get_weights(), b.get_weights(), strict=True))


# -------------------------------------------------------------------------- against a plain loop


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shuffle", [False, True])
def test_fit_equals_a_loop_in_numpy(
    rng: np.random.Generator, weighted: bool, shuffle: bool
) -> None:
    x, y = regression(rng, 23)
    weight = rng.uniform(0.5, 2, 23) if weighted else np.ones(23)
    model = linear_model(metrics=["mae"], weighted_metrics=["mse"])
    kernel, bias = model.get_weights()

    # the documented stream: the initial weights, then one permutation for each epoch
    orders = np.random.default_rng(0)
    pf.initializers.GlorotUniform()((4, 1), dtype="float64", rng=orders)
    epochs: dict[str, list[float]] = {"loss": [], "mae": [], "weighted_mse": []}
    for _ in range(3):
        order = orders.permutation(23) if shuffle else np.arange(23)
        loss = absolute = squared = 0.0
        for start in range(0, 23, 8):
            rows = order[start : start + 8]
            error = x[rows] @ kernel[:, 0] + bias[0] - y[rows]
            w = weight[rows]
            loss += (w * error**2).sum()  # batch loss times rows
            absolute += np.abs(error).sum()
            squared += (w * error**2).sum()
            gradient = 2 * w * error / len(rows)
            kernel = kernel - 0.05 * (x[rows].T @ gradient)[:, None]
            bias = bias - 0.05 * gradient.sum()
        epochs["loss"].append(loss / 23)
        epochs["mae"].append(absolute / 23)
        epochs["weighted_mse"].append(squared / weight.sum())

    history = model.fit(
        x,
        y,
        batch_size=8,
        epochs=3,
        verbose=0,
        shuffle=shuffle,
        sample_weight=weight if weighted else None,
    ).history
    # nine steps in float64, sums of 23 terms: far below 1e-12, far above a wrong factor
    np.testing.assert_allclose(model.get_weights()[0], kernel, rtol=1e-12)
    np.testing.assert_allclose(model.get_weights()[1], bias, rtol=1e-12)
    np.testing.assert_allclose(history["loss"], epochs["loss"], rtol=1e-12)
    np.testing.assert_allclose(history["mae"], epochs["mae"], rtol=1e-12)
    np.testing.assert_allclose(history["mse"], epochs["weighted_mse"], rtol=1e-12)


def test_evaluate_equals_what_is_recomputed(rng: np.random.Generator) -> None:
    x, y = rng.normal(size=(301, 4)), rng.integers(0, 3, 301)
    weight = rng.uniform(0, 2, 301)
    model = classifier()
    probabilities = model.predict(x)
    each = -np.log(probabilities[np.arange(301), y])
    right = probabilities.argmax(1) == y
    loss, accuracy = model.evaluate(x, y, batch_size=7)
    assert loss == pytest.approx(each.mean(), rel=1e-12)
    assert accuracy == pytest.approx(right.mean(), rel=1e-12)
    values = model.evaluate(x, y, sample_weight=weight, return_dict=True)
    assert list(values) == ["accuracy", "loss"]
    assert values["loss"] == pytest.approx((weight * each).mean(), rel=1e-12)
    assert values["accuracy"] == pytest.approx(right.mean(), rel=1e-12)
    first = model.evaluate(x, y, batch_size=10, steps=3)
    assert first[0] == pytest.approx(each[:30].mean(), rel=1e-12)


def test_evaluate_returns_a_plain_float_without_metrics(rng: np.random.Generator) -> None:
    model = linear_model()
    assert isinstance(model.evaluate(*regression(rng)), float)
    assert model.metrics_names == ["loss"]


def test_penalty_is_in_loss_and_val_loss(rng: np.random.Generator) -> None:
    x, y = regression(rng)
    model = pf.Sequential(
        [
            pf.Input((4,)),
            layers.Dense(1, kernel_regularizer=pf.regularizers.L1L2(0.1, 0.2)),
        ],
        seed=0,
        dtype="float64",
    )
    model.compile(pf.optimizers.SGD(0.0), "mse")
    kernel = model.layers[0].kernel
    error = ((model.predict(x)[:, 0] - y) ** 2).mean()
    expected = error + 0.1 * np.abs(kernel).sum() + 0.2 * (kernel**2).sum()
    history = model.fit(x, y, batch_size=16, verbose=0, validation_data=(x, y)).history
    np.testing.assert_allclose([history["loss"], history["val_loss"]], expected, rtol=1e-12)
    model.layers[0].trainable = False  # a frozen layer contributes no penalty
    assert model.evaluate(x, y) == pytest.approx(error, rel=1e-12)


def test_single_batches(rng: np.random.Generator) -> None:
    x, y = regression(rng)
    batch, loop = linear_model(metrics=["mae"]), linear_model(metrics=["mae"])
    expected = loop.fit(x, y, batch_size=50, epochs=1, shuffle=False, verbose=0).history
    assert batch.test_on_batch(x, y) == pytest.approx(
        [expected["loss"][0], expected["mae"][0]], rel=1e-12
    )
    values = batch.train_on_batch(x, y, return_dict=True)
    assert values == pytest.approx({k: v[0] for k, v in expected.items()}, rel=1e-12)
    assert same_weights(batch, loop)
    assert batch.optimizer.iterations == 1


def test_loss_and_gradients_are_those_of_the_step(rng: np.random.Generator) -> None:
    x, y = regression(rng)
    model = linear_model()
    before = model.get_weights()
    loss, gradients = model.loss_and_gradients(x, y)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert model.train_on_batch(x, y) == pytest.approx(loss, rel=1e-14)
    for a, g, b in zip(before, gradients, model.get_weights(), strict=True):
        np.testing.assert_allclose(a - 0.05 * g, b, rtol=1e-13)


def test_frozen_layers_get_no_gradient_and_do_not_move(rng: np.random.Generator) -> None:
    model = classifier()
    x, y = rng.normal(size=(20, 4)), rng.integers(0, 3, 20)
    model.layers[0].trainable = False
    before = model.get_weights()
    assert len(model.loss_and_gradients(x, y)[1]) == 2
    model.fit(x, y, verbose=0)
    after = model.get_weights()
    np.testing.assert_array_equal(before[0], after[0])
    np.testing.assert_array_equal(before[1], after[1])
    assert not np.array_equal(before[2], after[2])


def test_constraints_hold_after_every_step(rng: np.random.Generator) -> None:
    x, y = regression(rng)
    model = pf.Sequential(
        [
            pf.Input((4,)),
            layers.Dense(
                1, kernel_constraint="non_neg", bias_constraint=pf.constraints.MaxNorm(0.1)
            ),
        ],
        seed=0,
    )
    model.compile(pf.optimizers.SGD(0.1), "mse")
    model.fit(x, y, epochs=3, batch_size=8, verbose=0)
    kernel, bias = model.get_weights()
    assert kernel.min() == 0  # the second target weight is negative
    assert abs(bias[0]) <= 0.1 + 1e-6
    model.train_on_batch(x, y)
    assert model.get_weights()[0].min() == 0


def test_metric_of_the_user_runs_on_every_batch(rng: np.random.Generator) -> None:
    x, y = regression(rng)

    class LargestError(pf.metrics.Metric):
        def __init__(self) -> None:
            super().__init__("largest")
            self.largest = self.add_variable()

        def update_state(self, y_true: Array, y_pred: Array, sample_weight: Any = None) -> None:
            self.largest.assign(max(self.largest, np.abs(y_true - y_pred).max()))

        def result(self) -> float:
            return float(self.largest)

    model = pf.Sequential([pf.Input((4,)), layers.Dense(1)], seed=0, dtype="float64")
    model.compile(pf.optimizers.SGD(0.0), "mse", metrics=[LargestError(), "mae"])
    errors = np.abs(model.predict(x)[:, 0] - y)
    history = model.fit(x, y, batch_size=8, verbose=0, validation_split=0.3).history
    assert history["largest"] == pytest.approx([errors[:35].max()])
    assert history["val_largest"] == pytest.approx([errors[35:].max()])
    assert history["mae"] == pytest.approx([errors[:35].mean()])


# ---------------------------------------------------------------------------- weights of samples


def test_class_weight_is_a_sample_weight(rng: np.random.Generator) -> None:
    x, y = rng.normal(size=(30, 4)), rng.integers(0, 3, 30)
    by_class, by_sample = classifier(), classifier()
    a = by_class.fit(x, y, verbose=0, class_weight={0: 2.0, 2: 0.5})
    b = by_sample.fit(x, y, verbose=0, sample_weight=np.array([2.0, 1.0, 0.5])[y])
    assert a.history == b.history
    assert same_weights(by_class, by_sample)


def test_class_weight_reads_rows_and_rounded_targets() -> None:
    from picaflor.models.data import class_weights

    rows = np.eye(3)[[2, 0, 1]]
    np.testing.assert_array_equal(class_weights({0: 5, 2: 3}, rows, np.dtype("f8")), [3, 5, 1])
    column = np.array([[0.9], [0.2]])
    np.testing.assert_array_equal(class_weights({1: 5}, column, np.dtype("f8")), [5, 1])


def test_class_weight_is_not_used_in_validation(rng: np.random.Generator) -> None:
    x, y = rng.normal(size=(30, 4)), rng.integers(0, 3, 30)
    model = classifier()
    model.optimizer.learning_rate = 0.0
    history = model.fit(x, y, verbose=0, class_weight={0: 9.0, 1: 9.0}, validation_split=0.5)
    assert history.history["val_loss"][0] == pytest.approx(model.evaluate(x[15:], y[15:])[0])


def test_sample_weight_is_split_too(rng: np.random.Generator) -> None:
    x, y = regression(rng, 10)
    weight = np.arange(10.0)
    model = linear_model()
    model.optimizer.learning_rate = 0.0
    history = model.fit(x, y, verbose=0, sample_weight=weight, validation_split=0.3).history
    expected = model.evaluate(x[7:], y[7:], sample_weight=weight[7:])
    assert history["val_loss"][0] == pytest.approx(expected, rel=1e-12)


# -------------------------------------------------------------------------- epochs and validation


def test_validation_split_takes_the_tail(rng: np.random.Generator) -> None:
    x, y = regression(rng, 10)
    split, given = linear_model(), linear_model()
    a = split.fit(x, y, epochs=2, verbose=0, validation_split=0.25)  # floor(7.5) rows train
    b = given.fit(x[:7], y[:7], epochs=2, verbose=0, validation_data=(x[7:], y[7:]))
    assert a.history == b.history
    assert same_weights(split, given)
    assert list(linear_model().fit(x, y, verbose=0, validation_split=None).history) == ["loss"]


def test_log_keys_are_sorted(rng: np.random.Generator) -> None:
    x, y = regression(rng)
    model = linear_model(metrics=["mse"], weighted_metrics=["mse"])
    history = model.fit(x, y, epochs=2, verbose=0, validation_split=0.5, validation_freq=2)
    assert list(history.history) == [
        *("loss", "mse", "weighted_mse"),
        *("val_loss", "val_mse", "val_weighted_mse"),  # first seen in the second epoch
    ]
    assert list(model.fit(x, y, verbose=0, validation_split=0.5).history) == [
        *("loss", "mse", "val_loss", "val_mse", "val_weighted_mse", "weighted_mse")
    ]


def test_validation_does_not_change_the_training(rng: np.random.Generator) -> None:
    x, y = regression(rng)
    plain, checked = linear_model(), linear_model()
    plain.fit(x, y, epochs=2, verbose=0)
    checked.fit(x, y, epochs=2, verbose=0, validation_data=(x, y, np.ones(50)))
    assert same_weights(plain, checked)


@pytest.mark.parametrize(("freq", "epochs"), [(2, 2), ([1, 4], 2), (1, 5)])
def test_validation_freq(rng: np.random.Generator, freq: Any, epochs: int) -> None:
    x, y = regression(rng)
    history = linear_model().fit(
        x, y, epochs=5, verbose=0, validation_data=(x, y), validation_freq=freq
    )
    assert len(history.history["val_loss"]) == epochs


def test_validation_steps_and_batch_size(rng: np.random.Generator) -> None:
    x, y = regression(rng)
    model = linear_model()
    history = model.fit(
        x,
        y,
        verbose=0,
        validation_data=(x, y),
        validation_batch_size=5,
        validation_steps=2,
    )
    expected = model.evaluate(x[:10], y[:10])
    assert history.history["val_loss"][0] == pytest.approx(expected, rel=1e-12)


def test_initial_epoch_and_zero_epochs(rng: np.random.Generator) -> None:
    x, y = regression(rng)
    model = linear_model()
    assert model.fit(x, y, epochs=5, initial_epoch=3, verbose=0).epoch == [3, 4]
    assert model.optimizer.iterations == 4
    assert model.fit(x, y, epochs=0, verbose=0).history == {}


def test_steps_go_on_through_the_data(rng: np.random.Generator) -> None:
    x, y = regression(rng, 24)
    steps, whole = linear_model(), linear_model()
    # three epochs of two steps are one pass of six minibatches
    history = steps.fit(x, y, batch_size=4, steps_per_epoch=2, epochs=3, verbose=0)
    whole.fit(x, y, batch_size=4, verbose=0)
    assert same_weights(steps, whole)
    assert history.params["steps"] == 2


def test_epoch_that_runs_out_of_data_is_short(rng: np.random.Generator) -> None:
    x, y = regression(rng, 20)  # five minibatches
    model = linear_model()
    with pytest.warns(UserWarning, match="the data ran out after 2 of 3 steps"):
        model.fit(x, y, batch_size=4, steps_per_epoch=3, epochs=2, verbose=0)
    assert model.optimizer.iterations == 5


def test_batch_size_follows_from_steps(rng: np.random.Generator) -> None:
    x, y = regression(rng, 10)
    model = linear_model()
    model.fit(x, y, steps_per_epoch=3, verbose=0)  # ceil(10 / 3) = 4 rows
    assert model.optimizer.iterations == 3


def test_recompiling_with_the_same_optimizer_keeps_its_state(rng: np.random.Generator) -> None:
    x, y = rng.normal(size=(20, 4)), rng.integers(0, 3, 20)
    model, other = classifier(), classifier()
    for m in (model, other):
        m.fit(x, y, epochs=2, verbose=0)
    model.compile(model.optimizer, "sparse_categorical_crossentropy")
    other.compile("adam", "sparse_categorical_crossentropy")
    assert (model.optimizer.iterations, other.optimizer.iterations) == (2, 0)
    model.fit(x, y, verbose=0)
    other.fit(x, y, verbose=0)
    assert not same_weights(model, other)


def test_hyperparameters_can_be_changed_between_steps(rng: np.random.Generator) -> None:
    x, y = regression(rng)
    model, other = linear_model(), linear_model()
    for m in (model, other):
        m.compile(pf.optimizers.SGD(0.01, momentum=0.9), "mse")
        m.train_on_batch(x, y)
    other.optimizer.momentum = 0.5
    model.train_on_batch(x, y)
    other.train_on_batch(x, y)
    assert not same_weights(model, other)


def test_optimizer_state_survives_a_new_layer(rng: np.random.Generator) -> None:
    x, y = rng.normal(size=(20, 4)), rng.integers(0, 3, 20)
    model, twin = classifier(), classifier()
    for m in (model, twin):
        m.fit(x, y, epochs=3, shuffle=False, verbose=0)
    model.add(layers.Activation("linear"))  # changes nothing but the structure
    for m in (model, twin):
        m.fit(x, y, shuffle=False, verbose=0)
    assert same_weights(model, twin)


# ------------------------------------------------------------------------------------------- bits


def test_same_bits_for_one_and_two_threads(rng: np.random.Generator) -> None:
    x = rng.normal(size=(512, 64)).astype(np.float32)
    y = rng.integers(0, 10, 512)
    results = []
    for count in (1, 2):
        model = pf.Sequential(
            [
                pf.Input((64,)),
                layers.Dense(300, "relu", kernel_regularizer="l2"),
                layers.Dropout(0.3),
                layers.Dense(10, "softmax"),
            ],
            seed=1,
        )
        model.compile("adam", "sparse_categorical_crossentropy")
        with pf.use_threads(count):
            history = model.fit(x, y, batch_size=128, epochs=2, verbose=0).history
        results.append((model, history))
    assert same_weights(results[0][0], results[1][0])
    assert results[0][1] == results[1][1]


def test_same_seed_same_run(rng: np.random.Generator) -> None:
    x, y = rng.normal(size=(60, 4)), rng.integers(0, 3, 60)
    a, b, c = classifier(1), classifier(1), classifier(2)
    for model in (a, b, c):
        model.fit(x, y, epochs=2, verbose=0)
    assert same_weights(a, b)
    assert not same_weights(a, c)


def test_two_models_train_in_two_threads(rng: np.random.Generator) -> None:
    x, y = rng.normal(size=(200, 4)), rng.integers(0, 3, 200)
    models = [classifier(seed) for seed in range(4)]
    workers = [
        threading.Thread(target=model.fit, args=(x, y), kwargs={"epochs": 20, "verbose": 0})
        for model in models
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for seed, model in enumerate(models):
        alone = classifier(seed)
        alone.fit(x, y, epochs=20, verbose=0)
        assert same_weights(alone, model)


# ------------------------------------------------------------------------------------- convergence


def test_linear_regression_finds_its_weights(rng: np.random.Generator) -> None:
    x, y = regression(rng)
    model = linear_model()
    history = model.fit(x, y, epochs=300, verbose=0)
    np.testing.assert_allclose(model.get_weights()[0][:, 0], [1, -2, 0.5, 3], atol=1e-4)
    assert history.history["loss"][-1] < 1e-8


@pytest.mark.parametrize(("noise", "most"), [(0.1, 0.02), (0.2, 0.12)])
def test_two_moons_are_parted(noise: float, most: float) -> None:
    x, y = pf.datasets.make_moons(200, noise=noise, random_state=0)
    model = pf.Sequential(
        [pf.Input((2,)), layers.Dense(8, "tanh"), layers.Dense(2, "softmax")], seed=1
    )
    model.compile(pf.optimizers.Adam(0.03), "sparse_categorical_crossentropy", ["accuracy"])
    model.fit(x, y, epochs=400, batch_size=50, verbose=0)
    loss, accuracy = model.evaluate(x, y)
    assert loss < most
    assert accuracy > 0.95


def test_xor_with_a_sigmoid_output() -> None:
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    y = np.array([0, 1, 1, 0])
    model = pf.Sequential(
        [pf.Input((2,)), layers.Dense(8, "tanh"), layers.Dense(1, "sigmoid")], seed=1
    )
    model.compile(pf.optimizers.Adam(0.05), "binary_crossentropy", ["accuracy"])
    model.fit(x, y, epochs=300, verbose=0)
    assert model.evaluate(x, y)[1] == 1.0
    np.testing.assert_array_equal(model.predict(x)[:, 0] > 0.5, y == 1)


# ------------------------------------------------------------------------------ when it goes wrong


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_bad_loss_is_reported_once_with_epoch_and_batch(
    rng: np.random.Generator, value: float
) -> None:
    x, y = regression(rng)
    y = y.copy()
    y[20] = value
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        linear_model().fit(x, y, batch_size=10, epochs=3, shuffle=False, verbose=0)
    assert [str(w.message)[:55] for w in caught] == [
        "the loss is NaN or infinite in epoch 1, batch 3: a smal"
    ]
    assert caught[0].category is RuntimeWarning
    assert caught[0].filename == __file__


def test_only_training_mode_moves_averages_and_random_numbers(rng: np.random.Generator) -> None:
    x = rng.normal(3.0, 1.0, size=(8, 2))
    model = pf.Sequential(
        [
            pf.Input((2,)),
            layers.BatchNormalization(),
            layers.Dropout(0.5),
            layers.Dense(1),
        ],
        seed=0,
    )
    model.compile("sgd", "mse")
    for training in (False, True):
        for call in (
            model,
            lambda x, training: model.loss_and_gradients(x, x[:, 0], None, training),
        ):
            before, drawn = model.get_weights(), model._network.random_state
            call(x, training=training)
            moved = [
                not np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True)
            ]
            assert moved == [False, False, training, training, False, False]
            assert (model._network.random_state != drawn) == training


def test_an_optimizer_serves_one_model(rng: np.random.Generator) -> None:
    x, y = rng.normal(size=(8, 2)), rng.normal(size=8)

    def make(optimizer: Any) -> pf.Sequential:
        model = pf.Sequential([pf.Input((2,)), layers.Dense(1)], name="mine", seed=0)
        model.compile(optimizer, "mse")
        return model

    adam = pf.optimizers.Adam()
    one, two = make(adam), make(adam)  # neither has trained yet
    one.fit(x, y, verbose=0)
    message = "this Adam optimizer belongs to the model 'mine'"
    with pytest.raises(ValueError, match=message):
        make(adam)
    before = two.get_weights()
    for train in (two.fit, two.train_on_batch, two.evaluate):
        with pytest.raises(ValueError, match=message):
            train(x, y)
    np.testing.assert_array_equal(two.get_weights()[0], before[0])
    assert adam.iterations == 1
    two.compile("sgd", "mse")
    two.fit(x, y, verbose=0)

    one.compile(adam, "mae")  # its own model may take it again
    one.fit(x, y, verbose=0)
    assert adam.iterations == 2
    copies = [copy.deepcopy(one), pickle.loads(pickle.dumps(one))]
    for model in (*copies, make(copy.copy(adam)), make(pickle.loads(pickle.dumps(adam)))):
        model.fit(x, y, verbose=0)
        assert model.optimizer.iterations == 3
    with pytest.raises(ValueError, match=message):
        make(copies[0].optimizer)
    one.compile("sgd", "mse")  # now it is free
    two.compile(adam, "mse")
    two.fit(x, y, verbose=0)


def test_an_optimizer_is_free_when_its_model_is_gone(rng: np.random.Generator) -> None:
    x, y = rng.normal(size=(8, 2)), rng.normal(size=8)
    adam = pf.optimizers.Adam()
    for _ in range(3):
        model = pf.Sequential([pf.Input((2,)), layers.Dense(1)])
        model.compile(adam, "mse")
        model.fit(x, y, verbose=0)  # from here on the model and its history hold each other
        del model
