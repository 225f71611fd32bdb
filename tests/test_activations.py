"""Activations of pf.functional: accuracy, gradients, limits, and bits that depend on x alone."""

import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from picaflor import _core, reference
from picaflor import functional as F
from strategies import sizes
from ulp import every_float32, worst

NAMES = [
    "clipped_relu",
    "elu",
    "exponential",
    "gelu",
    "hard_sigmoid",
    "hard_silu",
    "leaky_relu",
    "linear",
    "relu",
    "selu",
    "sigmoid",
    "silu",
    "softplus",
    "softsign",
    "step",
    "tanh",
]


def forward(name: str) -> Callable[..., Any]:
    return getattr(F, name)


def backward(name: str) -> Callable[..., Any]:
    return getattr(F, name + "_backward")


def exactly(name: str, x: npt.NDArray) -> npt.NDArray[np.float64]:
    """Return f(x) in float64, by formulas that are accurate in float64 for every x."""
    x = x.astype(np.float64)
    with np.errstate(all="ignore"):
        if name == "gelu":  # x / sqrt(2) is rounded: harmless for float32 results
            tail = np.array([math.erfc(v) for v in (-x / math.sqrt(2)).tolist()])
            return np.where(x < -40, -0.0, np.where(np.isposinf(x), x, x * tail / 2))
        if name == "tanh":
            return np.tanh(x)
        return getattr(reference, name)(x)


# The bound that the documentation states is 7; where a multiply-add rounds once, 5 hold.
GELU_UNITS = 7.0 if _core.isa_level() in ("baseline", "x86-64-v2") else 5.0


def units_float32(name: str) -> float:
    """Return the bound in units in the last place."""
    return {"gelu": GELU_UNITS, "silu": 4.0}.get(name, 2.0)


@pytest.mark.parametrize("name", NAMES)
def test_float32_is_within_a_few_units_in_the_last_place_everywhere(name):
    x = every_float32(1999)
    error, where = worst(x, forward(name)(x), exactly(name, x))
    assert error <= units_float32(name), where


# Where a function bends or its result turns denormal, every number counts.
@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("sigmoid", -104.0, -86.0),
        ("sigmoid", -4.0, -3.0),
        ("tanh", 0.05, 0.2),
        ("tanh", 0.2, 9.5),
        ("silu", -4.0, -3.0),
        ("silu", -109.0, -86.0),
        ("gelu", -14.5, -12.0),
        ("gelu", -4.0, -1.0),
        ("exponential", -104.0, -86.0),
        ("exponential", 88.0, 89.0),
        ("softplus", -0.6, 0.6),
        ("softplus", -104.0, -86.0),
    ],
)
def test_float32_is_within_its_units_where_it_is_hardest(name, low, high):
    x = np.linspace(low, high, 200_003).astype(np.float32)
    error, where = worst(x, forward(name)(x), exactly(name, x))
    assert error <= units_float32(name), where


def test_tanh_falls_nowhere_by_more_than_a_unit(dtype):
    """Between quarters of octaves, too, where a table of polynomials changes."""
    borders = np.array([2.0**e * q for e in range(-6, 4) for q in (1, 1.25, 1.5, 1.75)], dtype)
    steps = np.arange(-50, 50, dtype=dtype) * np.spacing(borders)[:, None]
    x = np.sort((borders[:, None] + steps).ravel())
    y = F.tanh(x)
    assert (np.diff(y) >= -np.spacing(y[1:])).all()
    assert y[-1] <= 1


# The bounds that the documentation states; the references are good to about one unit themselves.
@pytest.mark.parametrize(
    ("name", "units"),
    [
        ("elu", 3),
        ("exponential", 2),
        ("selu", 4),
        ("sigmoid", 4),
        ("silu", 4),
        ("softplus", 4),
        ("softsign", 3),
        ("tanh", 3),
    ],
)
def test_float64_is_within_a_few_units_in_the_last_place(name, units, rng):
    x = np.concatenate([rng.normal(scale=s, size=20_001) for s in (1e-8, 0.1, 1, 10, 200)])
    x = x[x > -700]  # further down exp(x), a factor of the reference's silu, is denormal
    error, where = worst(x, forward(name)(x), exactly(name, x))
    assert error <= units, where


