"""`picaflor.functional` and `picaflor.reference` can take each other's place."""

import inspect

import numpy as np
import pytest

from picaflor import functional, reference


def functions(module):
    return {n: f for n in module.__all__ if inspect.isroutine(f := getattr(module, n))}


FUNCTIONAL, REFERENCE = functions(functional), functions(reference)

# The names that the design promises for both.
ACTIVATIONS = (
    *("sigmoid", "tanh", "relu", "leaky_relu", "elu", "selu", "softplus", "softsign"),
    *("silu", "gelu", "step", "softmax", "log_softmax"),
)
PROMISED = [
    *("dense_forward", "dense_backward", *ACTIVATIONS),
    *(f"{name}_backward" for name in ACTIVATIONS),
    *("softmax_cross_entropy", "sigmoid_cross_entropy", "mean_squared_error"),
    *("mean_absolute_error", "huber"),
]


def parameters(function):
    return [
        (p.name, p.kind, p.default)
        for p in inspect.signature(function).parameters.values()
        if p.name != "out"
    ]


def test_both_have_every_promised_name():
    assert set(PROMISED) <= set(FUNCTIONAL)
    assert set(PROMISED) <= set(REFERENCE)


def test_everything_functional_has_a_reference():
    assert set(FUNCTIONAL) <= set(REFERENCE)


@pytest.mark.parametrize("name", sorted(FUNCTIONAL))
def test_signatures_are_equal(name):
    assert parameters(FUNCTIONAL[name]) == parameters(REFERENCE[name])


@pytest.mark.parametrize("name", ACTIVATIONS[:-2])  # not softmax, log_softmax
def test_activations_take_out(name):
    assert "out" in inspect.signature(FUNCTIONAL[name]).parameters


@pytest.mark.parametrize(
    "name", sorted({n.removesuffix("_backward") for n in FUNCTIONAL} - {"dense"})
)
def test_functional_computes_what_the_reference_does(name, dtype, rng):
    """One call of each with the same arguments; the precise bounds are in the tests of each."""
    x = rng.normal(size=(5, 4)).astype(dtype)
    arguments = {
        "x": x,
        "weight": rng.normal(size=(4, 3)).astype(dtype),
        "bias": rng.normal(size=3).astype(dtype),
        "logits": x,
        "pred": x,
        "target": rng.uniform(size=(5, 4)).astype(dtype),
        "targets": rng.uniform(size=(5, 4)).astype(dtype),
        "sample_weight": rng.uniform(size=5).astype(dtype),
    }
    tolerance = 64 * np.finfo(dtype).eps

    def compare(name, arguments):
        taken = {
            k: v
            for k, v in arguments.items()
            if k in inspect.signature(FUNCTIONAL[name]).parameters
        }
        results = [f(**taken) for f in (FUNCTIONAL[name], REFERENCE[name])]
        pairs = zip(*results, strict=True) if isinstance(results[0], tuple) else [results]
        for actual, expected in pairs:
            assert np.shape(actual) == np.shape(expected)
            scale = np.max(np.abs(expected), initial=1e-30)
            assert np.max(np.abs(actual - expected), initial=0) <= tolerance * scale
        return results[1]

    y = compare(name, arguments) if name in FUNCTIONAL else None
    if f"{name}_backward" in FUNCTIONAL:
        backward = {**arguments, "y": np.asarray(y, dtype)} if y is not None else arguments
        dy = rng.normal(size=np.shape(y)).astype(dtype)
        compare(f"{name}_backward", {**backward, "dy": dy})
