"""Weights in blocks while several threads train them: the same bits, and back where they belong."""

import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import picaflor as pf
from compiled import RUNTIME, compile_and_run
from picaflor import layers

N, INPUTS, BATCH = 64 * 20 + 3, 150, 64  # the last minibatch has three rows


@pytest.mark.slow
@pytest.mark.parametrize(
    "flags",
    [["-O1"], ["-O1", "-g", "-fsanitize=address,undefined"], ["-O1", "-g", "-fsanitize=thread"]],
)
def test_weights_come_back_as_they_were_left(tmp_path: pathlib.Path, flags: list[str]) -> None:
    compile_and_run("column_blocks", tmp_path, flags, RUNTIME)


def problem(dtype: str, zeros: float) -> tuple[Any, Any]:
    rng = np.random.default_rng(2)
    x = rng.normal(size=(N, INPUTS)).astype(dtype)
    x[rng.random((N, INPUTS)) < zeros] = 0
    return x, rng.integers(0, 10, N)


def trained(
    threads: int,
    optimizer: Callable[[], Any] = lambda: "sgd",
    width: int = 256,
    dtype: str = "float32",
    zeros: float = 0,
    below: Callable[[], list[layers.Layer]] = list,
    **options: Any,
) -> list[bytes]:
    """Bytes of the weights after two epochs, and of the losses."""
    x, y = problem(dtype, zeros)
    wide = layers.Dense(width, "relu", **options)
    model = pf.Sequential(
        [pf.Input((INPUTS,)), *below(), wide, layers.Dense(10)], dtype=dtype, seed=1
    )
    model.compile(optimizer(), pf.losses.SparseCategoricalCrossentropy(from_logits=True))
    with pf.use_threads(threads):
        losses = model.fit(x, y, batch_size=BATCH, epochs=2, verbose=0).history["loss"]
    return [*(w.tobytes() for w in model.get_weights()), np.array(losses).tobytes()]


CASES: dict[str, dict[str, Any]] = {
    "sgd": {},
    "momentum": {"optimizer": lambda: pf.optimizers.SGD(0.05, momentum=0.9, nesterov=True)},
    "adam": {"optimizer": lambda: "adam"},
    "amsgrad": {"optimizer": lambda: pf.optimizers.Adam(amsgrad=True)},
    "decay": {"optimizer": lambda: pf.optimizers.AdamW(0.01, weight_decay=0.1)},
    "a norm of the gradients": {"optimizer": lambda: pf.optimizers.SGD(0.05, clipnorm=0.1)},
    "ragged": {"width": 201, "optimizer": lambda: "rmsprop"},
    "float64": {"width": 136, "dtype": "float64"},
    "zeros": {"zeros": 0.9},
    "zeros with state": {"zeros": 0.9, "optimizer": lambda: "adam"},
    "no bias": {"use_bias": False},
    "penalties": {
        "optimizer": lambda: pf.optimizers.SGD(0.05, momentum=0.9),
        "kernel_regularizer": pf.regularizers.L1L2(1e-4, 1e-3),
        "width": 201,
    },
    "a penalty": {"kernel_regularizer": pf.regularizers.L2(1e-3)},
    "behind dropout": {"below": lambda: [layers.Dropout(0.3)]},
    "behind a frozen layer": {"below": lambda: [layers.Dense(160, "tanh", trainable=False)]},
    "behind a layer to be trained": {"below": lambda: [layers.Dense(200, "tanh")]},
}


@pytest.mark.parametrize("case", CASES)
def test_threads_do_not_change_a_bit(case: str) -> None:
    alone = trained(1, **CASES[case])
    for threads in (2, 3):
        assert trained(threads, **CASES[case]) == alone


def test_the_view_of_a_kernel_shows_what_fit_has_left() -> None:
    x, y = problem("float32", 0)
    model = pf.Sequential(
        [pf.Input((INPUTS,)), layers.Dense(256, "relu"), layers.Dense(10)], seed=1
    )
    model.compile("sgd", "mse")
    view = model.layers[0].kernel
    with pf.use_threads(2):
        before = view.copy()
        model.fit(x, np.eye(10, dtype=np.float32)[y], batch_size=BATCH, verbose=0)
    assert not np.array_equal(view, before)
    assert np.array_equal(view, model.get_weights()[0])
