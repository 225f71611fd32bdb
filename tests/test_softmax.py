"""Softmax and log-softmax: values, gradients, extreme logits, axes, layouts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from picaflor import functional as F
from picaflor import reference
from strategies import layouts

# Columns around the packet widths, the change from short to long rows, and the blocks of long ones.
COLUMNS = (1, 2, 3, 7, 8, 9, 10, 15, 16, 17, 31, 32, 33, 34, 47, 64, 100, 129, 1000, 4099)


def bound(x, dtype):
    """Relative error of exp(x - top) / sum: the difference is rounded to its own size."""
    spread = np.max(np.abs(x - x.max(-1, keepdims=True)), initial=0)
    return (float(spread) / 2 + 8) * float(np.finfo(dtype).eps)


@pytest.mark.parametrize("c", COLUMNS)
@pytest.mark.parametrize("n", [1, 2, 7, 8, 19])
def test_values_match_the_reference(n, c, dtype, rng):
    x = rng.normal(scale=5, size=(n, c)).astype(dtype)
    y, expected = F.softmax(x), reference.softmax(x)
    assert y.dtype == dtype
    assert np.all(np.abs(y - expected) <= bound(x, dtype) * expected)
    log_y, log_expected = F.log_softmax(x), reference.log_softmax(x)
    assert log_y.dtype == dtype
    eps = float(np.finfo(dtype).eps)
    assert np.all(np.abs(log_y - log_expected) <= 8 * eps * (1 + np.abs(log_expected)))


@pytest.mark.parametrize("c", COLUMNS)
def test_gradients_match_the_reference(c, dtype, rng):
    x, dy = (rng.normal(size=(9, c)).astype(dtype) for _ in range(2))
    eps = float(np.finfo(dtype).eps)
    y = F.softmax(x)
    expected = reference.softmax_backward(dy, y)
    scale = y * (np.abs(dy) + (np.abs(dy) * y).sum(-1, keepdims=True))
    assert np.all(np.abs(F.softmax_backward(dy, y) - expected) <= 16 * eps * scale)
    y = F.log_softmax(x)
    expected = reference.log_softmax_backward(dy, y)
    scale = np.abs(dy) + np.exp(y) * np.abs(dy).sum(-1, keepdims=True)
    assert np.all(np.abs(F.log_softmax_backward(dy, y) - expected) <= 16 * eps * scale)


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@pytest.mark.parametrize("c", [1, 3, 40])
def test_gradients_match_central_differences(name, c, rng):
    x, dy = rng.normal(size=(2, c)), rng.normal(size=(2, c))
    f = getattr(F, name)
    dx = getattr(F, name + "_backward")(dy, f(x))
    h = np.cbrt(np.finfo(np.float64).eps)
    for i, j in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[i, j] += h
        down[i, j] -= h
        numerical = np.sum(dy * (f(up) - f(down))) / (up[i, j] - down[i, j])
        assert abs(dx[i, j] - numerical) <= 1e-9


def test_by_hand(dtype):
    # exp(log 3) = 3 and exp(0) = 1: probabilities 3/4 and 1/4
    x = np.array([[np.log(3), 0.0]], dtype)
    np.testing.assert_allclose(F.softmax(x), [[0.75, 0.25]], rtol=4 * np.finfo(dtype).eps)
    # dx = y (dy - sum dy y) with dy = (1, 0): 3/4 (1 - 3/4) = 3/16 and 1/4 (0 - 3/4) = -3/16
    y = np.array([[0.75, 0.25]], dtype)
    dy = np.array([[1.0, 0.0]], dtype)
    np.testing.assert_array_equal(F.softmax_backward(dy, y), [[3 / 16, -3 / 16]])


@pytest.mark.parametrize("c", [2, 10, 50, 5000])
def test_large_logits_are_safe(c, dtype):
    x = np.full((3, c), -1e4, dtype)
    x[0, 0] = 1e4
    x[1] = 1e4
    expected = np.zeros((3, c))
    expected[0, 0] = 1
    expected[1:] = 1 / c
    np.testing.assert_allclose(F.softmax(x), expected, rtol=4 * np.finfo(dtype).eps)
    log_expected = np.full((3, c), -np.log(c))
    log_expected[0] = -2e4
    log_expected[0, 0] = 0
    np.testing.assert_allclose(F.log_softmax(x), log_expected, rtol=4 * np.finfo(dtype).eps)
    largest = np.finfo(dtype).max
    x[0] = -largest
    x[0, 1] = largest
    np.testing.assert_array_equal(F.softmax(x)[0], np.eye(c)[1])


@pytest.mark.parametrize("c", [1, 2, 10, 50, 5000, 300_001])
@pytest.mark.parametrize("f", [F.softmax, F.log_softmax], ids=["softmax", "log_softmax"])
def test_infinities_and_nan(f, c, dtype, rng):
    x = rng.normal(size=(4, c)).astype(dtype)
    x[0, c // 2] = np.nan
    x[1, c - 1] = np.inf
    x[2] = -np.inf
    y = f(x)
    assert np.all(np.isnan(y[:3]))
    assert np.all(np.isfinite(y[3]))
    if c > 1:
        x = rng.normal(size=(1, c)).astype(dtype)
        x[0, : c // 2] = -np.inf  # whole blocks of them, before anything finite
        y = f(x)[0]
        assert np.all(y[: c // 2] == (0 if f is F.softmax else -np.inf))
        probabilities = y if f is F.softmax else np.exp(y)
        assert probabilities.astype(np.float64).sum() == pytest.approx(1, rel=1e-5)


def test_a_long_row_sums_to_one(dtype, rng):
    x = rng.normal(size=(1, 3_000_000)).astype(dtype)
    y = F.softmax(x).astype(np.float64)
    assert y.sum() == pytest.approx(1, rel=64 * float(np.finfo(dtype).eps))
    assert np.all(np.abs(y - reference.softmax(x)) <= bound(x, dtype) * y)


@given(
    c=st.integers(1, 40),
    n=st.integers(1, 40),
    single=st.booleans(),
    log=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_a_row_does_not_depend_on_the_rows_beside_it(c, n, single, log, seed):
    x = np.random.default_rng(seed).normal(size=(n, c)).astype(np.float32 if single else np.float64)
    f = F.log_softmax if log else F.softmax
    assert f(x).tobytes() == b"".join(f(x[i : i + 1]).tobytes() for i in range(n))


@given(
    shape=st.lists(st.integers(1, 6), min_size=1, max_size=4),
    axis=st.integers(-4, 3),
    single=st.booleans(),
    log=st.booleans(),
    layout=layouts(),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_axis_and_layout(shape, axis, single, log, layout, seed):
    axis = axis % len(shape)
    rng = np.random.default_rng(seed)
    dtype = np.float32 if single else np.float64
    x, dy = (rng.normal(size=shape).astype(dtype) for _ in range(2))
    name = "log_softmax" if log else "softmax"
    rows = np.moveaxis(x, axis, -1).reshape(-1, shape[axis])
    expected = getattr(F, name)(rows)
    slopes = getattr(F, name + "_backward")(np.moveaxis(dy, axis, -1).reshape(rows.shape), expected)
    y = getattr(F, name)(layout(x), axis=axis)
    dx = getattr(F, name + "_backward")(layout(dy), layout(y), axis=axis - len(shape))
    assert y.shape == dx.shape == x.shape
    assert np.moveaxis(y, axis, -1).tobytes() == expected.tobytes()
    assert np.moveaxis(dx, axis, -1).tobytes() == slopes.tobytes()


def test_transposed_and_wide_arrays(dtype, rng):
    x = rng.normal(size=(70, 900)).astype(dtype)
    np.testing.assert_array_equal(F.softmax(x.T, axis=0), F.softmax(x).T)
    np.testing.assert_array_equal(F.softmax(x[:, ::3]), F.softmax(x[:, ::3].copy()))
    np.testing.assert_array_equal(F.softmax(x[::-1, :10]), F.softmax(x[::-1, :10].copy()))


def test_bits_do_not_depend_on_the_number_of_threads(dtype, rng):
    import picaflor as pf

    x = rng.normal(size=(3001, 40)).astype(dtype)
    before = pf.get_num_threads()
    try:
        results = []
        for threads in (1, 2, 3):
            pf.set_num_threads(threads)
            results.append(F.softmax(x).tobytes() + F.softmax(x, axis=0).tobytes())
    finally:
        pf.set_num_threads(before)
    assert results[0] == results[1] == results[2]


def test_integers_are_computed_in_float64():
    y = F.softmax(np.array([[1, 2], [3, 3]], np.int8))
    assert y.dtype == np.float64
    np.testing.assert_allclose(y, reference.softmax([[1, 2], [3, 3]]), rtol=1e-15)


def test_no_rows():
    assert F.softmax(np.zeros((0, 3), np.float32)).shape == (0, 3)
    assert F.log_softmax_backward(np.zeros((0, 3)), np.zeros((0, 3))).shape == (0, 3)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: F.softmax(np.zeros((2, 3)), axis=2), ValueError, r"axis must lie in \[-2, 2\)"),
        (
            lambda: F.softmax(np.zeros((2, 3)), axis=0.5),
            TypeError,
            "axis must be an int, got float",
        ),
        (lambda: F.softmax(1.0), ValueError, r"axis must lie in .* shape \(\), got -1"),
        (lambda: F.softmax(np.zeros((2, 0))), ValueError, r"at least one score along axis -1"),
        (lambda: F.log_softmax(["a"]), TypeError, "x must hold real numbers, got dtype <U1"),
        (
            lambda: F.softmax_backward(np.zeros((3, 2)), np.zeros((2, 3))),
            ValueError,
            r"dy must have shape \(2, 3\), got \(3, 2\)",
        ),
    ],
)
def test_errors_say_what_is_wrong(call, error, message):
    with pytest.raises(error, match=message):
        call()
