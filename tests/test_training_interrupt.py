"""Ctrl-C: it ends a training within half a second and leaves a model that can be used."""

import os
import signal
import threading
import time
from typing import Any

import numpy as np
import pytest

import picaflor as pf
from picaflor import layers

pytestmark = [
    pytest.mark.skipif(
        not hasattr(signal, "pthread_kill"), reason="needs signals that reach the main thread"
    ),
    pytest.mark.usefixtures("ctrl_c"),
]


def interrupt_after(seconds: float) -> tuple[threading.Thread, list[float]]:
    """Send this process the signal of Ctrl-C; the list will hold the time of that.

    Processor time, because a busy machine may let this process wait longer than half a second.
    """
    sent: list[float] = []

    def send() -> None:
        time.sleep(seconds)
        sent.append(time.process_time())
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=send)
    thread.start()
    return thread, sent


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"batch_size": 1},
        {"verbose": 1},
        {"callbacks": [pf.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: None)]},
    ],
    ids=["one call an epoch", "in the first epoch", "progress bar", "batch hooks"],
)
def test_ctrl_c_ends_fit_and_leaves_a_usable_model(options: dict[str, Any]) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(100_000, 64)).astype(np.float32)
    y = rng.integers(0, 10, len(x))
    model = pf.Sequential(
        [pf.Input((64,)), layers.Dense(256, "relu"), layers.Dense(10, "softmax")], seed=0
    )
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    thread, sent = interrupt_after(0.3)
    with pytest.raises(KeyboardInterrupt):
        model.fit(x, y, epochs=10_000, **{"verbose": 0, **options})
    took = time.process_time() - sent[0]
    thread.join()
    assert took < 0.5
    assert all(np.isfinite(w).all() for w in model.get_weights())
    assert model.optimizer.iterations > 0
    before = model.evaluate(x[:500], y[:500])[0]
    model.fit(x[:500], y[:500], epochs=5, verbose=0)
    assert model.evaluate(x[:500], y[:500])[0] < before


def test_ctrl_c_ends_fit_without_a_dense_layer() -> None:
    x = np.broadcast_to(np.linspace(-1, 1, 256, dtype=np.float32), (1_000_000, 256))
    model = pf.Sequential(
        [pf.Input((256,)), layers.LayerNormalization(), layers.Activation("gelu")]
    )
    model.compile("sgd", "mse")
    thread, sent = interrupt_after(0.2)
    with pytest.raises(KeyboardInterrupt):
        model.fit(x, x, batch_size=20_000, epochs=1000, shuffle=False, verbose=0)
    took = time.process_time() - sent[0]
    thread.join()
    assert took < 0.5


@pytest.mark.parametrize("normalized", [True, False], ids=["normalized", "in passes"])
@pytest.mark.parametrize("batch_size", [32, 64, 200_000], ids=["short", "in blocks", "long"])
def test_weights_are_those_of_the_last_whole_minibatch(batch_size: int, normalized: bool) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200_000, 50)).astype(np.float32)
    y = rng.normal(size=(200_000, 1)).astype(np.float32)

    def made() -> pf.Sequential:
        hidden = [layers.Dense(256), *[layers.BatchNormalization()] * normalized, layers.Dense(1)]
        model = pf.Sequential([pf.Input((50,)), *hidden], seed=0)
        model.compile("adam", "mse")
        return model

    stopped, whole = made(), made()
    thread, _ = interrupt_after(0.15)
    with pf.use_threads(2), pytest.raises(KeyboardInterrupt):
        stopped.fit(x, y, batch_size=batch_size, epochs=10_000, shuffle=False, verbose=0)
    thread.join()
    for i in range(stopped.optimizer.iterations):
        start = i * batch_size % len(x)
        whole.train_on_batch(x[start : start + batch_size], y[start : start + batch_size])
    for a, b in zip(stopped.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_signal_handlers_compute_with_subnormal_numbers() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(100_000, 64)).astype(np.float32)
    model = pf.Sequential([pf.Input((64,)), layers.Dense(64, "relu"), layers.Dense(1)], seed=0)
    model.compile("adam", "mse")
    seen: list[float] = []
    before = signal.signal(signal.SIGALRM, lambda *_: seen.append(float(np.float64(1e-310) / 1)))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.02)
        while not seen:
            model.fit(x, x[:, :1], verbose=0)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert seen == [1e-310]
