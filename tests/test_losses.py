"""Losses: kernels against the NumPy reference, finite differences and cases worked by hand."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from picaflor import _core, losses, reference
from picaflor import _functional_losses as F
from picaflor.reference.losses import CATEGORICAL, LOSSES, loss_and_gradient
from strategies import LAYOUTS, sizes

Array = npt.NDArray[Any]

FUNCTIONS = {
    "softmax_cross_entropy": F.softmax_cross_entropy,
    "sigmoid_cross_entropy": F.sigmoid_cross_entropy,
    "mean_squared_error": F.mean_squared_error,
    "mean_absolute_error": F.mean_absolute_error,
    "huber": F.huber,
}
SMOOTHED = [kind for kind, (_, names) in LOSSES.items() if "label_smoothing" in names]
REDUCTIONS = {"mean": 0, "sum": 1, "none": 2, "weights": 3}


def core(
    kind: str,
    pred: Array,
    target: Array,
    weight: Array | None = None,
    label_smoothing: float = 0.0,
    delta: float = 1.0,
    factor: float = 1.0,
    ceiling: float = np.inf,
    reduction: str = "none",
) -> tuple[Any, Array]:
    return _core.loss(
        kind, pred, target, weight, label_smoothing, delta, factor, ceiling, REDUCTIONS[reduction],
        True, "pred", "target",
    )  # fmt: skip


def sample(kind: str, n: int, c: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Predictions and targets inside the domain of a loss, away from its clips and kinks."""
    o, t = rng.normal(size=(2, n, c))
    if kind in ("squared_log_error", "absolute_percentage_error", "poisson"):
        o, t = np.abs(o) + 0.05, np.abs(t) + 0.05
    if kind in ("hinge", "squared_hinge"):
        t = np.sign(t)
    if kind in ("binary_cross_entropy", "kl_divergence", "categorical_cross_entropy"):
        o = rng.uniform(0.01, 0.99, size=(n, c))
    if kind == "cosine_similarity":  # the gradient is a difference of numbers of size 1 / |o|
        o *= 10 / np.linalg.norm(o, axis=1, keepdims=True)
    if kind in SMOOTHED or kind in ("kl_divergence", "categorical_hinge"):
        t = rng.uniform(0.01, 0.99, size=(n, c))
    if kind in (*CATEGORICAL, "kl_divergence"):
        t /= t.sum(axis=1, keepdims=True)
    return o, t


def assert_close(actual: Any, expected: Any, dtype: Any, what: str) -> None:
    """Compare up to 40 roundings of the largest magnitude: the most that was seen is 15.

    Formulas are some ten operations deep, exp and log are good to 2 units in the last place, and
    sums are taken in lanes, so that even 1000 columns add only a few roundings.
    """
    actual, expected = np.asarray(actual, np.float64), np.asarray(expected, np.float64)
    assert actual.shape == expected.shape
    if expected.size == 0:
        return
    bound = 40 * np.finfo(dtype).eps * max(np.abs(expected).max(), 1e-2)
    error = np.abs(actual - expected)
    worst = np.unravel_index(np.argmax(error), error.shape)
    assert np.all(error <= bound), (
        f"{what}: {actual[worst]} at {worst}, expected {expected[worst]}, bound {bound}"
    )


