"""minimize against plain NumPy loops, on the functions the tutorials use."""

import math
import warnings

import numpy as np
import pytest

import picaflor as pf
from picaflor.optimizers import SGD, Adam


def quartic(x):
    return 2 * x**4 + 3 * x**3 + 2


def quartic_slope(x):
    return 8 * x**3 + 9 * x**2


def gradient_descent(rate):
    return lambda x, g, state, t: x - rate * g


def momentum(rate, mu=0.7):
    def step(x, g, state, t):
        state["v"] = mu * state.get("v", 0.0) - rate * g
        return x + state["v"]

    return step


def adam(rate, b1=0.9, b2=0.999, epsilon=1e-7):
    def step(x, g, state, t):
        state["m"] = b1 * state.get("m", 0.0) + (1 - b1) * g
        state["v"] = b2 * state.get("v", 0.0) + (1 - b2) * g * g
        factor = rate * math.sqrt(1 - b2**t) / (1 - b1**t)
        return x - factor * state["m"] / (math.sqrt(state["v"]) + epsilon)

    return step


def loop(fun, slope, x, step, tol=1e-8, max_iter=10000):
    """The descent as a beginner writes it: the path, and how it ended."""
    path, state = [np.float64(x)], {}
    with np.errstate(all="ignore"):
        for t in range(1, max_iter + 1):
            path.append(step(path[-1], slope(path[-1]), state, t))
            new, old = fun(path[-1]), fun(path[-2])
            if not (np.isfinite(new) and np.isfinite(path[-1])):
                return np.array(path), "diverged"
            if path[-1] == path[-2] or abs(new - old) <= tol:
                return np.array(path), "rest"
    return np.array(path), "max_iter"


RATES = [1e-3, 1e-2, 1e-1]
RULES = {
    "sgd": (gradient_descent, lambda rate: SGD(rate)),
    "momentum": (momentum, lambda rate: SGD(rate, momentum=0.7)),
    "adam": (adam, lambda rate: Adam(rate)),
}


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("rule", RULES)
def test_quartic_from_two_equals_a_plain_loop(rule, rate):
    plain, ours = RULES[rule]
    path, end = loop(quartic, quartic_slope, 2.0, plain(rate))
    result = pf.minimize(quartic, 2.0, grad=quartic_slope, optimizer=ours(rate))
    assert result.nit == len(path) - 1
    assert result.success == (end == "rest")
    assert {"rest": "came to rest", "diverged": "diverged", "max_iter": "max_iter"}[
        end
    ] in result.message
    assert result.path.shape == path.shape
    if end == "diverged":  # x grows like 8^(3^k): the last digits mean nothing any more
        path, got = path[:4], result.path[:4]
    else:
        got = result.path
    assert np.all(np.abs(got - path) <= 1e-9 * (1 + np.abs(path)))
    assert result.losses[: len(got)] == pytest.approx(quartic(got))


def test_how_the_quartic_ends():
    # plain descent stays at the saddle 0, momentum goes on to the minimum at -9/8
    assert pf.minimize(quartic, 2.0, optimizer=SGD(0.01)).x == pytest.approx(0.0, abs=0.02)
    far = pf.minimize(quartic, 2.0, optimizer=SGD(0.01, momentum=0.7))
    assert far.x == pytest.approx(-9 / 8, abs=1e-3)
    assert far.fun == pytest.approx(quartic(-9 / 8), abs=1e-6)
    burst = pf.minimize(quartic, 2.0, optimizer=SGD(0.1))
    assert not burst.success
    assert burst.message == f"diverged: the loss is inf in step {burst.nit}"


@pytest.mark.parametrize("rate", [1e-4, 1e-3, 1e-2, 0.1, 0.3, 0.7, 0.9, 0.99, 0.999])
def test_parabola_converges_as_its_formula_says(rate):
    # x_k = (1 - 2 rate)^k, so with q = (1 - 2 rate)^2 the loss changes by q^k |1 - q|
    q = (1 - 2 * rate) ** 2
    steps = math.ceil(math.log(1e-8 / abs(1 - q)) / math.log(q)) + 1
    result = pf.minimize(
        lambda x: x**2, 1.0, grad=lambda x: 2 * x, optimizer=SGD(rate), max_iter=100_000
    )
    assert result.success
    assert result.nit == steps
    expected = (1 - 2 * rate) ** np.arange(steps + 1)
    assert np.all(np.abs(result.path - expected) <= 1e-12 * steps * np.abs(expected) + 1e-300)


def test_parabola_at_and_beyond_the_edge():
    def descend(rate, x0=1.0, **options):
        return pf.minimize(lambda x: x**2, x0, lambda x: 2 * x, SGD(rate), **options)

    half = descend(0.5)  # one step to the minimum, one more to see that x stays
    assert (half.success, half.nit, half.x) == (True, 2, 0.0)
    assert half.message == "came to rest: the gradient is zero in step 2"
    edge = descend(1.0)
    assert not edge.success
    assert edge.message.startswith("swings: step 1")
    slow = descend(1.000002)
    assert not slow.success
    assert slow.nit == 10000
    assert slow.fun > 1
    assert slow.message == "stopped after max_iter = 10000 steps"
    fast = descend(1.5)  # |x| doubles: x^2 overflows at 2^512
    assert not fast.success
    assert fast.nit == 512
    assert fast.message == "diverged: the loss is inf in step 512"


