"""Batch and layer normalization kernels against picaflor.reference, by hand and by differences."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from picaflor import _core, reference
from strategies import sizes

DTYPES = st.sampled_from([np.float32, np.float64])


def problem(n, d, dtype, seed):
    rng = np.random.default_rng(seed)
    x = (3 * rng.normal(size=(n, d)) + rng.normal(size=d)).astype(dtype)
    gamma, beta = rng.normal(size=(2, d)).astype(dtype)
    return x, gamma, beta, rng.normal(size=(n, d)).astype(dtype)


def close(got, want, dtype, size=1.0):
    """A few roundings of terms as large as `size`, or of the result."""
    return np.all(np.abs(got - want) <= 16 * np.finfo(dtype).eps * (size + np.abs(want)))


def check(got, want, sizes, dtype):
    for name, g, w in zip(("dx", "dgamma", "dbeta"), got, want, strict=True):
        assert g.dtype == dtype
        assert close(g, w, dtype, sizes[name]), (name, np.abs(g - w).max())


def terms(h, scale, gamma, dy):
    """How large the terms are whose sums and differences make the gradients."""
    top = np.abs(h).max()
    return {
        "dx": (np.max(scale) * np.abs(gamma).max() * np.abs(dy).max()) * (1 + top),
        "dgamma": np.abs(dy * h).sum(axis=0).max(),
        "dbeta": np.abs(dy).max(),
    }


@given(n=st.integers(2, 300), d=sizes(70), dtype=DTYPES, seed=st.integers(0, 2**32 - 1))
def test_batch_normalization_matches_the_reference(n, d, dtype, seed):
    x, gamma, beta, dy = problem(n, d, dtype, seed)
    y, (mean, rest, scale) = _core.normalize(x, gamma, beta, 1e-3, by_rows=False)
    h, want_mean, want_variance = reference.batch_normalization_forward(x, np.ones(d), np.zeros(d))
    assert y.dtype == mean.dtype == rest.dtype == scale.dtype == dtype
    assert close(y, gamma * h + beta, dtype, np.abs(gamma * h).max() + 1)
    assert close(mean.astype(np.float64) + rest, want_mean, np.float64, 10)
    assert close(scale * np.sqrt(want_variance + 1e-3), 1.0, dtype)
    check(
        _core.normalize_backward(dy, x, gamma, (mean, rest, scale), by_rows=False),
        reference.batch_normalization_backward(dy, x, gamma),
        terms(h, scale, gamma, dy),
        dtype,
    )


@given(n=sizes(70), d=st.integers(2, 300), dtype=DTYPES, seed=st.integers(0, 2**32 - 1))
def test_layer_normalization_matches_the_reference(n, d, dtype, seed):
    x, gamma, beta, dy = problem(n, d, dtype, seed)
    y, moments = _core.normalize(x, gamma, beta, 1e-3, by_rows=True)
    h = reference.layer_normalization_forward(x, np.ones(d), np.zeros(d))
    assert y.dtype == dtype
    assert close(y, gamma * h + beta, dtype, np.abs(gamma * h).max() + 1)
    check(
        _core.normalize_backward(dy, x, gamma, moments, by_rows=True),
        reference.layer_normalization_backward(dy, x, gamma),
        terms(h, moments[2], gamma, dy),
        dtype,
    )


@given(n=sizes(70), d=sizes(70), dtype=DTYPES, seed=st.integers(0, 2**32 - 1))
def test_inference_matches_the_reference(n, d, dtype, seed):
    x, gamma, beta, dy = problem(n, d, dtype, seed)
    moving = np.full(d, 0.5, dtype), np.linspace(0.5, 4, d).astype(dtype)
    before = [m.copy() for m in moving]
    y, moments = _core.normalize(
        x, gamma, beta, 1e-3, by_rows=False, moving=moving, momentum=0.9, training=False
    )
    assert all(np.array_equal(a, b) for a, b in zip(moving, before, strict=True))
    h = reference.batch_normalization_inference(x, np.ones(d), np.zeros(d), *moving)
    assert close(y, gamma * h + beta, dtype, np.abs(gamma * h).max() + 1)
    check(
        _core.normalize_backward(dy, x, gamma, moments, by_rows=False, training=False),
        reference.batch_normalization_inference_backward(dy, x, gamma, *moving),
        terms(h, moments[2], gamma, dy),
        dtype,
    )


def test_batch_normalization_by_hand():
    # columns (1, 3) and (2, 2): means 2 and 2, variances 1 and 0, epsilon 0.21: scales 1/1.1
    x = np.array([[1.0, 2.0], [3.0, 2.0]])
    y, (mean, _, scale) = _core.normalize(x, [2.0, 5.0], [10.0, 7.0], 0.21, by_rows=False)
    assert mean.tolist() == [2.0, 2.0]
    assert scale == pytest.approx([1 / 1.1, 1 / np.sqrt(0.21)])
    assert y == pytest.approx(np.array([[10 - 2 / 1.1, 7.0], [10 + 2 / 1.1, 7.0]]))


def test_moving_moments_follow_the_batch():
    # momentum 0.75: mean 0.75 * 4 + 0.25 * 2 = 3.5,  variance 0.75 * 9 + 0.25 * 1 = 7 (biased: 1)
    moving = np.array([4.0]), np.array([9.0])
    _core.normalize(
        np.array([[1.0], [3.0]]), None, None, 1e-3, by_rows=False, moving=moving, momentum=0.75
    )
    assert [m[0] for m in moving] == [3.5, 7.0]


def test_gamma_and_beta_may_be_left_out(dtype, rng):
    x = rng.normal(size=(9, 21)).astype(dtype)
    gamma, beta = rng.normal(size=(2, 21)).astype(dtype)
    ones, zeros = np.ones(21, dtype), np.zeros(21, dtype)
    for by_rows in (False, True):
        for g, b in [(None, None), (gamma, None), (None, beta)]:
            got = _core.normalize(x, g, b, 1e-3, by_rows=by_rows)
            full = _core.normalize(
                x, ones if g is None else g, zeros if b is None else b, 1e-3, by_rows=by_rows
            )
            assert np.array_equal(got[0], full[0])
        got = _core.normalize_backward(x, x, None, full[1], by_rows=by_rows)
        full = _core.normalize_backward(x, x, ones, full[1], by_rows=by_rows)
        assert all(np.array_equal(*pair) for pair in zip(got, full, strict=True))


@pytest.mark.parametrize("by_rows", [False, True])
def test_gradient_agrees_with_central_differences(by_rows, rng):
    x, gamma, beta, dy = problem(5, 7, np.float64, 3)
    _, moments = _core.normalize(x, gamma, beta, 1e-2, by_rows=by_rows)
    dx, dgamma, dbeta = _core.normalize_backward(dy, x, gamma, moments, by_rows=by_rows)

    def loss(x, gamma, beta):
        return float((dy * _core.normalize(x, gamma, beta, 1e-2, by_rows=by_rows)[0]).sum())

    import picaflor as pf

    assert dx == pytest.approx(pf.numerical_gradient(lambda v: loss(v, gamma, beta), x), abs=1e-8)
    assert dgamma == pytest.approx(
        pf.numerical_gradient(lambda v: loss(x, v, beta), gamma), abs=1e-8
    )
    assert dbeta == pytest.approx(
        pf.numerical_gradient(lambda v: loss(x, gamma, v), beta), abs=1e-8
    )


@pytest.mark.parametrize("by_rows", [False, True])
def test_large_means_do_not_swallow_the_variance(by_rows):
    """E[x^2] - E[x]^2 in float32 would be zero or negative here."""
    rng = np.random.default_rng(5)
    x = (1e4 + rng.normal(size=(64, 64))).astype(np.float32)
    exact = x.astype(np.float64)
    axis = 1 if by_rows else 0
    want = 1 / np.sqrt(exact.var(axis=axis) + 1e-3)
    y, (_, _, scale) = _core.normalize(x, None, None, 1e-3, by_rows=by_rows)
    assert scale == pytest.approx(want, rel=1e-6)
    # x - mean loses nothing although the mean, rounded to float32, is off by up to 5e-4
    h = (exact - exact.mean(axis=axis, keepdims=True)) * np.expand_dims(want, axis)
    assert np.abs(y - h).max() < 2e-6


def test_constant_columns_and_no_epsilon_give_zeros_not_nan(dtype):
    x = np.full((4, 3), 0.1, dtype)
    for by_rows in (False, True):
        y, (_, _, scale) = _core.normalize(x, None, None, 0.0, by_rows=by_rows)
        assert np.array_equal(y, np.zeros((4, 3)))
        assert np.isfinite(scale).all()


@given(d=sizes(70), cut=st.integers(0, 70), dtype=DTYPES)
def test_any_split_gives_the_same_bits(d, cut, dtype):
    x, gamma, beta, _ = problem(33, d, dtype, d)
    cut = min(cut, d)
    whole = _core.normalize(x, gamma, beta, 1e-3, by_rows=False)
    parts = [
        _core.normalize(x[:, part], gamma[part], beta[part], 1e-3, by_rows=False)
        for part in (slice(0, cut), slice(cut, d))
    ]
    assert np.array_equal(whole[0], np.concatenate([p[0] for p in parts], axis=1))
    for k in range(3):
        assert np.array_equal(whole[1][k], np.concatenate([p[1][k] for p in parts]))
    x = x.T.copy()
    weights = np.linspace(1, 2, 33).astype(dtype)
    whole = _core.normalize(x, weights, weights, 1e-3, by_rows=True)
    parts = [
        _core.normalize(x[part], weights, weights, 1e-3, by_rows=True)
        for part in (slice(0, cut), slice(cut, d))
    ]
    assert np.array_equal(whole[0], np.concatenate([p[0] for p in parts]))


def test_nan_and_infinity_stay_in_their_column(dtype):
    x = np.ones((8, 5), dtype)
    x[:, 0] = np.arange(8)
    x[3, 2] = np.nan
    x[4, 4] = np.inf
    y, _ = _core.normalize(x, None, None, 1e-3, by_rows=False)
    assert np.isfinite(y[:, [0, 1, 3]]).all()
    assert np.isnan(y[:, 2]).all()
    assert np.isnan(y[4, 4])


def test_no_rows():
    y, _ = _core.normalize(np.zeros((0, 4)), None, None, 1e-3, by_rows=True)
    assert y.shape == (0, 4)
    moving = np.ones(4), np.ones(4)
    y, _ = _core.normalize(
        np.zeros((0, 4)), None, None, 1e-3, by_rows=False, moving=moving, momentum=0.5
    )
    assert y.shape == (0, 4)
    assert np.array_equal(moving[0], np.ones(4))
