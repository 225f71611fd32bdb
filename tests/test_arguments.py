"""Nonsense for an argument: a one-line error that names it, and a model that stays as it was."""

import numpy as np
import pytest

import picaflor as pf
from picaflor import callbacks, layers, optimizers

X = np.ones((6, 4), dtype=np.float32)
Y = np.ones((6, 2), dtype=np.float32)


def model():
    stack = pf.Sequential([pf.Input((4,)), layers.Dense(2)], seed=0)
    stack.compile("sgd", "mse")
    return stack


CALLS = {
    "batch_size": lambda m: m.fit(X, Y, batch_size=2**64, verbose=0),
    "verbose": lambda m: m.fit(X, Y, verbose=np.ones(3)),
    "validation_data": lambda m: m.fit(X, Y, validation_data=np.array(2.0), verbose=0),
    "validation_freq": lambda m: m.fit(X, Y, validation_freq=np.array(2.0), verbose=0),
    "y": lambda m: m.train_on_batch(X, np.array(2.0)),
    "return_dict": lambda m: m.evaluate(X, Y, return_dict="no"),
    "training": lambda m: m.loss_and_gradients(X, Y, training="no"),
    "weights": lambda m: m.set_weights(np.array(2.0)),
    "line_length": lambda m: m.summary(line_length="wide"),
    "print_fn": lambda m: m.summary(print_fn=3),
    "show_trainable": lambda m: m.summary(show_trainable="no"),
    "layers": lambda m: pf.Sequential(3),
    "layer": lambda m: m.add("dense"),
    "input_shape": lambda m: pf.Sequential([layers.Dense(2)]).build(784),
    "config": lambda m: pf.Sequential.from_config({}),
    "filepath": lambda m: m.save(None),
    "overwrite": lambda m: m.save("model.safetensors", overwrite="no"),
    "use_bias": lambda m: layers.Dense(3, use_bias="no"),
    "trainable": lambda m: layers.Dense(3, trainable="no"),
    "center": lambda m: layers.LayerNormalization(center=2),
    "activation": lambda m: layers.Dense(3, activation="rellu"),
    "kernel_initializer": lambda m: layers.Dense(3, kernel_initializer=None),
    "bias_regularizer": lambda m: layers.Dense(3, bias_regularizer=0.1),
    "shape": lambda m: pf.Input("784"),
    "learning_rate": lambda m: optimizers.SGD(np.inf),
    "nesterov": lambda m: optimizers.SGD(nesterov="no"),
    "amsgrad": lambda m: optimizers.Adam(amsgrad=None),
    "centered": lambda m: optimizers.RMSprop(centered=0.5),
    "weight_decay": lambda m: optimizers.Adam(weight_decay=np.inf),
    "momentum": lambda m: optimizers.SGD(momentum=np.inf),
    "name": lambda m: pf.losses.MeanSquaredError(name=3),
    "filename": lambda m: callbacks.CSVLogger(None),
    "separator": lambda m: callbacks.CSVLogger("a.csv", separator=";;"),
    "append": lambda m: callbacks.CSVLogger("a.csv", append="no"),
    "monitor": lambda m: callbacks.EarlyStopping(monitor=None),
    "mode": lambda m: callbacks.EarlyStopping(mode=np.ones(3)),
    "baseline": lambda m: callbacks.EarlyStopping(baseline="high"),
    "restore_best_weights": lambda m: callbacks.EarlyStopping(restore_best_weights="no"),
    "save_best_only": lambda m: callbacks.ModelCheckpoint("a", save_best_only="no"),
}


@pytest.mark.parametrize("argument", CALLS)
def test_nonsense_is_refused_by_name(argument):
    if argument in ("filepath", "overwrite"):
        pytest.importorskip("safetensors", reason="saves a model")
    trained = model()
    before = trained.get_weights()
    with pytest.raises((TypeError, ValueError), match=rf"^(layer )?{argument}\b") as caught:
        CALLS[argument](trained)
    assert "\n" not in str(caught.value)
    assert trained.optimizer.iterations == 0
    for old, new in zip(before, trained.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("value", [True, 1, np.True_, False, 0])
def test_switches_take_bools_and_the_integers_that_equal_them(value):
    assert layers.Dense(3, use_bias=value).use_bias is bool(value)