# -------------------------------------------------------------------------- against the reference


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", LOSSES)
@given(n=sizes(70), c=sizes(70), seed=st.integers(0, 2**32 - 1), weighted=st.booleans())
def test_kernel_matches_reference(kind, dtype, n, c, seed, weighted):
    rng = np.random.default_rng(seed)
    o, t = (a.astype(dtype) for a in sample(kind, n, c, rng))
    weight = rng.uniform(0, 2, size=n).astype(dtype) if weighted else None
    parameters = {"label_smoothing": rng.uniform(0, 0.5)} if kind in SMOOTHED else {}
    if kind == "huber":
        parameters = {"delta": rng.uniform(0.1, 2)}
    targets = [t]
    if kind in CATEGORICAL:
        targets.append(rng.integers(0, c, size=n))
    for target in targets:
        for p in ({}, parameters):
            config = {"kind": kind, "factor": 0.7, **p}
            value, gradient = core(kind, o, target, weight, factor=0.7, reduction="mean", **p)
            loss, dpred = loss_and_gradient(config, o, target, weight)
            assert gradient.dtype == dtype
            assert_close(gradient, dpred, dtype, "gradient")
            assert_close(value, loss, dtype, "loss")
            each, _ = core(kind, o, target, factor=0.7, **p)
            assert each.dtype == dtype
            rows, _ = loss_and_gradient(config, o, target, reduction="none")
            assert_close(each, rows, dtype, "rows")


@pytest.mark.parametrize("c", [127, 129, 257, 1003])
@pytest.mark.parametrize("kind", LOSSES)
def test_wide_rows_match_reference(kind, dtype, c, rng):
    o, t = (a.astype(dtype) for a in sample(kind, 3, c, rng))
    value, gradient = core(kind, o, t, reduction="sum")
    loss, dpred = loss_and_gradient({"kind": kind}, o, t, reduction="sum")
    assert_close(gradient, dpred, dtype, "gradient")
    assert_close(value, loss, dtype, "loss")


@pytest.mark.parametrize("kind", LOSSES)
@pytest.mark.parametrize("c", [1, 3, 10, 40])
def test_gradient_matches_finite_differences(kind, c, rng):
    o, t = sample(kind, 4, c, rng)
    weight = rng.uniform(0.5, 2, size=4)
    parameters = {"label_smoothing": 0.1} if kind in SMOOTHED else {}

    def f(x: Array) -> float:
        return core(kind, x, t, weight, reduction="sum", **parameters)[0]

    _, gradient = core(kind, o, t, weight, reduction="sum", **parameters)
    h = np.cbrt(np.finfo(float).eps)
    numerical = np.empty_like(o)
    for i in np.ndindex(*o.shape):
        up, down = o.copy(), o.copy()
        up[i] += h
        down[i] -= h
        numerical[i] = (f(up) - f(down)) / (2 * h)
    # The error is h^2 / 6 times the third derivative: h = 6e-6, and with arguments down to 0.01 the
    # third derivative of a logarithm is at most 2 / 0.01^2 times its slope.
    bound = 1e-6 * max(1.0, np.abs(gradient).max())
    assert np.all(np.abs(gradient - numerical) <= bound)


@pytest.mark.parametrize("c", [2, 3, 40, 200])
@pytest.mark.parametrize("kind", LOSSES)
def test_ceiling_cuts_off_values_and_not_gradients(kind, c, dtype, rng):
    """Per row, or per element where a row is a mean; before the factor and the weights."""
    o, t = (a.astype(dtype) for a in sample(kind, 30, c, rng))
    weight = rng.uniform(0, 2, size=30).astype(dtype)
    rows, gradient = core(kind, o, t)
    ceiling = float(np.median(rows))
    config = {"kind": kind, "factor": 0.7, "ceiling": ceiling}
    cut, same = core(kind, o, t, ceiling=ceiling)
    assert np.array_equal(same, gradient)
    assert np.all(cut <= rows)
    assert np.any(cut < rows)
    for reduction, w in (("none", None), ("sum", weight), ("mean", weight)):
        value, _ = core(kind, o, t, w, factor=0.7, ceiling=ceiling, reduction=reduction)
        expected, _ = loss_and_gradient(config, o, t, w, reduction=reduction)
        assert_close(value, expected, dtype, reduction)
    o[3] = np.nan
    assert np.array_equal(np.isnan(core(kind, o, t, ceiling=ceiling)[0]), np.arange(30) == 3)


