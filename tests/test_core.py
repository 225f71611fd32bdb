"""The compiled module itself: what reaches it past the checks of the Python layers is refused."""

import inspect

import numpy as np
import pytest

from picaflor import _core

X, Y = np.zeros((2, 3)), np.zeros((2, 1))
RULES = {
    "sgd": ("momentum", "nesterov"),
    "adam": ("beta_1", "beta_2", "epsilon", "amsgrad"),
    "rmsprop": ("rho", "momentum", "epsilon", "centered"),
    "adagrad": ("initial_accumulator_value", "epsilon"),
    "adadelta": ("rho", "epsilon"),
    "adamax": ("beta_1", "beta_2", "epsilon"),
    "nadam": ("beta_1", "beta_2", "epsilon"),
    "lion": ("beta_1", "beta_2"),
}
SETTINGS = sorted({key for keys in RULES.values() for key in keys})
CALLS = {
    "train": (X, Y, None, None, 0, 2, 2, np.ones(1)),
    "evaluate": (X, Y, None, 0, 2, 2),
    "loss_and_gradients": (X, Y),
    "apply_gradients": (0.1,),
    "predict": (X,),
    "set_trainable": (0, True),
    "set_loss": ("squared_error",),
    "set_metrics": ([],),
    "set_optimizer": ({"kind": "sgd"},),
    "apply": (0, 0.1, [], [], []),
}
CLASSES = [
    c for _, c in inspect.getmembers(_core, inspect.isclass) if c.__module__ == _core.__name__
]


def network(*layers):
    return _core.Network(3, list(layers) or [{"op": "dense", "units": 1}], "float32", 0)


@pytest.mark.parametrize("cls", CLASSES)
def test_object_without_init_is_refused_everywhere(cls):
    """`cls.__new__(cls)` holds a null pointer: reading through it would end the process."""
    empty = cls.__new__(cls)
    seen = 0
    for name in vars(cls):
        if name.startswith("_"):
            continue
        seen += 1
        with pytest.raises(TypeError, match=r"__init__\(\) was not called"):
            getattr(empty, name)(*CALLS[name])
    assert seen >= 3


def test_object_without_init_takes_no_attributes():
    empty = _core.Network.__new__(_core.Network)
    for name, value in [("iterations", 1), ("random_state", (0, 0))]:
        with pytest.raises(TypeError, match=r"Network\.__init__\(\) was not called"):
            setattr(empty, name, value)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ({"op": "dropout", "rate": 1.5}, r"rate must be at least 0 and below 1, got 1\.5"),
        ({"op": "dropout", "rate": -0.1}, r"rate must be at least 0 and below 1, got -0\.1"),
        ({"op": "dropout", "rate": np.nan}, "rate must be at least 0 and below 1, got nan"),
        ({"op": "gaussian_noise", "stddev": -1}, r"stddev must be at least 0, got -1\.0"),
        ({"op": "dense", "units": 0}, "units must be at least 1, got 0"),
        ({"op": "dance"}, "unknown layer 'dance'; known are dense, activation"),
        ({"op": "dropout", "units": 1}, "unknown entries for dropout: {'units': 1}"),
    ],
)
def test_layers_out_of_range_are_refused(layer, message):
    with pytest.raises(ValueError, match=message):
        network(layer)


def test_negative_step_numbers_are_refused():
    net = network()
    with pytest.raises(ValueError, match="iterations must be at least 0, got -1"):
        net.iterations = -1
    assert net.iterations == 0
    with pytest.raises(ValueError, match="iteration must be at least 0, got -3"):
        _core.OptimizerRule({"kind": "sgd"}).apply(-3, 0.1, [], [], [])


@pytest.mark.parametrize("kind", RULES)
def test_rules_take_their_own_settings_and_no_others(kind):
    for key in SETTINGS:
        value = key in ("nesterov", "amsgrad", "centered") or 0.5
        config = {"kind": kind, key: value, "weight_decay": 0.1, "clipnorm": 1.0}
        if key in RULES[kind]:
            network().set_optimizer(config)
            assert _core.OptimizerRule(config).slots >= 0
            continue
        for take in (network().set_optimizer, _core.OptimizerRule):
            with pytest.raises(ValueError, match=f"unknown entries for {kind}: {{'{key}'"):
                take(config)
