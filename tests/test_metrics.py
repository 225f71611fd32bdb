"""Metrics: the engine's kernels against NumPy, the classes against scikit-learn's and by hand."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from picaflor import _core, losses, metrics
from strategies import LAYOUTS, sizes

Array = npt.NDArray[Any]


def expected_rows(kind: str, pred: Array, target: Array) -> Array:
    """The value of each row, straight from the definition."""
    if kind == "accuracy":
        return (pred == target).mean(axis=1)
    if kind == "binary_accuracy":
        return (target == (pred > 0.5)).mean(axis=1)
    if kind == "categorical_accuracy":
        return (pred.argmax(axis=1) == target.argmax(axis=1)).astype(float)
    if kind == "sparse_categorical_accuracy":
        return (pred.argmax(axis=1) == target).astype(float)
    difference = pred.astype(np.float64) - target
    if kind == "squared_error":
        return (difference**2).mean(axis=1)
    return np.abs(difference).mean(axis=1)


KINDS = [
    "accuracy",
    "binary_accuracy",
    "categorical_accuracy",
    "sparse_categorical_accuracy",
    "squared_error",
    "absolute_error",
]


def sample(kind: str, n: int, c: int, dtype: Any, rng: np.random.Generator) -> tuple[Array, Array]:
    if kind == "accuracy":
        return rng.integers(0, 3, (n, c)).astype(dtype), rng.integers(0, 3, (n, c)).astype(dtype)
    # a coarse grid, so that there are ties
    pred = (rng.integers(0, 9, size=(n, c)) / 8).astype(dtype)
    if kind == "sparse_categorical_accuracy":
        return pred, rng.integers(0, c, size=n)
    target = rng.integers(0, 2, size=(n, c)) if kind == "binary_accuracy" else rng.random((n, c))
    return pred, target.astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", KINDS)
@given(n=sizes(70), c=sizes(70), seed=st.integers(0, 2**32 - 1), weighted=st.booleans())
def test_kernel_matches_numpy(kind, dtype, n, c, seed, weighted):
    rng = np.random.default_rng(seed)
    pred, target = sample(kind, n, c, dtype, rng)
    weight = rng.uniform(size=n).astype(dtype) if weighted else None
    total = _core.metric(kind, 0.5, pred, target, weight)
    rows = expected_rows(kind, pred, target)
    expected = (rows if weight is None else rows * weight).sum()
    # Rows are rounded to the dtype, their sum is double
    assert abs(total - expected) <= 8 * np.finfo(dtype).eps * max(expected, 1)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kind", KINDS)
def test_layouts_give_the_same_value(kind, layout, dtype, rng):
    pred, target = sample(kind, 20, 7, dtype, rng)
    change = LAYOUTS[layout]
    expected = _core.metric(kind, 0.5, pred, target, None)
    assert _core.metric(kind, 0.5, change(pred), change(target), None) == expected


def test_first_maximum_wins_and_nan_is_greatest(dtype):
    pred = np.array([[1, 1, 0], [0, 2, 2], [0, np.nan, 5], [np.nan, np.nan, 0]], dtype=dtype)
    assert pred.argmax(axis=1).tolist() == [0, 1, 1, 0]  # NumPy's rule
    for ids, right in [([0, 1, 1, 0], 4), ([1, 2, 2, 1], 0)]:
        assert metrics.SparseCategoricalAccuracy()(ids, pred) == right / 4


def test_accuracies_by_hand():
    # rows: 0.98 > 0.5 is 1, right; 0.5 is not above 0.5: 0, right; 0.51: 1, wrong
    metric = metrics.BinaryAccuracy()
    metric.update_state([1, 0, 0], [[0.98], [0.5], [0.51]])
    assert metric.result() == 2 / 3
    metric.update_state([1], [[1.0]], sample_weight=[3.0])  # (2 + 3) / (3 + 3)
    assert metric.result() == 5 / 6
    metric.reset_state()
    assert metric.result() == 0.0
    assert metrics.BinaryAccuracy(threshold=0.0)([[1, 0]], [[3.0, -2.0]]) == 1.0
    # one of two columns is right in the first row, both in the second: 1/2 and 1, weights 1 and 3
    assert metrics.BinaryAccuracy()([[1, 1], [0, 1]], [[1, 0], [0, 1]], [1, 3]) == (0.5 + 3) / 4
    ids = metrics.SparseCategoricalAccuracy()
    for target in ([2, 0], [[2], [0]], [2.0, 0.0]):
        ids.reset_state()
        assert ids(target, [[0, 0, 1], [0, 1, 0]]) == 0.5
    assert ids([7, 0.5], [[0, 0, 1], [1, 0, 0]]) == 0.25  # no such class: wrong


def test_top_k_by_hand():
    pred = np.array([[0.1, 0.4, 0.3, 0.2], [0.4, 0.3, 0.2, 0.1]])
    for k, expected in [(1, [0, 0]), (2, [1, 0]), (3, [1, 0]), (4, [1, 1])]:
        metric = metrics.SparseTopKCategoricalAccuracy(k=k)
        assert metric([2, 3], pred) == sum(expected) / 2
        dense = metrics.TopKCategoricalAccuracy(k=k)
        assert dense(np.eye(4)[[2, 3]], pred) == sum(expected) / 2
    assert metrics.SparseTopKCategoricalAccuracy(k=2)([9, -1], pred) == 0


def test_r2_by_hand():
    # mean 8/3; spread 25/9 + 16/9 + 1/9 = 14/3; residual 1 + 0 + 1
    assert metrics.R2Score()([1, 4, 3], [2, 4, 4]) == pytest.approx(1 - 2 / (14 / 3), rel=1e-15)
    # the adjusted score of n = 3 rows and p = 1: 1 - (1 - r2) 2 / 1
    adjusted = metrics.R2Score(num_regressors=1)([1, 4, 3], [2, 4, 4])
    assert adjusted == pytest.approx(1 - (2 / (14 / 3)) * 2, rel=1e-14)
    # targets far from zero: the sum of squares minus the squared sum would lose all digits
    t = 1e9 + np.array([1.0, 4.0, 3.0])
    assert metrics.R2Score()(t, t + np.array([1.0, 0, 1])) == pytest.approx(
        1 - 2 / (14 / 3), rel=1e-9
    )


def test_weights_of_metrics_divide_by_their_sum():
    t, p, w = [[0.0], [0.0]], [[2.0], [1.0]], [1.0, 3.0]
    assert metrics.MeanSquaredError()(t, p, w) == (4 + 3) / 4
    assert metrics.RootMeanSquaredError()(t, p, w) == np.sqrt(7 / 4)
    assert metrics.MeanAbsoluteError()(t, p, w) == (2 + 3) / 4
    assert metrics.get(losses.MeanSquaredError())(t, p, w) == 7 / 4
    assert metrics.MeanSquaredError()(t, p, [0.0, 0.0]) == 0.0


# ---------------------------------------------------------------------------- against scikit-learn


@pytest.fixture
def scores(rng) -> tuple[Array, Array, Array]:
    y = rng.integers(0, 2, size=300)
    p = np.clip(0.3 * y + rng.uniform(0, 0.7, size=300), 0, 1).round(2)
    return y, p, rng.uniform(0.1, 2, size=300)


def in_parts(metric: metrics.Metric, *arrays: Array) -> Any:
    """The result over three batches of unequal size."""
    for a, b in ((0, 50), (50, 51), (51, None)):
        metric.update_state(*(array[a:b] for array in arrays))
    return metric.result()


def test_precision_and_recall_match_sklearn(scores):
    sk = pytest.importorskip("sklearn.metrics", reason="scikit-learn is the second witness")
    y, p, w = scores
    for threshold in (0.0, 0.25, 0.5, 0.9):
        for ours, theirs in (
            (metrics.Precision, sk.precision_score),
            (metrics.Recall, sk.recall_score),
        ):
            expected = theirs(y, p > threshold, sample_weight=w, zero_division=0)
            assert in_parts(ours(thresholds=threshold), y, p, w) == pytest.approx(expected)
    several = in_parts(metrics.Precision(thresholds=[0.25, 0.5]), y, p)
    assert several.tolist() == [metrics.Precision(t)(y, p) for t in (0.25, 0.5)]
    counts = sk.confusion_matrix(y, p > 0.5)
    for cls, expected in zip(
        (
            metrics.TrueNegatives,
            metrics.FalsePositives,
            metrics.FalseNegatives,
            metrics.TruePositives,
        ),
        counts.ravel(),
        strict=True,
    ):
        assert in_parts(cls(), y, p) == expected


def test_area_under_curve_matches_sklearn(scores):
    sk = pytest.importorskip("sklearn.metrics", reason="scikit-learn is the second witness")
    y, p, w = scores  # predictions have two decimals: thresholds between them lose nothing
    between = np.arange(0.005, 1, 0.01)
    area = in_parts(metrics.AUC(thresholds=between), y, p, w)
    assert area == pytest.approx(sk.roc_auc_score(y, p, sample_weight=w), rel=1e-12)
    minor, major = (
        in_parts(metrics.AUC(thresholds=between, summation_method=m), y, p, w)
        for m in ("minoring", "majoring")
    )
    assert minor < area < major
    # average precision is the step function; the interpolation lies near it
    curve = in_parts(metrics.AUC(thresholds=between, curve="PR"), y, p, w)
    assert curve == pytest.approx(sk.average_precision_score(y, p, sample_weight=w), abs=0.01)
    logits = np.log(p.clip(1e-3, 1 - 1e-3) / (1 - p.clip(1e-3, 1 - 1e-3)))
    again = in_parts(metrics.AUC(thresholds=between, from_logits=True), y, logits, w)
    assert again == pytest.approx(area, rel=1e-12)


@pytest.mark.parametrize("average", [None, "micro", "macro", "weighted"])
def test_f_scores_match_sklearn(average, rng):
    sk = pytest.importorskip("sklearn.metrics", reason="scikit-learn is the second witness")
    ids = rng.integers(0, 4, size=200)
    pred = rng.uniform(size=(200, 4)) + np.eye(4)[ids] * 0.3
    w = rng.uniform(0.1, 2, size=200)
    ours = in_parts(metrics.F1Score(average), np.eye(4)[ids], pred, w)
    expected = sk.f1_score(ids, pred.argmax(axis=1), average=average, sample_weight=w)
    assert ours == pytest.approx(expected, abs=1e-6)  # Keras adds 1e-7 to denominators
    ours = in_parts(metrics.FBetaScore(average, beta=2.0), np.eye(4)[ids], pred)
    expected = sk.fbeta_score(ids, pred.argmax(axis=1), average=average, beta=2.0)
    assert ours == pytest.approx(expected, abs=1e-6)


def test_regression_scores_match_sklearn(rng):
    sk = pytest.importorskip("sklearn.metrics", reason="scikit-learn is the second witness")
    t, p = rng.normal(size=(2, 90, 3)) + 5
    w = rng.uniform(0.1, 2, size=90)
    for ours, theirs in [
        (metrics.R2Score(), sk.r2_score),
        (metrics.MeanSquaredError(), sk.mean_squared_error),
        (metrics.MeanAbsoluteError(), sk.mean_absolute_error),
        (metrics.MeanSquaredLogarithmicError(), sk.mean_squared_log_error),
    ]:
        assert in_parts(ours, t, p, w) == pytest.approx(theirs(t, p, sample_weight=w), rel=1e-12)
    raw = in_parts(metrics.R2Score(None), t, p)
    assert raw == pytest.approx(sk.r2_score(t, p, multioutput="raw_values"), rel=1e-12)
    ours = in_parts(metrics.R2Score("variance_weighted_average"), t, p)
    assert ours == pytest.approx(sk.r2_score(t, p, multioutput="variance_weighted"), rel=1e-12)
    percent = in_parts(metrics.MeanAbsolutePercentageError(), t, p)
    assert percent == pytest.approx(100 * sk.mean_absolute_percentage_error(t, p), rel=1e-12)


def test_cross_entropies_match_sklearn(rng):
    sk = pytest.importorskip("sklearn.metrics", reason="scikit-learn is the second witness")
    ids, w = rng.integers(0, 3, size=80), rng.uniform(0.1, 2, size=80)
    p = rng.dirichlet([1, 1, 1], size=80)
    expected = sk.log_loss(ids, p, sample_weight=w)
    assert in_parts(metrics.SparseCategoricalCrossentropy(), ids, p, w) == pytest.approx(expected)
    dense = in_parts(metrics.CategoricalCrossentropy(), np.eye(3)[ids], p, w)
    assert dense == pytest.approx(expected)
    logits = np.log(p) + 7
    ours = in_parts(metrics.SparseCategoricalCrossentropy(from_logits=True), ids, logits, w)
    assert ours == pytest.approx(expected)
    binary = in_parts(metrics.BinaryCrossentropy(), ids == 1, p[:, 1], w)
    assert binary == pytest.approx(sk.log_loss(ids == 1, p[:, 1], sample_weight=w))


def test_precision_among_the_largest_k():
    # rows' two largest: columns 1, 2 | 0, 1; targets: column 2 | column 3
    pred = [[0.1, 0.4, 0.3, 0.2], [0.4, 0.3, 0.2, 0.1]]
    target = [[0, 0, 1, 0], [0, 0, 0, 1]]
    assert metrics.Precision(top_k=2)(target, pred) == 1 / 4
    assert metrics.Recall(top_k=2)(target, pred) == 1 / 2
    assert metrics.Recall(top_k=2, class_id=2)(target, pred) == 1.0
    assert metrics.Precision(thresholds=0.15, class_id=2)(target, pred) == 1 / 2


# -------------------------------------------------------------------------------- names and configs

ALL = [
    getattr(metrics, name)
    for name in metrics.__all__
    if name[0].isupper() and name not in ("Metric", "MeanMetricWrapper", "LossMetric")
]
SPECIAL = {
    metrics.BinaryAccuracy: {"threshold": 0.7},
    metrics.TopKCategoricalAccuracy: {"k": 3},
    metrics.SparseTopKCategoricalAccuracy: {"k": 3},
    metrics.Precision: {"thresholds": [0.1, 0.2], "top_k": 2, "class_id": 1},
    metrics.AUC: {"num_thresholds": 5, "curve": "PR", "summation_method": "minoring"},
    metrics.FBetaScore: {"average": "macro", "beta": 2.0, "threshold": 0.4},
    metrics.R2Score: {"class_aggregation": None, "num_regressors": 2},
    metrics.BinaryCrossentropy: {"from_logits": True, "label_smoothing": 0.1},
}


@pytest.mark.parametrize("cls", ALL)
def test_config_round_trip(cls):
    metric = cls(name="mine", **SPECIAL.get(cls, {}))
    config = metric.get_config()
    assert config["name"] == "mine"
    assert {name: config[name] for name in SPECIAL.get(cls, {})} == SPECIAL.get(cls, {})
    for other in (
        cls.from_config(config),
        metrics.deserialize(metrics.serialize(metric)),
        copy.deepcopy(metric),
        pickle.loads(pickle.dumps(metric)),
    ):
        assert type(other) is cls
        assert other.get_config() == config


@pytest.mark.parametrize("cls", ALL)
def test_names_are_kerass(cls):
    metric = metrics.get(cls.__name__)
    assert type(metric) is cls
    assert type(metrics.get(cls)) is cls
    expected = {"LogCoshError": "logcosh", "FBetaScore": "fbeta_score", "F1Score": "f1_score"}
    snake = {"AUC": "auc", "KLDivergence": "kl_divergence", "R2Score": "r2_score", **expected}
    if cls.__name__ in snake:
        assert metric.name == snake[cls.__name__]
    else:
        assert type(metrics.get(metric.name)) is cls


def test_copies_do_not_share_state():
    metric = metrics.Mean()
    metric.update_state([1.0, 2.0])
    for other in (copy.deepcopy(metric), pickle.loads(pickle.dumps(metric))):
        other.update_state([6.0])
        assert (other.result(), metric.result()) == (3.0, 1.5)


def test_accuracy_is_resolved_by_shape():
    loss = losses.BinaryCrossentropy(from_logits=True)
    for output, target, accuracy, entropy in [
        ((None, 1), (None,), metrics.BinaryAccuracy, metrics.BinaryCrossentropy),
        ((None, 1), (None, 1), metrics.BinaryAccuracy, metrics.BinaryCrossentropy),
        (
            (None, 3),
            (None,),
            metrics.SparseCategoricalAccuracy,
            metrics.SparseCategoricalCrossentropy,
        ),
        (
            (None, 3),
            (None, 1),
            metrics.SparseCategoricalAccuracy,
            metrics.SparseCategoricalCrossentropy,
        ),
        ((None, 3), (None, 3), metrics.CategoricalAccuracy, metrics.CategoricalCrossentropy),
    ]:
        for name in ("accuracy", "acc", "Accuracy"):
            metric = metrics.resolve(name, output, target, loss)
            assert type(metric) is accuracy
            assert metric.name == name
        for name in ("crossentropy", "ce"):
            metric = metrics.resolve(name, output, target, loss)
            assert type(metric) is entropy
            assert metric.name == name
            assert metric.get_config()["from_logits"] is True
    assert metrics.resolve("mse", (None, 1), (None,)).name == "mse"
    ready = metrics.BinaryAccuracy(name="mine", threshold=0.3)
    assert metrics.resolve(ready, (None, 3), (None, 3)) is ready
    assert type(metrics.resolve(metrics.Accuracy, (None, 3), (None, 3))) is metrics.Accuracy


def test_engine_computes_what_the_classes_compute(rng):
    # a layer whose weights are the identity: predictions are x
    x = rng.uniform(size=(50, 3))
    network = _core.Network(3, [{"op": "dense", "units": 3}], "float64", 0)
    network.parameters[0][...] = np.eye(3)
    network.set_loss(**losses.MeanSquaredError()._engine())
    classes = [
        metrics.BinaryAccuracy(threshold=0.6),
        metrics.CategoricalAccuracy(),
        metrics.MeanSquaredError(),
        metrics.MeanAbsoluteError(),
    ]
    y = rng.integers(0, 2, size=(50, 3)).astype(float)
    w = rng.uniform(size=50)
    network.set_metrics([{**m._engine(), "weighted": True} for m in classes])
    sums = network.evaluate(x, y, w, 0, 50, 16, np.inf)
    for metric, total, weight in zip(classes, sums.metrics, sums.metric_weights, strict=True):
        assert total / weight == pytest.approx(metric(y, x, w), rel=1e-12)
    assert metrics.RootMeanSquaredError()._engine() is None


def test_metric_of_a_user():
    class Worst(metrics.Metric):
        def __init__(self, name: str = "worst") -> None:
            super().__init__(name)
            self.worst = self.add_weight(shape=(2,), initializer="zeros")

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.worst.assign(np.maximum(self.worst, np.abs(y_true - y_pred).max(axis=0)))

        def result(self):
            return float(self.worst.max())

    metric = Worst()
    assert metric.name == "worst"
    assert metric(np.zeros((3, 2)), np.array([[1, 0], [0, 5], [2, 1.0]])) == 5.0
    metric.update_state(np.zeros((1, 2)), np.ones((1, 2)))
    assert metric.result() == 5.0
    metric.reset_state()
    assert metric.result() == 0.0
    assert metric._engine() is None

    def largest(y_true, y_pred):
        return np.abs(y_true - y_pred).max(axis=1)

    wrapped = metrics.get(largest)
    assert wrapped.name == "largest"
    assert wrapped(np.zeros((2, 2)), np.array([[1, 2], [3, 4.0]]), [1.0, 3.0]) == (2 + 12) / 4


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: metrics.get("acuracy"), ValueError, "Did you mean 'accuracy'"),
        (lambda: metrics.get(3), TypeError, "a metric must be"),
        (lambda: metrics.get("log_cosh"), ValueError, "Unknown metric"),  # a loss only, as in Keras
        (lambda: metrics.Accuracy()([1, 2], [1]), ValueError, r"\(1,\), got \(2,\)"),
        (
            lambda: metrics.SparseCategoricalAccuracy()(np.eye(2), np.eye(2)),
            ValueError,
            r"one class id per row, shape \(2,\), got \(2, 2\)",
        ),
        (lambda: metrics.MeanSquaredError()([1.0], [1.0], [1.0, 2.0]), ValueError, "sample_weight"),
        (lambda: metrics.AUC(curve="ROCK"), ValueError, "curve"),
        (lambda: metrics.AUC(num_thresholds=1), ValueError, "num_thresholds"),
        (lambda: metrics.Precision(thresholds=2), ValueError, "thresholds"),
        (lambda: metrics.F1Score(average="mean"), ValueError, "average"),
        (lambda: metrics.TopKCategoricalAccuracy(k=0), ValueError, "k must be at least 1"),
        (lambda: metrics.R2Score(num_regressors=1)([1, 2], [1, 2]), ValueError, "at least 3 rows"),
        (lambda: metrics.SparseTopKCategoricalAccuracy(from_sorted_ids=True), ValueError, "sorted"),
        (lambda: metrics.Metric().result(), TypeError, "has no result"),
    ],
)
def test_errors_say_what_was_expected_and_what_came(call, error, message):
    with pytest.raises(error, match=message):
        call()