def test_ceiling_by_hand(dtype):
    # -log softmax([0, 100])_0 = 100, -log sigmoid(-100) = 100 and -log sigmoid(0) = log 2
    logits = np.array([[0, 100], [0, 0]], dtype=dtype)
    sparse = losses.SparseCategoricalCrossentropy(True, reduction="none", ceiling=30)
    np.testing.assert_allclose(sparse([0, 0], logits), [30, np.log(2)], rtol=1e-6)
    whole = losses.CategoricalCrossentropy(True, reduction="none", ceiling=30)
    np.testing.assert_allclose(whole([[1, 0], [1, 0]], logits), [30, np.log(2)], rtol=1e-6)
    binary = losses.BinaryCrossentropy(True, reduction="none", ceiling=30, scale=2)
    np.testing.assert_allclose(
        binary([[1, 1], [1, 1]], -logits), [30 + np.log(2), 2 * np.log(2)], rtol=1e-6
    )
    for cls in (
        losses.SparseCategoricalCrossentropy,
        losses.CategoricalCrossentropy,
        losses.BinaryCrossentropy,
    ):
        again = losses.get(losses.serialize(cls(ceiling=30)))
        assert again.get_config()["ceiling"] == again._engine()["ceiling"] == 30
    for wrong in (0, -1.0, np.nan):
        with pytest.raises(ValueError, match="ceiling must be"):
            losses.BinaryCrossentropy(ceiling=wrong)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("weighted", [False, True])
def test_functions_match_reference(name, reduction, weighted, dtype, rng):
    kind = {f.__name__: kind for kind, (f, _) in LOSSES.items()}[name]
    o, t = (a.astype(dtype) for a in sample(kind, 9, 5, rng))
    w = rng.uniform(size=9) if weighted else None
    loss, gradient = FUNCTIONS[name](o, t, w, reduction=reduction)
    expected, dpred = getattr(reference, name)(o, t, w, reduction=reduction)
    assert_close(loss, expected, dtype, "loss")
    assert_close(gradient, dpred, dtype, "gradient")
    assert isinstance(loss, np.ndarray if reduction == "none" else float)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_have_the_signatures_of_the_reference(name):
    ours = inspect.signature(FUNCTIONS[name]).parameters
    theirs = inspect.signature(getattr(reference, name)).parameters
    assert list(ours) == list(theirs)
    assert [p.default for p in ours.values()] == [p.default for p in theirs.values()]


# --------------------------------------------------------------------------------- worked by hand


def test_softmax_cross_entropy_by_hand(dtype):
    # softmax([log 1, log 2, log 5]) = [1, 2, 5] / 8; class 2: loss = -log(5/8);
    # gradient p - onehot = [1/8, 2/8, -3/8]. Mean of this row and one of loss log 2, [1/2, -1/2].
    logits = np.log(np.array([[1, 2, 5]], dtype=dtype))
    loss, dlogits = F.softmax_cross_entropy(logits, [2])
    assert abs(loss - np.log(1.6)) < 2 * np.finfo(dtype).eps
    assert_close(dlogits, [[1 / 8, 2 / 8, -3 / 8]], dtype, "gradient")
    # Smoothing 0.3 over 3 classes: t = [0.1, 0.1, 0.8]
    # loss = log 8 - 0.1 log 1 - 0.1 log 2 - 0.8 log 5; gradient p - t
    loss, dlogits = F.softmax_cross_entropy(logits, [2], label_smoothing=0.3)
    assert_close(loss, np.log(8) - 0.1 * np.log(2) - 0.8 * np.log(5), dtype, "loss")
    assert_close(dlogits, [[0.025, 0.15, -0.175]], dtype, "gradient")


def test_sigmoid_cross_entropy_by_hand():
    # x = log 3: p = 3/4. t = 1: -log(3/4), gradient -1/4;
    # t = 0: -log(1/4), gradient 3/4; means of the two columns
    loss, dlogits = F.sigmoid_cross_entropy(np.log([[3.0, 3.0]]), [[1, 0]], reduction="none")
    assert_close(loss, [(np.log(4 / 3) + np.log(4)) / 2], np.float64, "loss")
    assert_close(dlogits, [[-1 / 8, 3 / 8]], np.float64, "gradient")


