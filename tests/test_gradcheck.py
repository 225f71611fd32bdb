"""`pf.gradcheck` finds wrong gradients, and only those."""

import numpy as np
import pytest

import picaflor as pf


def some_model(dtype="float64", activation="tanh", loss="mse", **options):
    layers = [
        pf.Input((4,)),
        pf.layers.Dense(6, activation, kernel_regularizer="l2", **options),
        pf.layers.Dense(2),
    ]
    model = pf.Sequential(layers, dtype=dtype, seed=3)
    model.compile(optimizer="sgd", loss=loss)
    return model


@pytest.fixture
def batch(rng):
    return rng.normal(size=(9, 4)), rng.normal(size=(9, 2))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("weighted", [False, True])
def test_right_gradients_pass(dtype, weighted, batch):
    model = some_model(dtype)
    before = model.get_weights()
    report = pf.gradcheck(model, *batch, np.linspace(0, 2, 9) if weighted else None)
    assert report
    assert report.ok
    assert report.dtype == dtype
    assert report.rows == 9
    assert [p.name for p in report.parameters] == [
        f"{layer.name}/{w}" for layer in model.layers for w in ("kernel", "bias")
    ]
    assert [p.shape for p in report.parameters] == [(4, 6), (6,), (6, 2), (2,)]
    for p in report.parameters:
        assert p.double.error <= 1e-10
        assert p.reference.error <= (2e-5 if dtype == "float32" else 1e-10)
        assert p.numerical.error <= 1e-6
        assert p.reference.entries == np.prod(p.shape)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def spoiled(monkeypatch, spoil):
    right = pf.Sequential.loss_and_gradients

    def wrong(self, *arguments, **keywords):
        return spoil(*right(self, *arguments, **keywords))

    monkeypatch.setattr(pf.Sequential, "loss_and_gradients", wrong)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_one_wrong_entry_is_found_and_named(dtype, batch, monkeypatch):
    def spoil(loss, gradients):
        gradients[2][4, 1] += 1e-3 * np.abs(gradients[2]).max()
        return loss, gradients

    spoiled(monkeypatch, spoil)
    model = some_model(dtype)
    report = pf.gradcheck(model, *batch)
    assert not report
    assert [p.ok for p in report.parameters] == [True, True, False, True]
    wrong = report.parameters[2]
    for difference in wrong.differences:
        assert not difference.ok
        assert difference.index == (4, 1)
        assert difference.error == pytest.approx(1e-3, rel=0.02)
    assert report.worst is wrong
    text = str(report)
    assert "NOT OK" in text
    assert f"worst: {model.layers[1].name}/kernel[4, 1] is" in text
    assert text.count("<--") == 1
    assert repr(report) == text


@pytest.mark.parametrize(
    "spoil",
    [
        lambda loss, gradients: (loss, [g * 1.001 for g in gradients]),
        lambda loss, gradients: (loss, [-g for g in gradients]),
        lambda loss, gradients: (loss, [g * 0 for g in gradients]),
        lambda loss, gradients: (loss, [g * np.nan for g in gradients]),
        lambda loss, gradients: (loss * (1 + 1e-4), gradients),
        lambda loss, gradients: (np.nan, gradients),
    ],
)
def test_anything_wrong_fails(spoil, batch, monkeypatch):
    spoiled(monkeypatch, spoil)
    assert not pf.gradcheck(some_model(), *batch).ok


def test_kinks_between_the_points_of_a_difference_do_no_harm(rng):
    """With 2000 rows some ReLU has its kink within h of nearly every weight."""
    x, y = rng.normal(size=(2000, 4)), rng.normal(size=(2000, 2))
    report = pf.gradcheck(some_model(activation="relu"), x, y, max_entries=100)
    assert report.ok, str(report)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 255.0])
