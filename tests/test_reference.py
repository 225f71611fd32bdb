"""picaflor.reference, room by room: by hand, by identities, by finite differences."""

import ast
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.special

from numerical import slopes, worst
from picaflor import reference as R
from picaflor.reference.activations import ACTIVATIONS, activation_backward, activation_forward
from picaflor.reference.losses import LOSSES, loss_and_gradient

PARAMS = {"leaky_relu": (0.3,), "elu": (1.7,), "clipped_relu": (0.1, 2.0, 0.5)}
# Points that are no kink of any activation here, both tails included.
POINTS = np.array([-40.0, -9.1, -3.7, -2.2, -1.3, -0.4, -1e-3, 1e-3, 0.2, 0.7, 1.9, 2.8, 4.4, 19.0])


def test_reference_imports_nothing_of_the_compiled_core():
    allowed = set(sys.stdlib_module_names) | {"numpy"}
    for path in Path(R.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module]
            else:
                assert not (isinstance(node, ast.ImportFrom) and node.level > 1), path
                continue
            assert {name.split(".")[0] for name in names} <= allowed, (path, names)


# ----------------------------------------------------------------------------------- activations


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_backward_matches_finite_differences(name):
    params = PARAMS.get(name, ())
    for x in POINTS[POINTS < 5] if name == "exponential" else POINTS:
        numerical = slopes(lambda v: float(activation_forward(name, v, params)[0]), [x])
        analytic = activation_backward(name, [3.0], [x], params)
        # 1e-9: h^2 f''' / 6 + eps f / h with f up to 40
        assert abs(analytic[0] / 3 - numerical[0]) <= 1e-9 * max(1, abs(numerical[0])), x


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_take_limits_at_infinity_and_keep_nan(name):
    with np.errstate(all="raise", under="ignore"):
        y = activation_forward(name, [-np.inf, np.inf, np.nan, -1e300, 1e300])
        slope = activation_backward(name, np.ones(3), [-1e300, 1e300, 0.0])
    floor = {
        "linear": -np.inf,
        "leaky_relu": -np.inf,
        "elu": -1,
        "selu": -1.7580993408473766,
        "tanh": -1,
        "softsign": -1,
    }
    bounded = {"sigmoid", "hard_sigmoid", "tanh", "softsign", "step"}
    assert y[0] == floor.get(name, 0)
    assert y[1] == (1 if name in bounded else np.inf)
    assert np.isnan(y[2])
    assert y[0] in (y[3], -np.inf)
    assert np.all(np.isfinite(slope)) or name == "exponential"


def test_activations_agree_with_scipy():
    x = np.concatenate([np.linspace(-37, 37, 2000), [-1e-300, 1e-20]])
    eps = np.finfo(np.float64).eps

    def relative(actual, expected):
        return np.max(np.abs(actual / expected - 1))

    assert relative(R.sigmoid(x), scipy.special.expit(x)) <= 4 * eps
    # log_ndtr has its own rounding, and exp makes x^2 / 2 times as much of it
    assert relative(R.gelu(x) / x, np.exp(scipy.special.log_ndtr(x))) <= 37**2 * 2 * eps
    assert relative(R.silu(x) / x, scipy.special.expit(x)) <= 8 * eps
    assert relative(R.softplus(x), -scipy.special.log_expit(-x)) <= 8 * eps
    rows = np.random.default_rng(0).normal(scale=30, size=(20, 7))
    assert worst(R.softmax(rows), scipy.special.softmax(rows, axis=1)) <= 64 * eps
    assert worst(R.log_softmax(rows, 0), scipy.special.log_softmax(rows, axis=0)) <= 8 * eps


def test_gelu_keeps_its_digits_in_the_tail():
    """Values of x erfc(-x / sqrt 2) / 2 and of its derivative, worked out with 60 digits."""
    values = [
        (-37.3, -3.060649577159178e-303, -1.1416211169449908e-301),
        (-22.6, -4.897101537983794e-112, -1.1067365446213301e-110),
        (-7.61, -1.0429349857113562e-13, -7.932365898007559e-13),
        (-3.3, -0.0015952996698664658, -0.00520105335649337),
        (-0.37, -0.1316057607237977, 0.2178483670407179),
        (1.9, 1.8454385363495964, 1.0959534882558837),
    ]
    eps = np.finfo(np.float64).eps
    for x, y, slope in values:
        assert abs(R.gelu(x) / y - 1) <= 4 * eps
        assert (
            abs(R.gelu_backward(1.0, x) / slope - 1) <= 40 * eps
        )  # P + x p: x^2 - 1 cancels in part