def test_no_warnings_leak():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = pf.minimize(lambda x: np.exp(x) - np.exp(2 * x), 1.0, optimizer=SGD(1.0))
        assert not result.success
        result = pf.minimize(lambda x: math.exp(float(x)) - 3.0 * float(x) ** 4, 5.0)
        assert result.message.startswith("diverged")


def test_arrays_of_any_shape():
    target = np.arange(6.0).reshape(2, 3)
    result = pf.minimize(
        lambda x: ((x - target) ** 2).sum(), np.zeros((2, 3)), optimizer=SGD(0.25), tol=1e-14
    )
    assert result.success
    assert result.x == pytest.approx(target, abs=1e-6)
    assert result.path.shape == (result.nit + 1, 2, 3)
    assert np.array_equal(result.path[0], np.zeros((2, 3)))
    assert np.array_equal(result.path[-1], result.x)
    assert len(np.unique(result.path[:, 1, 2])) > 10  # points of their own, not one array


def test_x0_and_the_optimizer_are_left_alone():
    x0, optimizer = np.array([1.0, 2.0], order="F"), Adam(0.1)
    pf.minimize(lambda x: (x**2).sum(), x0, optimizer=optimizer, max_iter=5)
    assert x0.tolist() == [1.0, 2.0]
    assert optimizer.iterations == 0
    assert optimizer.variables == []


def test_optimizer_by_name_and_schedules():
    assert pf.minimize(lambda x: x**2, 1.0, optimizer="adam", max_iter=3).nit == 3
    schedule = pf.optimizers.schedules.PiecewiseConstantDecay([0], [0.25, 0.125])
    result = pf.minimize(lambda x: x**2, 1.0, lambda x: 2 * x, SGD(schedule), max_iter=2)
    assert result.path.tolist() == [1.0, 0.5, 0.375]


def test_result_has_attributes_and_entries():
    result = pf.minimize(lambda x: x**2, 1.0, max_iter=3)
    assert result["nit"] == result.nit == 3
    assert set(result) == {"x", "fun", "success", "message", "nit", "path", "losses"}
    assert "success" in dir(result)
    text = repr(result)
    assert "success: False" in text
    assert "path: array of shape (4,)" in text
    with pytest.raises(AttributeError, match="no 'jac'; it has x, fun"):
        _ = result.jac


def test_one_element_arrays_count_as_numbers():
    result = pf.minimize(lambda x: x**2, np.ones(1), lambda x: 2 * x, SGD(0.25), max_iter=1)
    assert result.fun == 0.25
    assert result.x.tolist() == [0.5]


def test_zero_steps():
    result = pf.minimize(lambda x: x**2, 3.0, max_iter=0)
    assert (result.nit, result.x, result.fun, result.success) == (0, 3.0, 9.0, False)
    assert result.path.tolist() == [3.0]


def test_a_flat_function_says_that_its_gradient_is_zero():
    result = pf.minimize(lambda x: float(x > 0), 1.0)
    assert result.message == "came to rest: the gradient is zero in step 1"


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: pf.minimize(lambda x: x, np.ones(2)),
            TypeError,
            "fun must return a number, got an",
        ),
        (lambda: pf.minimize(lambda x: None, 1.0), TypeError, "a number, got NoneType"),
        (
            lambda: pf.minimize(lambda x: (x**2).sum(), np.ones(2), lambda x: np.ones(3)),
            ValueError,
            r"grad must return an array of the shape of x0, \(2,\), got \(3,\)",
        ),
        (lambda: pf.minimize(lambda x: x**2, math.nan), ValueError, "fun must be finite at x0"),
        (lambda: pf.minimize(lambda x: x**2, 1.0, tol=-1.0), ValueError, "tol must be at least 0"),
        (lambda: pf.minimize(lambda x: x**2, 1.0, max_iter=1.5), TypeError, "max_iter must be an"),
        (lambda: pf.minimize(lambda x: x**2, 1.0, optimizer="sdg"), ValueError, "mean 'sgd'"),
    ],
)
def test_wrong_arguments_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_numerical_gradient_is_good_to_ten_digits(rng):
    x = rng.normal(size=(3, 4)) * 3
    weights = rng.normal(size=(3, 4))
    got = pf.numerical_gradient(lambda x: (weights * np.sin(x)).sum(), x)
    want = weights * np.cos(x)
    assert got.shape == (3, 4)
    assert np.all(np.abs(got - want) <= 1e-9)
    assert pf.numerical_gradient(lambda x: x**3, 2.0) == pytest.approx(12.0, abs=1e-8)
    assert np.ndim(pf.numerical_gradient(lambda x: x**3, 2)) == 0


def test_numerical_gradient_leaves_x_alone_in_any_layout(rng):
    x = np.asfortranarray(rng.normal(size=(3, 4)))
    before = x.copy()
    got = pf.numerical_gradient(lambda x: (np.arange(12).reshape(3, 4) * x**2).sum(), x)
    assert np.array_equal(x, before)
    assert got == pytest.approx(2 * np.arange(12).reshape(3, 4) * before, abs=1e-7)
