"""dense_forward, dense_backward and the gather of rows."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

import strategies
from picaflor import _core, reference
from picaflor import functional as F

Array = npt.NDArray[Any]
Layout = Callable[[Array], Array]


def sum_bound(a: Array, b: Array, dtype: npt.DTypeLike, start: Any = 0.0) -> Array:
    """Largest error that any order of summation may make in start + a @ b.

    gamma_k = k u / (1 - k u) for k products and a start (Higham, Accuracy and Stability of
    Numerical Algorithms, 2nd ed., eq. 3.4), twice, because the reference rounds too.
    """
    k, u = a.shape[1] + 1, np.finfo(dtype).eps / 2
    magnitude = np.abs(a.astype(np.float64)) @ np.abs(b.astype(np.float64)) + np.abs(start)
    return 2 * k * u / (1 - k * u) * magnitude + np.finfo(dtype).tiny


def assert_within(actual: Array, expected: Array, bound: Array) -> None:
    error = np.abs(actual - expected)
    if not np.all(error <= bound):  # written so that a NaN fails
        worst = np.unravel_index(np.argmax(error - bound), error.shape)
        raise AssertionError(f"{worst}: {actual[worst]} is not {expected[worst]} +- {bound[worst]}")


def assert_gradients(dx: Array, dw: Array, db: Array, dy: Array, x: Array, w: Array) -> None:
    expected, dtype = reference.dense_backward(dy, x, w), dy.dtype
    assert_within(dx, expected[0], sum_bound(dy, w.T, dtype))
    assert_within(dw, expected[1], sum_bound(x.T, dy, dtype))
    assert_within(db, expected[2], sum_bound(np.ones((1, len(dy))), dy, dtype)[0])


def draw(rng: np.random.Generator, dtype: npt.DTypeLike, *shapes: tuple[int, ...]) -> list[Array]:
    return [rng.normal(size=shape).astype(dtype) for shape in shapes]


# ------------------------------------------------------------------------------------------ values


@given(
    n=strategies.sizes(70),
    d=strategies.sizes(),
    m=strategies.sizes(70),
    layout=st.tuples(*[strategies.layouts()] * 3),
    single=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_forward_and_backward_match_the_reference(
    n: int, d: int, m: int, layout: tuple[Layout, ...], single: bool, seed: int
) -> None:
    dtype = np.float32 if single else np.float64
    x, w, b, dy = draw(np.random.default_rng(seed), dtype, (n, d), (d, m), (m,), (n, m))
    y = F.dense_forward(layout[0](x), layout[1](w), layout[2](b))
    assert y.dtype == dtype
    assert_within(y, reference.dense_forward(x, w, b), sum_bound(x, w, dtype, b.astype(np.float64)))

    dx, dw, db = F.dense_backward(layout[0](dy), layout[1](x), layout[2](w))
    assert dx.dtype == dw.dtype == db.dtype == dtype
    assert_gradients(dx, dw, db, dy, x, w)


@pytest.mark.parametrize(
    ("n", "d", "m"),
    [
        (1, 1, 1),
        (1, 5000, 3),  # deeper than a block of k
        (5, 1025, 97),
        (1025, 33, 255),
        (700, 400, 130),  # several blocks of rows, panels copied in passing
        (130, 512, 512),  # power-of-two strides: rows packed
        (3000, 20, 1),  # less than a vector of columns
        (2, 7, 10007),
        (37, 1500, 1029),  # weights beyond a cache: copied for some rows, the next panel asked for
    ],
)
def test_large_and_odd_shapes_match_the_reference(
    n: int, d: int, m: int, dtype: type[np.floating], rng: np.random.Generator
) -> None:
    x, w, dy = draw(rng, dtype, (n, d), (d, m), (n, m))
    assert_within(F.dense_forward(x, w), reference.dense_forward(x, w), sum_bound(x, w, dtype))
    assert_gradients(*F.dense_backward(dy, x, w), dy, x, w)


@pytest.mark.parametrize("layout", strategies.LAYOUTS.values(), ids=strategies.LAYOUTS)
@pytest.mark.parametrize("m", [1, 2, 3, 4])
def test_few_columns_of_any_layout_match_the_reference(
    m: int, layout: Layout, dtype: type[np.floating], rng: np.random.Generator
) -> None:
    x, w, b, dy = draw(rng, dtype, (21, 67), (67, m), (m,), (21, m))
    for several in (layout(x), x):
        y = F.dense_forward(several, layout(w), b)
        assert_within(y, reference.dense_forward(x, w, b), sum_bound(x, w, dtype, b))
        assert_gradients(*F.dense_backward(layout(dy), several, layout(w)), dy, x, w)


def test_small_case_by_hand() -> None:
    # x = (1, 2), W = [[3, 4], [5, 6]], b = (1, -20):  y = (3 + 10 + 1, 4 + 12 - 20) = (14, -4).
    x, w, b = np.array([[1.0, 2.0]]), np.array([[3.0, 4.0], [5.0, 6.0]]), np.array([1.0, -20.0])
    np.testing.assert_array_equal(F.dense_forward(x, w, b), [[14.0, -4.0]])
    np.testing.assert_array_equal(F.dense_forward(x, w, b, "relu"), [[14.0, 0.0]])
    # dy = (1, -1):  dx = (3 - 4, 5 - 6),  dW = [[1, -1], [2, -2]],  db = dy.
    dx, dw, db = F.dense_backward(np.array([[1.0, -1.0]]), x, w)
    np.testing.assert_array_equal(dx, [[-1.0, -1.0]])
    np.testing.assert_array_equal(dw, [[1.0, -1.0], [2.0, -2.0]])
    np.testing.assert_array_equal(db, [1.0, -1.0])


def test_activations_are_applied_to_the_sums(
    dtype: type[np.floating], rng: np.random.Generator
) -> None:
    x, w, b = draw(rng, dtype, (9, 20), (20, 13), (13,))
    sums = F.dense_forward(x, w, b)
    for name in ["relu", "tanh", "sigmoid", "leaky_relu", "elu", "gelu", "softmax", "log_softmax"]:
        expected = getattr(F, name)(sums)
        if name == "leaky_relu":
            expected = F.leaky_relu(sums, 0.2)  # Keras's slope for the string
        np.testing.assert_array_equal(F.dense_forward(x, w, b, name), expected, err_msg=name)


@pytest.mark.parametrize(("n", "d", "m"), [(0, 3, 4), (3, 0, 4), (3, 4, 0), (0, 0, 0)])
def test_empty_sizes(n: int, d: int, m: int, dtype: type[np.floating]) -> None:
    x, w, b = np.ones((n, d), dtype), np.ones((d, m), dtype), np.full(m, 2, dtype)
    np.testing.assert_array_equal(F.dense_forward(x, w, b), np.full((n, m), d + 2, dtype))
    dx, dw, db = F.dense_backward(np.ones((n, m), dtype), x, w)
    np.testing.assert_array_equal(dx, np.full((n, d), m, dtype))
    np.testing.assert_array_equal(dw, np.full((d, m), n, dtype))
    np.testing.assert_array_equal(db, np.full(m, n, dtype))


def test_nan_and_infinity_reach_their_row_and_no_other(dtype: type[np.floating]) -> None:
    x, w = np.ones((7, 40), dtype), np.ones((40, 21), dtype)
    x[3, 17], x[5, 0] = np.nan, np.inf
    for activation in (None, "relu"):
        y = F.dense_forward(x, w, None, activation)
        assert np.isnan(y[3]).all()
        assert np.isposinf(y[5]).all()
        assert (np.delete(y, [3, 5], axis=0) == 40).all()


def test_integers_and_mixed_dtypes_are_computed_in_float64() -> None:
    x, w = np.arange(6).reshape(2, 3), np.eye(3, dtype=np.float32)
    y = F.dense_forward(x, w)
    assert y.dtype == np.float64
    np.testing.assert_array_equal(y, x)
    assert F.dense_forward(w, w, np.zeros(3)).dtype == np.float64
    assert all(g.dtype == np.float64 for g in F.dense_backward(w, w.astype(np.float64), w))


# -------------------------------------------------------------------------------------------- bits


def test_a_row_of_a_product_equals_the_product_of_the_row(
    dtype: type[np.floating], rng: np.random.Generator
) -> None:
    for d, m in [(20, 64), (784, 33), (500, 10), (900, 3), (300, 200)]:
        x, w, b = draw(rng, dtype, (61, d), (d, m), (m,))
        whole = F.dense_forward(x, w, b)
        for i in (0, 7, 60):
            np.testing.assert_array_equal(F.dense_forward(x[i : i + 1], w, b)[0], whole[i])
        for n in (2, 3, 4, 5, 13, 25, 50):
            np.testing.assert_array_equal(F.dense_forward(x[:n], w, b), whole[:n])
        # narrow ones: other kernels; up to four columns would be dot products, in another order
        for j in (7, 8, 15, 16, 17, 24, 31, 32, 100, 136, 137, m):
            np.testing.assert_array_equal(F.dense_forward(x, w[:, :j], b[:j]), whole[:, :j])


def test_bits_of_many_rows_do_not_depend_on_the_layout(
    dtype: type[np.floating], rng: np.random.Generator
) -> None:
    x, w, dy = draw(rng, dtype, (50, 130), (130, 70), (50, 70))
    y, gradients = F.dense_forward(x, w), F.dense_backward(dy, x, w)
    for name, layout in strategies.LAYOUTS.items():
        np.testing.assert_array_equal(F.dense_forward(layout(x), layout(w)), y, err_msg=name)
        others = F.dense_backward(layout(dy), layout(x), layout(w))
        for actual, expected in zip(others, gradients, strict=True):
            np.testing.assert_array_equal(actual, expected, err_msg=name)


def test_bits_do_not_depend_on_the_number_of_threads(
    dtype: type[np.floating], rng: np.random.Generator
) -> None:
    before = _core.get_num_threads()
    try:
        shapes = [(64, 400, 300), (1000, 300, 10), (40, 500, 65), (300, 784, 1), (300, 784, 3)]
        shapes += [(1, 1500, 900), (2, 1500, 900), (4, 900, 700), (8, 500, 700)]
        for n, d, m in shapes:
            x, w, b, dy = draw(rng, dtype, (n, d), (d, m), (m,), (n, m))
            results = []
            for threads in (1, 2, 3, 5):
                _core.set_num_threads(threads)
                results.append((F.dense_forward(x, w, b, "relu"), *F.dense_backward(dy, x, w)))
            for result in results[1:]:
                for actual, expected in zip(result, results[0], strict=True):
                    np.testing.assert_array_equal(actual, expected)
    finally:
        _core.set_num_threads(before)


# --------------------------------------------------------------------------------------------- out


def test_out_is_filled_and_returned(dtype: type[np.floating], rng: np.random.Generator) -> None:
    x, w, b = draw(rng, dtype, (9, 20), (20, 13), (13,))
    expected = F.dense_forward(x, w, b, "tanh")
    out = np.full((9, 13), np.nan, dtype)
    assert F.dense_forward(x, w, b, "tanh", out=out) is out
    np.testing.assert_array_equal(out, expected)
    wide = np.full((9, 20), 7, dtype)  # rows at a distance: what lies between them stays
    F.dense_forward(x, w, b, "tanh", out=wide[:, 3:16])
    np.testing.assert_array_equal(wide[:, 3:16], expected)
    assert (wide[:, :3] == 7).all()
    assert (wide[:, 16:] == 7).all()


def test_out_may_be_an_input(dtype: type[np.floating], rng: np.random.Generator) -> None:
    x, w, b = draw(rng, dtype, (20, 20), (20, 20), (20,))
    expected = F.dense_forward(x, w, b)
    for argument in range(3):
        arrays = [x.copy(), w.copy(), b.copy()]
        out = arrays[argument] if argument < 2 else np.tile(b, (20, 1))
        if argument == 2:
            arrays[2] = out[0]
        assert F.dense_forward(*arrays, out=out) is out
        np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize(
    ("out", "error", "message"),
    [
        (np.zeros((2, 5), np.float32), ValueError, r"out must have shape \(2, 4\), got \(2, 5\)"),
        (np.zeros((2, 4)), TypeError, "out must have dtype float32"),
        (strategies.read_only(np.zeros((2, 4), np.float32)), ValueError, "out must be writeable"),
        (np.zeros((2, 4), np.float32, order="F"), ValueError, "out must have contiguous rows"),
        ([[0.0] * 4] * 2, TypeError, "out must be an ndarray, got list"),
    ],
)
def test_bad_out_is_refused(out: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        F.dense_forward(np.ones((2, 3), np.float32), np.ones((3, 4), np.float32), out=out)


# ------------------------------------------------------------------------------------------ errors


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((np.ones(3), np.ones((3, 4))), ValueError, r"x must have shape .*, got \(3,\)"),
        ((np.ones((2, 3)), np.ones((4, 3))), ValueError, r"weight must have shape \(3, .*\(4, 3\)"),
        ((np.ones((2, 3)), np.ones((3, 4)), np.ones(3)), ValueError, r"bias .*\(4,\), got \(3,\)"),
        ((np.ones((2, 3)), np.ones((3, 4)), np.ones((1, 4))), ValueError, "bias must have shape"),
        ((np.ones((2, 3), complex), np.ones((3, 4))), TypeError, "x must hold real numbers"),
        ((np.ones((2, 3)), [["a"]]), TypeError, "weight must hold real numbers"),
        ((np.ones((2, 3)), np.ones((3, 4)), None, "rleu"), ValueError, "relu"),
    ],
)
def test_bad_arguments_of_forward_are_named(
    arguments: tuple[Any, ...], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        F.dense_forward(*arguments)


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        (((2, 4), (3, 5), (5, 4)), r"x must have shape \(2, 5\), got \(3, 5\)"),
        (((2, 4), (2, 5), (4, 5)), r"weight must have shape \(5, 4\), got \(4, 5\)"),
        (((2,), (2, 5), (5, 4)), "dy must have shape"),
    ],
)
def test_bad_shapes_of_backward_are_named(shapes: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        F.dense_backward(*(np.ones(shape) for shape in shapes))


def test_inputs_are_not_written(dtype: type[np.floating], rng: np.random.Generator) -> None:
    arrays = [
        strategies.read_only(a) for a in draw(rng, dtype, (20, 30), (30, 40), (40,), (20, 40))
    ]
    before = [a.copy() for a in arrays]
    F.dense_forward(*arrays[:3], "relu")
    F.dense_backward(arrays[3], arrays[0], arrays[1])
    for now, then in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(now, then)


# ------------------------------------------------------------------------------------------ gather

TYPES = ["?", "u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8"]


@pytest.mark.parametrize("type_", TYPES)
@pytest.mark.parametrize("name", ["as_is", "fortran", "strided", "backwards", "read_only"])
def test_gather_rows_converts_any_type_and_layout(
    type_: str, name: str, dtype: type[np.floating], rng: np.random.Generator
) -> None:
    x = (rng.normal(size=(40, 37)) * 1000).astype(np.int64).astype(type_)
    rows = rng.permutation(40)
    view = strategies.LAYOUTS[name](x)
    out = np.full((25, 48), np.nan, dtype)
    _core.gather_rows(view, rows, 0, 15, out)
    np.testing.assert_array_equal(out[:, :37], x[rows[:25]].astype(dtype))
    assert (out[:, 37:] == 0).all()
    _core.gather_rows(view, None, 4, 0, out)
    np.testing.assert_array_equal(out[:, :37], x[4:29].astype(dtype))


def test_gather_rows_rounds_as_numpy_does(rng: np.random.Generator) -> None:
    for x in (rng.normal(size=(3, 50)), rng.integers(-(2**63), 2**63 - 1, size=(3, 50))):
        out = np.zeros((3, 64), np.float32)
        _core.gather_rows(x, None, 0, 0, out)
        np.testing.assert_array_equal(out[:, :50], x.astype(np.float32))


def test_empty_out_is_taken_whatever_its_strides() -> None:
    out = np.empty((0, 3))  # NumPy gives it strides of zero
    x, weight = np.zeros((0, 4)), np.zeros((4, 3))
    assert F.dense_forward(x, weight, out=out) is out
