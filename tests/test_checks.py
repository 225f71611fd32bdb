"""The checks that everything shares, and the small helpers of picaflor.utils."""

import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import picaflor as pf
from picaflor import _checks


@pytest.mark.parametrize(
    ("name", "known", "expected"),
    [
        ("sigmiod", ["relu", "sigmoid"], "sigmoid"),
        ("ReLU", ["relu", "selu"], "relu"),
        ("leakyrelu", ["relu", "leaky_relu"], "leaky_relu"),
        ("xyz", ["relu", "sigmoid"], None),
        ("adma", ["adamax", "adamw", "adam", "nadam"], "adam"),
        ("adamx", ["adam", "adamw", "adamax"], "adam"),  # of two as near, the shorter
        ("mean_sqared_error", ["mean_squared_error", "mean_absolute_error"], "mean_squared_error"),
        ("relu", [], None),
        (7, ["adam"], None),
    ],
)
def test_nearest(name: Any, known: list[str], expected: str | None) -> None:
    assert _checks.nearest(name, known) == expected


@pytest.mark.parametrize("value", [3, np.int8(3), np.uint64(3)])
def test_integer_takes_integers(value: Any) -> None:
    result = _checks.integer(value, "n", minimum=3)
    assert type(result) is int
    assert result == 3


@pytest.mark.parametrize("value", [True, np.True_, 3.0, "3", None, np.ones(2, int)])
def test_integer_refuses_the_rest(value: Any) -> None:
    with pytest.raises(TypeError, match="n must be an integer, got"):
        _checks.integer(value, "n")


@pytest.mark.parametrize("value", ["1", None, [1.0], np.ones(3)])
def test_number_refuses_what_is_none(value: Any) -> None:
    with pytest.raises(TypeError, match="rate must be a number, got"):
        _checks.number(value, "rate")


@pytest.mark.parametrize("value", [-0.1, 1.0, np.nan, np.inf])
def test_number_outside_its_bounds(value: float) -> None:
    with pytest.raises(ValueError, match="rate must be at least 0 and below 1, got"):
        _checks.number(value, "rate", minimum=0, below=1)


def test_real_arrays_are_not_copied() -> None:
    for dtype in ("f4", "f8", "u1", "i8", "?"):
        array = np.zeros((3, 2), dtype)
        assert _checks.as_real_array(array, "x") is array


def test_real_arrays_from_elsewhere() -> None:
    assert _checks.as_real_array([[1, 2]], "x").dtype.kind == "i"
    assert _checks.as_real_array(np.ones(2, "f2"), "x").dtype == np.float32
    assert _checks.as_real_array(np.ones(2, np.longdouble), "x").dtype == np.float64
    objects = np.array([1, 2.5, True, None], dtype=object)
    np.testing.assert_array_equal(_checks.as_real_array(objects, "x"), [1, 2.5, 1, np.nan])


def test_sparse_matrices_are_named() -> None:
    sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(TypeError, match=r"got a sparse csr_matrix; convert it with \.toarray"):
        _checks.as_real_array(sparse.csr_matrix(np.eye(2)), "x")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (["a"], "got strings"),
        (np.array(["a"], object), "got strings such as 'a'"),
        (np.array([{}]), "got objects such as dict"),
        (np.ones(2, complex), "got complex numbers"),
        (np.array(["2020-01-01"], "M8[D]"), r"got dtype datetime64"),
    ],
)
def test_what_is_no_number_is_named(value: Any, message: str) -> None:
    with pytest.raises(TypeError, match=f"y must hold numbers, {message}"):
        _checks.as_real_array(value, "y")


# ---------------------------------------------------------------------------------- picaflor.utils


@given(st.lists(st.integers(0, 9), max_size=20), st.integers(10, 12))
def test_to_categorical_is_undone_by_argmax(ids: list[int], classes: int) -> None:
    rows = pf.utils.to_categorical(np.array(ids, int), classes)
    assert rows.shape == (len(ids), classes)
    assert rows.dtype == np.float32
    np.testing.assert_array_equal(rows.sum(1), 1)
    if ids:
        np.testing.assert_array_equal(rows.argmax(1), ids)


def test_to_categorical_shapes() -> None:
    assert pf.utils.to_categorical([[0], [1]]).shape == (2, 2)
    assert pf.utils.to_categorical([[0, 1], [2, 1]]).shape == (2, 2, 3)
    assert pf.utils.to_categorical(1).shape == (2,)


@pytest.mark.parametrize(
    ("ids", "classes", "message"),
    [
        ([0, 3], 3, r"class ids in \[0, 3\), got 3"),
        ([-1, 1], None, r"class ids in \[0, 2\), got -1"),
        ([0.5], None, "not whole"),
        ([0], 0, "num_classes must be at least 1"),
    ],
)
def test_to_categorical_refuses(ids: list[float], classes: int | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        pf.utils.to_categorical(ids, classes)


def test_set_random_seed_seeds_both_generators() -> None:
    state, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        draws = []
        for _ in range(2):
            pf.utils.set_random_seed(3)
            draws.append((random.random(), np.random.rand()))  # noqa: NPY002
        assert draws[0] == draws[1]
        with pytest.raises(ValueError, match="below 2"):
            pf.utils.set_random_seed(2**32)
        with pytest.raises(TypeError, match="seed must be an integer"):
            pf.utils.set_random_seed(None)  # type: ignore[arg-type]
    finally:
        random.setstate(state)
        np.random.set_state(numpy_state)  # noqa: NPY002
