"""picaflor.activations: names, parameters, configs."""

import copy
import json
import pickle
import re
from pathlib import Path

import numpy as np
import pytest

from picaflor import activations as A
from picaflor import reference

NAMES = [name for name in A.__all__ if isinstance(getattr(A, name), A.Activation)]


def test_names_are_those_of_the_engine():
    table = Path(__file__).parents[1] / "cpp/include/picaflor/kernels/table.hpp"
    kinds = re.search(r"enum class ActivationKind \{(.*?)\};", table.read_text(), re.S)
    assert kinds is not None
    assert {getattr(A, name).name for name in NAMES} == set(re.findall(r"\w+", kinds[1]))


@pytest.mark.parametrize(
    ("identifier", "name", "params"),
    [
        (None, "linear", (0, 0, 0)),
        ("relu", "relu", (0, 0, 0)),
        ("leaky_relu", "leaky_relu", (0.2, 0, 0)),
        ("elu", "elu", (1, 0, 0)),
        ("swish", "silu", (0, 0, 0)),
        ("hard_swish", "hard_silu", (0, 0, 0)),
        ("relu6", "clipped_relu", (0, 6, 0)),
        (A.Activation("clipped_relu"), "clipped_relu", (0, np.inf, 0)),
        (A.Activation("clipped_relu", threshold=1, max_value=2), "clipped_relu", (0, 2, 1)),
        ({"class_name": "Activation", "config": {"name": "elu", "alpha": 2}}, "elu", (2, 0, 0)),
        (A.gelu, "gelu", (0, 0, 0)),
        (reference.softsign, "softsign", (0, 0, 0)),
    ],
)
def test_get_activation(identifier, name, params):
    found = A.get(identifier)
    assert (found.name, found.params) == (name, params)


@pytest.mark.parametrize("name", NAMES)
def test_activation_computes_its_reference_formula(name, dtype, rng):
    activation = getattr(A, name)
    x = rng.normal(scale=3, size=(3, 4)).astype(dtype)
    y = activation(x)
    assert y.dtype == dtype
    if name == "relu6":
        expected = np.clip(x, 0, 6)
    else:
        expected = getattr(reference, {"swish": "silu", "hard_swish": "hard_silu"}.get(name, name))(
            x
        )
    # a few units in the last place: the kernels have their own tests of accuracy
    np.testing.assert_allclose(y, expected, rtol=8 * np.finfo(dtype).eps)
    assert activation([1, 2]).dtype == np.float64


@pytest.mark.parametrize("name", NAMES)
def test_activation_survives_config_pickle_and_copy(name):
    one = getattr(A, name)
    assert A.deserialize(json.loads(json.dumps(A.serialize(one)))) == one
    assert pickle.loads(pickle.dumps(one)) == copy.deepcopy(one) == one
    assert A.Activation.from_config(one.get_config()) == one
    assert eval(repr(one), {"Activation": A.Activation}) == one
    assert len({one, copy.copy(one)}) == 1


def test_serialize_is_the_name_where_the_parameters_are_the_defaults():
    assert A.serialize(A.relu) == "relu"
    assert A.serialize(A.get("leaky_relu")) == "leaky_relu"
    changed = A.Activation("leaky_relu", negative_slope=0.1)
    assert A.serialize(changed) == {
        "class_name": "Activation",
        "config": {"name": "leaky_relu", "negative_slope": 0.1},
    }
    assert changed != A.leaky_relu


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: A.get("rleu"), ValueError, "Did you mean '(relu|elu|selu)'"),
        (lambda: A.get("mish"), ValueError, "Unknown activation: 'mish'"),
        (lambda: A.get(np.tanh), TypeError, "runs in the compiled engine"),
        (lambda: A.get(3), TypeError, "got 3"),
        (lambda: A.Activation("relu", alpha=1), TypeError, "takes no parameters, got 'alpha'"),
        (lambda: A.Activation("elu", a=1), TypeError, "takes alpha, got 'a'"),
        (lambda: A.Activation("elu", alpha="x"), TypeError, "alpha must be a number"),
        (lambda: A.Activation("leaky_relu", negative_slope=-1), ValueError, "at least 0, got -1"),
    ],
)
def test_activations_reject_wrong_input(call, error, message):
    with pytest.raises(error, match=message):
        call()
