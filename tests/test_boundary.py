"""What pf.functional accepts and refuses: dtypes, layouts, out=, and the messages."""

import re
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from picaflor import functional as F
from picaflor import reference
from strategies import layouts

REAL = "?bBhHiIlLqQefdg"


@pytest.mark.parametrize("code", list(REAL))
def test_dtypes_are_promoted_as_scipy_does(code):
    special = pytest.importorskip("scipy.special")
    x = np.array([0, 1, 2, 3]).astype(code)
    y = F.sigmoid(x)
    assert y.dtype == (np.float32 if code == "f" else np.float64)
    np.testing.assert_allclose(y, reference.sigmoid(x.astype(np.float64)), rtol=3e-7)
    if code != "g" and special.expit.types[0] == "d->d":  # SciPy below 1.15 preferred float32
        assert y.dtype == special.expit(x).dtype


@pytest.mark.parametrize("order", [">", "<"])
@pytest.mark.parametrize("code", ["f4", "f8", "i2", "u8"])
def test_byte_order_does_not_matter(order, code):
    x = np.arange(40).astype(order + code)
    y = F.tanh(x)
    assert y.dtype == (np.float32 if code == "f4" else np.float64)
    assert y.dtype.isnative
    np.testing.assert_array_equal(y, F.tanh(x.astype("=" + code)))


@pytest.mark.parametrize(
    ("x", "what"),
    [
        (np.zeros(3, complex), "dtype complex128"),
        (np.zeros(3, object), "dtype object"),
        (np.array(["a"]), "dtype <U1"),
        (np.zeros(3, "M8[s]"), r"dtype datetime64\[s\]"),
        (np.zeros(3, [("a", "f4")]), "dtype"),
        (None, "NoneType"),
        ("word", "str"),
    ],
)
def test_what_holds_no_real_numbers_is_refused_by_name(x, what):
    with pytest.raises(TypeError, match=f"x must hold real numbers, got {what}"):
        F.relu(x)
    with pytest.raises(TypeError, match=f"dy must hold real numbers, got {what}"):
        F.relu_backward(x, 1.0)


def test_ragged_lists_are_refused_by_name():
    with pytest.raises(ValueError, match=r"x must be an array: .*inhomogeneous"):
        F.relu([[1.0, 2.0], [3.0]])


def test_scalars_and_zero_dimensional_arrays_give_scalars():
    for x, kind in [(1.0, np.float64), (1, np.float64), (np.float32(1), np.float32)]:
        assert type(F.sigmoid(x)) is kind
        assert type(F.sigmoid_backward(x, x)) is kind
    assert type(F.sigmoid(np.array(1.0, np.float32))) is np.float32
    out = np.zeros(())
    assert F.relu(3.0, out=out) is out
    assert out[()] == 3.0


def test_empty_arrays(dtype):
    for shape in [(0,), (0, 3), (3, 0, 2)]:
        x = np.zeros(shape, dtype)
        assert F.gelu(x).shape == shape
        assert F.gelu_backward(x, x, out=np.zeros(shape, dtype)).shape == shape


class ArrayLike:
    """What pandas and PyTorch objects offer to NumPy."""

    def __array__(self, dtype=None, copy=None):
        return np.array([[1.0, -2.0]], dtype)


def test_sequences_and_objects_with_an_array_inside():
    np.testing.assert_array_equal(F.relu([[1, -2]]), [[1.0, 0.0]])
    np.testing.assert_array_equal(F.relu(ArrayLike()), [[1.0, 0.0]])
    matrix = np.ones((2, 2)).view(np.recarray)
    assert type(F.relu(matrix)) is np.ndarray