def test_activation_values_by_hand():
    # x = log 3: exp(x) = 3
    x = np.array([-np.log(3), 0.0, np.log(3)])
    cases = {
        "sigmoid": [1 / 4, 1 / 2, 3 / 4],
        "tanh": [-4 / 5, 0, 4 / 5],  # (9 - 1) / (9 + 1)
        "softplus": [np.log(4 / 3), np.log(2), np.log(4)],
        "silu": [-np.log(3) / 4, 0, 3 * np.log(3) / 4],
        "exponential": [1 / 3, 1, 3],
        "elu": [-2 / 3, 0, np.log(3)],
        "softsign": [-np.log(3) / (1 + np.log(3)), 0, np.log(3) / (1 + np.log(3))],
        "step": [0, 0, 1],
        "relu": [0, 0, np.log(3)],
        "hard_sigmoid": [0.5 - np.log(3) / 6, 0.5, 0.5 + np.log(3) / 6],
    }
    for name, expected in cases.items():
        np.testing.assert_allclose(activation_forward(name, x), expected, rtol=1e-15, atol=1e-16)
    assert R.clipped_relu([-2.0, 0.5, 1.0, 9.0], 0.5, 6.0, 1.0).tolist() == [-1.5, -0.25, 0.0, 6.0]


def test_activation_backward_at_kinks():
    assert R.relu_backward([1.0], [0.0]) == 0
    assert R.leaky_relu_backward([1.0], [0.0], 0.3) == 0.3
    assert R.elu_backward([1.0], [0.0], 1.5) == 1.5
    assert R.clipped_relu_backward([1.0, 1.0], [0.0, 6.0], 0.0, 6.0, 0.0).tolist() == [0, 0]
    assert R.hard_sigmoid_backward([1.0, 1.0], [-3.0, 3.0]).tolist() == [0, 0]
    assert R.step_backward([1.0, 1.0], [0.0, 1.0]).tolist() == [0, 0]


def test_activations_keep_shape_and_promote():
    for shape in [(), (0,), (3,), (2, 0), (2, 3, 4)]:
        x = np.ones(shape, dtype=np.int8)
        for name in ACTIVATIONS:
            y, dx = activation_forward(name, x), activation_backward(name, x, x)
            assert (y.shape, dx.shape) == (shape, shape)
            assert y.dtype == dx.dtype == np.float64
    with pytest.raises(ValueError, match=r"dy must have the shape of x, \(2,\), got \(3,\)"):
        R.tanh_backward(np.ones(3), np.ones(2))
    with pytest.raises(ValueError, match="activation must be one of"):
        activation_forward("rleu", [1.0])


# ------------------------------------------------------------------------------- dense, softmax