def test_scale_of_the_inputs_raises_no_false_alarm(dtype, scale, rng):
    """Raw pixels amplify rounding; what is allowed grows with what the reference says."""
    x, y = scale * rng.random((20, 4)), rng.integers(0, 2, 20)
    model = some_model(dtype, "sigmoid", pf.losses.SparseCategoricalCrossentropy(from_logits=True))
    report = pf.gradcheck(model, x, y)
    assert report.ok, str(report)


def test_rows_on_a_kink_raise_no_false_alarm():
    """Rows whose score is 0 but for rounding: float32 may see them on the other side of a ReLU."""
    rng = np.random.default_rng(1)
    w = rng.normal(size=(4, 1)).astype(np.float32)
    x = rng.normal(size=(64, 4)).astype(np.float32)
    x[:, 3] = -(x[:, :3].astype(float) @ w[:3, 0].astype(float)) / float(w[3, 0])
    model = pf.Sequential([pf.Input((4,)), pf.layers.Dense(1, "relu", use_bias=False)], seed=0)
    model.compile(loss=pf.losses.MeanAbsoluteError())
    model.set_weights([w])
    report = pf.gradcheck(model, x, np.ones(64))
    (p,) = report.parameters
    assert p.reference.ok, str(report)
    assert p.reference.error > 1e-3  # the rows do jump; float64 resolves them
    assert p.double.ok, str(report)


def test_entries_are_chosen_by_the_seed(batch):
    model = some_model()
    one, two, three = (pf.gradcheck(model, *batch, max_entries=3, seed=s) for s in (0, 0, 1))
    assert one.parameters == two.parameters
    assert one.parameters != three.parameters
    assert {p.numerical.entries for p in one.parameters} == {3, 2}


def test_frozen_layers_and_none_at_all(batch):
    model = some_model(trainable=False)
    report = pf.gradcheck(model, *batch)
    assert report.ok
    assert [p.shape for p in report.parameters] == [(6, 2), (2,)]
    model.layers[1].trainable = False
    report = pf.gradcheck(model, *batch)
    assert report.ok
    assert report.worst is None
    assert "no trainable weights" in str(report)


def test_perceptron_with_a_step_is_told_that_descent_cannot_train_it(batch):
    model = pf.Sequential(
        [pf.Input((4,)), pf.layers.Dense(3, "step"), pf.layers.Dense(2)], dtype="float64", seed=1
    )
    model.compile(loss="mse")
    report = pf.gradcheck(model, *batch)
    assert report.ok, str(report)
    first = model.layers[0].name
    assert f"zero everywhere, so that descent cannot train it: {first}/kernel, {first}/bias" in str(
        report
    )


def test_training_mode_checks_batch_normalization_and_leaves_the_model_alone(batch):
    model = pf.Sequential(
        [pf.Input((4,)), pf.layers.BatchNormalization(), pf.layers.Dense(2)],
        dtype="float64",
        seed=1,
    )
    model.compile(loss="mse")
    before = model.get_weights()
    inference, training = (pf.gradcheck(model, *batch, training=t) for t in (False, True))
    assert inference.ok, str(inference)
    assert training.ok, str(training)
    assert abs(inference.loss - training.loss) > 1e-3
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    model.add(pf.layers.Dropout(0.5))
    model.compile(loss="mse")
    assert pf.gradcheck(model, *batch).ok
    with pytest.raises(ValueError, match="draw random numbers: \\['dropout'\\]"):
        pf.gradcheck(model, *batch, training=True)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"max_entries": 0}, ValueError, "max_entries must be at least 1"),
        ({"rtol": -1.0}, ValueError, "rtol must be at least 0"),
        ({"numerical_rtol": "a"}, TypeError, "numerical_rtol must be a number"),
        ({"seed": 0.5}, TypeError, "seed must be an integer"),
    ],
)
def test_wrong_arguments_are_refused(options, error, message, batch):
    with pytest.raises(error, match=message):
        pf.gradcheck(some_model(), *batch, **options)


def test_wrong_data_are_refused_as_by_the_model(batch):
    with pytest.raises(ValueError, match="x must have shape"):
        pf.gradcheck(some_model(), batch[0][:, :3], batch[1])