def test_regression_losses_by_hand():
    pred, target = [[3.0, 1.0], [0.0, 0.0]], [[1.0, 1.0], [0.5, 0.0]]
    # differences 2, 0 | -1/2, 0; rows: squares 2, 1/8; magnitudes 1, 1/4; huber (2 - 1/2) / 2, 1/16
    weight = [1.0, 2.0]
    assert F.mean_squared_error(pred, target)[0] == (2 + 0.125) / 2
    loss, dpred = F.mean_squared_error(pred, target, weight)
    assert loss == (2 + 2 * 0.125) / 2  # divided by the rows, not by the weights
    assert dpred.tolist() == [[1.0, 0.0], [-0.5, 0.0]]
    loss, dpred = F.mean_absolute_error(pred, target, weight, reduction="sum")
    assert loss == 1 + 2 * 0.25
    assert dpred.tolist() == [[0.5, 0.0], [-1.0, 0.0]]
    loss, dpred = F.huber(pred, target, weight, reduction="none")
    assert loss.tolist() == [0.75, 0.125]
    assert dpred.tolist() == [[0.5, 0.0], [-0.5, 0.0]]


def test_losses_of_keras_examples_by_hand():
    # hinge, labels 0/1: t = -1, 1; margins 1 + 0.6, 1 - 0.4
    assert losses.Hinge()([[0, 1]], [[0.6, 0.4]]) == pytest.approx((1.6 + 0.6) / 2)
    # categorical hinge: pos = 0.4, neg = max(0.6, 0) -> 0.6 - 0.4 + 1
    assert losses.CategoricalHinge()([[0, 1]], [[0.6, 0.4]]) == pytest.approx(1.2)
    # KL: targets 0 and 1 are clipped to 1e-7 and 1
    expected = 1e-7 * np.log(1e-7 / 0.6) + np.log(1 / 0.4)
    assert losses.KLDivergence()([[0, 1]], [[0.6, 0.4]]) == pytest.approx(expected, rel=1e-12)
    # categorical: predictions are divided by their sum, 2
    assert losses.CategoricalCrossentropy()([[0, 1]], [[0.5, 1.5]]) == pytest.approx(np.log(4 / 3))
    # MAPE of a target 0: divided by 1e-7
    assert losses.MeanAbsolutePercentageError()([[0.0]], [[1.0]]) == pytest.approx(1e9)
    # Poisson: p - t log(p + e); MSLE: negative predictions count as e
    assert losses.Poisson()([[2.0]], [[1.0]]) == pytest.approx(1 - 2 * np.log(1 + 1e-7), rel=1e-12)
    msle = losses.MeanSquaredLogarithmicError()([[1.0]], [[-3.0]])
    assert msle == pytest.approx((np.log(2) - np.log1p(1e-7)) ** 2)


def test_clipped_probabilities_have_no_gradient(dtype):
    pred = np.array([[0.0], [1.0], [-1.0], [0.5]], dtype=dtype)
    each, gradient = core("binary_cross_entropy", pred, np.ones((4, 1), dtype))
    # log of the clip 1e-7 = 16.118; of 1 - 1e-7 -1e-7, which float32 rounds to -1.19e-7
    assert_close(each, [-np.log(1e-7), 1e-7, -np.log(1e-7), np.log(2)], np.float32, "rows")
    assert gradient.ravel().tolist() == [0.0, 0.0, 0.0, -2.0]
    pred = np.array([[0.0, 1.0, 0.0]], dtype=dtype)
    each, gradient = core("categorical_cross_entropy", pred, np.array([0]))
    assert_close(each, [-np.log(1e-7)], np.float32, "rows")
    assert gradient.tolist() == [[0.0, 0.0, 0.0]]
    # squared_log_error counts -3 as 1e-7; kl_divergence counts 0 as 1e-7 and 2 as 1
    each, gradient = core("squared_log_error", np.full((1, 1), -3, dtype), np.ones((1, 1), dtype))
    assert_close(each, [(np.log(2) - np.log1p(1e-7)) ** 2], dtype, "rows")
    assert gradient.tolist() == [[0.0]]
    pred = np.array([[0.0, 2.0, 0.5]], dtype=dtype)
    each, gradient = core("kl_divergence", pred, np.full((1, 3), 0.5, dtype))
    assert_close(each, [0.5 * np.log(0.5 / 1e-7) + 0.5 * np.log(0.5)], np.float32, "rows")
    assert gradient.tolist() == [[0.0, 0.0, -1.0]]