def test_dense_by_hand():
    # x W + b = [1 2] [[1 0] [0 3]] + [1 -9] = [2 -3];   relu: [2 0]
    x, w, b = [[1.0, 2.0]], [[1.0, 0.0], [0.0, 3.0]], [1.0, -9.0]
    assert R.dense_forward(x, w, b).tolist() == [[2, -3]]
    assert R.dense_forward(x, w, b, "relu").tolist() == [[2, 0]]
    # dy = [1 10]: dx = dy W^T = [1 30], dW = x^T dy, db = dy
    dx, dw, db = R.dense_backward([[1.0, 10.0]], x, w)
    assert (dx.tolist(), dw.tolist(), db.tolist()) == ([[1, 30]], [[1, 10], [2, 20]], [1, 10])
    softmax = R.dense_forward(x, w, b, "softmax")
    assert abs(softmax[0, 0] - 1 / (1 + np.exp(-5))) < 1e-15
    np.testing.assert_allclose(R.dense_forward(x, w, b, "log_softmax"), np.log(softmax))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: R.dense_forward(np.ones((2, 3)), np.ones((2, 3))), "got \\(2, 3\\) and"),
        (lambda: R.dense_forward(np.ones((2, 3)), np.ones((3, 4)), np.ones(3)), "bias must have"),
        (lambda: R.dense_backward(np.ones((2, 3)), np.ones((2, 4)), np.ones((4, 2))), "expected"),
        (lambda: R.softmax(np.ones((2, 0))), "at least one score"),
    ],
)
def test_dense_rejects_shapes(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax_backward_matches_finite_differences(name, axis, rng):
    x, dy = rng.normal(size=(2, 3, 4))
    forward, backward = getattr(R, name), getattr(R, f"{name}_backward")
    numerical = slopes(lambda v: float((forward(v, axis) * dy).sum()), x)
    assert worst(backward(dy, forward(x, axis), axis), numerical) < 1e-9


def test_softmax_is_safe_at_large_scores():
    x = [[1e4, -1e4, 1e4], [-1e4, -1e4, -1e4]]
    assert R.softmax(x).tolist() == [[0.5, 0, 0.5], [1 / 3] * 3]
    assert R.log_softmax(x)[0, 1] == -2e4 - np.log(2)
    assert R.softmax([[7.0], [-1e4]]).tolist() == [[1], [1]]


# ---------------------------------------------------------------------------------------- losses


def loss_data(name, rng, n=5, c=3):
    """Predictions and targets inside the domain of a loss, away from its kinks."""
    pred = rng.normal(size=(n, c))
    target = pred + rng.choice([-1, 1], (n, c)) * rng.uniform(0.1, 0.9, (n, c))
    if name in ("poisson", "squared_log_error"):
        pred, target = np.exp(pred), np.exp(target)
    elif name in ("kl_divergence", "categorical_cross_entropy"):
        pred, target = (R.softmax(pred) + 0.2) / 1.6, R.softmax(target)  # log(p)''' is 2 / p^3
    elif name in ("categorical_cross_entropy_logits", "categorical_hinge"):
        target = R.softmax(target)
    elif name.startswith("binary"):
        target = R.sigmoid(target)
        pred = pred if name.endswith("logits") else R.sigmoid(pred)
    elif "hinge" in name:
        target = rng.choice([-1.0, 1.0], (n, c))
    return pred, target


OPTIONS = {"huber": {"delta": 0.5}} | {
    name: {"label_smoothing": 0.1} for name in LOSSES if "cross_entropy" in name
}


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("name", LOSSES)
def test_loss_gradient_matches_finite_differences(name, reduction, rng):
    pred, target = loss_data(name, rng)
    weight = rng.uniform(0, 3, len(pred))
    config = {"kind": name, "factor": 0.7, **OPTIONS.get(name, {})}

    def value(p):
        return loss_and_gradient(config, p, target, weight, reduction)[0]

    loss, gradient = loss_and_gradient(config, pred, target, weight, reduction)
    assert loss == value(pred)
    assert worst(gradient, slopes(value, pred)) < 1e-8
    each, dsum = loss_and_gradient(config, pred, target, weight, "none")
    total, same = loss_and_gradient(config, pred, target, weight, "sum")
    assert each.shape == (len(pred),)
    assert abs(each.sum() - total) <= 1e-13 * abs(each).sum()
    assert np.array_equal(dsum, same)


@pytest.mark.parametrize("name", LOSSES)
def test_loss_weights_multiply_and_mean_divides_by_rows(name, rng):
    pred, target = loss_data(name, rng)
    each = [
        loss_and_gradient({"kind": name}, pred[i : i + 1], target[i : i + 1])[0] for i in range(5)
    ]
    weight = np.array([0.0, 1.0, 2.0, 0.5, 1.0])
    loss, gradient = loss_and_gradient({"kind": name}, pred, target, weight)
    assert abs(loss - np.dot(weight, each) / 5) < 1e-12 * np.abs(each).sum()
    assert np.all(gradient[0] == 0)


def test_regression_losses_by_hand():
    pred, target = [[1.0, 5.0], [0.0, -2.0]], [[0.0, 2.0], [0.0, 0.0]]
    # errors [1 3], [0 -2]; squares mean 5, 2; magnitudes mean 2, 1; huber(1) 0.5 2.5, 0 1.5
    loss, gradient = R.mean_squared_error(pred, target)
    assert (loss, gradient.tolist()) == (3.5, [[0.5, 1.5], [0, -1]])
    loss, gradient = R.mean_absolute_error(pred, target, [2.0, 4.0])
    assert (loss, gradient.tolist()) == (4.0, [[0.5, 0.5], [0, -1]])
    loss, gradient = R.huber(pred, target, reduction="none")
    assert (loss.tolist(), gradient.tolist()) == ([1.5, 0.75], [[0.5, 0.5], [0, -0.5]])
    # cosine of [3 4] and [4 3]: 24 / 25
    assert abs(R.cosine_similarity([[3.0, 4.0]], [[4.0, 3.0]])[0] + 0.96) < 1e-15
    assert R.mean_absolute_percentage_error([1.0], [-2.0]) == (150.0, np.array([50.0]))
    assert R.poisson_log([0.0], [3.0]) == (1.0, np.array([-2.0]))


def test_classification_losses_by_hand():
    # p = (1/4, 3/4); ids 1: loss log(4/3), slope p - t
    x = [[0.0, np.log(3)]]
    loss, gradient = R.softmax_cross_entropy(x, [1])
    assert abs(loss - np.log(4 / 3)) < 1e-15
    np.testing.assert_allclose(gradient, [[1 / 4, -1 / 4]], rtol=1e-14)
    # smoothed by 0.2: t = (0.1, 0.9)
    loss, gradient = R.softmax_cross_entropy(x, [1], label_smoothing=0.2)
    assert abs(loss - (0.1 * np.log(4) + 0.9 * np.log(4 / 3))) < 1e-15
    np.testing.assert_allclose(gradient, [[0.15, -0.15]], rtol=1e-14)
    # binary, smoothed by 0.2: t = 0.9, p = 3/4
    loss, gradient = R.sigmoid_cross_entropy([np.log(3)], [1.0], label_smoothing=0.2)
    assert abs(loss - (0.9 * np.log(4 / 3) + 0.1 * np.log(4))) < 1e-15
    np.testing.assert_allclose(gradient, [-0.15], rtol=1e-14)
    # margins 1 - t p = 1 - 0.25, 1 - 2 < 0, with labels 0 and 1 mapped to -1 and 1
    assert R.hinge([[-0.25, 2.0]], [[0, 1]])[0] == 0.375
    assert R.squared_hinge([[-0.25, 2.0]], [[0, 1]])[0] == 0.28125
    loss, gradient = R.categorical_hinge([[0.5, 2.0, 1.0]], [0])
    assert (loss, gradient.tolist()) == (2.5, [[-1, 1, 0]])


def test_cross_entropies_agree_fused_and_apart(rng):
    x = rng.normal(size=(6, 4))
    ids, t = rng.integers(0, 4, 6), rng.uniform(size=(6, 4))
    p = R.softmax(x)
    fused, dx = R.softmax_cross_entropy(x, ids, label_smoothing=0.1)
    apart, dp = R.categorical_cross_entropy(p, ids, label_smoothing=0.1)
    assert abs(fused - apart) < 1e-14
    assert worst(R.softmax_backward(dp, p), dx) < 1e-13
    fused, dx = R.sigmoid_cross_entropy(x, t, label_smoothing=0.1)
    apart, dp = R.binary_cross_entropy(R.sigmoid(x), t, label_smoothing=0.1)
    assert abs(fused - apart) < 1e-14
    assert worst(R.sigmoid_backward(dp, x), dx) < 1e-13
    # two classes are one sigmoid of the difference of the scores
    two, _ = R.softmax_cross_entropy(x[:, :2], ids % 2)
    one, _ = R.sigmoid_cross_entropy(x[:, 1] - x[:, 0], ids % 2)
    assert abs(one - two) < 1e-14


def test_cross_entropies_are_safe_at_large_scores():
    with np.errstate(all="raise", under="ignore"):
        loss, gradient = R.softmax_cross_entropy([[1e4, -1e4], [1e4, -1e4]], [0, 1])
        assert (loss, gradient.tolist()) == (1e4, [[0, 0], [0.5, -0.5]])
        assert R.softmax_cross_entropy([[3.0], [-1e4]], [0, 0])[0] == 0
        loss, gradient = R.sigmoid_cross_entropy([1e4, -1e4, 1e4, -1e4], [1.0, 0.0, 0.0, 1.0])
        assert (loss, gradient.tolist()) == (5e3, [0, 0, 0.25, -0.25])
        # on probabilities exactly 0 or 1, Keras's clip bounds the loss by -log(1e-7)
        assert R.binary_cross_entropy([0.0], [1.0])[0] == -np.log(1e-7)
        assert R.categorical_cross_entropy([[0.0, 1.0]], [0])[0] == -np.log(1e-7)


def test_losses_take_ids_or_probabilities_alike(rng):
    x, ids = rng.normal(size=(5, 3)), rng.integers(0, 3, 5)
    for function in (R.softmax_cross_entropy, R.categorical_hinge):
        by_id, by_row = function(x, ids), function(x, np.eye(3)[ids])
        assert by_id[0] == by_row[0]
        assert np.array_equal(by_id[1], by_row[1])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: R.mean_squared_error([[1.0]], [[1.0, 2.0]]), ValueError, "target must have"),
        (lambda: R.mean_squared_error([1.0], [1.0], [1.0, 2.0]), ValueError, "sample_weight must"),
        (lambda: R.mean_squared_error([1.0], [1.0], reduction="max"), ValueError, "got 'max'"),
        (lambda: R.mean_squared_error([], []), ValueError, "at least one row"),
        (lambda: R.huber([1.0], [1.0], delta=0.0), ValueError, "delta must be above 0"),
        (lambda: R.softmax_cross_entropy([[1.0, 2.0]], [2]), ValueError, r"\[0, 2\), got 2"),
        (lambda: R.softmax_cross_entropy([[1.0, 2.0]], [-1]), ValueError, "got -1"),
        (lambda: R.softmax_cross_entropy([[1.0, 2.0]], [0.5]), TypeError, "got dtype float64"),
        (lambda: R.softmax_cross_entropy([[1.0, 2.0]], [0, 1]), ValueError, "targets must have"),
        (lambda: R.softmax_cross_entropy([1.0, 2.0], [0]), ValueError, "needs predictions"),
    ],
)
def test_losses_reject_wrong_input(call, error, message):
    with pytest.raises(error, match=message):
        call()