def test_gelu_float64_agrees_with_high_precision():
    """x Phi(x) by mpmath in 60 digits: x erfc(-x / sqrt(2)) / 2."""
    values = {
        -37.5: -1.7270073785932332e-306,
        -30.0: -1.472014178144456e-196,
        -10.0: -7.619853024160526e-23,
        -3.0: -0.0040496940948902835,
        -0.75: -0.16997051428265114,
        -1e-05: -4.999960105771961e-06,
        0.5: 0.34573123063700656,
        3.0: 2.99595030590511,
    }
    x = np.array(list(values))
    error, where = worst(x, F.gelu(x), np.array(list(values.values())))
    assert error <= GELU_UNITS, where


@pytest.mark.parametrize("name", NAMES)
def test_forward_and_backward_match_the_reference(name, dtype, rng):
    x = np.concatenate([rng.normal(scale=s, size=501) for s in (0.01, 1, 6, 20)]).astype(dtype)
    dy = rng.normal(size=x.shape).astype(dtype)
    y, dx = forward(name)(x), backward(name)(dy, x)
    assert y.dtype == dx.dtype == dtype
    eps = float(np.finfo(dtype).eps)
    exact, slope = exactly(name, x), getattr(reference, name + "_backward")(dy, x)
    # In float64 the reference has its own errors: x / sqrt(2) is rounded before erfc, which x^2
    # amplifies, and x / 6 + 1 / 2 before it is cut off.
    slack = x.astype(np.float64) ** 2 if name == "gelu" else 0.0
    offset = 4 * eps * np.abs(x) + eps if name.startswith("hard") else np.finfo(dtype).tiny
    assert np.all(np.abs(y - exact) <= (4 + slack) * eps * np.abs(exact) + offset)
    # A slope is a sum of terms up to about 1, or a product as large as itself.
    assert np.all(np.abs(dx - slope) <= 16 * eps * np.maximum(np.abs(slope), np.abs(dy)))


@pytest.mark.parametrize("name", [n for n in NAMES if n != "step"])
def test_backward_matches_central_differences(name, rng):
    x = rng.normal(scale=2, size=200)
    x = x[np.abs(x) > 1e-3]  # beside the kink of the pieces at 0
    x = x[np.abs(np.abs(x) - 3) > 1e-3]  # and at 3
    h = np.cbrt(np.finfo(np.float64).eps)
    f = forward(name)
    numerical = (f(x + h) - f(x - h)) / ((x + h) - (x - h))
    slope = backward(name)(np.ones_like(x), x)
    assert np.all(np.abs(slope - numerical) <= 1e-9 * np.maximum(np.abs(slope), 1))


def test_sigmoid_by_hand():
    # 1 / (1 + e^-x) at log 3 is 1 / (1 + 1/3) = 3/4; the slope there is 3/4 (1 - 3/4) = 3/16
    x = math.log(3)
    assert F.sigmoid(x) == pytest.approx(0.75, abs=1e-15)
    assert F.sigmoid_backward(2.0, x) == pytest.approx(2 * 3 / 16, abs=1e-15)


@pytest.mark.parametrize(
    ("name", "at_minus_infinity", "at_infinity"),
    [
        ("clipped_relu", 0.0, np.inf),
        ("elu", -1.0, np.inf),
        ("exponential", 0.0, np.inf),
        ("gelu", 0.0, np.inf),
        ("hard_sigmoid", 0.0, 1.0),
        ("hard_silu", 0.0, np.inf),
        ("leaky_relu", -np.inf, np.inf),
        ("linear", -np.inf, np.inf),
        ("relu", 0.0, np.inf),
        ("selu", -1.7580993408473766, np.inf),
        ("sigmoid", 0.0, 1.0),
        ("silu", 0.0, np.inf),
        ("softplus", 0.0, np.inf),
        ("softsign", -1.0, 1.0),
        ("step", 0.0, 1.0),
        ("tanh", -1.0, 1.0),
    ],
)
def test_limits_and_nan(name, at_minus_infinity, at_infinity, dtype):
    # 17 of each: every lane of the widest packet, and the remainder
    for x, expected in [(-np.inf, at_minus_infinity), (np.inf, at_infinity), (np.nan, np.nan)]:
        y = forward(name)(np.full(17, x, dtype))
        np.testing.assert_array_equal(y, np.full(17, expected, dtype))