# --------------------------------------------------------------------------------------- extremes


@pytest.mark.parametrize("c", [2, 3, 10, 33, 1001])
def test_softmax_cross_entropy_is_exact_for_huge_logits(c, dtype):
    logits = np.full((3, c), -1e4, dtype=dtype)
    logits[:, 0] = 1e4
    loss, dlogits = F.softmax_cross_entropy(logits, np.array([0, 1, 0]), reduction="none")
    assert loss.tolist() == [0.0, 2e4, 0.0]
    expected = np.zeros((3, c))
    expected[1, :2] = 1, -1
    assert dlogits.tolist() == expected.tolist()


@pytest.mark.parametrize("n", [1, 5, 64])
def test_softmax_cross_entropy_of_one_column_is_zero(n, dtype):
    logits = np.linspace(-1e4, 1e4, n, dtype=dtype)[:, None]
    loss, dlogits = F.softmax_cross_entropy(logits, np.zeros(n, int))
    assert loss == 0.0
    assert not dlogits.any()


@pytest.mark.parametrize("c", [3, 140])
def test_softmax_cross_entropy_of_masked_classes(c, dtype):
    logits = np.zeros((3, c), dtype=dtype)
    logits[:, 2:] = -np.inf  # two classes are left
    targets = np.zeros((3, c))
    targets[0, 0] = targets[1, :2] = targets[2, 2] = 1
    loss, dlogits = F.softmax_cross_entropy(logits, targets, reduction="none")
    assert_close(loss[:2], [np.log(2), 2 * np.log(2)], dtype, "loss")
    assert loss[2] == np.inf
    assert_close(dlogits[0, :3], [-0.5, 0.5, 0], dtype, "gradient")
    assert not dlogits[0, 2:].any()
    ids, _ = F.softmax_cross_entropy(logits, [0, 1, 2], reduction="none")
    assert_close(ids[:2], [np.log(2), np.log(2)], dtype, "loss")
    assert ids[2] == np.inf


def test_sigmoid_cross_entropy_of_huge_and_infinite_logits(dtype):
    x = np.array([1e4, 1e4, -1e4, -1e4, np.inf, np.inf, -np.inf, -np.inf, 0], dtype=dtype)
    t = np.array([1, 0, 1, 0, 1, 0, 1, 0, 0.5])
    loss, dx = F.sigmoid_cross_entropy(x, t, reduction="none")
    assert loss[:8].tolist() == [0, 1e4, 1e4, 0, 0, np.inf, np.inf, 0]
    assert dx.tolist() == [0, 1, -1, 0, 0, 1, -1, 0, 0]


def test_small_losses_keep_their_relative_accuracy():
    # log(1 + exp(-30)) and its slope, 9.4e-14, are lost where p is formed first
    loss, dx = F.sigmoid_cross_entropy([30.0], [1.0])
    assert loss == pytest.approx(np.log1p(np.exp(-30)), rel=1e-14)
    assert dx[0] == pytest.approx(-1 / (1 + np.exp(30)), rel=1e-14)
    # log cosh d = d^2 / 2 - d^4 / 12
    each, slope = core("log_cosh", np.array([[1e-6]]), np.array([[0.0]]))
    assert each[0] == pytest.approx(5e-13, rel=1e-10)
    assert slope[0, 0] == pytest.approx(1e-6, rel=1e-10)
    each, slope = core("log_cosh", np.array([[1e4]]), np.array([[0.0]]))
    assert each[0] == pytest.approx(1e4 - np.log(2), rel=1e-15)
    assert slope[0, 0] == 1