@given(
    shape=st.lists(st.integers(0, 7), min_size=1, max_size=4),
    layout=layouts(),
    other=layouts(),
    single=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_layouts_do_not_change_the_values(shape, layout, other, single, seed):
    rng = np.random.default_rng(seed)
    dtype = np.float32 if single else np.float64
    x, dy = (np.array(rng.normal(size=shape), dtype) for _ in range(2))
    expected, slope = np.asarray(F.silu(x)), np.asarray(F.silu_backward(dy, x))
    a, b = layout(x), other(dy)
    before = a.tobytes()
    assert np.asarray(F.silu(a)).tobytes() == expected.tobytes()
    assert np.asarray(F.silu_backward(b, a)).tobytes() == slope.tobytes()
    assert a.tobytes() == before
    out = other(x) if other(x).flags.writeable and other(x).flags.aligned else np.empty_like(x)
    assert F.silu(a, out=out) is out
    assert out.tobytes() == expected.tobytes()


def test_dense_layouts_are_kept():
    x = np.ones((3, 4, 5), np.float32)
    assert F.relu(np.asfortranarray(x)).flags.f_contiguous
    assert F.relu(x.transpose(1, 0, 2)).strides == x.transpose(1, 0, 2).strides
    assert F.relu(x[:, ::2]).flags.c_contiguous


def test_broadcast_inputs_are_read_as_they_are():
    x = np.broadcast_to(np.arange(3.0), (4, 3))
    np.testing.assert_array_equal(F.relu_backward(np.ones((4, 3)), x), [[0, 1, 1]] * 4)


def test_large_strided_arrays_walk_in_pieces(rng):
    x = rng.normal(size=(301, 700, 2)).astype(np.float32)
    expected = F.tanh(x)
    for view in (np.s_[::3, ::2, 0], np.s_[:, 5:-5, ::-1], np.s_[::-1, :, :]):
        np.testing.assert_array_equal(F.tanh(x[view]), expected[view])
        out = np.zeros_like(x)
        F.tanh(x[view], out=out[view])
        np.testing.assert_array_equal(out[view], expected[view])
        assert np.count_nonzero(out) == np.count_nonzero(expected[view])


def test_out_may_be_the_input(dtype, rng):
    x, dy = (rng.normal(size=(5, 33)).astype(dtype) for _ in range(2))
    expected, slope = F.sigmoid(x), F.sigmoid_backward(dy, x)
    for i in (0, 1):
        a, b = x.copy(), dy.copy()
        out = (b, a)[i]
        assert F.sigmoid_backward(b, a, out=out) is out
        np.testing.assert_array_equal(out, slope)
    assert F.sigmoid(x, out=x) is x
    np.testing.assert_array_equal(x, expected)


@pytest.mark.parametrize("shift", [1, 7, 16, 999])
@pytest.mark.parametrize("to_the_right", [True, False])
def test_out_may_overlap_the_input_in_part(shift, to_the_right, dtype, rng):
    memory = rng.normal(size=5000).astype(dtype)
    low, high = memory[:-shift], memory[shift:]
    x, out = (low, high) if to_the_right else (high, low)
    expected = F.tanh(x.copy())
    assert F.tanh(x, out=out) is out
    np.testing.assert_array_equal(out, expected)


def test_out_may_be_the_input_transposed_or_reversed(rng):
    x = rng.normal(size=(40, 40))
    expected = F.tanh(x)
    turned = x.copy()
    F.tanh(turned, out=turned.T)
    np.testing.assert_array_equal(turned.T, expected)
    reversed_ = x.copy()
    F.tanh(reversed_, out=reversed_[::-1])
    np.testing.assert_array_equal(reversed_[::-1], expected)


def read_only(shape):
    out = np.zeros(shape)
    out.flags.writeable = False
    return out


def misaligned(n):
    return np.zeros(8 * n + 1, np.uint8)[1:].view(np.float64)


@pytest.mark.parametrize(
    ("out", "error", "message"),
    [
        (
            np.zeros(3, np.float32),
            TypeError,
            "out must have dtype float64 (aligned, native), got float32",
        ),
        (
            np.zeros(3, np.int64),
            TypeError,
            "out must have dtype float64 (aligned, native), got int64",
        ),
        (np.zeros(3, ">f8"), TypeError, "got misaligned or byte-swapped >f8"),
        (misaligned(3), TypeError, "got misaligned or byte-swapped float64"),
        (np.zeros(4), ValueError, "out must have shape (3,), got (4,)"),
        (np.zeros((3, 1)), ValueError, "out must have shape (3,), got (3, 1)"),
        (read_only(3), ValueError, "out must be writeable, got a read-only array"),
        ([0.0] * 3, TypeError, "out must be an ndarray, got list"),
    ],
)
def test_out_that_does_not_fit_is_refused(out, error, message):
    with pytest.raises(error, match=re.escape(message)):
        F.sigmoid(np.ones(3), out=out)
    with pytest.raises(error, match=re.escape(message)):
        F.sigmoid_backward(np.ones(3), np.ones(3), out=out)


def test_shapes_must_agree():
    with pytest.raises(ValueError, match=re.escape("dy must have shape (2, 3), got (3, 2)")):
        F.relu_backward(np.zeros((3, 2)), np.zeros((2, 3)))


def test_several_python_threads_at_once(rng):
    x = rng.normal(size=200_000).astype(np.float32)
    expected = F.gelu(x).tobytes()
    results = []
    threads = [
        threading.Thread(target=lambda: results.append(F.gelu(x).tobytes())) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [expected] * 4
