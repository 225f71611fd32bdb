"""Ctrl-C: it ends a training within half a second and leaves a model that can be used."""

import contextlib
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


class Alarm:
    """Calls the handler, once or more, while a model is trained."""

    def __init__(self, handler: Any, seconds: float, again: float = 0) -> None:
        self.handler, self.times = handler, (seconds, again)

    def __enter__(self) -> None:
        self.before = signal.signal(signal.SIGALRM, lambda *_: self.handler())
        signal.setitimer(signal.ITIMER_REAL, *self.times)

    def __exit__(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self.before)


def test_signal_handlers_are_told_that_the_network_is_at_work() -> None:
    x = np.random.default_rng(0).normal(size=(200_000, 64)).astype(np.float32)
    model = pf.Sequential([pf.Input((64,)), layers.Dense(64, "relu"), layers.Dense(1)], seed=0)
    model.compile("adam", "mse")
    told: list[str] = []

    def use() -> None:
        for work in (lambda: model.predict(x[:2]), lambda: model.train_on_batch(x[:2], x[:2, :1])):
            try:
                work()
            except RuntimeError as error:
                told.append(str(error))

    with Alarm(use, 0.05, 0.05):  # one may be heard between two epochs, where all is allowed
        while not told:
            model.fit(x, x[:, :1], verbose=0)
    assert len(told) % 2 == 0
    assert all("signal's handler cannot use the network" in message for message in told)
    assert np.isfinite(model.predict(x)).all()


def test_signal_handlers_see_and_set_the_weights_between_two_minibatches() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(64_000, 256)).astype(np.float32)
    y = rng.integers(0, 10, len(x))
    batch_size = 64  # with two threads the first layer's weights lie in blocks

    def made() -> pf.Sequential:
        dense = [layers.Dense(256, "relu"), layers.Dense(10)]
        model = pf.Sequential([pf.Input((256,)), *dense], seed=0)
        loss = pf.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile("adam", loss)
        return model

    model = made()
    seen: list[tuple[int, list[Any]]] = []

    def look() -> None:
        state = [w for ws in model.optimizer_state for w in ws]
        seen.append((model._network.iterations, [w.copy() for w in model.get_weights() + state]))
        if len(seen) == 3:
            model.layers[0].kernel[...] = 1000

    with pf.use_threads(2), Alarm(look, 0.05, 0.05):
        while len(seen) < 4:
            model.fit(x, y, batch_size=batch_size, shuffle=False, verbose=0)
    same = made()
    for iterations, weights in seen[:3]:
        while same.optimizer.iterations < iterations:
            start = same.optimizer.iterations * batch_size % len(x)
            same.train_on_batch(x[start : start + batch_size], y[start : start + batch_size])
        state = [w for ws in same.optimizer_state for w in ws]
        for a, b in zip(weights, same.get_weights() + state, strict=True):
            np.testing.assert_array_equal(a, b)
    assert model.layers[0].kernel.min() > 500


@pytest.mark.parametrize("one_epoch", [False, True], ids=["train_on_batch", "fit"])
def test_a_step_that_was_taken_counts_though_ctrl_c_came(one_epoch: bool) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(700, 1024))  # a step takes some hundredths of a second, and is one pass
    y = rng.normal(size=(len(x), 1))

    def made() -> pf.Sequential:
        dense = layers.Dense(1024, "tanh", kernel_constraint="non_neg")
        model = pf.Sequential([pf.Input((1024,)), dense, layers.Dense(1)], dtype="float64", seed=0)
        model.compile("adam", "mse")
        return model

    def train(model: pf.Sequential) -> None:
        if one_epoch:
            model.fit(x, y, batch_size=len(x), shuffle=False, verbose=0)
        else:
            model.train_on_batch(x, y)

    def stop() -> None:
        try:
            stopped.predict(x[:1])
        except RuntimeError:  # the network is at work
            raise KeyboardInterrupt from None

    stopped, whole = made(), made()
    with contextlib.suppress(KeyboardInterrupt), pf.use_threads(1), Alarm(stop, 0.1, 0.03):
        while True:
            train(stopped)
    for _ in range(stopped.optimizer.iterations):
        train(whole)
    for a, b in zip(stopped.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
