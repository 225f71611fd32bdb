"""After a minibatch that was not finite, a model whose weights are put right is as good as new."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import picaflor as pf

L = pf.layers


def data(rng: np.random.Generator) -> tuple[Any, Any]:
    return rng.normal(size=(200, 5)), rng.normal(size=(200, 3))


def test_restored_weights_have_a_finite_loss(rng: np.random.Generator) -> None:
    class Boost(pf.callbacks.Callback):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            if epoch == 3:
                self.model.optimizer.learning_rate = 1e6

    x, y = data(rng)
    layers = [L.Dense(7, "relu", kernel_regularizer="l2"), L.Dense(3, kernel_regularizer="l2")]
    model = pf.Sequential(layers, seed=0)
    model.compile(pf.optimizers.SGD(0.01), "mse")
    restore = pf.callbacks.EarlyStopping(patience=3, restore_best_weights=True)
    with pytest.warns(RuntimeWarning, match="NaN or infinite"):
        model.fit(x, y, epochs=20, verbose=0, validation_data=(x, y), callbacks=[Boost(), restore])
    expected, _ = pf.reference.loss_and_gradients(model, x, y)
    np.testing.assert_allclose(model.evaluate(x, y, verbose=0), expected, rtol=1e-5)


@pytest.mark.parametrize("units", [7, 50])  # 50: the next layer's weights are kept turned
@pytest.mark.parametrize("clip", ["clipnorm", "global_clipnorm"])
def test_gradients_are_still_clipped(clip: str, units: int, rng: np.random.Generator) -> None:
    x, y = data(rng)
    optimizer = pf.optimizers.SGD(1.0, **{clip: 0.01})
    model = pf.Sequential([pf.Input((5,)), L.Dense(units, "tanh"), L.Dense(3)], seed=0)
    model.compile(optimizer, "mse")
    good = model.get_weights()
    bad = x.copy()
    bad[3, 2] = np.inf
    with np.errstate(all="ignore"):
        model.train_on_batch(bad, 1000 * y)
    model.set_weights(good)
    model.train_on_batch(x, 1000 * y)
    for before, after in zip(good, model.get_weights(), strict=True):
        assert np.linalg.norm(after - before) < 0.0101


def test_a_norm_that_is_not_a_number_clips_to_nothing_usable(dtype: Any) -> None:
    kept, lost = np.zeros(1, dtype), np.zeros(1, dtype)
    gradients = [np.array([np.nan], dtype), np.array([5.0], dtype)]
    pf.optimizers.SGD(1.0, global_clipnorm=0.1).apply(gradients, [lost, kept])
    assert np.isnan(lost).all()
    assert np.isnan(kept).all()


def test_adam_without_epsilon_takes_no_wild_steps() -> None:
    p = np.zeros(8, np.float32)
    optimizer = pf.optimizers.Adam(1e-3, epsilon=0.0)
    for _ in range(3):  # v is subnormal, and counts as zero
        optimizer.apply([np.full(8, 1e-19, np.float32)], [p])
    assert (np.abs(p) < 0.01).all()