@pytest.mark.parametrize("kind", LOSSES)
@pytest.mark.parametrize("c", [1, 6, 150])
def test_nan_makes_its_row_nan_and_no_other(kind, c, dtype, rng):
    o, t = (a.astype(dtype) for a in sample(kind, 20, c, rng))
    clean_each, clean_gradient = core(kind, o, t)
    o[7, c // 2] = np.nan
    each, gradient = core(kind, o, t)
    assert np.isnan(each[7])
    assert np.isnan(gradient[7, c // 2])
    others = np.arange(20) != 7
    assert np.array_equal(each[others], clean_each[others])
    assert np.array_equal(gradient[others], clean_gradient[others])
    assert np.isnan(core(kind, o, t, reduction="mean")[0])


# ------------------------------------------------------------------- memory, threads, determinism


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("c", [1, 5, 140])
def test_layouts_give_the_same_bits(layout, c, dtype, rng):
    o, t = (a.astype(dtype) for a in rng.normal(size=(2, 19, c)))
    w = rng.uniform(size=19).astype(dtype)
    ids = rng.integers(0, c, size=19)
    loss, gradient = F.mean_squared_error(o, t, w)
    change = LAYOUTS[layout]
    o2, t2, w2, ids2 = change(o), change(t), change(w), change(ids)
    copies = [a.copy() for a in (o2, t2, w2)]
    loss2, gradient2 = F.mean_squared_error(o2, t2, w2)
    assert loss2 == loss
    assert np.array_equal(gradient2, gradient)
    assert all(np.array_equal(a, b) for a, b in zip((o2, t2, w2), copies, strict=True))
    for targets, targets2 in ((t, t2), (ids, ids2)):
        expected, actual = (F.softmax_cross_entropy(*a) for a in ((o, targets), (o2, targets2)))
        assert expected[0] == actual[0]
        assert np.array_equal(expected[1], actual[1])


@pytest.mark.parametrize("c", [1, 10, 33, 129])
@pytest.mark.parametrize("kind", ["categorical_cross_entropy_logits", "huber", "cosine_similarity"])
def test_a_row_has_the_same_bits_wherever_it_stands(kind, c, dtype, rng):
    o, t = (a.astype(dtype) for a in sample(kind, 70, c, rng))
    each, gradient = core(kind, o, t)
    for i in (0, 3, 63, 64, 69):
        alone, dalone = core(kind, o[i : i + 1], t[i : i + 1])
        assert alone[0] == each[i]
        assert np.array_equal(dalone[0], gradient[i])


@pytest.mark.parametrize("shape", [(10_000, 10), (700, 123)])
def test_same_bits_for_any_number_of_threads(shape, dtype, rng):
    x = rng.normal(size=shape).astype(dtype)
    y = rng.integers(0, shape[1], size=shape[0])
    w = rng.uniform(size=shape[0])
    before = _core.get_num_threads()
    results = []
    try:
        for threads in (1, 2, 3, 7):
            _core.set_num_threads(threads)
            results.append(F.softmax_cross_entropy(x, y, w))
    finally:
        _core.set_num_threads(before)
    for loss, gradient in results[1:]:
        assert loss == results[0][0]
        assert np.array_equal(gradient, results[0][1])


@pytest.mark.parametrize("kind", LOSSES)
def test_no_rows(kind, dtype):
    o, t = np.zeros((2, 0, 3), dtype)
    each, gradient = core(kind, o, t)
    assert each.shape == (0,)
    assert gradient.shape == (0, 3)
    assert core(kind, o, t, reduction="sum")[0] == 0.0
    with pytest.raises(ValueError, match=r"pred must have at least one row.*\(0, 3\)"):
        core(kind, o, t, reduction="mean")


# ----------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: F.softmax_cross_entropy(np.zeros((3, 2)), [0, 2, 1]),
            ValueError,
            r"targets must hold class ids in \[0, 2\), got 2 at row 1",
        ),
        (
            lambda: F.softmax_cross_entropy(np.zeros((3, 2)), [0, -1, 1]),
            ValueError,
            "got -1 at row 1",
        ),
        (
            lambda: F.softmax_cross_entropy(np.zeros((3, 2)), [0, 1]),
            ValueError,
            r"targets .*\(2,\)",
        ),
        (
            lambda: F.softmax_cross_entropy(np.zeros((3, 2)), [0.0, 1.0, 1.0]),
            TypeError,
            "targets must hold integer class ids, got dtype float64",
        ),
        (
            lambda: F.softmax_cross_entropy(np.zeros((3, 2)), np.zeros((3, 3))),
            ValueError,
            r"targets must have shape \(3,\) or \(3, 2\), got \(3, 3\)",
        ),
        (
            lambda: F.softmax_cross_entropy(np.zeros((3, 0)), np.zeros((3, 0))),
            ValueError,
            "logits must have at least one column",
        ),
        (
            lambda: F.softmax_cross_entropy(np.zeros((2, 3, 4)), [0, 0]),
            ValueError,
            r"logits.*\(2, 3, 4\)",
        ),
        (lambda: F.softmax_cross_entropy(["a"], [0]), TypeError, "logits must hold real numbers"),
        (lambda: F.softmax_cross_entropy(np.zeros((1, 2), complex), [0]), TypeError, "complex128"),
        (
            lambda: F.softmax_cross_entropy(np.zeros((1, 2)), [0], [1.0, 2.0]),
            ValueError,
            r"sample_weight must have shape \(1,\), got \(2,\)",
        ),
        (
            lambda: F.softmax_cross_entropy(np.zeros((1, 2)), [0], label_smoothing=1.5),
            ValueError,
            r"label_smoothing must be in \[0, 1\], got 1.5",
        ),
        (
            lambda: F.softmax_cross_entropy(np.zeros((1, 2)), [0], reduction="men"),
            ValueError,
            "'mean'",
        ),
        (
            lambda: F.sigmoid_cross_entropy(np.zeros(3), np.zeros(2)),
            ValueError,
            r"targets must have shape \(3,\), got \(2,\)",
        ),
        (
            lambda: F.mean_squared_error(np.zeros((3, 2)), np.zeros(3)),
            ValueError,
            r"target must have shape \(3, 2\), got \(3,\)",
        ),
        (lambda: F.huber([1.0], [1.0], delta=0.0), ValueError, "delta must be above 0, got 0.0"),
        (lambda: F.mean_absolute_error(1.0, 1.0), ValueError, "pred must have shape"),
        (lambda: losses.get("mean_sqared_error"), ValueError, "'mean_squared_error'"),
        (lambda: losses.get(lambda t, p: 0), TypeError, "gradient"),
        (lambda: losses.Huber(delta=-1), ValueError, "delta must be above 0"),
        (lambda: losses.Huber(reduction="avg"), ValueError, "Unknown reduction: 'avg'"),
        (lambda: losses.BinaryCrossentropy(label_smoothing=2), ValueError, "label_smoothing"),
        (lambda: losses.CategoricalCrossentropy(axis=0), ValueError, "axis must be -1"),
        (lambda: losses.SparseCategoricalCrossentropy(ignore_class=3), ValueError, "not supported"),
        (
            lambda: losses.CategoricalCrossentropy()([1, 0], np.ones((2, 2))),
            ValueError,
            "SparseCategoricalCrossentropy",
        ),
        (
            lambda: losses.SparseCategoricalCrossentropy()([0.5, 0], np.ones((2, 2))),
            ValueError,
            "got 0.5 at row 0",
        ),
        (lambda: losses.MeanSquaredError(reduction="none")._engine(), ValueError, "one number"),
    ],
)
def test_errors_say_what_was_expected_and_what_came(call, error, message):
    with pytest.raises(error, match=message):
        call()
