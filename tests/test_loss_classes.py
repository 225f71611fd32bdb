"""The classes of picaflor.losses: names, configs, reductions, what the engine is told."""

import pickle

import numpy as np
import pytest

import picaflor
from picaflor import _core, losses

ALL = [getattr(losses, name) for name in losses.__all__ if name[0].isupper() and name != "Loss"]


@pytest.mark.parametrize("cls", ALL)
def test_config_round_trip(cls):
    loss = cls(reduction="sum", name="mine", scale=0.25)
    for copy in (
        cls.from_config(loss.get_config()),
        losses.deserialize(losses.serialize(loss)),
        pickle.loads(pickle.dumps(loss)),
    ):
        assert type(copy) is cls
        assert copy.get_config() == loss.get_config()
        assert copy._engine() == loss._engine()


@pytest.mark.parametrize(
    ("name", "cls"),
    [
        ("mse", losses.MeanSquaredError),
        ("MSE", losses.MeanSquaredError),
        ("mae", losses.MeanAbsoluteError),
        ("mape", losses.MeanAbsolutePercentageError),
        ("msle", losses.MeanSquaredLogarithmicError),
        ("bce", losses.BinaryCrossentropy),
        ("kld", losses.KLDivergence),
        ("kl_divergence", losses.KLDivergence),
        ("log_cosh", losses.LogCosh),
        ("huber", losses.Huber),
        ("categorical_hinge", losses.CategoricalHinge),
        ("sparse_categorical_crossentropy", losses.SparseCategoricalCrossentropy),
        ("BinaryCrossentropy", losses.BinaryCrossentropy),
    ],
)
def test_names(name, cls):
    assert type(losses.get(name)) is cls
    assert type(losses.get(cls)) is cls


def test_reductions_of_classes():
    # rows: squared errors 4 and 1, weights 1 and 3: weighted sum 7
    t, p, w = [[0.0], [0.0]], [[2.0], [1.0]], [1.0, 3.0]
    for reduction, expected in [
        ("sum_over_batch_size", 3.5),
        ("mean", 3.5),
        ("mean_with_sample_weight", 7 / 4),
        ("sum", 7.0),
    ]:
        assert losses.MeanSquaredError(reduction)(t, p, w) == expected
    assert losses.MeanSquaredError("none")(t, p, w).tolist() == [4.0, 3.0]
    assert losses.MeanSquaredError(None, scale=0.5)(t, p).tolist() == [2.0, 0.5]
    assert losses.MeanSquaredError("mean_with_sample_weight")(t, p, [0.0, 0.0]) == 0.0


def test_columns_and_vectors_are_the_same():
    mse = losses.MeanSquaredError()
    assert mse([1.0, 2.0], [[1.0], [4.0]]) == mse([[1.0], [2.0]], [1.0, 4.0]) == 2.0
    sparse = losses.SparseCategoricalCrossentropy(from_logits=True)
    logits = np.array([[0.0, 1.0], [2.0, 0.0]])
    expected = losses.CategoricalCrossentropy(from_logits=True)([[0, 1], [1, 0]], logits)
    for ids in ([1, 0], [[1], [0]], [1.0, 0.0], np.array([True, False])):
        assert sparse(ids, logits) == pytest.approx(expected, rel=1e-15)


def test_engine_gets_what_the_arguments_say():
    assert losses.MeanSquaredError(scale=0.5)._engine() == {
        "kind": "squared_error",
        "label_smoothing": 0.0,
        "delta": 1.0,
        "ceiling": np.inf,
        "factor": 0.5,
        "divide_by": "rows",
        "penalty_per_sample": False,
    }
    assert losses.Huber(2.0, reduction="sum")._engine()["delta"] == 2.0
    assert losses.Huber(2.0, reduction="sum")._engine()["divide_by"] == "none"
    weights = losses.Huber(reduction="mean_with_sample_weight")._engine()
    assert weights["divide_by"] == "weights"
    smooth = losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)._engine()
    assert smooth["kind"] == "categorical_cross_entropy_logits"
    assert smooth["label_smoothing"] == 0.1


@pytest.mark.parametrize("cls", ALL)
def test_engine_takes_every_loss(cls):
    network = _core.Network(2, [{"op": "dense", "units": 3}], "float32", 0)
    network.set_loss(**cls()._engine())


def test_crossentropy_is_resolved_by_shape():
    for output, target, cls in [
        ((None, 1), (None,), losses.BinaryCrossentropy),
        ((None, 1), (None, 1), losses.BinaryCrossentropy),
        ((None, 3), (None,), losses.SparseCategoricalCrossentropy),
        ((None, 3), (None, 1), losses.SparseCategoricalCrossentropy),
        ((None, 3), (None, 3), losses.CategoricalCrossentropy),
    ]:
        assert type(losses.resolve("crossentropy", output, target)) is cls
        assert type(losses.resolve("ce", output, target)) is cls
    assert type(losses.resolve("mse", (None, 3), (None, 3))) is losses.MeanSquaredError
    assert picaflor.losses is losses


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_clipped_probabilities_keep_the_logarithms_of_the_clip(dtype):
    """1 - 1e-7 is no float32: the logarithm of what rounding makes of it is off by 0.18."""
    p = np.array([[1.0], [2.0], [0.0], [-1.0]], dtype=dtype)
    for t in (0.0, 1.0):
        y = np.full(p.shape, t)
        value = losses.BinaryCrossentropy(reduction="none")(y, p)
        clipped = np.clip(p.astype(np.float64), 1e-7, 1 - 1e-7)
        expected = -(t * np.log(clipped) + (1 - t) * np.log1p(-clipped))[:, 0]
        np.testing.assert_allclose(value, expected, rtol=2e-6)
    sure = losses.CategoricalCrossentropy()(np.ones((2, 1)), np.ones((2, 1), dtype=dtype))
    np.testing.assert_allclose(sure, -np.log1p(-1e-7), rtol=2e-6)
