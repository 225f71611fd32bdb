"""JAX: a whole epoch in one compiled call, `lax.scan` over the minibatches."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from networks import Array, Problem

from .base import Epoch, Peer


def forward(weights: list[Any], x: Any) -> Any:
    for k in range(0, len(weights), 2):
        x = x @ weights[k] + weights[k + 1]
        if k < len(weights) - 2:
            x = jax.nn.relu(x)
    return x


class Jax(Peer):
    """Weights and state are donated, so that XLA may update them in place."""

    name = "jax"
    version = jax.__version__

    def trainer(self, problem: Problem) -> Epoch:
        network, rate = problem.network, problem.rate
        x, y = jnp.asarray(problem.x), jnp.asarray(problem.y)
        rows, batch = len(problem.x), network.batch

        def loss_of(weights: list[Any], index: Any) -> Any:
            out = forward(weights, x[index])
            if network.classifies:
                return -jnp.take_along_axis(jax.nn.log_softmax(out), y[index][:, None], 1).mean()
            return jnp.mean((out - y[index]) ** 2)

        def sgd(state: Any, index: Any) -> Any:
            weights, rest = state
            loss, gradients = jax.value_and_grad(loss_of)(weights, index)
            return ([w - rate * g for w, g in zip(weights, gradients, strict=True)], rest), loss

        def adam(state: Any, index: Any) -> Any:
            weights, (m, v, t) = state
            loss, gradients = jax.value_and_grad(loss_of)(weights, index)
            t = t + 1
            m = [0.9 * a + 0.1 * g for a, g in zip(m, gradients, strict=True)]
            v = [0.999 * a + 0.001 * g * g for a, g in zip(v, gradients, strict=True)]
            step = rate * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
            weights = [
                w - step * a / (jnp.sqrt(b) + 1e-7) for w, a, b in zip(weights, m, v, strict=True)
            ]
            return (weights, (m, v, t)), loss

        def run(state: Any, order: Any) -> Any:
            update = adam if problem.optimizer == "adam" else sgd
            state, losses = lax.scan(update, state, order.reshape(-1, batch))
            return state, losses.mean()

        compiled = jax.jit(run, donate_argnums=0)
        zeros = [jnp.zeros(w.shape, w.dtype) for w in problem.weights]
        copies = [jnp.zeros(w.shape, w.dtype) for w in problem.weights]
        state: Any = ([jnp.array(w) for w in problem.weights], (zeros, copies, jnp.float32(0)))
        rng = np.random.default_rng(0)

        def epoch(shuffle: bool) -> float:
            nonlocal state
            order = rng.permutation(rows) if shuffle else np.arange(rows)
            state, loss = compiled(state, order.astype(np.int32))
            return float(loss)

        return epoch

    def predictor(self, sizes: tuple[int, ...], weights: list[Array]) -> Any:
        compiled, device = jax.jit(forward), [jnp.asarray(w) for w in weights]
        return lambda x: compiled(device, x).block_until_ready(), jnp.asarray


def make(threads: int) -> Peer:
    return Jax()  # takes the CPUs that the process was given