# --------------------------------------------------------------------------------- normalization


@pytest.mark.parametrize("kind", ["batch", "batch_inference", "layer"])
def test_normalization_backward_matches_finite_differences(kind, rng):
    x, dy = rng.normal(size=(2, 5, 4))
    gamma, beta, mean, variance = rng.uniform(0.5, 2, (4, 4))

    def forward(x, gamma, beta):
        if kind == "batch":
            return R.batch_normalization_forward(x, gamma, beta, 1e-3)[0]
        if kind == "layer":
            return R.layer_normalization_forward(x, gamma, beta, 1e-3)
        return R.batch_normalization_inference(x, gamma, beta, mean, variance, 1e-3)

    if kind == "batch":
        analytic = R.batch_normalization_backward(dy, x, gamma, 1e-3)
    elif kind == "layer":
        analytic = R.layer_normalization_backward(dy, x, gamma, 1e-3)
    else:
        analytic = R.batch_normalization_inference_backward(dy, x, gamma, mean, variance, 1e-3)
    values = [x, gamma, beta]
    for k in range(3):

        def value(v, k=k):
            return float((forward(*[v if j == k else values[j] for j in range(3)]) * dy).sum())

        assert worst(analytic[k], slopes(value, values[k])) < 1e-8, k


def test_dropout_keeps_the_mean_and_masks_the_gradient(rng):
    keep = rng.random((2000, 10)) >= 0.3
    y = R.dropout_forward(np.ones((2000, 10)), keep, 0.3)
    assert set(np.unique(y)) == {0.0, 1 / 0.7}
    assert abs(y.mean() - 1) < 5 * np.sqrt(0.3 / 0.7 / y.size)
    assert np.array_equal(R.dropout_backward(np.ones_like(y), keep, 0.3), y)
