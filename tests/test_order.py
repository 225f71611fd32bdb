"""Epochs go through their rows in the order that NumPy's own shuffling would give."""

import datetime

import numpy as np
import pytest

from picaflor import _core
from picaflor.models.order import shuffled_rows

SOURCES = {
    "default_rng": np.random.default_rng,
    "MT19937": lambda seed: np.random.Generator(np.random.MT19937(seed)),
    "Philox": lambda seed: np.random.Generator(np.random.Philox(seed)),
    "SFC64": lambda seed: np.random.Generator(np.random.SFC64(seed)),
    "RandomState": np.random.RandomState,
}


@pytest.mark.parametrize("make", SOURCES.values(), ids=SOURCES)
@pytest.mark.parametrize("n", [0, 1, 2, 3, 4, 5, 7, 8, 9, 31, 32, 33, 1000, 1024, 1025, 70_000])
def test_the_order_is_numpys_and_leaves_its_generator_as_numpy_would(make, n):
    ours, numpys = make(11), make(11)
    for _ in range(3):  # the second begins within a word of random bits
        expected = np.arange(n)
        numpys.shuffle(expected)
        order = shuffled_rows(n, ours)
        assert order.dtype == np.int64
        np.testing.assert_array_equal(order, expected)
    np.testing.assert_array_equal(ours.random(3), numpys.random(3))


def test_it_is_the_permutation_that_the_documentation_names():
    expected = np.random.default_rng(5).permutation(1797)
    np.testing.assert_array_equal(shuffled_rows(1797, np.random.default_rng(5)), expected)


def test_a_generator_that_shuffles_otherwise_is_asked_to():
    class Backwards(np.random.RandomState):
        def shuffle(self, x):
            x[:] = x[::-1].copy()

    assert shuffled_rows(4, Backwards(0)).tolist() == [3, 2, 1, 0]


def test_wrong_arguments_are_refused():
    bits = np.random.default_rng(0).bit_generator
    with pytest.raises(ValueError, match=r"n must be in \[0, 4294967295\], got -1"):
        _core.shuffled_rows(-1, bits.capsule)
    with pytest.raises(ValueError, match="got 4294967296"):
        _core.shuffled_rows(2**32, bits.capsule)
    with pytest.raises(TypeError, match="capsule of a NumPy bit generator"):
        _core.shuffled_rows(3, datetime.datetime_CAPI)
    with pytest.raises(TypeError):
        _core.shuffled_rows(3, bits)
