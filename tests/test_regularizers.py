"""Penalties and constraints: formulas, names, configs."""

import copy
import json
import pickle

import numpy as np
import pytest

from picaflor import constraints as C
from picaflor import regularizers as R


def test_penalties_by_hand():
    w = np.array([[1.0, -2.0], [0.0, 3.0]], dtype=np.float32)
    assert R.L1(0.5)(w) == 3.0
    assert R.L2(0.5)(w) == 7.0
    assert R.L1L2(l1=2.0, l2=1.0)(w) == 26.0
    assert R.L1()(w) == pytest.approx(0.06)
    assert R.L1L2()(w) == 0


def test_penalties_carry_both_factors():
    assert (R.L1(0.5).l1, R.L1(0.5).l2) == (0.5, 0.0)
    assert (R.L2(0.5).l1, R.L2(0.5).l2) == (0.0, 0.5)
    assert (R.L1L2(0.1, 0.2).l1, R.L1L2(0.1, 0.2).l2) == (0.1, 0.2)


@pytest.mark.parametrize(
    ("identifier", "expected"),
    [
        ("l1", R.L1(0.01)),
        ("L1", R.L1(0.01)),
        ("l2", R.L2(0.01)),
        ("L2", R.L2(0.01)),
        ("l1_l2", R.L1L2()),
        ("L1L2", R.L1L2()),
        (R.L2, R.L2(0.01)),
        (R.l2(0.3), R.L2(0.3)),
        ({"class_name": "L1L2", "config": {"l1": 0.1, "l2": 0.2}}, R.L1L2(0.1, 0.2)),
    ],
)
def test_get_regularizer(identifier, expected):
    assert R.get(identifier) == expected


def test_regularizer_survives_its_config_and_pickle():
    assert R.get(None) is None
    assert R.serialize(None) is None
    for one in (R.L1(0.1), R.L2(0.2), R.L1L2(0.3, 0.4)):
        assert R.deserialize(json.loads(json.dumps(R.serialize(one)))) == one
        assert pickle.loads(pickle.dumps(one)) == copy.deepcopy(one) == one
        assert hash(copy.copy(one)) == hash(one)
        assert one != R.L1L2(9.0)
    assert R.L1L2(0.1, 0.0) != R.L1(0.1)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: R.get("l3"), ValueError, "Unknown regularizer: 'l3'"),
        (lambda: R.get(lambda w: 0.0), TypeError, "must be L1, L2 or L1L2"),
        (lambda: R.L2(-1.0), ValueError, "l2 must be at least 0"),
        (lambda: R.L1(float("nan")), ValueError, "l1 must be at least 0"),
        (lambda: R.L1L2(l1=float("inf")), ValueError, "below inf"),
        (lambda: R.L2("a"), TypeError, "l2 must be a number"),
    ],
)
def test_regularizers_reject_wrong_input(call, error, message):
    with pytest.raises(error, match=message):
        call()


# ----------------------------------------------------------------------------------- constraints

W = np.array([[3.0, 0.3], [-4.0, 0.4]])  # column norms 5 and 0.5


@pytest.mark.parametrize(
    ("constraint", "norms"),
    [
        (C.MaxNorm(2.0), [2, 0.5]),
        (C.UnitNorm(), [1, 1]),
        (C.MinMaxNorm(1.0, 2.0), [2, 1]),
        (C.MinMaxNorm(1.0, 2.0, rate=0.5), [3.5, 0.75]),
    ],
)
def test_constraint_sets_the_norms_of_columns(constraint, norms):
    before = W.copy()
    new = constraint(W)
    # 1e-7 in the denominator shortens by that much, relatively, at norm 1
    np.testing.assert_allclose(np.linalg.norm(new, axis=0), norms, rtol=3e-7)
    np.testing.assert_allclose(new / np.linalg.norm(new, axis=0), W / [5, 0.5], rtol=1e-14)
    assert np.array_equal(W, before)
    assert constraint(W.astype(np.float32)).dtype == np.float32


def test_constraint_goes_along_its_axis_and_survives_zeros():
    np.testing.assert_allclose(np.linalg.norm(C.UnitNorm(axis=1)(W), axis=1), 1, rtol=1e-6)
    assert C.UnitNorm(axis=[0, 1]).axis == (0, 1)
    assert abs(np.linalg.norm(C.UnitNorm(axis=(0, 1))(W)) - 1) < 1e-6
    for constraint in (C.MaxNorm(), C.UnitNorm(), C.MinMaxNorm()):
        assert np.array_equal(constraint(np.zeros((2, 2))), np.zeros((2, 2)))
    assert C.NonNeg()(np.array([-1.0, 0.0, 2.0])).tolist() == [0, 0, 2]


def test_constraint_survives_its_config():
    for one in (C.MaxNorm(3.0, 1), C.NonNeg(), C.UnitNorm(), C.MinMaxNorm(0.5, 2.0, 0.3, 1)):
        two = C.deserialize(json.loads(json.dumps(C.serialize(one))))
        assert type(two) is type(one)
        assert two.get_config() == one.get_config()


def test_get_constraint():
    assert C.get(None) is None
    for name, cls in {
        "max_norm": C.MaxNorm,
        "MaxNorm": C.MaxNorm,
        "non_neg": C.NonNeg,
        "unit_norm": C.UnitNorm,
        "min_max_norm": C.MinMaxNorm,
    }.items():
        assert type(C.get(name)) is cls

    def own(w):
        return w

    assert C.get(own) is own


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: C.get("maxnorm"), ValueError, "Did you mean"),
        (lambda: C.get(3), TypeError, "must be callable"),
        (lambda: C.serialize(np.abs), TypeError, "needs a get_config"),
        (lambda: C.MaxNorm(-1.0), ValueError, "max_value must be at least 0"),
        (lambda: C.MinMaxNorm(2.0, 1.0), ValueError, "max_value must be at least 2"),
        (lambda: C.MinMaxNorm(rate=1.5), ValueError, "rate must be at most 1"),
        (lambda: C.UnitNorm(axis="a"), TypeError, "axis must be an integer"),
    ],
)
def test_constraints_reject_wrong_input(call, error, message):
    with pytest.raises(error, match=message):
        call()
