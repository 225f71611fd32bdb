"""Dropout and noise kernels: the generator's published numbers, statistics, and any split."""

import hashlib
import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from picaflor import _core


def philox(counter, key):
    """Philox4x32-10 on Python's integers, after Salmon et al. (2011), section 3.3."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        high0, low0 = divmod(0xD2511F53 * c0, 2**32)
        high1, low1 = divmod(0xCD9E8D57 * c2, 2**32)
        c0, c1, c2, c3 = high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0
        k0, k1 = (k0 + 0x9E3779B9) % 2**32, (k1 + 0xBB67AE85) % 2**32
    return c0, c1, c2, c3


def number(seed, stream, i):
    """Number i of a stream: word w of block b, where i = 64 (b // 16) + 16 w + b % 16."""
    group, place = divmod(i, 64)
    w, lane = divmod(place, 16)
    block = (16 * group + lane) % 2**64
    counter = (block % 2**32, block >> 32, stream % 2**32, stream >> 32)
    return philox(counter, (seed % 2**32, seed >> 32))[w]


def test_the_generator_of_this_test_gives_the_published_numbers():
    # the known-answer tests of the authors' Random123
    assert philox((0, 0, 0, 0), (0, 0)) == (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)
    ones = 2**32 - 1
    assert philox((ones,) * 4, (ones,) * 2) == (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)


@pytest.mark.parametrize("first", [0, 5, 64 * 2**28, 2**40 - 7])
@pytest.mark.parametrize("rate", [0.5, 0.1, 0.9])
def test_dropout_follows_the_generator(rate, first, dtype, rng):
    seed, stream, n = 0x0123456789ABCDEF, 0xFEDCBA9876543210, 131
    x = rng.normal(size=n).astype(dtype)
    y = _core.dropout(x, rate, seed, stream, first)
    limit = round(rate * 2**32)
    keep = np.array([number(seed, stream, first + i) >= limit for i in range(n)])
    assert y.dtype == dtype
    assert np.array_equal(y, np.where(keep, x * dtype(1 / (1 - rate)), 0))


@given(
    n=st.integers(0, 200),
    cuts=st.lists(st.integers(0, 200), max_size=3),
    first=st.integers(0, 1000),
    kernel=st.sampled_from([_core.dropout, _core.gaussian_noise]),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_parts_draw_what_the_whole_draws(n, cuts, first, kernel, dtype):
    x = np.random.default_rng(n).normal(size=n).astype(dtype)
    whole = kernel(x, 0.5, 7, 3, first)
    edges = [0, *sorted(min(c, n) for c in cuts), n]
    parts = [kernel(x[a:b], 0.5, 7, 3, first + a) for a, b in itertools.pairwise(edges)]
    assert np.array_equal(whole, np.concatenate(parts))


def test_both_dtypes_draw_the_same(rng):
    x = np.ones(1000)
    single, double = _core.dropout(x.astype(np.float32), 0.3, 1), _core.dropout(x, 0.3, 1)
    assert np.array_equal(single == 0, double == 0)
    z = _core.gaussian_noise(np.zeros(1000), 1.0, 1)
    assert np.array_equal(z, _core.gaussian_noise(np.zeros(1000, np.float32), 1.0, 1))


def test_the_backward_has_the_forwards_mask():
    x, dy = np.linspace(1, 2, 300), np.linspace(-3, -2, 300)
    y, dx = _core.dropout(x, 0.4, 5, 6), _core.dropout(dy, 0.4, 5, 6)
    assert np.array_equal(y == 0, dx == 0)
    assert 0 < (y == 0).sum() < 300


def test_dropped_elements_are_zero_whatever_they_were():
    x = np.array([np.nan, np.inf, -np.inf, -1.0] * 100)
    y = _core.dropout(x, 0.5, 11)
    keep = _core.dropout(np.ones(400), 0.5, 11) != 0
    assert np.array_equal(y[~keep], np.zeros((~keep).sum()))
    assert not np.signbit(y[~keep]).any()
    assert np.array_equal(y[keep], 2 * x[keep], equal_nan=True)


def test_rates_zero_and_one():
    x = np.arange(1.0, 100.0)
    assert np.array_equal(_core.dropout(x, 0.0, 1), x)
    assert np.array_equal(_core.dropout(x, 1.0, 1), np.zeros(99))


@pytest.mark.parametrize("rate", [2.0**-20, 0.01, 0.25, 0.5, 0.999])
def test_share_of_zeros_is_the_rate(rate):
    n = 2_000_000
    dropped = int((_core.dropout(np.ones(n, np.float32), rate, 17, 4) == 0).sum())
    # five standard deviations of a binomial count: one false alarm in two million
    assert abs(dropped - n * rate) <= 5 * math.sqrt(n * rate * (1 - rate)) + 1


def test_masks_of_neighbouring_streams_seeds_and_places_are_independent():
    n = 400_000
    base = _core.dropout(np.ones(n), 0.5, 1, 0) != 0
    others = {
        "stream": _core.dropout(np.ones(n), 0.5, 1, 1) != 0,
        "seed": _core.dropout(np.ones(n), 0.5, 2, 0) != 0,
        **{f"lag {k}": np.roll(base, k) for k in (1, 2, 15, 16, 32, 64, 1024)},
    }
    for name, other in others.items():
        agree = (base == other).mean()
        assert abs(agree - 0.5) <= 5 * 0.5 / math.sqrt(n), (name, agree)


def test_normal_numbers_follow_box_and_muller():
    """The same transform in double precision, on the same random words."""
    n = 64 * 40
    z = _core.gaussian_noise(np.zeros(n), 1.0, 9, 2)
    words = np.array([number(9, 2, i) for i in range(n)], dtype=np.uint64).reshape(-1, 2, 2, 16)
    radius = np.sqrt(-2 * np.log(((words[:, :, 0] >> 1) + 0.5) / 2**31))
    turn = 2 * np.pi * words[:, :, 1].astype(np.float64) / 2**32
    want = np.stack([radius * np.cos(turn), radius * np.sin(turn)], axis=2).reshape(-1)
    # float32 arithmetic: the logarithm's argument is rounded to 24 bits, the rest to a few units
    assert np.all(
        np.abs(z - want)
        <= 2e-6 * (1 + np.abs(want)) + 1e-7 / np.repeat(radius[:, :, None], 2, axis=2).reshape(-1)
    )


def test_noise_has_the_moments_of_a_normal_distribution():
    n = 2_000_000
    z = _core.gaussian_noise(np.zeros(n), 1.0, 3)
    # standard deviations of the sample moments of a normal distribution: sqrt(1, 2, 15, 96 / n)
    for power, moment, variance in [(1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)]:
        assert abs((z**power).mean() - moment) <= 5 * math.sqrt(variance / n), power
    for limit in (0.5, 1.0, 2.0, 3.0, 4.0):
        share = math.erfc(limit / math.sqrt(2))
        seen = (np.abs(z) > limit).mean()
        assert abs(seen - share) <= 5 * math.sqrt(share * (1 - share) / n), limit
    assert np.abs(z).max() < 6.7


def test_noise_is_added_with_its_standard_deviation(dtype):
    x = np.linspace(-2, 2, 200).astype(dtype)
    z = _core.gaussian_noise(np.zeros(200, dtype), 1.0, 3)
    y = _core.gaussian_noise(x, 0.25, 3)
    assert np.array_equal(y, x + dtype(0.25) * z)
    assert np.array_equal(_core.gaussian_noise(x, 0.0, 3), x)


def test_every_level_draws_the_same_bits():
    """Known draws: the suite runs once per level, and every level must agree."""
    y = _core.dropout(np.ones(1000, np.float32), 0.3, 42, 1)
    z = _core.gaussian_noise(np.zeros(1000, np.float32), 1.0, 42, 1)
    assert hashlib.sha256((y != 0).tobytes()).hexdigest()[:16] == "2b0bcc474768d08b"
    assert hashlib.sha256(z.astype("<f4").tobytes()).hexdigest()[:16] == "584af64842a7a875"