@pytest.mark.parametrize("name", [n for n in NAMES if n not in ("linear", "step", "softsign")])
def test_backward_at_the_limits(name, dtype):
    x = np.array([-np.inf, np.inf, np.nan], dtype)
    low, high, nan = backward(name)(np.ones(3, dtype), x)
    expected = getattr(reference, name + "_backward")(np.ones(3), x.astype(np.float64))
    np.testing.assert_array_equal([low, high], expected[:2].astype(dtype))
    assert np.isnan(nan)


@pytest.mark.parametrize("name", ["relu", "tanh", "softsign", "elu", "selu", "gelu", "silu"])
def test_signed_zero_and_tiny_numbers_keep_their_sign(name, dtype):
    tiny = np.finfo(dtype).smallest_subnormal
    x = np.array([0.0, -0.0, tiny, -tiny], dtype)
    y = forward(name)(x)
    assert y[0] == 0
    assert y[1] == 0
    assert y[2] >= 0
    assert y[3] <= 0
    assert not np.signbit(y[0])
    if name in ("tanh", "softsign"):  # odd functions
        assert np.signbit(y[1])


def test_gelu_far_below_zero_has_the_sign_of_the_reference(dtype):
    x = np.array([-np.inf, np.finfo(dtype).min, -1000, -50], dtype)
    for y in (F.gelu(x), reference.gelu(x)):
        assert not y.any()
        assert not np.signbit(y).any()


@given(n=sizes(), name=st.sampled_from(NAMES), single=st.booleans(), seed=st.integers(0, 2**32 - 1))
def test_bits_do_not_depend_on_position_or_length(n, name, single, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(scale=4, size=n).astype(np.float32 if single else np.float64)
    dy = rng.normal(size=n).astype(x.dtype)
    one_by_one = np.array([forward(name)(x[i : i + 1])[0] for i in range(n)])
    slopes = np.array([backward(name)(dy[i : i + 1], x[i : i + 1])[0] for i in range(n)])
    assert forward(name)(x).tobytes() == one_by_one.tobytes()
    assert backward(name)(dy, x).tobytes() == slopes.tobytes()


@pytest.mark.parametrize("name", NAMES)
def test_bits_do_not_depend_on_the_number_of_threads(name, dtype, rng):
    import picaflor as pf

    x = rng.normal(scale=4, size=300_001).astype(dtype)
    before = pf.get_num_threads()
    try:
        results = []
        for threads in (1, 2, 3):
            pf.set_num_threads(threads)
            results.append(forward(name)(x).tobytes())
    finally:
        pf.set_num_threads(before)
    assert results[0] == results[1] == results[2]


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("leaky_relu", {"negative_slope": 0.05}),
        ("elu", {"alpha": 0.7}),
        ("clipped_relu", {"negative_slope": 0.1, "max_value": 2.0, "threshold": 0.5}),
        ("clipped_relu", {"max_value": 6.0}),
        ("clipped_relu", {"threshold": -1.0}),
    ],
)
def test_parameters_reach_the_kernel(name, params, dtype, rng):
    x = np.concatenate([rng.normal(scale=3, size=99), [-np.inf, np.inf, np.nan]]).astype(dtype)
    dy = rng.normal(size=x.shape).astype(dtype)
    with np.errstate(invalid="ignore"):
        y = getattr(reference, name)(x, **params)
        dx = getattr(reference, name + "_backward")(dy, x, **params)
    rtol = 8 * np.finfo(dtype).eps
    np.testing.assert_allclose(forward(name)(x, **params), y, rtol=rtol)
    np.testing.assert_allclose(backward(name)(dy, x, **params), dx, rtol=rtol)


@pytest.mark.parametrize("name", ["negative_slope", "alpha"])
def test_parameters_that_are_no_numbers_are_refused(name):
    f = F.leaky_relu if name == "negative_slope" else F.elu
    with pytest.raises(TypeError, match=f"{name} must be a number, got 'steep'"):
        f([1.0], "steep")


@pytest.mark.parametrize("name", F.__all__)
def test_functional_has_the_signatures_of_the_reference(name):
    def parameters(module: Any) -> list[tuple[str, Any]]:
        signature = inspect.signature(getattr(module, name))
        return [(p.name, p.default) for p in signature.parameters.values() if p.name != "out"]

    assert parameters(F) == parameters(reference)
